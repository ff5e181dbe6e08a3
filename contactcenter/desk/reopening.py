"""A ticket that comes back: the citizen wrote again, or somebody reopens it."""

from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from contactcenter import events
from contactcenter.desk import exclusions, lines, tickets, work
from contactcenter.desk.access import Scope
from contactcenter.errors import Conflict, Forbidden
from contactcenter.models import Staff, Ticket

ASLEEP = ("closed", "waiting_citizen", "parked")
"""States that a citizen's message ends."""


async def wake(tx: AsyncSession, ticket: Ticket, now: datetime) -> None:
    """What a citizen's message does to a locked ticket; a closed one is reopened: they contest the closure."""
    await call_back(tx, ticket, now, events.Actor("citizen", ticket.contact_id), "citizen_wrote")


async def call_back(tx: AsyncSession, ticket: Ticket, now: datetime, actor: events.Actor, why: str) -> None:
    """A locked ticket that slept goes back to its own agent if present, else to the queue as an arrival."""
    if ticket.status == "closed":
        await _undo_closure(tx, ticket, actor, why, now)
        await tickets.into_queue(tx, ticket, now, "reopened", arrived=True)
    elif ticket.status in ("waiting_citizen", "parked"):
        await _back_to_work(tx, ticket, now, why)


async def _back_to_work(tx: AsyncSession, ticket: Ticket, now: datetime, why: str) -> None:
    present = ticket.owner_id is not None and await tx.scalar(
        text("SELECT true FROM staff WHERE id = :id AND health = 'connected' AND intent = 'available'"),
        {"id": ticket.owner_id},
    )
    if not present or ticket.owner_id is None or await exclusions.stands(tx, ticket.contact_id, ticket.owner_id):
        await tickets.requeue(tx, ticket, now, "owner_absent", arrived=True)
        return
    agency, _queue = await tickets.entries(tx, ticket)
    await work.take(tx, ticket, ticket.owner_id, agency.policy.channels[ticket.channel], over=True)
    ticket.status = "assigned"
    ticket.version += 1
    await tx.flush()
    await events.record(tx, "ticket.resumed", ticket.id, events.DESK, staff=ticket.owner_id, why=why)
    from contactcenter.desk import agents

    await agents.restate(tx, ticket.owner_id)


async def reopen(tx: AsyncSession, scope: Scope, staff: Staff, reference: str, why: str, now: datetime) -> Ticket:
    """A member of staff takes a closure back. The ticket waits again as a new arrival."""
    ticket = await tickets.find(tx, scope, reference, lock=True)
    if ticket.status not in ("closed", "cancelled"):
        raise Conflict("This ticket is not closed.", slug="not-closed")
    if "reopen:ticket" not in scope.can(ticket.status, ticket.owner_id):
        raise Forbidden("You can read this ticket but not reopen it.")
    await _undo_closure(tx, ticket, events.Actor("staff", staff.id), why, now)
    await tickets.into_queue(tx, ticket, now, "reopened", actor=events.Actor("staff", staff.id), arrived=True)
    return ticket


async def _undo_closure(tx: AsyncSession, ticket: Ticket, actor: events.Actor, why: str, now: datetime) -> None:
    await tx.execute(
        text("UPDATE closure SET undone_at = :now WHERE ticket_id = :ticket AND undone_at IS NULL"),
        {"ticket": ticket.id, "now": now},
    )
    ticket.owner_id = None
    ticket.closed_at = None
    ticket.next_action_at = now + timedelta(days=1)
    ticket.status = "queued"
    await lines.add(tx, ticket, "reopened", actor=actor, why=why)
    await events.record(tx, "ticket.reopened", ticket.id, actor, why=why)
