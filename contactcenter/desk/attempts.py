"""One attempt at a delivery: claimed with a lease and a fencing token, then written down for what it was.

No transaction is open while a provider is thinking: ``claim`` commits, the sender calls, ``record`` commits.
"""

import time
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from channels.base import DeliveryState, SendError
from contactcenter.desk import circuits, copies, pacing, receipts, refusals
from contactcenter.desk.kit import Kit
from contactcenter.desk.outbox import BEFORE_IT

LEASE_S, SLOW_LEASE_S = 15, 30
"""Seconds a sender may hold a delivery; longer on channels whose servers think long."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery that is ours until the lease ends. ``before``: its state when we took it; unless *queued*, somebody may
    have sent it already, and the provider is asked first. ``tries`` counts attempts, also those that used up none."""

    id: int
    token: UUID
    before: str
    message_id: UUID
    ticket_id: int
    endpoint_id: int
    channel: str
    inbox_id: int
    metered: bool
    role: str
    proactive: bool
    attempts: int
    tries: int
    looks: int
    overdue: bool
    age_s: float
    """Seconds since the last attempt began."""
    correlation: str
    stopped: bool
    """Its sender was stopped: this one finds out whether it works again."""
    slow: bool
    taken_at: float = field(default_factory=time.monotonic)

    def too_late(self, call_s: float) -> bool:
        """Whether a call that may take so long could outlast the lease: this process was held up, and somebody else may soon ask
        what became of the delivery."""
        return time.monotonic() - self.taken_at > (SLOW_LEASE_S if self.slow else LEASE_S) - call_s


_CLAIM = text(
    f"""
    WITH old AS (
      SELECT d.id, d.state, d.updated_at, d.deadline, m.inbox_id, p.stopped_until IS NOT NULL AS stopped
      FROM delivery d JOIN message m ON m.id = d.message_id LEFT JOIN sender_pace p ON p.inbox_id = m.inbox_id
      WHERE d.id = :id AND d.due_at <= clock_timestamp() AND d.with_id IS NULL AND
        (d.state IN ('queued', 'unknown') OR (d.state = 'sending' AND d.lease_until < clock_timestamp()))
        AND (d.state <> 'queued' OR d.deadline < clock_timestamp() OR ((d.inbox_id IS NULL OR d.released_at IS NOT NULL)
             AND (p.stopped_until IS NULL OR p.stopped_until <= clock_timestamp())))
        AND NOT EXISTS ({BEFORE_IT})
      FOR UPDATE OF d SKIP LOCKED)
    UPDATE delivery d SET state = 'sending', lease_token = :token, handed_at = clock_timestamp(), updated_at = clock_timestamp(),
      lease_until = clock_timestamp() + make_interval(
        secs => CASE WHEN d.channel = ANY(:slow) THEN CAST(:slow_lease AS int) ELSE CAST(:lease AS int) END),
      attempts = d.attempts + 1
    FROM old WHERE d.id = old.id
    RETURNING d.id, old.state AS before, d.message_id, d.ticket_id, d.endpoint_id, d.channel, old.inbox_id,
      d.inbox_id IS NOT NULL AS metered, d.role, d.proactive, d.attempts, d.looks,
      (SELECT count(*) FROM delivery_attempt a WHERE a.delivery_id = d.id) AS tries,
      old.deadline < clock_timestamp() AS overdue, d.correlation, old.state = 'queued' AND old.stopped AS stopped,
      d.channel = ANY(:slow) AS slow,
      extract(epoch FROM clock_timestamp() - coalesce((SELECT max(a.started_at) FROM delivery_attempt a
        WHERE a.delivery_id = d.id), old.updated_at))::float AS age_s
    """  # noqa: S608 - a constant
)
_GIVE_UP_CLAIM = text(
    "UPDATE delivery SET state = 'queued', lease_token = NULL, lease_until = NULL, attempts = attempts - 1 "
    "WHERE id = :id AND lease_token = :token"
)


