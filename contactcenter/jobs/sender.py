"""The sender: claim, commit; call the provider; record, commit. Asks before it sends anything a second time."""

import asyncio
import random
from datetime import timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from channels.base import Channel, ErrorClass, Outbound, SendError, Sent, TryLater, Undeliverable, Unsure
from contactcenter import events, metrics
from contactcenter.db import Database
from contactcenter.desk import attempts, circuits, copies, envelopes, outbox, pacing
from contactcenter.desk.attempts import Claimed
from contactcenter.desk.envelopes import Envelope
from contactcenter.desk.kit import Kit
from contactcenter.failing import point

log = structlog.get_logger()

CALL_S, SLOW_CALL_S = 12, 26
ASK_AFTER_S, LOOK_AGAIN_S, LOOKS = 20, 30, 2
RETRY_BASE_S, RETRY_CAP_S = 5, 300
MAIL_RETRY_MIN = (1, 5, 15, 30, 60, 120, 240)
ONCE_MORE_S, MAIL_ONCE_MORE_S = 300, 1800
"""When an address that could not be reached is tried once more."""
QUIET_S = 900
SENDER_TRIES = 3
"""Refusals of our sender after which, where it works for others, the one message is what is wrong."""
UNASKABLE_TRIES = 2
"""Attempts at a message of which nobody can tell what became of the first."""

_WHY = {
    "opted_out": (ErrorClass.OPTED_OUT, "The person asked us not to write to this address."),
    "bad_address": (ErrorClass.BAD_ADDRESS, "This address did not work before, so nothing is sent there unasked."),
    "complained": (ErrorClass.OPTED_OUT, "The person called our messages spam, so nothing is sent there unasked."),
    "window": (ErrorClass.WINDOW, "The time in which we may answer here is over."),
    "closed": (ErrorClass.WINDOW, "The time in which we may answer here is over."),
}
_QUIET = SendError(ErrorClass.THROTTLED, text="Waits until the person may be written to at this time of day.")


async def deliver(database: Database, kit: Kit, delivery_id: int) -> bool:
    """Do what the delivery needs now. False when it was not due, or is somebody else's."""
    async with database.transaction() as tx:
        claimed = await attempts.claim(tx, kit, delivery_id)
        if claimed is None:
            return False
        envelope = await envelopes.seal(tx, kit, claimed)
    point("claimed")
    token = events.correlation.set(claimed.correlation)
    try:
        if claimed.before != "queued":
            await _resolve(database, kit, claimed, envelope)
        elif envelope.barred == "quiet" and not claimed.overdue:
            async with database.transaction() as tx:
                await attempts.put_back(tx, claimed, _QUIET, QUIET_S, burn=False)
        elif envelope.barred or claimed.overdue:
            await _give_up(database, claimed, envelope.barred)
        else:
            await _send(database, kit, claimed, envelope)
    finally:
        events.correlation.reset(token)
    await _next(database, kit, claimed)
    return True


async def _give_up(database: Database, claimed: Claimed, barred: str | None) -> None:
    kind, words = _WHY.get(barred or "", (ErrorClass.UNREACHABLE, "Could not be sent in time."))
    await _fail(database, claimed, SendError(kind, text=words), "canceled" if barred in _WHY else "failed")


async def _fail(database: Database, claimed: Claimed, error: SendError, state: str = "failed") -> None:
    async with database.transaction() as tx:
        await copies.end_all(tx, claimed.id, claimed.token, state, error)
        await attempts.record_failed(tx, claimed, error, state)


# --- one call ---------------------------------------------------------------------------------------------------------


