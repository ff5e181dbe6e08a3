"""Sends one delivery: claim, commit; call the provider; record, commit. Asks before it sends anything a second time."""

import asyncio
import random

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from channels.base import Channel, ErrorClass, File, Outbound, SendError, Sent, TryLater, Undeliverable, Unsure
from contactcenter import events, metrics
from contactcenter.db import Database
from contactcenter.desk import consents, deliveries
from contactcenter.desk.book import channel_inbox, open_book
from contactcenter.desk.deliveries import Claimed
from contactcenter.desk.kit import Kit
from contactcenter.desk.references import reply_token
from contactcenter.failing import point
from contactcenter.models import Attachment, Endpoint, Message, Staff, Ticket

log = structlog.get_logger()

CALL_S, SLOW_CALL_S = 12, 26
ASK_AFTER_S, LOOK_AGAIN_S, LOOKS = 20, 30, 2
RETRY_BASE_S, RETRY_CAP_S = 5, 300
MAIL_RETRY_MIN = (1, 5, 15, 30, 60, 120, 240)
MAX_UNKNOWN_TRIES = 3


async def deliver(database: Database, kit: Kit, delivery_id: int) -> bool:
    """Do what the delivery needs now. False when it was not due, or is somebody else's."""
    async with database.transaction() as tx:
        claimed = await deliveries.claim(tx, kit, delivery_id)
        if claimed is None:
            return False
        outbound = await _outbound(tx, kit, claimed)
        endpoint = await tx.get_one(Endpoint, claimed.endpoint_id)
        barred = await consents.why_not(tx, endpoint)
    point("claimed")
    token = events.correlation.set(claimed.correlation)
    try:
        if claimed.before != "queued":
            await _resolve(database, kit, claimed, outbound, barred)
        elif barred or claimed.overdue:
            await _give_up(database, claimed, barred)
        else:
            await _send(database, kit, claimed, outbound)
    finally:
        events.correlation.reset(token)
    await _next(database, kit, claimed)
    return True


async def _give_up(database: Database, claimed: Claimed, barred: str | None) -> None:
    async with database.transaction() as tx:
        if barred == "opted_out":
            error = SendError(ErrorClass.OPTED_OUT, text="The person asked us not to write to this address.")
            await deliveries.record_failed(tx, claimed, error, "canceled")
        else:
            error = SendError(ErrorClass.UNREACHABLE, text="Could not be sent in time.")
            await deliveries.record_failed(tx, claimed, error)


async def _send(
    database: Database, kit: Kit, claimed: Claimed, outbound: Outbound, *, maybe_duplicate: bool = False
) -> None:
    channel = kit.channels[claimed.channel]
    try:
        sent = await _call(channel, outbound)
    except TryLater as wait:
        burn = wait.error.kind is not ErrorClass.THROTTLED
        after = wait.after if wait.after is not None else _backoff(channel, claimed.attempts)
        async with database.transaction() as tx:
            await deliveries.put_back(tx, claimed, wait.error, after, burn=burn)
    except Undeliverable as refusal:
        async with database.transaction() as tx:
            await deliveries.record_failed(tx, claimed, refusal.error)
    except Unsure as doubt:
        async with database.transaction() as tx:
            await deliveries.leave_unknown(tx, claimed, str(doubt), ASK_AFTER_S)
    else:
        point("sent")
        async with database.transaction() as tx:
            await _record(tx, claimed, outbound, sent, maybe_duplicate)
        log.info("sent", delivery=claimed.id, channel=claimed.channel, provider_id=sent.provider_id)
    metrics.attempts.labels(channel=claimed.channel).inc()


async def _call(channel: Channel, outbound: Outbound) -> Sent:
    limit = SLOW_CALL_S if channel.capabilities.pace == "later" else CALL_S
    try:
        async with asyncio.timeout(limit):
            return await channel.send(outbound, channel.render(outbound))
    except TimeoutError:
        raise Unsure("no answer within the time limit") from None
    except (TryLater, Undeliverable, Unsure):
        raise
    except Exception as error:  # an adapter's bug must not send twice: nobody knows what happened
        log.exception("send_crashed", channel=channel.name)
        raise Unsure(f"the send broke: {type(error).__name__}") from error


async def _record(tx: AsyncSession, claimed: Claimed, outbound: Outbound, sent: Sent, maybe_duplicate: bool) -> None:
    if outbound.to in sent.refused:
        await deliveries.record_failed(tx, claimed, sent.refused[outbound.to])
    else:
        await deliveries.record_sent(tx, claimed, sent.provider_id, sent.state, maybe_duplicate=maybe_duplicate)


