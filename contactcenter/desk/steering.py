"""What a supervisor does to the routing by hand: give a ticket, move it forward, exclude an agent, declare a surge. All with a
reason that the log keeps."""

from datetime import datetime, timedelta

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

import routing
from contactcenter import events
from contactcenter.desk import exclusions, floor, lines, tickets, work
from contactcenter.desk.access import Scope
from contactcenter.desk.book import open_book
from contactcenter.desk.tickets import ms
from contactcenter.errors import Conflict, Forbidden, NotFound, Refused
from contactcenter.models import EmergencyClosure, Exclusion, Staff, Ticket

LONGEST_SURGE = timedelta(hours=24)


def _steers(scope: Scope) -> None:
    if not scope.may("steer:routing"):
        raise Forbidden("Only a supervisor may do this.")


async def give(
    tx: AsyncSession,
    scope: Scope,
    staff: Staff,
    reference: str,
    agent_id: int,
    why: str,
    *,
    exceed: bool,
    now: datetime,
) -> Ticket:
    """Assign a ticket to a present agent, above their capacity only by explicit choice, never past an exclusion."""
    ticket = await tickets.find(tx, scope, reference, lock=True)
    _steers(scope)
    if ticket.status in ("closed", "cancelled"):
        raise Conflict("This ticket is closed.", slug="closed")
    agent = await _present(tx, ticket, agent_id)
    if ticket.owner_id == agent.id and ticket.status == "assigned":
        raise Refused(f"{agent.name} has the ticket already.", slug="same-person")
    agency, _queue = await tickets.entries(tx, ticket)
    waited = ticket.status in ("held", "queued", "offered")
    await work.let_go(tx, ticket, "override")
    if waited:
        await tickets.close_stay(tx, ticket.id, "answered")
    await tx.flush()
    await work.take(tx, ticket, agent.id, agency.policy.channels[ticket.channel], over=exceed)
    ticket.status, ticket.held_until = "assigned", None
    ticket.version += 1
    await tx.flush()
    actor = events.Actor("staff", staff.id)
    await events.record(tx, "ticket.overridden", ticket.id, actor, staff=agent.id, exceed=exceed, why=why)
    await work.begin_assignment(tx, ticket, {"rule": "override", "by": staff.name, "why": why}, actor)
    await lines.add(tx, ticket, "assigned", actor=actor, name=agent.name)
    return ticket


async def _present(tx: AsyncSession, ticket: Ticket, agent_id: int) -> Staff:
    agent = await tx.scalar(
        select(Staff).where(
            Staff.id == agent_id,
            Staff.agency_id == ticket.agency_id,
            Staff.role == "agent",
            Staff.disabled_at.is_(None),
        )
    )
    if agent is None:
        raise NotFound("There is no such agent.")
    if agent.health != "connected" or agent.intent == "offline":
        raise Conflict(f"{agent.name} is not there now.", slug="not-available")
    await exclusions.refuse(tx, ticket, agent)
    return agent


async def move_to_front(tx: AsyncSession, scope: Scope, staff: Staff, reference: str, why: str) -> Ticket:
    """Let a waiting ticket go before all others of its queue and channel, within the limit of any head start."""
    ticket = await _waiting(tx, scope, reference)
    first = await tx.scalar(
        text("SELECT min(va) FROM ticket WHERE queue_id = :q AND channel = :c AND status IN ('queued', 'offered')"),
        {"q": ticket.queue_id, "c": ticket.channel},
    )
    before = ticket.va
    if first is not None:
        ticket.va = min(ticket.va, first - timedelta(milliseconds=1))
    await _changed(tx, ticket, staff, "ticket.moved_to_front", before=before, after=ticket.va, why=why)
    return ticket


async def set_priority(
    tx: AsyncSession, scope: Scope, staff: Staff, reference: str, priority: int, vulnerable: bool, why: str
) -> Ticket:
    """Priority 0-4 and the flag of an open ticket. Lowering moves its place back, never behind its arrival."""
    ticket = await tickets.find(tx, scope, reference, lock=True)
    _steers(scope)
    if ticket.status in ("closed", "cancelled"):
        raise Conflict("This ticket is closed.", slug="closed")
    agency, _queue = await tickets.entries(tx, ticket)
    was = {"priority": ticket.priority, "vulnerable": ticket.vulnerable}
    lowered = (priority, vulnerable) < (ticket.priority, ticket.vulnerable)
    placed = tickets.virtual_arrival(agency, ticket.channel, ticket.arrived_at, priority, vulnerable)
    ticket.va = placed if lowered else min(ticket.va, placed)
    ticket.priority, ticket.vulnerable = priority, vulnerable
    after = {"priority": priority, "vulnerable": vulnerable}
    await _changed(tx, ticket, staff, "ticket.priority_changed", before=was, after=after, why=why)
    return ticket


