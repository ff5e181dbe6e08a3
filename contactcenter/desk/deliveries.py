"""The outbox: one row per message and address, claimed with a lease and a fencing token, moving forward only.

No transaction is open while a provider is thinking: ``claim`` commits, the sender calls, ``record`` commits.
"""

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from channels.base import DELIVERY_RANK, Capabilities, DeliveryState, ErrorClass, Receipt, SendError
from contactcenter import events
from contactcenter.db import after_commit
from contactcenter.desk import lines
from contactcenter.desk.kit import Kit
from contactcenter.models import Delivery, Message, Ticket

LEASE_S, SLOW_LEASE_S = 15, 30
"""Seconds a sender may hold a delivery; longer on channels whose servers think long."""
DEADLINE = timedelta(hours=4)
MAIL_DEADLINE = timedelta(hours=48)
FINAL = ("delivered", "undelivered", "failed", "canceled", "read")


def time_allowed(channel: Capabilities) -> timedelta:
    """How long we go on trying; mail servers are given two days."""
    return MAIL_DEADLINE if channel.subjects else DEADLINE


async def hand_over(tx: AsyncSession, kit: Kit, ticket: Ticket, message: Message, endpoint_id: int) -> Delivery:
    """Write the outbox row of a message and ring for it after the commit. On a live channel our commit is the sending."""
    capabilities = kit.channels[message.channel].capabilities
    delivery = Delivery(
        message_id=message.id, ticket_id=ticket.id, endpoint_id=endpoint_id, channel=message.channel,
        state="sent" if capabilities.live else "queued", deadline=kit.now() + time_allowed(capabilities),
        correlation=events.correlation.get(),
    )  # fmt: skip
    tx.add(delivery)
    await tx.flush()
    if not capabilities.live:
        after_commit(tx, lambda: kit.ring([delivery.id]))
    return delivery


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery that is ours until the lease ends. ``before``: its state when we took it; unless *queued*, somebody may
    have sent it already, and the provider is asked first."""

    id: int
    token: UUID
    before: str
    message_id: UUID
    ticket_id: int
    endpoint_id: int
    channel: str
    attempts: int
    looks: int
    overdue: bool
    age_s: float
    """Seconds since the last attempt began."""
    correlation: str


_CLAIM = text(
    """
    WITH old AS (
      SELECT d.id, d.state, d.updated_at, d.deadline FROM delivery d WHERE d.id = :id AND d.due_at <= clock_timestamp() AND
        (d.state IN ('queued', 'unknown') OR (d.state = 'sending' AND d.lease_until < clock_timestamp()))
        AND NOT EXISTS (SELECT 1 FROM delivery e WHERE e.endpoint_id = d.endpoint_id AND e.id < d.id
                        AND e.channel = d.channel AND e.state IN ('queued', 'sending', 'unknown'))
      FOR UPDATE OF d SKIP LOCKED)
    UPDATE delivery d SET state = 'sending', lease_token = :token, handed_at = clock_timestamp(), updated_at = clock_timestamp(),
      lease_until = clock_timestamp() + make_interval(
        secs => CASE WHEN d.channel = ANY(:slow) THEN CAST(:slow_lease AS int) ELSE CAST(:lease AS int) END),
      attempts = d.attempts + 1
    FROM old WHERE d.id = old.id
    RETURNING d.id, old.state AS before, d.message_id, d.ticket_id, d.endpoint_id, d.channel, d.attempts, d.looks,
      old.deadline < clock_timestamp() AS overdue, d.correlation,
      extract(epoch FROM clock_timestamp() - coalesce((SELECT max(a.started_at) FROM delivery_attempt a
        WHERE a.delivery_id = d.id), old.updated_at))::float AS age_s
    """
)


async def claim(tx: AsyncSession, kit: Kit, delivery_id: int) -> Claimed | None:
    """Take a due delivery and write the attempt down; None when it is not due, not ours, or not the next on its address."""
    token = uuid4()
    slow = [name for name, channel in kit.channels.items() if channel.capabilities.pace == "later"]
    values = {"id": delivery_id, "token": token, "lease": LEASE_S, "slow_lease": SLOW_LEASE_S, "slow": slow}
    row = (await tx.execute(_CLAIM, values)).mappings().one_or_none()
    if row is None:
        return None
    if row["before"] == "queued":
        await _note_attempt(tx, delivery_id, token)
    return Claimed(token=token, **row)


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
    tx: AsyncSession, claimed: Claimed, provider_id: str, state: DeliveryState, *, maybe_duplicate: bool = False
) -> None:
    """Write down that the provider has it, then apply receipts that came before this.

    What the provider still calls queued has left us all the same: *queued* means our own queue here, and would be sent again.
    """
    state = _left(state)
    await _end_attempt(tx, claimed, "sent", provider_id)
    await _finish(tx, claimed, state.value, provider_id=provider_id or None, maybe_duplicate=maybe_duplicate)
    parked = await tx.execute(
        text("DELETE FROM parked_receipt WHERE channel = :channel AND provider_id = :ref RETURNING receipt"),
        {"channel": claimed.channel, "ref": provider_id},
    )
    for (receipt,) in parked.all():
        await advance(tx, claimed.channel, _unparked(receipt))


def _left(state: DeliveryState) -> DeliveryState:
    return state if DELIVERY_RANK[state] >= DELIVERY_RANK[DeliveryState.SENT] else DeliveryState.SENT


async def record_failed(tx: AsyncSession, claimed: Claimed, error: SendError, state: str = "failed") -> None:
    """The provider said no for good: the ticket comes back to a person's eyes with the provider's own words."""
    await _end_attempt(tx, claimed, "refused", error.text)
    await _finish(tx, claimed, state, error=error)


async def put_back(tx: AsyncSession, claimed: Claimed, error: SendError, after: float, *, burn: bool = True) -> None:
    """Nothing was sent; try again in ``after`` seconds. ``burn``: the attempt counts (a throttled one does not)."""
    await _end_attempt(tx, claimed, "put_back", error.text)
    await tx.execute(
        text(
            "UPDATE delivery SET state = 'queued', lease_token = NULL, lease_until = NULL, error_kind = :kind, "
            "error_code = :code, error_text = :text, attempts = attempts - :unburnt, updated_at = clock_timestamp(), "
            "due_at = clock_timestamp() + make_interval(secs => :after) "
            "WHERE id = :id AND lease_token = :token AND state = 'sending'"
        ),
        {"id": claimed.id, "token": claimed.token, "after": after, "unburnt": 0 if burn else 1,
         "kind": error.kind.value, "code": error.code, "text": error.text[:500]},
    )  # fmt: skip


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
    if seen and claimed.before == "queued":
        await _tell(tx, claimed.ticket_id, claimed.message_id, "unknown", why)


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
                "UPDATE delivery SET lease_token = NULL, lease_until = NULL, provider_id = coalesce(provider_id, :ref), "
                "maybe_duplicate = maybe_duplicate OR :dup, updated_at = clock_timestamp(), "
                "state = CASE WHEN state = 'sending' THEN :state ELSE state END, "
                "error_kind = CASE WHEN state = 'sending' THEN :kind ELSE error_kind END, "
                "error_code = CASE WHEN state = 'sending' THEN :code ELSE error_code END, "
                "error_text = CASE WHEN state = 'sending' THEN :words ELSE error_text END "
                "WHERE id = :id AND lease_token = :token RETURNING state"
            ),
            {"id": claimed.id, "token": claimed.token, "ref": provider_id, "dup": maybe_duplicate, "state": state,
             "kind": error.kind.value if error else None, "code": error.code if error else None,
             "words": error.text[:500] if error else None},
        )
    ).one_or_none()  # fmt: skip
    if row is not None and row.state == state:
        await _tell(tx, claimed.ticket_id, claimed.message_id, state, error.text if error else "")
        if error is not None:
            await _learn_from(tx, claimed.ticket_id, claimed.message_id, error, state)


async def advance(tx: AsyncSession, channel: str, receipt: Receipt) -> None:
    """Apply a receipt: forward by rank only; one for a send that we have not recorded is parked.

    Any word of the provider about a send proves that it was accepted, even that it is still queued there.
    """
    receipt = replace(receipt, state=_left(receipt.state))
    row = (
        await tx.execute(
            text(
                "SELECT id, ticket_id, message_id, state FROM delivery WHERE channel = :channel AND "
                "(provider_id = :ref OR (CAST(:message AS uuid) IS NOT NULL AND message_id = :message)) "
                "ORDER BY (provider_id = :ref) DESC NULLS LAST LIMIT 1 FOR UPDATE"
            ),
            {"channel": channel, "ref": receipt.provider_id, "message": receipt.message_id},
        )
    ).one_or_none()
    if row is None:
        await _park(tx, channel, receipt)
        return
    if DELIVERY_RANK[receipt.state] <= DELIVERY_RANK[DeliveryState(row.state)]:
        await _learn_provider_id(tx, row.id, receipt.provider_id)
        return
    error = receipt.error
    await tx.execute(
        text(
            "UPDATE delivery SET state = :state, provider_id = coalesce(provider_id, :ref), updated_at = clock_timestamp(), "
            "error_kind = :kind, error_code = :code, error_text = :words WHERE id = :id"
        ),
        {"id": row.id, "state": receipt.state.value, "ref": receipt.provider_id or None,
         "kind": error.kind.value if error else None, "code": error.code if error else None,
         "words": error.text[:500] if error else None},
    )  # fmt: skip
    await _tell(tx, row.ticket_id, row.message_id, receipt.state.value, error.text if error else "")
    if error is not None:
        await _learn_from(tx, row.ticket_id, row.message_id, error, receipt.state.value)


async def _learn_provider_id(tx: AsyncSession, delivery_id: int, provider_id: str) -> None:
    if provider_id:
        await tx.execute(
            text("UPDATE delivery SET provider_id = coalesce(provider_id, :ref) WHERE id = :id"),
            {"id": delivery_id, "ref": provider_id},
        )


async def _park(tx: AsyncSession, channel: str, receipt: Receipt) -> None:
    error = receipt.error
    await tx.execute(
        text("INSERT INTO parked_receipt (channel, provider_id, receipt) VALUES (:channel, :ref, CAST(:receipt AS jsonb))"),
        {"channel": channel, "ref": receipt.provider_id, "receipt": json.dumps(
            {"provider_id": receipt.provider_id, "state": receipt.state.value,
             "error": [error.kind.value, error.code, error.text] if error else None})},
    )  # fmt: skip


def _unparked(receipt: dict[str, Any]) -> Receipt:
    error = receipt.get("error")
    return Receipt(
        receipt["provider_id"], DeliveryState(receipt["state"]),
        error=SendError(ErrorClass(error[0]), error[1], error[2]) if error else None,
    )  # fmt: skip


async def _learn_from(tx: AsyncSession, ticket_id: int, message_id: UUID, error: SendError, state: str) -> None:
    """What a refusal teaches: the address is bad, or the person wants nothing more; an agent is told on the ticket."""
    if error.kind is ErrorClass.BAD_ADDRESS:
        await tx.execute(
            text(
                "UPDATE endpoint SET bad_since = coalesce(bad_since, clock_timestamp()), bad_reason = :why "
                "WHERE id = (SELECT endpoint_id FROM delivery WHERE message_id = :message)"
            ),
            {"message": message_id, "why": error.text[:300]},
        )
    if error.kind is ErrorClass.OPTED_OUT and state != "canceled":
        await tx.execute(
            text(
                "INSERT INTO consent (endpoint_id, purpose, state, evidence) SELECT endpoint_id, 'service', 'revoked', :why "
                "FROM delivery WHERE message_id = :message ON CONFLICT (endpoint_id, purpose) DO UPDATE SET state = 'revoked', "
                "evidence = :why, at = clock_timestamp()"
            ),
            {"message": message_id, "why": f"refused by the provider: {error.text}"[:500]},
        )
    ticket = await tx.get_one(Ticket, ticket_id, with_for_update=True, populate_existing=True)
    if ticket.status not in ("closed", "cancelled"):
        ticket.next_action_at = datetime.now(UTC)
        await lines.add(tx, ticket, "delivery_failed", visibility="internal", text=error.text or error.kind.value)


async def _tell(tx: AsyncSession, ticket_id: int, message_id: UUID, state: str, why: str) -> None:
    await tx.execute(text("UPDATE message SET version = version + 1 WHERE id = :id"), {"id": message_id})
    await events.record(
        tx, "delivery.changed", ticket_id, events.DESK, message=message_id, after=state, **({"why": why} if why else {})
    )


async def cancel_unsent(tx: AsyncSession, endpoint_id: int) -> None:
    """The person asked us not to write: what has not left will not leave."""
    rows = await tx.execute(
        text(
            "UPDATE delivery SET state = 'canceled', error_kind = 'opted_out', updated_at = clock_timestamp() "
            "WHERE endpoint_id = :endpoint AND state IN ('held', 'queued') RETURNING ticket_id, message_id"
        ),
        {"endpoint": endpoint_id},
    )
    for ticket_id, message_id in sorted(rows.all()):
        await _tell(tx, ticket_id, message_id, "canceled", "opted_out")


async def due(tx: AsyncSession, limit: int = 200) -> list[int]:
    """Deliveries that wait for somebody: due and not rung for in the last two seconds, or left by a dead process."""
    rows = await tx.scalars(
        text(
            """
            UPDATE delivery SET rung_at = clock_timestamp() WHERE id IN (
              SELECT d.id FROM delivery d WHERE d.state IN ('queued','sending','unknown') AND d.due_at <= clock_timestamp()
                AND d.rung_at < clock_timestamp() - interval '2 seconds'
                AND (d.state <> 'sending' OR d.lease_until < clock_timestamp())
                AND NOT EXISTS (SELECT 1 FROM delivery e WHERE e.endpoint_id = d.endpoint_id AND e.id < d.id
                                AND e.channel = d.channel AND e.state IN ('queued','sending','unknown'))
              ORDER BY d.due_at LIMIT :limit FOR UPDATE SKIP LOCKED)
            RETURNING id
            """
        ),
        {"limit": limit},
    )
    return list(rows)


async def waiting_from(tx: AsyncSession, first_id: int, limit: int = 200) -> list[int]:
    """Queued and due deliveries from ``first_id`` on, the first on each address; marked as rung for."""
    rows = await tx.scalars(
        text(
            """
            UPDATE delivery SET rung_at = clock_timestamp() WHERE id IN (
              SELECT d.id FROM delivery d WHERE d.id >= :first AND d.state = 'queued' AND d.due_at <= clock_timestamp()
                AND NOT EXISTS (SELECT 1 FROM delivery e WHERE e.endpoint_id = d.endpoint_id AND e.id < d.id
                                AND e.channel = d.channel AND e.state IN ('queued','sending','unknown'))
              ORDER BY d.id LIMIT :limit FOR UPDATE SKIP LOCKED)
            RETURNING id
            """
        ),
        {"first": first_id, "limit": limit},
    )
    return sorted(rows)


async def next_on_address(tx: AsyncSession, endpoint_id: int, after_id: int) -> int | None:
    """The delivery that may follow now that the one before it has left."""
    found: int | None = await tx.scalar(
        text(
            "SELECT id FROM delivery WHERE endpoint_id = :endpoint AND id > :after AND state = 'queued' "
            "AND due_at <= clock_timestamp() ORDER BY id LIMIT 1"
        ),
        {"endpoint": endpoint_id, "after": after_id},
    )
    return found
