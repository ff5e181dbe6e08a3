"""Taking back an answer that has not left: the words return to the draft, the ticket to where it stood before."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from contactcenter import events
from contactcenter.desk import agents, tickets, work
from contactcenter.desk.access import Scope
from contactcenter.desk.kit import Kit
from contactcenter.errors import Conflict, Forbidden, NotFound
from contactcenter.models import Delivery, Draft, Message, Staff, Ticket


@dataclass(frozen=True, slots=True)
class Before:
    """How a ticket stood before an answer; kept in the fact of the answer (``message.written``)."""

    status: str
    owner_id: int | None
    waiting_since: str | None
    due_at: str | None
    next_action_at: str | None
    preview: str
    preview_from: str
    promises: list[int]
    stay: int | None
    answered: bool

    def as_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


async def seconds(tx: AsyncSession, kit: Kit, ticket: Ticket, channel: str) -> int:
    """How long an answer on ``channel`` waits for second thoughts: the queue's window, and none in a live conversation."""
    agency, queue = await tickets.entries(tx, ticket)
    rule = agency.policy.channels.get(channel)
    live = kit.channels[channel].capabilities.live or (rule is not None and rule.live)
    return 0 if live else queue.row.undo_s


async def look(tx: AsyncSession, ticket: Ticket) -> Before:
    """Take down how a locked ticket stands."""
    promises = await tx.scalars(
        text("SELECT id FROM promise WHERE ticket_id = :id AND state = 'open'"), {"id": ticket.id}
    )
    stay = (
        await tx.execute(
            text("SELECT id, answered_at FROM queue_stay WHERE ticket_id = :id ORDER BY id DESC LIMIT 1"),
            {"id": ticket.id},
        )
    ).one_or_none()
    return Before(
        ticket.status, ticket.owner_id, _iso(ticket.waiting_since), _iso(ticket.due_at), _iso(ticket.next_action_at),
        ticket.preview, ticket.preview_from, list(promises), stay.id if stay else None, bool(stay and stay.answered_at),
    )  # fmt: skip


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _at(value: str | None) -> datetime | None:
    return datetime.fromisoformat(value) if value else None


async def take_back(tx: AsyncSession, scope: Scope, staff: Staff, message_id: UUID) -> str:
    """Undo an answer that is still held; gives its words, which stand in the draft of who wrote it.

    Raises Conflict ``already-on-its-way`` once it may have left, Forbidden for what a colleague wrote, NotFound.
    """
    message, ticket = await _find(tx, scope, message_id)
    if message.author_staff_id != staff.id and scope.role != "supervisor":
        raise Forbidden("Only who wrote it, or a supervisor, may take it back.")
    if ticket.status in ("closed", "cancelled") or not await _stop(tx, message.id):
        raise Conflict("It is already on its way.", slug="already-on-its-way")
    message.visibility = "internal"  # it was never said to the citizen, and stays in the house
    message.version += 1
    await _into_draft(tx, message)
    actor = events.Actor("staff", staff.id)
    await tx.flush()
    await events.record(tx, "message.taken_back", ticket.id, actor, message=message.id)
    kept = await _before(tx, message)
    if kept is not None:
        await _restore(tx, ticket, message, kept, actor)
    return message.body_text


async def _find(tx: AsyncSession, scope: Scope, message_id: UUID) -> tuple[Message, Ticket]:
    message = await tx.get(Message, message_id)
    if message is None or message.direction != "out" or message.author_kind != "staff":
        raise NotFound("There is no such answer.")
    query = select(Ticket).where(Ticket.id == message.ticket_id, scope.condition()).with_for_update()
    ticket = await tx.scalar(query, execution_options={"populate_existing": True})
    if ticket is None:
        raise NotFound(tickets.UNSEEN)
    return message, ticket


async def _stop(tx: AsyncSession, message_id: UUID) -> bool:
    """Compare and set. Whoever has the row's lock is just sending it: then it is too late."""
    lead = await tx.scalar(
        select(Delivery.id)
        .where(Delivery.message_id == message_id, Delivery.state == "held", Delivery.with_id.is_(None))
        .with_for_update(skip_locked=True)
    )
    if lead is None:
        return False
    await tx.execute(
        text(
            "UPDATE delivery SET state = 'canceled', updated_at = clock_timestamp() WHERE message_id = :message AND state = 'held'"
        ),
        {"message": message_id},
    )
    return True


