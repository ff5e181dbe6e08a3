"""The ticket: found by its reference under the visibility rule, locked, queued, reopened."""

from datetime import datetime, timedelta

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

import routing
from contactcenter import events
from contactcenter.desk import work
from contactcenter.desk.access import Scope
from contactcenter.desk.book import AgencyEntry, QueueEntry, open_book
from contactcenter.errors import NotFound
from contactcenter.models import Ticket

UNSEEN = "There is no ticket with this reference that you may see."


async def find(tx: AsyncSession, scope: Scope, reference: str, *, lock: bool = False) -> Ticket:
    """The ticket, if it exists and the scope sees it; NotFound is the same for both."""
    query = select(Ticket).where(Ticket.reference == reference.strip().upper(), scope.condition())
    if lock:
        query = query.with_for_update()
    ticket = await tx.scalar(query)
    if ticket is None:
        raise NotFound(UNSEEN)
    return ticket


async def lock(tx: AsyncSession, ticket_id: int) -> Ticket:
    """The ticket with its row lock, read afresh."""
    query = select(Ticket).where(Ticket.id == ticket_id).with_for_update()
    return (await tx.scalars(query, execution_options={"populate_existing": True})).one()


async def entries(tx: AsyncSession, ticket: Ticket) -> tuple[AgencyEntry, QueueEntry]:
    book = await open_book(tx)
    agency = book.agencies[ticket.agency_id]
    return agency, agency.queues[ticket.queue_id]


def needs(agency: AgencyEntry, queue: QueueEntry, language: str) -> list[list[int]]:
    """The skills a ticket of this queue in this language requires, as [[skill id, level], ...]."""
    wanted = dict(queue.skills)
    spoken = agency.language_skill(language)
    if spoken is not None:
        wanted.setdefault(spoken, 2)
    return [[skill, level] for skill, level in sorted(wanted.items())]


def virtual_arrival(
    agency: AgencyEntry, channel: str, arrived_at: datetime, priority: int = 0, vulnerable: bool = False
) -> datetime:
    """The instant the ticket counts as having arrived (formula in ``routing.ordering``)."""
    va = routing.virtual_arrival(
        arrived_at=ms(arrived_at), priority=priority, vulnerable=vulnerable, channel=channel, policy=agency.policy
    )
    return arrived_at + timedelta(milliseconds=va - ms(arrived_at))


def ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)


async def into_queue(
    tx: AsyncSession,
    ticket: Ticket,
    now: datetime,
    why: str,
    *,
    actor: events.Actor = events.DESK,
    arrived: bool = False,
) -> None:
    """Put a locked, unowned ticket where it waits: queued, or held until the queue opens. ``arrived``: as a new arrival."""
    agency, queue = await entries(tx, ticket)
    if arrived:
        ticket.arrived_at = now
        ticket.va = virtual_arrival(agency, ticket.channel, now, ticket.priority, ticket.vulnerable)
        await _prefer_who_knows_it(tx, ticket, agency, queue, now)
    ticket.ring, ticket.asked, ticket.pools, ticket.unservable = 0, None, [], False
    opening = opens_at(queue, now)
    held = opening is not None
    ticket.status = "held" if held else "queued"
    ticket.held_until = opening
    ticket.version += 1
    ticket.closed_at = None
    if ticket.next_action_at is None:
        ticket.next_action_at = now + timedelta(days=1)
    await tx.flush()
    if not held:
        await open_stay(tx, ticket)
    kind = "ticket.held" if held else "ticket.queued"
    await events.record(tx, kind, ticket.id, actor, queue=ticket.queue_id, channel=ticket.channel, why=why)


def opens_at(queue: QueueEntry, now: datetime) -> datetime | None:
    """When a queue that is closed now opens again; None when it is open. Closed until further notice is looked at every day."""
    if queue.calendar.is_open(now):
        return None
    return queue.calendar.next_opening(now) or now + timedelta(days=1)


async def _prefer_who_knows_it(
    tx: AsyncSession, ticket: Ticket, agency: AgencyEntry, queue: QueueEntry, now: datetime
) -> None:
    """Whoever had the ticket last gets it first: for as long as the queue's rules say, and never past three quarters of the
    time until it is due."""
    last = await tx.scalar(
        text("SELECT staff_id FROM assignment WHERE ticket_id = :id ORDER BY id DESC LIMIT 1"), {"id": ticket.id}
    )
    ticket.preferred_id = ticket.sticky_until = None
    if last is None:
        return
    rules = agency.rules.of(queue.row.slug)
    live = agency.policy.channels[ticket.channel].live
    hold = timedelta(seconds=rules.sticky_live_s if live else rules.sticky_filler_s)
    if not live and ticket.due_at is not None:
        hold = max(min(hold, (ticket.due_at - now) * 0.75), timedelta(0))
    ticket.preferred_id, ticket.sticky_until = last, now + hold


async def open_stay(tx: AsyncSession, ticket: Ticket) -> None:
    """Begin a stay in the queue unless one is open."""
    await tx.execute(
        text(
            "INSERT INTO queue_stay (ticket_id, queue_id, channel, priority) VALUES (:ticket, :queue, :channel, :priority) "
            "ON CONFLICT (ticket_id) WHERE leave IS NULL DO NOTHING"
        ),
        {"ticket": ticket.id, "queue": ticket.queue_id, "channel": ticket.channel, "priority": ticket.priority},
    )


async def close_stay(
    tx: AsyncSession, ticket_id: int, how: str, at: datetime | None = None, direct: bool = False
) -> None:
    """End the open stay. ``at``: when it really ended, if that was earlier. ``direct``: nobody was asked."""
    await tx.execute(
        text(
            "UPDATE queue_stay SET leave = greatest(enter, coalesce(CAST(:at AS timestamptz), clock_timestamp())), how = :how, "
            "direct = :direct WHERE ticket_id = :ticket AND leave IS NULL"
        ),
        {"ticket": ticket_id, "how": how, "at": at, "direct": direct},
    )


async def answered(tx: AsyncSession, ticket_id: int) -> None:
    """The first human message on a directly assigned ticket stands for the answer of its last stay."""
    await tx.execute(
        text(
            "UPDATE queue_stay SET answered_at = clock_timestamp() WHERE id = (SELECT max(id) FROM queue_stay "
            "WHERE ticket_id = :ticket) AND how = 'answered' AND direct AND answered_at IS NULL"
        ),
        {"ticket": ticket_id},
    )


async def requeue(
    tx: AsyncSession,
    ticket: Ticket,
    now: datetime,
    why: str,
    *,
    actor: events.Actor = events.DESK,
    arrived: bool = False,
) -> None:
    """Take a locked ticket from whoever has it and let it wait again, at its own place unless it ``arrived`` anew."""
    former = await work.let_go(tx, ticket, why)
    await events.record(tx, "ticket.released", ticket.id, actor, staff=former, why=why)
    await into_queue(tx, ticket, now, why, actor=actor, arrived=arrived)