async def claim(tx: AsyncSession, kit: Kit, delivery_id: int) -> Claimed | None:
    """Take a due delivery and write the attempt down; None when it is not due, not ours, not the next on its address, or when
    its sender may not send now."""
    claimed = await _take(tx, kit, delivery_id)
    if claimed is None and (inbox_id := await pacing.waits_for(tx, delivery_id)) is not None:
        await pacing.release(tx, inbox_id)
        claimed = await _take(tx, kit, delivery_id)
    if claimed is None:
        return None
    if claimed.stopped and not claimed.overdue and not await circuits.may_try(tx, claimed.inbox_id):
        await tx.execute(_GIVE_UP_CLAIM, {"id": claimed.id, "token": claimed.token})
        return None
    if claimed.before == "queued":
        await _note_attempt(tx, delivery_id, claimed.token)
    return claimed


async def _take(tx: AsyncSession, kit: Kit, delivery_id: int) -> Claimed | None:
    token, asked_at = uuid4(), time.monotonic()
    slow = [name for name, channel in kit.channels.items() if channel.capabilities.pace == "later"]
    values = {"id": delivery_id, "token": token, "lease": LEASE_S, "slow_lease": SLOW_LEASE_S, "slow": slow}
    row = (await tx.execute(_CLAIM, values)).mappings().one_or_none()
    return None if row is None else Claimed(token=token, taken_at=asked_at, **row)


async def _note_attempt(tx: AsyncSession, delivery_id: int, token: UUID) -> None:
    await tx.execute(
        text("INSERT INTO delivery_attempt (delivery_id, token) VALUES (:id, :token)"),
        {"id": delivery_id, "token": token},
    )


async def try_again_known_absent(tx: AsyncSession, claimed: Claimed) -> bool:
    """Before a second attempt whose first provably never arrived (or cannot be asked about): a new attempt row."""
    held = await tx.scalar(
        text("SELECT true FROM delivery WHERE id = :id AND lease_token = :token FOR UPDATE"),
        {"id": claimed.id, "token": claimed.token},
    )
    if held:
        await _note_attempt(tx, claimed.id, claimed.token)
    return bool(held)


async def record_sent(
    tx: AsyncSession, claimed: Claimed, provider_id: str, state: DeliveryState, *, maybe_duplicate: bool = False, own_id: str = ""
) -> None:  # fmt: skip
    """Write down that the provider has it, then apply receipts that came before this. ``own_id``: the id under which a relay
    sends it on, where that is not ours."""
    await _end_attempt(tx, claimed, "sent", provider_id)
    ref = (provider_id or None) if claimed.role == "to" else None
    await _finish(tx, claimed, receipts.left(state).value, provider_id=ref, maybe_duplicate=maybe_duplicate)
    if own_id:
        await tx.execute(
            text("UPDATE message SET remote_id = :own WHERE id = :id AND remote_id IS NULL"),
            {"own": own_id, "id": claimed.message_id},
        )
    await receipts.apply_parked(tx, claimed.channel, claimed.message_id, provider_id, own_id)


async def is_anothers(tx: AsyncSession, claimed: Claimed, provider_id: str) -> bool:
    """Whether what the provider found is an earlier message with the same words, of which we know already."""
    sql = "SELECT true FROM delivery WHERE channel = :channel AND provider_id = :ref AND id <> :id"
    return bool(await tx.scalar(text(sql), {"channel": claimed.channel, "ref": provider_id, "id": claimed.id}))


async def record_failed(tx: AsyncSession, claimed: Claimed, error: SendError, state: str = "failed") -> None:
    """It ended badly: the ticket comes back to a person's eyes with the provider's own words."""
    await _end_attempt(tx, claimed, "refused", error.text)
    await _finish(tx, claimed, state, error=error)