async def _resolve(database: Database, kit: Kit, claimed: Claimed, outbound: Outbound, barred: str | None) -> None:
    """An earlier attempt may have been accepted. Ask; where nobody can be asked, once more with the same id, flagged."""
    channel = kit.channels[claimed.channel]
    if not channel.can_find:
        if claimed.attempts > MAX_UNKNOWN_TRIES or claimed.overdue or barred:
            await _never_known(database, claimed)
        elif await _allowed_again(database, claimed):
            await _send(database, kit, claimed, outbound, maybe_duplicate=True)
        return
    if claimed.age_s < ASK_AFTER_S:
        async with database.transaction() as tx:
            await deliveries.leave_unknown(tx, claimed, "waiting before asking", ASK_AFTER_S - claimed.age_s + 0.1)
        return
    try:
        async with asyncio.timeout(CALL_S):
            found = await channel.find(outbound)
    except (TryLater, TimeoutError) as silence:
        if claimed.overdue:
            await _never_known(database, claimed)
            return
        async with database.transaction() as tx:
            await deliveries.leave_unknown(tx, claimed, f"the provider does not answer: {silence}", LOOK_AGAIN_S)
        return
    if found is not None:
        async with database.transaction() as tx:
            await deliveries.record_sent(tx, claimed, found.provider_id, found.state)
    elif claimed.looks + 1 < LOOKS:
        async with database.transaction() as tx:
            await deliveries.leave_unknown(tx, claimed, "the provider has not seen it", LOOK_AGAIN_S, looked=True)
    elif barred or claimed.overdue:
        await _give_up(database, claimed, barred)
    elif await _allowed_again(database, claimed):
        await _send(database, kit, claimed, outbound)


async def _never_known(database: Database, claimed: Claimed) -> None:
    async with database.transaction() as tx:
        error = SendError(ErrorClass.UNKNOWN, text="It is not known whether this was sent.")
        await deliveries.record_failed(tx, claimed, error)


async def _allowed_again(database: Database, claimed: Claimed) -> bool:
    async with database.transaction() as tx:
        return await deliveries.try_again_known_absent(tx, claimed)


def _backoff(channel: Channel, attempts: int) -> float:
    """5 s x 2^n up to 5 min with full jitter; mail by minutes and hours, as mail servers expect."""
    if channel.capabilities.pace == "later":
        minutes = MAIL_RETRY_MIN[min(attempts - 1, len(MAIL_RETRY_MIN) - 1)]
        return minutes * 60 * random.uniform(0.9, 1.1)  # noqa: S311 - jitter
    return max(1.0, random.uniform(0, min(RETRY_CAP_S, RETRY_BASE_S * 2**attempts)))  # noqa: S311 - jitter


async def _next(database: Database, kit: Kit, claimed: Claimed) -> None:
    """Ring for what waited behind this one on the same address."""
    async with database.transaction() as tx:
        following = await deliveries.next_on_address(tx, claimed.endpoint_id, claimed.id)
    if following is not None:
        kit.ring([following])


async def _outbound(tx: AsyncSession, kit: Kit, claimed: Claimed) -> Outbound:
    message = await tx.get_one(Message, claimed.message_id)
    ticket = await tx.get_one(Ticket, claimed.ticket_id)
    endpoint = await tx.get_one(Endpoint, claimed.endpoint_id)
    book = await open_book(tx)
    inbox = channel_inbox(book.inboxes[message.inbox_id])
    staff = await tx.get(Staff, message.author_staff_id) if message.author_staff_id else None
    references = await tx.scalars(
        select(Message.external_id)
        .where(Message.ticket_id == ticket.id, Message.seq < message.seq, Message.external_id.is_not(None),
               Message.visibility == "public")
        .order_by(Message.seq)
    )  # fmt: skip
    return Outbound(
        message_id=message.id, inbox=inbox, to=endpoint.canonical, text=message.body_text,
        sender_name=staff.name if staff else "", subject=message.subject or _reply_subject(ticket.subject),
        own_id=message.external_id or "", reply_token=_token(kit, claimed),
        references=tuple(ref for ref in references if ref), files=await _files(tx, kit, message),
        callback_url=f"{kit.base_url}/channels/{claimed.channel}/{inbox.slug}/status?m={message.id}",
        automatic=message.author_kind == "system", language=message.language or ticket.language,
        written_at=message.created_at,
    )  # fmt: skip


def _token(kit: Kit, claimed: Claimed) -> str:
    """What leads an answer back, on channels that carry it."""
    if not kit.channels[claimed.channel].capabilities.subjects:
        return ""
    return reply_token(kit.secret, claimed.ticket_id, claimed.endpoint_id)


def _reply_subject(subject: str) -> str:
    return subject if not subject or subject.lower().startswith("re:") else f"Re: {subject}"


async def _files(tx: AsyncSession, kit: Kit, message: Message) -> tuple[File, ...]:
    rows = await tx.scalars(select(Attachment).where(Attachment.message_id == message.id).order_by(Attachment.id))
    return tuple([File(row.name, row.type, await kit.files.get(row.sha256)) for row in rows])
