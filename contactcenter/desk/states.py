"""The states in which citizens hear of their matter: what happens next, and by when."""

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from contactcenter.desk import promises, tickets
from contactcenter.desk.book import AgencyEntry
from contactcenter.desk.texts import say, say_date
from contactcenter.models import Promise, Ticket

_LAST_ANSWER = text(
    "SELECT body_text FROM message WHERE ticket_id = :id AND direction = 'out' AND author_kind = 'staff' "
    "AND visibility = 'public' ORDER BY seq DESC LIMIT 1"
)
_DATE_GIVEN = text(
    "SELECT due_at FROM promise WHERE ticket_id = :id AND state IN ('open', 'broken') ORDER BY id DESC LIMIT 1"
)
_SENTENCE = text("SELECT sentence FROM closure WHERE ticket_id = :id AND undone_at IS NULL ORDER BY id DESC LIMIT 1")


async def said(tx: AsyncSession, ticket: Ticket, language: str, now: datetime) -> str:
    """The state of a ticket in the words that citizens read.

    Our own rule for the two that look alike to the desk: an answer that asks something (it has a question mark) means that we need
    something; any other means that we answered. Which other office is waited for the desk does not know yet.
    """
    agency, queue = await tickets.entries(tx, ticket)
    if ticket.status in ("closed", "cancelled"):
        sentence = await tx.scalar(_SENTENCE, {"id": ticket.id})
        return say(language, "state_closed", sentence=sentence or "", days=queue.row.reopen_days).replace("  ", " ")
    answer = await tx.scalar(_LAST_ANSWER, {"id": ticket.id})
    if ticket.status in ("waiting_citizen", "parked"):
        return say(language, "state_need_you" if answer and "?" in answer else "state_answered")
    key = "state_working" if answer or ticket.status == "assigned" else "state_received"
    return say(language, key, expect=await expectation(tx, agency, ticket, language, now))


async def expectation(tx: AsyncSession, agency: AgencyEntry, ticket: Ticket, language: str, now: datetime) -> str:
    """When a person will reply, by the date that was given; a date that has passed is called late."""
    due = await tx.scalar(_DATE_GIVEN, {"id": ticket.id})
    if due is not None and due < now:
        return say(language, "expect_late", by=say_date(language, due, agency.row.timezone))
    return promises.expectation(agency, language, due)


async def give_date(tx: AsyncSession, ticket: Ticket, now: datetime) -> str:
    """When a person will reply to a locked ticket. A new date is kept as a promise; one given before stays."""
    agency, queue = await tickets.entries(tx, ticket)
    if await tx.scalar(_DATE_GIVEN, {"id": ticket.id}) is None:
        due = promises.expected_by(queue, now)
        if due is not None:
            tx.add(Promise(ticket_id=ticket.id, due_at=due, made_by="desk", basis="queue.reply_minutes"))
            ticket.due_at = ticket.due_at or due
            await tx.flush()
    return await expectation(tx, agency, ticket, ticket.language, now)
