"""Closing a ticket: a reason class and a sentence that the citizen reads, can understand and contest."""

from sqlalchemy.ext.asyncio import AsyncSession

from contactcenter import events
from contactcenter.desk import lines, notices, promises, tickets, work
from contactcenter.desk.access import Scope
from contactcenter.desk.kit import Kit
from contactcenter.desk.replies import clean
from contactcenter.errors import Conflict, Forbidden, Refused
from contactcenter.models import Closure, Staff, Ticket

REASONS = ("answered", "done", "no_action_needed", "wrong_agency", "duplicate", "no_reply", "spam")
SILENT = ("spam", "duplicate")
"""Reasons that send nothing to the citizen."""
MAX_SENTENCE = 600


async def close(
    tx: AsyncSession, kit: Kit, scope: Scope, staff: Staff, reference: str, reason: str, sentence: str
) -> Ticket:
    """End the matter. The citizen gets the sentence on their channel and can answer it, which reopens the ticket."""
    ticket = await tickets.find(tx, scope, reference, lock=True)
    if ticket.status == "closed":
        raise Conflict("This ticket is closed already.", why="closed", changes=[])
    if "resolve:ticket" not in scope.can(ticket.status, ticket.owner_id):
        raise Forbidden("Only the agent who has this ticket, or a supervisor, may close it.")
    words = clean(sentence)
    if not words and reason not in SILENT:
        raise Refused("Write the sentence that the citizen will read.", slug="empty")
    if len(words) > MAX_SENTENCE:
        raise Refused("The sentence is too long.", slug="too-long", limit=MAX_SENTENCE, count=len(words))
    actor = events.Actor("staff", staff.id)
    waited = ticket.status in ("held", "queued", "offered")
    former = await work.let_go(tx, ticket, "closed")
    if waited:
        await tickets.close_stay(tx, ticket.id, "closed_by_staff")
    await _end(tx, kit, ticket)
    tx.add(Closure(ticket_id=ticket.id, staff_id=staff.id, reason=reason, sentence=words))
    await tx.flush()
    await promises.settle(tx, ticket.id, kit.now())
    await lines.add(tx, ticket, "closed", actor=actor, reason=reason, sentence=words, name=staff.name)
    await events.record(tx, "ticket.closed", ticket.id, actor, reason=reason, sentence=words, staff=former)
    if reason not in SILENT:
        await _tell_citizen(tx, kit, ticket, words)
    return ticket


async def _end(tx: AsyncSession, kit: Kit, ticket: Ticket) -> None:
    ticket.status = "closed"
    ticket.closed_at = kit.now()
    ticket.version += 1
    ticket.waiting_since = ticket.due_at = ticket.next_action_at = ticket.held_until = None
    await tx.flush()


async def _tell_citizen(tx: AsyncSession, kit: Kit, ticket: Ticket, sentence: str) -> None:
    """On a live channel the closing line says it; elsewhere it goes out as a message that says how to contest."""
    if kit.channels[ticket.channel].capabilities.live:
        return
    _agency, queue = await tickets.entries(tx, ticket)
    text = await notices.words(
        tx, ticket, "closed", sentence=sentence, days=queue.row.reopen_days, ref=ticket.reference
    )
    await notices.write(tx, kit, ticket, text, "closed")
