"""What a failed delivery teaches, and who is called: the address, the person's wish, our own templates, an agent."""

from datetime import UTC, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from channels.base import ErrorClass, SendError
from contactcenter import events
from contactcenter.desk import lines, reopening, tickets
from contactcenter.desk.book import open_book
from contactcenter.models import Endpoint, Ticket

BLOCKED_SHARE = 0.05
"""Of a template's messages of one day: more that are filtered away mean that its words look like spam."""


async def tell(
    tx: AsyncSession, ticket_id: int, message_id: UUID, state: str, why: str = "", *, copy_to: int | None = None
) -> None:
    """The fact that a delivery changed. ``copy_to``: the endpoint, where it is a copy that changed."""
    await tx.execute(text("UPDATE message SET version = version + 1 WHERE id = :id"), {"id": message_id})
    more = ({"why": why} if why else {}) | ({"copy_to": copy_to} if copy_to is not None else {})
    await events.record(tx, "delivery.changed", ticket_id, events.DESK, message=message_id, after=state, **more)


async def learn(
    tx: AsyncSession, ticket_id: int, message_id: UUID, endpoint_id: int, error: SendError, state: str, *, copy: bool = False
) -> None:  # fmt: skip
    """Draw the consequences of a delivery that ended badly. What we canceled ourselves teaches nothing about the address."""
    if state != "canceled":
        await _learn_of_address(tx, endpoint_id, error)
        if error.kind is ErrorClass.BLOCKED:
            await _count_blocked(tx, ticket_id, message_id)
    ticket = await tickets.lock(tx, ticket_id)
    await _call_an_agent(tx, ticket, message_id, endpoint_id, error, recall=state != "canceled" and not copy)


async def _learn_of_address(tx: AsyncSession, endpoint_id: int, error: SendError) -> None:
    if error.kind is ErrorClass.BAD_ADDRESS:
        await tx.execute(
            text(
                "UPDATE endpoint SET bad_since = coalesce(bad_since, clock_timestamp()), bad_reason = :why, "
                "bad_events = least(bad_events + 1, 1000) WHERE id = :endpoint"
            ),
            {"endpoint": endpoint_id, "why": error.text[:300]},
        )
    if error.kind is ErrorClass.OPTED_OUT:
        await _believe_opt_out(tx, endpoint_id, f"refused by the provider: {error.text}"[:500])


async def _believe_opt_out(tx: AsyncSession, endpoint_id: int, why: str) -> None:
    """The person said stop where only the provider heard it. What waits for this address is stopped when its turn comes."""
    news = await tx.scalar(
        text(
            "INSERT INTO consent (endpoint_id, purpose, state, evidence) VALUES (:endpoint, 'service', 'revoked', :why) "
            "ON CONFLICT (endpoint_id, purpose) DO UPDATE SET state = 'revoked', evidence = :why, at = clock_timestamp() "
            "WHERE consent.state <> 'revoked' RETURNING true"
        ),
        {"endpoint": endpoint_id, "why": why},
    )
    if news:
        endpoint = await tx.get_one(Endpoint, endpoint_id)
        await events.record_beside(
            tx, "consent.changed", endpoint.agency_id, events.DESK, endpoint=endpoint_id, purpose="service", after="revoked",
            why=why,
        )  # fmt: skip


async def forget_bad_address(tx: AsyncSession, endpoint_id: int) -> None:
    """Something arrived there: whatever was said of the address before is over."""
    await tx.execute(
        text(
            "UPDATE endpoint SET bad_events = 0, bad_since = NULL, bad_reason = NULL "
            "WHERE id = :endpoint AND (bad_events > 0 OR bad_since IS NOT NULL)"
        ),
        {"endpoint": endpoint_id},
    )


# --- an agent is called -----------------------------------------------------------------------------------------------


async def _call_an_agent(
    tx: AsyncSession, ticket: Ticket, message_id: UUID, endpoint_id: int, error: SendError, *, recall: bool
) -> None:
    """A line on the ticket; an answer of a person that did not arrive brings the ticket back to whoever had it last."""
    now = datetime.now(UTC)
    closed = ticket.status in ("closed", "cancelled")
    await lines.add(
        tx, ticket, "delivery_failed", visibility="internal", text=error.text or error.kind.value, kind=error.kind.value,
        endpoint=endpoint_id, message=str(message_id),
    )  # fmt: skip
    if recall and await _matters(tx, ticket.id, message_id):
        await _recall(tx, ticket, now)
    if not closed:
        ticket.next_action_at = now
    await tx.flush()


async def _matters(tx: AsyncSession, ticket_id: int, message_id: UUID) -> bool:
    """What staff wrote, and the sentence with which a ticket was closed. An acknowledgement brings nobody back."""
    return bool(
        await tx.scalar(
            text(
                "SELECT m.author_kind = 'staff' OR EXISTS (SELECT 1 FROM event e WHERE e.ticket_id = :ticket "
                "AND e.type = 'message.written' AND e.data->>'message' = CAST(m.id AS text) AND e.data->>'why' = 'closed') "
                "FROM message m WHERE m.id = :message"
            ),
            {"ticket": ticket_id, "message": message_id},
        )
    )


async def _recall(tx: AsyncSession, ticket: Ticket, now: datetime) -> None:
    if ticket.status in reopening.ASLEEP:
        await reopening.call_back(tx, ticket, now, events.DESK, "delivery_failed")
        ticket.waiting_since, ticket.next_action_at = ticket.waiting_since or now, now


# --- templates that are filtered away ---------------------------------------------------------------------------------

_TODAY = text(
    """
    SELECT count(*) AS sent, count(*) FILTER (WHERE d.error_kind = 'blocked') AS blocked, min(t.agency_id) AS agency
    FROM message m JOIN delivery d ON d.message_id = m.id JOIN ticket t ON t.id = m.ticket_id
    WHERE m.id >= :first AND m.direction = 'out' AND t.agency_id = :agency AND coalesce(m.line->>'key', m.author_kind) = :template
      AND d.state NOT IN ('held', 'queued', 'canceled')
    """
)


async def _count_blocked(tx: AsyncSession, ticket_id: int, message_id: UUID) -> None:
    """Whether too much of a template's post of today was filtered away; said once a day and template."""
    row = (
        await tx.execute(
            text(
                "SELECT t.agency_id, coalesce(m.line->>'key', m.author_kind) AS template FROM message m "
                "JOIN ticket t ON t.id = m.ticket_id WHERE m.id = :id"
            ),
            {"id": message_id},
        )
    ).one()
    zone = ZoneInfo((await open_book(tx)).agencies[row.agency_id].row.timezone)
    day = datetime.now(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    values = {"first": _first_id_of(day), "agency": row.agency_id, "template": row.template}
    counted = (await tx.execute(_TODAY, values)).one()
    told = await tx.scalar(
        text(
            "SELECT true FROM event WHERE agency_id = :agency AND type = 'template.blocked' AND at >= :day "
            "AND data->>'template' = :template LIMIT 1"
        ),
        {"agency": row.agency_id, "day": day, "template": row.template},
    )
    if not told and counted.blocked > BLOCKED_SHARE * counted.sent:
        await events.record_beside(
            tx, "template.blocked", row.agency_id, events.DESK, ticket_id=ticket_id, template=row.template,
            sent=counted.sent, blocked=counted.blocked,
        )  # fmt: skip


def _first_id_of(moment: datetime) -> UUID:
    """The smallest message id of a moment: its first 48 bits are milliseconds since 1970 (RFC 9562, version 7)."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)