async def _into_draft(tx: AsyncSession, message: Message) -> None:
    """What was begun meanwhile stays below."""
    assert message.author_staff_id is not None
    draft = await tx.get(Draft, (message.author_staff_id, message.ticket_id), with_for_update=True)
    if draft is None:
        tx.add(
            Draft(
                staff_id=message.author_staff_id, ticket_id=message.ticket_id, kind="reply", text=message.body_text
            )
        )  # fmt: skip
        return
    begun = draft.text.strip()
    draft.text = f"{message.body_text}\n\n{begun}" if begun and begun != message.body_text else message.body_text
    draft.kind = "reply"


async def _before(tx: AsyncSession, message: Message) -> dict[str, Any] | None:
    found: dict[str, Any] | None = await tx.scalar(
        text(
            "SELECT data->'before' FROM event WHERE ticket_id = :ticket AND type = 'message.written' "
            "AND data->>'message' = :message ORDER BY seq DESC LIMIT 1"
        ),
        {"ticket": message.ticket_id, "message": str(message.id)},
    )
    return found


async def _restore(
    tx: AsyncSession, ticket: Ticket, message: Message, kept: dict[str, Any], actor: events.Actor
) -> None:
    """Only what the answer itself changed: whatever happened since stays as it is."""
    earlier, since = _at(kept["waiting_since"]), ticket.waiting_since
    ticket.waiting_since = min(earlier, since) if earlier and since else earlier or since
    ticket.due_at = ticket.due_at or _at(kept["due_at"])
    if ticket.message_seq == message.seq:
        ticket.preview, ticket.preview_from = kept["preview"], kept["preview_from"]
        ticket.next_action_at = _at(kept["next_action_at"]) or ticket.next_action_at
    await tx.execute(
        text("UPDATE promise SET state = 'open' WHERE id = ANY(:ids) AND state IN ('kept', 'broken')"),
        {"ids": kept["promises"]},
    )
    if kept["stay"] is not None and not kept["answered"]:
        await tx.execute(text("UPDATE queue_stay SET answered_at = NULL WHERE id = :id"), {"id": kept["stay"]})
    await tx.flush()
    if ticket.status == "waiting_citizen" and ticket.owner_id == (kept["owner_id"] or message.author_staff_id):
        await _restore_status(tx, ticket, kept, actor)


async def _restore_status(tx: AsyncSession, ticket: Ticket, kept: dict[str, Any], actor: events.Actor) -> None:
    if kept["status"] == "assigned" and ticket.owner_id is not None:
        agency, _queue = await tickets.entries(tx, ticket)
        await work.take(tx, ticket, ticket.owner_id, agency.policy.channels[ticket.channel], over=True)
        ticket.status = "assigned"
        ticket.version += 1
        await tx.flush()
        await events.record(tx, "ticket.resumed", ticket.id, actor, staff=ticket.owner_id, why="taken_back")
        await agents.restate(tx, ticket.owner_id)
    elif kept["status"] in ("held", "queued"):
        await _back_into_queue(tx, ticket, kept["stay"], actor)


async def _back_into_queue(tx: AsyncSession, ticket: Ticket, stay: int | None, actor: events.Actor) -> None:
    """At its own place, in its own stay: nobody answered it."""
    former = await work.let_go(tx, ticket, "taken_back")
    await events.record(tx, "ticket.released", ticket.id, actor, staff=former, why="taken_back")
    await tx.execute(
        text(
            "UPDATE queue_stay SET leave = NULL, how = NULL, answered_at = NULL WHERE id = :id AND how = 'answered' "
            "AND NOT EXISTS (SELECT 1 FROM queue_stay o WHERE o.ticket_id = :ticket AND o.leave IS NULL)"
        ),
        {"id": stay, "ticket": ticket.id},
    )
    now = await tx.scalar(text("SELECT clock_timestamp()"))
    await tickets.into_queue(tx, ticket, now, "taken_back", actor=actor)