async def _waiting(tx: AsyncSession, scope: Scope, reference: str) -> Ticket:
    ticket = await tickets.find(tx, scope, reference, lock=True)
    _steers(scope)
    if ticket.status != "queued":
        raise Conflict("This ticket does not wait in a queue.", slug="not-waiting")
    return ticket


async def _changed(tx: AsyncSession, ticket: Ticket, staff: Staff, kind: str, **data: object) -> None:
    ticket.version += 1
    await tx.flush()
    await events.record(tx, kind, ticket.id, events.Actor("staff", staff.id), **data)


# ---- exclusions


async def seen_contact(tx: AsyncSession, scope: Scope, contact_id: int) -> None:
    """NotFound unless one sees at least one ticket of this person."""
    if not await tx.scalar(select(Ticket.id).where(Ticket.contact_id == contact_id, scope.condition()).limit(1)):
        raise NotFound("There is no such person that you may see.")


async def exclude(
    tx: AsyncSession, scope: Scope, staff: Staff, contact_id: int, agent_id: int, why: str, now: datetime
) -> Exclusion:
    """A conflict of interest: this agent never gets a ticket of this person. Open work of theirs goes back to the queue."""
    await seen_contact(tx, scope, contact_id)
    _steers(scope)
    agent = await tx.scalar(select(Staff).where(Staff.id == agent_id, Staff.agency_id == scope.agency_id))
    if agent is None:
        raise NotFound("There is no such agent.")
    standing: Exclusion | None = await tx.scalar(
        select(Exclusion).where(
            Exclusion.contact_id == contact_id, Exclusion.staff_id == agent_id, Exclusion.lifted_at.is_(None)
        )
    )
    if standing is not None:
        return standing
    made = Exclusion(agency_id=scope.agency_id, contact_id=contact_id, staff_id=agent_id, why=why, made_by=staff.id)
    tx.add(made)
    await tx.flush()
    actor = events.Actor("staff", staff.id)
    await events.record_beside(
        tx, "exclusion.made", scope.agency_id, actor, exclusion=made.id, contact=contact_id, staff=agent_id
    )
    await _take_away(tx, contact_id, agent_id, now, actor)
    await _look_again(tx, contact_id, actor)
    return made


async def _take_away(tx: AsyncSession, contact_id: int, agent_id: int, now: datetime, actor: events.Actor) -> None:
    """What the agent has of this person waits for somebody else, at its own place."""
    theirs = await tx.scalars(
        select(Ticket.id)
        .where(
            Ticket.contact_id == contact_id, Ticket.owner_id == agent_id, Ticket.status.not_in(("closed", "cancelled"))
        )
        .order_by(Ticket.id)
    )
    for ticket_id in list(theirs):
        ticket = await tickets.lock(tx, ticket_id)
        if ticket.owner_id == agent_id:
            await tickets.requeue(tx, ticket, now, "exclusion", actor=actor)


async def lift(tx: AsyncSession, scope: Scope, staff: Staff, exclusion_id: int, why: str) -> None:
    """End an exclusion: an act of its own, with a reason of its own."""
    _steers(scope)
    made = await tx.scalar(
        select(Exclusion).where(Exclusion.id == exclusion_id, Exclusion.agency_id == scope.agency_id).with_for_update()
    )
    if made is None:
        raise NotFound("There is no such exclusion.")
    if made.lifted_at is not None:
        return
    made.lifted_by = staff.id
    made.lifted_at = await tx.scalar(text("SELECT clock_timestamp()"))
    await tx.flush()
    actor = events.Actor("staff", staff.id)
    await events.record_beside(
        tx,
        "exclusion.lifted",
        scope.agency_id,
        actor,
        exclusion=made.id,
        contact=made.contact_id,
        staff=made.staff_id,
        why=why,
    )
    await _look_again(tx, made.contact_id, actor)


async def _look_again(tx: AsyncSession, contact_id: int, actor: events.Actor) -> None:
    """A fact on each open ticket of the person, so that the router reads it again."""
    open_ones = await tx.scalars(
        select(Ticket.id)
        .where(Ticket.contact_id == contact_id, Ticket.status.in_(("queued", "offered")))
        .order_by(Ticket.id)
    )
    for ticket_id in list(open_ones):
        await events.record(tx, "ticket.eligibility_changed", ticket_id, actor)


# ---- surge


