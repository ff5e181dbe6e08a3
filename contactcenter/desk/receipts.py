"""What providers report of what we sent. States move forward by rank only; what comes too early waits for the send."""

import json
from dataclasses import replace
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from channels.base import DELIVERY_RANK, DeliveryState, ErrorClass, Receipt, SendError
from contactcenter import events
from contactcenter.desk import lines, refusals, tickets

log = structlog.get_logger()
ARRIVED = (DeliveryState.DELIVERED, DeliveryState.READ)

_BY_MESSAGE = text(
    """
    SELECT d.message_id FROM delivery d WHERE d.channel = :channel AND d.provider_id = :ref AND :ref <> ''
    UNION ALL SELECT CAST(:message AS uuid) WHERE CAST(:message AS uuid) IS NOT NULL
    UNION ALL SELECT m.id FROM message m WHERE :own <> '' AND m.external_id = :own AND m.direction = 'out' AND m.channel = :channel
    UNION ALL SELECT m.id FROM message m WHERE :own <> '' AND m.remote_id = :own AND m.direction = 'out' AND m.channel = :channel
    LIMIT 1
    """
)
_ROW = text(
    """
    SELECT d.id, d.ticket_id, d.message_id, d.endpoint_id, d.state, d.role FROM delivery d JOIN endpoint e ON e.id = d.endpoint_id
    WHERE d.message_id = :message AND d.channel = :channel
    ORDER BY (e.canonical = :recipient) DESC, (d.role = 'to') DESC, d.id LIMIT 1 FOR UPDATE OF d
    """
)


async def advance(tx: AsyncSession, channel: str, receipt: Receipt, *, fetched: bool = False) -> None:
    """Apply a receipt: forward by rank only; one for a send that we have not recorded is parked.

    Any word of the provider about a send proves that it was accepted, even that it is still queued there. ``fetched``: we asked
    for it, so it may correct *undelivered* to *delivered*; of reports that came by themselves the first stands.
    """
    row = await _find(tx, channel, receipt)
    if row is None:
        await _park(tx, channel, receipt)
    elif receipt.complaint:
        await _complained(tx, row)
    elif receipt.delayed:
        await _delayed(tx, row, receipt)
    else:
        await _advance(tx, row, replace(receipt, state=left(receipt.state)), fetched)


def left(state: DeliveryState) -> DeliveryState:
    """What the provider still calls queued has left us all the same: *queued* means our own queue here, and is sent from there."""
    return state if DELIVERY_RANK[state] >= DELIVERY_RANK[DeliveryState.SENT] else DeliveryState.SENT


async def _find(tx: AsyncSession, channel: str, receipt: Receipt) -> Any:
    """The row a report is about: of that recipient, else of the person to whom the message went."""
    message_id = await tx.scalar(
        _BY_MESSAGE,
        {"channel": channel, "ref": receipt.provider_id, "message": receipt.message_id, "own": receipt.own_id},
    )
    if message_id is None:
        return None
    values = {"message": message_id, "channel": channel, "recipient": receipt.recipient}
    return (await tx.execute(_ROW, values)).one_or_none()


async def _advance(tx: AsyncSession, row: Any, receipt: Receipt, fetched: bool) -> None:
    corrected = fetched and row.state == "undelivered" and receipt.state is DeliveryState.DELIVERED
    if DELIVERY_RANK[receipt.state] <= DELIVERY_RANK[DeliveryState(row.state)] and not corrected:
        await _learn_provider_id(tx, row, receipt.provider_id)
        return
    error = receipt.error
    await tx.execute(
        text(
            "UPDATE delivery SET state = :state, updated_at = clock_timestamp(), with_id = NULL, "
            "error_kind = :kind, error_code = :code, error_text = :words WHERE id = :id"
        ),
        {"id": row.id, "state": receipt.state.value, "kind": error.kind.value if error else None,
         "code": error.code if error else None, "words": error.text[:500] if error else None},
    )  # fmt: skip
    await _learn_provider_id(tx, row, receipt.provider_id)
    copy = row.role != "to"
    await refusals.tell(
        tx, row.ticket_id, row.message_id, receipt.state.value, error.text if error else "",
        copy_to=row.endpoint_id if copy else None,
    )  # fmt: skip
    if receipt.state in ARRIVED:
        await refusals.forget_bad_address(tx, row.endpoint_id)
    elif error is not None:
        await refusals.learn(tx, row.ticket_id, row.message_id, row.endpoint_id, error, receipt.state.value, copy=copy)


