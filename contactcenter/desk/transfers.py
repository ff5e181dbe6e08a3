"""Passing a ticket on: to a queue, or to a person through their queue."""

from datetime import datetime

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from contactcenter import events
from contactcenter.desk import exclusions, lines, tickets, work
from contactcenter.desk.access import Scope
from contactcenter.desk.book import AgencyEntry, QueueEntry
from contactcenter.desk.replies import clean
from contactcenter.errors import Conflict, Forbidden, NotFound, Refused
from contactcenter.ids import uuid7
from contactcenter.models import Message, Staff, StaffQueue, Ticket

MAX_HOPS = 5


async def to_queue(
    tx: AsyncSession, scope: Scope, staff: Staff, reference: str, slug: str, note: str, now: datetime
) -> Ticket:
    """Let the ticket wait in another queue, at its own place: its virtual arrival stays. Five hops at most for agents."""
    ticket = await _held_by_me(tx, scope, reference)
    agency, before = await tickets.entries(tx, ticket)
    target = agency.queue(slug)
    if target.id == ticket.queue_id:
        raise Refused("The ticket is in this queue already.", slug="same-queue")
    if scope.role != "supervisor":
        await _refuse_going_back(tx, ticket, agency, target)
    await _pass_on(tx, ticket, staff, note)
    ticket.queue_id = target.id
    ticket.skills = tickets.needs(agency, target, ticket.language)
    await tx.flush()
    actor = events.Actor("staff", staff.id)
    await lines.add(tx, ticket, "transferred", actor=actor, **{"from": before.row.name, "to": target.row.name})
    await events.record(
        tx,
        "ticket.transferred",
        ticket.id,
        actor,
        before=before.id,
        after=target.id,
        hops=ticket.hops,
        why=clean(note)[:300],
    )
    await tickets.into_queue(tx, ticket, now, "transferred", actor=actor)
    return ticket


async def _refuse_going_back(tx: AsyncSession, ticket: Ticket, agency: AgencyEntry, target: QueueEntry) -> None:
    """A ticket does not go back to a queue it was in within a day, unless a supervisor says so: that is how they go in circles."""
    visits = await tx.execute(
        text(
            "SELECT queue_id FROM queue_stay WHERE ticket_id = :ticket AND leave > clock_timestamp() - interval '24 hours' "
            "GROUP BY queue_id ORDER BY min(id)"
        ),
        {"ticket": ticket.id},
    )
    visited = list(visits.scalars())
    if target.id in visited:
        names = ", ".join(agency.queues[queue].row.name for queue in visited if queue in agency.queues)
        raise Conflict(f"This ticket was in {names} within a day. Ask a supervisor.", slug="been-there")


async def to_person(
    tx: AsyncSession, scope: Scope, staff: Staff, reference: str, staff_id: int, note: str, now: datetime
) -> Ticket:
    """Hand the ticket to a colleague who is present and has room; capacity and visibility hold as for any claim."""
    ticket = await _held_by_me(tx, scope, reference)
    colleague = await _colleague(tx, ticket, staff_id)
    await exclusions.refuse(tx, ticket, colleague)
    agency, _queue = await tickets.entries(tx, ticket)
    await _pass_on(tx, ticket, staff, note)
    await work.take(tx, ticket, colleague.id, agency.policy.channels[ticket.channel])
    ticket.status = "assigned"
    ticket.version += 1
    await tx.flush()
    actor = events.Actor("staff", staff.id)
    await lines.add(tx, ticket, "transferred", actor=actor, **{"from": staff.name, "to": colleague.name})
    await events.record(
        tx, "ticket.transferred", ticket.id, actor, staff=colleague.id, hops=ticket.hops, why=clean(note)[:300]
    )
    await work.begin_assignment(tx, ticket, {"rule": "transferred", "by": staff.name}, actor)
    return ticket


async def _held_by_me(tx: AsyncSession, scope: Scope, reference: str) -> Ticket:
    ticket = await tickets.find(tx, scope, reference, lock=True)
    if "transfer:ticket" not in scope.can(ticket.status, ticket.owner_id):
        raise Forbidden("Only the agent who has this ticket, or a supervisor, may pass it on.")
    if ticket.hops >= MAX_HOPS and scope.role != "supervisor":
        raise Conflict("This ticket was passed on five times. Ask a supervisor.", slug="too-many-transfers")
    return ticket


async def _colleague(tx: AsyncSession, ticket: Ticket, staff_id: int) -> Staff:
    found: Staff | None = await tx.scalar(
        select(Staff)
        .join(StaffQueue, StaffQueue.staff_id == Staff.id)
        .where(Staff.id == staff_id, StaffQueue.queue_id == ticket.queue_id, Staff.disabled_at.is_(None))
    )
    if found is None:
        raise NotFound("This person does not work in the ticket's queue.")
    if found.id == ticket.owner_id:
        raise Refused("This person has the ticket already.", slug="same-person")
    if found.health != "connected" or found.intent != "available":
        raise Conflict(f"{found.name} is not available now.", slug="not-available")
    return found


async def _pass_on(tx: AsyncSession, ticket: Ticket, staff: Staff, note: str) -> None:
    """Free the ticket and keep the note for whoever gets it."""
    waited = ticket.status in ("held", "queued", "offered")
    await work.let_go(tx, ticket, "transfer")
    if waited:
        await tickets.close_stay(tx, ticket.id, "flowed_out")
    ticket.hops += 1
    ticket.status = "queued"
    ticket.version += 1
    await tx.flush()
    words = clean(note)[:5000]
    if words:
        ticket.message_seq += 1
        message = Message(
            id=uuid7(), ticket_id=ticket.id, seq=ticket.message_seq, direction="internal", visibility="internal", kind="note",
            author_kind="staff", author_staff_id=staff.id, channel=ticket.channel, inbox_id=ticket.inbox_id, body_text=words,
        )  # fmt: skip
        tx.add(message)
        await tx.flush()
        await events.record(
            tx, "note.written", ticket.id, events.Actor("staff", staff.id), message=message.id, why="transfer"
        )