async def _send(
    database: Database, kit: Kit, claimed: Claimed, envelope: Envelope, *, maybe_duplicate: bool = False
) -> None:
    channel, outbound = kit.channels[claimed.channel], envelope.outbound
    if claimed.before == "queued" and claimed.too_late(_call_s(channel)):
        log.warning("held_up_before_the_call", delivery=claimed.id)  # the lease runs out, and then it is asked about
        return
    try:
        sent = await _call(channel, outbound)
    except TryLater as wait:
        async with database.transaction() as tx:
            await _later(tx, channel, claimed, wait)
    except Undeliverable as refusal:
        await _refused(database, channel, claimed, refusal.error)
    except Unsure as doubt:
        async with database.transaction() as tx:
            await circuits.note_failure(
                tx, claimed.inbox_id, SendError(ErrorClass.UNKNOWN, text=str(doubt)), probe=claimed.stopped
            )
            await attempts.leave_unknown(tx, claimed, str(doubt), ASK_AFTER_S)
    else:
        point("sent")
        async with database.transaction() as tx:
            await _record(tx, channel, claimed, envelope, sent, maybe_duplicate)
        log.info("sent", delivery=claimed.id, channel=claimed.channel, provider_id=sent.provider_id)
    metrics.attempts.labels(channel=claimed.channel).inc()


async def _call(channel: Channel, outbound: Outbound) -> Sent:
    try:
        async with asyncio.timeout(_call_s(channel)):
            return await channel.send(outbound, channel.render(outbound))
    except TimeoutError:
        raise Unsure("no answer within the time limit") from None
    except (TryLater, Undeliverable, Unsure):
        raise
    except Exception as error:  # an adapter's bug must not send twice: nobody knows what happened
        log.exception("send_crashed", channel=channel.name)
        raise Unsure(f"the send broke: {type(error).__name__}") from error


def _call_s(channel: Channel) -> float:
    return SLOW_CALL_S if channel.capabilities.pace == "later" else CALL_S


async def _later(tx: AsyncSession, channel: Channel, claimed: Claimed, wait: TryLater) -> None:
    """Nothing was sent. The sender goes slower, stops, or is found to work; the delivery waits its time."""
    throttled = wait.error.kind is ErrorClass.THROTTLED
    answered = throttled or (bool(wait.error.code) and wait.error.kind is not ErrorClass.SENDER)
    if throttled and claimed.metered:
        await pacing.slow(tx, claimed.inbox_id)
    if answered:
        await circuits.note_success(tx, claimed.inbox_id)
    else:
        await circuits.note_failure(tx, claimed.inbox_id, wait.error, probe=claimed.stopped)
    after = wait.after * random.uniform(1.0, 1.2) if wait.after is not None else _backoff(channel, claimed.tries + 1)  # noqa: S311 - jitter
    await attempts.put_back(tx, claimed, wait.error, after, burn=not throttled)


async def _refused(database: Database, channel: Channel, claimed: Claimed, error: SendError) -> None:
    """A refusal by its class: our own sender's fault waits, an address out of reach gets one more try, the rest is final."""
    async with database.transaction() as tx:
        if error.kind is ErrorClass.SENDER:
            works = await circuits.works(tx, claimed.inbox_id)
            await circuits.note_failure(tx, claimed.inbox_id, error, probe=claimed.stopped)
            final = works and claimed.attempts >= SENDER_TRIES
            after: float | None = None if final else _backoff(channel, max(claimed.attempts, 2))
        else:
            await circuits.note_success(tx, claimed.inbox_id)
            after = _once_more(channel, claimed, error)
        if after is not None:
            await attempts.put_back(tx, claimed, error, after)
            return
    await _fail(database, claimed, error)


def _once_more(channel: Channel, claimed: Claimed, error: SendError) -> float | None:
    """Seconds until the one retry of what could not be reached; mail servers mean their other refusals as they say them."""
    slow = channel.capabilities.pace == "later"
    if error.kind is ErrorClass.THROTTLED:
        return _backoff(channel, claimed.tries + 1)
    if error.kind is ErrorClass.UNREACHABLE or (error.kind is ErrorClass.UNKNOWN and not slow):
        return float(MAIL_ONCE_MORE_S if slow else ONCE_MORE_S) if claimed.attempts == 1 else None
    return None