async def _learn_provider_id(tx: AsyncSession, row: Any, provider_id: str) -> None:
    """One row of a message bears the provider's id, the person's own: a message to several people has one id there."""
    if provider_id and row.role == "to":
        await tx.execute(
            text("UPDATE delivery SET provider_id = coalesce(provider_id, :ref) WHERE id = :id"),
            {"id": row.id, "ref": provider_id},
        )


async def _delayed(tx: AsyncSession, row: Any, receipt: Receipt) -> None:
    """Whoever has it still tries: said once, changes no state."""
    if row.state not in ("sending", "unknown", "sent"):
        return
    first = await tx.scalar(
        text("UPDATE delivery SET delayed_at = clock_timestamp() WHERE id = :id AND delayed_at IS NULL RETURNING true"),
        {"id": row.id},
    )
    if first:
        await say_delayed(tx, row.ticket_id, row.message_id, receipt.error.text if receipt.error else "")


async def say_delayed(tx: AsyncSession, ticket_id: int, message_id: UUID, why: str) -> None:
    await tx.execute(text("UPDATE message SET version = version + 1 WHERE id = :id"), {"id": message_id})
    await events.record(tx, "delivery.delayed", ticket_id, events.DESK, message=message_id, why=why[:300])


async def _complained(tx: AsyncSession, row: Any) -> None:
    """The person called it spam: nothing more goes there unasked, and an agent knows."""
    first = await tx.scalar(
        text(
            "UPDATE endpoint SET complained_at = clock_timestamp() WHERE id = :id AND complained_at IS NULL RETURNING true"
        ),
        {"id": row.endpoint_id},
    )
    if not first:
        return
    ticket = await tickets.lock(tx, row.ticket_id)
    await lines.add(tx, ticket, "complained", visibility="internal", message=str(row.message_id))
    await events.record(
        tx, "delivery.complained", ticket.id, events.DESK, message=row.message_id, endpoint=row.endpoint_id
    )


# --- too early --------------------------------------------------------------------------------------------------------


async def _park(tx: AsyncSession, channel: str, receipt: Receipt) -> None:
    ref, error = receipt.provider_id or receipt.own_id, receipt.error
    if not ref:
        log.info("receipt_names_nothing", channel=channel)  # the raw event is kept
        return
    await tx.execute(
        text("INSERT INTO parked_receipt (channel, provider_id, receipt) VALUES (:channel, :ref, CAST(:receipt AS jsonb))"),
        {"channel": channel, "ref": ref, "receipt": json.dumps(
            {"provider_id": receipt.provider_id, "state": receipt.state.value, "own_id": receipt.own_id,
             "recipient": receipt.recipient, "delayed": receipt.delayed, "complaint": receipt.complaint,
             "error": [error.kind.value, error.code, error.text] if error else None})},
    )  # fmt: skip


async def apply_parked(tx: AsyncSession, channel: str, message_id: UUID, *refs: str) -> None:
    """A send was recorded under these ids: what was reported of it before is news now."""
    parked = await tx.execute(
        text("DELETE FROM parked_receipt WHERE channel = :channel AND provider_id = ANY(:refs) RETURNING id, receipt"),
        {"channel": channel, "refs": [ref for ref in refs if ref]},
    )
    for _, receipt in sorted(parked.all(), key=lambda row: int(row[0])):
        await advance(tx, channel, _unparked(receipt, message_id))


def _unparked(receipt: dict[str, Any], message_id: UUID) -> Receipt:
    error = receipt.get("error")
    return Receipt(
        receipt["provider_id"], DeliveryState(receipt["state"]), message_id=message_id,
        error=SendError(ErrorClass(error[0]), error[1], error[2]) if error else None, own_id=receipt.get("own_id", ""),
        recipient=receipt.get("recipient", ""), delayed=receipt.get("delayed", False),
        complaint=receipt.get("complaint", False),
    )  # fmt: skip