async def put_back(tx: AsyncSession, claimed: Claimed, error: SendError, after: float, *, burn: bool = True) -> None:
    """Nothing was sent; try again in ``after`` seconds. ``burn``: the attempt counts (a throttled one does not)."""
    await _end_attempt(tx, claimed, "put_back", error.text)
    back = await tx.scalar(
        text(
            "UPDATE delivery SET state = 'queued', lease_token = NULL, lease_until = NULL, released_at = NULL, "
            "error_kind = :kind, error_code = :code, error_text = :text, attempts = attempts - :unburnt, "
            "updated_at = clock_timestamp(), due_at = clock_timestamp() + make_interval(secs => :after) "
            "WHERE id = :id AND lease_token = :token AND state = 'sending' RETURNING true"
        ),
        {"id": claimed.id, "token": claimed.token, "after": after, "unburnt": 0 if burn else 1,
         "kind": error.kind.value, "code": error.code, "text": error.text[:500]},
    )  # fmt: skip
    if back:
        await copies.follow(tx, claimed.id, "queued")


async def leave_unknown(tx: AsyncSession, claimed: Claimed, why: str, after: float, *, looked: bool = False) -> None:
    """Nobody knows whether it was sent. Ask again in ``after`` seconds. ``looked``: the provider said it has not seen it."""
    seen = await tx.scalar(
        text(
            "UPDATE delivery SET state = 'unknown', lease_token = NULL, lease_until = NULL, looks = looks + :looked, "
            "error_text = :why, updated_at = clock_timestamp(), due_at = clock_timestamp() + make_interval(secs => :after) "
            "WHERE id = :id AND lease_token = :token AND state = 'sending' RETURNING true"
        ),
        {"id": claimed.id, "token": claimed.token, "looked": int(looked), "why": why[:500], "after": after},
    )  # fmt: skip
    if seen:
        await copies.follow(tx, claimed.id, "unknown")
    if seen and claimed.before == "queued":
        await refusals.tell(tx, claimed.ticket_id, claimed.message_id, "unknown", why)


async def _end_attempt(tx: AsyncSession, claimed: Claimed, outcome: str, words: str) -> None:
    await tx.execute(
        text(
            "UPDATE delivery_attempt SET ended_at = clock_timestamp(), outcome = :outcome, text = :words "
            "WHERE delivery_id = :id AND ended_at IS NULL "
            "AND EXISTS (SELECT 1 FROM delivery d WHERE d.id = :id AND d.lease_token = :token)"
        ),
        {"id": claimed.id, "token": claimed.token, "outcome": outcome, "words": words[:500]},
    )


async def _finish(
    tx: AsyncSession, claimed: Claimed, state: str, *, error: SendError | None = None, provider_id: str | None = None,
    maybe_duplicate: bool = False,
) -> None:  # fmt: skip
    """End our hold. A callback may have lifted the state meanwhile: then only the provider's id is added."""
    row = (
        await tx.execute(
            text(
                "UPDATE delivery SET lease_token = NULL, lease_until = NULL, provider_id = coalesce(provider_id, "
                "CASE WHEN NOT EXISTS (SELECT 1 FROM delivery o WHERE o.channel = :channel AND o.provider_id = :ref) THEN :ref END), "
                "maybe_duplicate = maybe_duplicate OR :dup, updated_at = clock_timestamp(), "
                "state = CASE WHEN state = 'sending' THEN :state ELSE state END, "
                "error_kind = CASE WHEN state = 'sending' THEN :kind ELSE error_kind END, "
                "error_code = CASE WHEN state = 'sending' THEN :code ELSE error_code END, "
                "error_text = CASE WHEN state = 'sending' THEN :words ELSE error_text END "
                "WHERE id = :id AND lease_token = :token RETURNING state"
            ),
            {"id": claimed.id, "token": claimed.token, "ref": provider_id, "channel": claimed.channel,
             "dup": maybe_duplicate, "state": state,
             "kind": error.kind.value if error else None, "code": error.code if error else None,
             "words": error.text[:500] if error else None},
        )
    ).one_or_none()  # fmt: skip
    if row is None or row.state != state:
        return
    copy = claimed.role != "to"
    await refusals.tell(
        tx, claimed.ticket_id, claimed.message_id, state, error.text if error else "",
        copy_to=claimed.endpoint_id if copy else None,
    )  # fmt: skip
    if error is not None:
        await refusals.learn(tx, claimed.ticket_id, claimed.message_id, claimed.endpoint_id, error, state, copy=copy)