async def _record(
    tx: AsyncSession, channel: Channel, claimed: Claimed, envelope: Envelope, sent: Sent, maybe_duplicate: bool
) -> None:
    wait = timedelta(seconds=_backoff(channel, claimed.tries + 1))
    await circuits.note_success(tx, claimed.inbox_id)
    await copies.settle(tx, claimed.id, claimed.token, sent.refused, sent.later, wait)
    if refusal := sent.refused.get(envelope.to_whom):
        await attempts.record_failed(tx, claimed, refusal)
    elif later := sent.later.get(envelope.to_whom):
        await attempts.put_back(tx, claimed, later, wait.total_seconds())
    else:
        await attempts.record_sent(
            tx, claimed, sent.provider_id, sent.state, maybe_duplicate=maybe_duplicate, own_id=sent.own_id
        )


def _backoff(channel: Channel, tries: int) -> float:
    """5 s x 2^n up to 5 min with full jitter; mail by minutes and hours, as mail servers expect."""
    if channel.capabilities.pace == "later":
        minutes = MAIL_RETRY_MIN[min(tries, len(MAIL_RETRY_MIN)) - 1]
        return minutes * 60 * random.uniform(0.9, 1.1)  # noqa: S311 - jitter
    return max(1.0, random.uniform(0, min(RETRY_CAP_S, RETRY_BASE_S * 2 ** min(tries, 10))))  # noqa: S311 - jitter


# --- an outcome that nobody knows -------------------------------------------------------------------------------------


async def _resolve(database: Database, kit: Kit, claimed: Claimed, envelope: Envelope) -> None:
    """An earlier attempt may have been accepted. Ask; where nobody can be asked, once more with the same id, flagged."""
    channel = kit.channels[claimed.channel]
    if channel.can_find:
        await _ask(database, kit, claimed, envelope)
    elif claimed.tries >= UNASKABLE_TRIES or claimed.overdue or envelope.barred:
        await _never_known(database, claimed)
    elif await _allowed_again(database, claimed):
        await _send(database, kit, claimed, envelope, maybe_duplicate=True)


async def _ask(database: Database, kit: Kit, claimed: Claimed, envelope: Envelope) -> None:
    if claimed.age_s < ASK_AFTER_S:
        await _wait(database, claimed, "waiting before asking", ASK_AFTER_S - claimed.age_s + 0.1)
        return
    try:
        async with asyncio.timeout(CALL_S):
            found = await kit.channels[claimed.channel].find(envelope.outbound)
    except (TryLater, TimeoutError) as silence:
        if claimed.overdue:
            await _never_known(database, claimed)
        else:
            await _wait(database, claimed, f"the provider does not answer: {silence}", LOOK_AGAIN_S)
        return
    if found is not None and await _is_ours(database, claimed, found):
        async with database.transaction() as tx:
            await attempts.record_sent(tx, claimed, found.provider_id, found.state, own_id=found.own_id)
    elif claimed.looks + 1 < LOOKS:
        await _wait(database, claimed, "the provider has not seen it", LOOK_AGAIN_S, looked=True)
    elif envelope.barred or claimed.overdue:
        await _give_up(database, claimed, envelope.barred)
    elif await _allowed_again(database, claimed):
        await _send(database, kit, claimed, envelope)


async def _is_ours(database: Database, claimed: Claimed, found: Sent) -> bool:
    async with database.transaction() as tx:
        return not await attempts.is_anothers(tx, claimed, found.provider_id)


async def _wait(database: Database, claimed: Claimed, why: str, seconds: float, *, looked: bool = False) -> None:
    async with database.transaction() as tx:
        await attempts.leave_unknown(tx, claimed, why, seconds, looked=looked)


async def _never_known(database: Database, claimed: Claimed) -> None:
    await _fail(database, claimed, SendError(ErrorClass.UNKNOWN, text="It is not known whether this was sent."))


async def _allowed_again(database: Database, claimed: Claimed) -> bool:
    async with database.transaction() as tx:
        return await attempts.try_again_known_absent(tx, claimed)


async def _next(database: Database, kit: Kit, claimed: Claimed) -> None:
    """Ring for what waited behind this one: on the same address, or for the same sender's turn."""
    async with database.transaction() as tx:
        if claimed.metered:
            following = await pacing.release(tx, claimed.inbox_id)
        else:
            behind = await outbox.next_on_address(tx, claimed.endpoint_id, claimed.id)
            following = [] if behind is None else [behind]
    if following:
        kit.ring(following)
