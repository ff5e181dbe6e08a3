"""An agent takes a waiting ticket themselves, out of turn: through the same limits as any claim."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

import routing
from contactcenter import events
from contactcenter.desk import exclusions, floor, tickets, work
from contactcenter.desk.access import Scope
from contactcenter.errors import Conflict, Forbidden
from contactcenter.models import Staff, Ticket

_PASSED_OVER = text(
    "SELECT count(*) FROM ticket WHERE queue_id = :queue AND channel = :channel AND status = 'queued' AND va < :va"
)


async def take(tx: AsyncSession, scope: Scope, staff: Staff, reference: str) -> Ticket:
    """Assign a waiting ticket to whoever asks. Repeating it is harmless; the tickets passed over are counted on the log."""
    ticket = await tickets.find(tx, scope, reference, lock=True)
    if scope.role == "admin":
        raise Forbidden("Administrators read tickets but do not answer them.")
    if ticket.status not in ("held", "queued"):
        if ticket.owner_id == staff.id:
            return ticket
        raise Conflict("This ticket does not wait any more: somebody else has it.", slug="not-waiting")
    await exclusions.refuse(tx, ticket, staff)
    if scope.role == "agent":
        await _refuse_who_may_not(tx, ticket, staff)
    passed_over = await tx.scalar(_PASSED_OVER, {"queue": ticket.queue_id, "channel": ticket.channel, "va": ticket.va})
    agency, _queue = await tickets.entries(tx, ticket)
    await work.take(tx, ticket, staff.id, agency.policy.channels[ticket.channel])
    ticket.status = "assigned"
    ticket.version += 1
    await tx.flush()
    await tickets.close_stay(tx, ticket.id, "answered")
    because = {"rule": "picked", "passed_over": passed_over}
    await work.begin_assignment(tx, ticket, because, events.Actor("staff", staff.id))
    return ticket


async def _refuse_who_may_not(tx: AsyncSession, ticket: Ticket, staff: Staff) -> None:
    """Skills, pool and exclusions hold for a pick; whether the agent is available is their own affair."""
    seen = await floor.read(tx, ticket.agency_id, ticket_ids=[ticket.id], agent_ids=[staff.id])
    agents = seen.agents.get(ticket.agency_id, [])
    waiting = seen.waiting(ticket.agency_id)
    if not agents or not waiting:
        return
    policy = (await tickets.entries(tx, ticket))[0].policy
    pools = (waiting[0].pool, *waiting[0].overflowed)
    signatures = [waiting[0].signature._replace(pool=pool) for pool in pools]
    failing = [routing.misfit(agents[0], signature, policy) for signature in signatures]
    if all(failing):
        raise Conflict(f"This ticket needs more than you have: {MISSING[str(failing[0])]}.", slug="not-eligible")
    if routing.first_failing_check(agents[0], waiting[0], policy, seen.now) == "exclusion":
        raise Conflict("You may not have this ticket for now.", slug="excluded")


MISSING = {
    "channel": "you do not take this channel",
    "pool": "it waits for another team",
    "skill": "a skill you do not have",
    "level": "a skill at a higher level",
}