async def surge(
    tx: AsyncSession, scope: Scope, staff: Staff, slug: str, until: datetime | None, why: str, now: datetime
) -> None:
    """Start a surge of a queue with its end, or end it (None). It ends by itself and leaves the rules as they were."""
    _steers(scope)
    queue = (await open_book(tx)).agencies[scope.agency_id].queue(slug)
    if until is not None and not now < until <= now + LONGEST_SURGE:
        raise Refused("A surge ends within the next 24 hours.", slug="surge-end")
    await tx.execute(text("UPDATE queue SET surge_until = :until WHERE id = :id"), {"until": until, "id": queue.id})
    kind = "queue.surge_started" if until else "queue.surge_ended"
    await events.record_beside(
        tx, kind, scope.agency_id, events.Actor("staff", staff.id), queue=queue.id, until=until, why=why
    )


# ---- emergency closure


async def close_queues(
    tx: AsyncSession, scope: Scope, staff: Staff, slug: str | None, until: datetime | None, why: str, now: datetime
) -> EmergencyClosure:
    """Close a queue, or all of them, at once: what comes is held and told so honestly. Without an end until further notice."""
    _steers(scope)
    agency = (await open_book(tx)).agencies[scope.agency_id]
    queue_id = agency.queue(slug).id if slug else None
    if until is not None and until <= now:
        raise Refused("The closure would be over already.", slug="closure-end")
    made = EmergencyClosure(
        agency_id=scope.agency_id, queue_id=queue_id, starts_at=now, ends_at=until, why=why, made_by=staff.id
    )
    tx.add(made)
    await tx.flush()
    await events.record_beside(
        tx, "queue.closed_in_emergency", scope.agency_id, events.Actor("staff", staff.id), closure=made.id, queue=queue_id,
        until=until, why=why,
    )  # fmt: skip
    return made


async def open_again(tx: AsyncSession, scope: Scope, staff: Staff, closure_id: int, now: datetime) -> None:
    """End an emergency closure now; what was held enters the queues with its own place."""
    made = await tx.scalar(
        select(EmergencyClosure)
        .where(EmergencyClosure.id == closure_id, EmergencyClosure.agency_id == scope.agency_id)
        .with_for_update()
    )
    if made is None:
        raise NotFound("There is no such closure.")
    _steers(scope)
    if made.ends_at is None or made.ends_at > now:
        made.ends_at = max(now, made.starts_at + timedelta(milliseconds=1))
        await tx.flush()
        await tx.execute(
            text(
                "UPDATE ticket SET held_until = :now WHERE agency_id = :agency AND status = 'held' "
                "AND (CAST(:queue AS bigint) IS NULL OR queue_id = :queue)"
            ),
            {"now": now, "agency": scope.agency_id, "queue": made.queue_id},
        )
        await events.record_beside(
            tx,
            "queue.opened_again",
            scope.agency_id,
            events.Actor("staff", staff.id),
            closure=made.id,
            queue=made.queue_id,
        )


# ---- questions


async def why_not(
    tx: AsyncSession, scope: Scope, reference: str, agent_id: int
) -> tuple[routing.Agent, routing.Ticket, int]:
    """The agent and the waiting ticket as the routing sees them now, to be asked what stands between them."""
    ticket = await tickets.find(tx, scope, reference)
    seen = await floor.read(tx, scope.agency_id, ticket_ids=[ticket.id], agent_ids=[agent_id])
    agents = seen.agents.get(scope.agency_id, [])
    found = seen.tickets.get(scope.agency_id, [])
    if not agents:
        raise NotFound("There is no such agent.")
    if not found:
        raise Conflict("This ticket does not wait in a queue.", slug="not-waiting")
    return agents[0], found[0], seen.now


async def preview(
    tx: AsyncSession, scope: Scope, ticket: routing.Ticket, policy: routing.Policy
) -> tuple[routing.Engine, list[routing.Effect], floor.Floor]:
    """Let a ticket that does not exist arrive on the floor as it is now, under this policy: what would happen at once."""
    seen = await floor.read(tx, scope.agency_id, ticket_ids=[])
    engine = routing.Engine(policy, routing.Snapshot(seen.now, agents=tuple(seen.agents.get(scope.agency_id, ()))))
    return engine, engine.apply(routing.events.TicketCreated(ticket), seen.now), seen


def imagined(
    plan: routing.Plan, queue: int, now: datetime, va: datetime, priority: int, vulnerable: bool
) -> routing.Ticket:
    """A ticket that arrives now, for a preview."""
    return routing.Ticket(
        id=0, queue=queue, plan=plan, arrived_at=ms(now), va=ms(va), priority=priority, vulnerable=vulnerable
    )
