"""What time brings about: offers run out, lines are lost, queues open, silent conversations are parked. The leader's chores."""

import time
from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from contactcenter import events
from contactcenter.db import Database
from contactcenter.desk import (
    agents,
    health,
    journal,
    lines,
    offers,
    questions,
    sentinel,
    surveys,
    tickets,
    uploads,
    work,
)
from contactcenter.desk.kit import Kit
from contactcenter.models import Ticket

log = structlog.get_logger()
LIMIT, PROMISES_AT_ONCE = 256, 20
REQUEUE_LIVE_S, PARK_S, GONE_S = 60, 600, 90
UNTOUCHED_MIN = 480
"""Opening minutes after which work that its agent never touched goes back to the queue."""

Chore = Callable[[AsyncSession, Kit], Awaitable[None]]
_ran: dict[str, float] = {}


async def run_due(database: Database, kit: Kit) -> None:
    """Run each chore that is due, each in a transaction of its own."""
    now = time.monotonic()
    for chore, every in CHORES:
        if now - _ran.get(chore.__name__, 0.0) >= every:
            _ran[chore.__name__] = now
            await _run_one_by_one(database, kit, chore)


async def _run_one_by_one(database: Database, kit: Kit, chore: Chore) -> None:
    """One ticket, offer or agent a transaction: whoever locks many of them at once meets everybody else's order of locking, and a
    leader that dies has done part of it."""
    after = 0
    for _ in range(LIMIT):
        async with database.transaction() as tx:
            tx.info["one_after"] = after
            await chore(tx, kit)
            found = tx.info.get("found")
        if not found:
            return
        after = found


async def time_out_offers(tx: AsyncSession, kit: Kit) -> None:
    for offer_id in await _ids(
        tx, "SELECT id FROM offer WHERE result IS NULL AND expires_at < clock_timestamp() ORDER BY id"
    ):
        await offers.time_out(tx, offer_id, kit.now())


async def rescind_unreachable_offers(tx: AsyncSession, kit: Kit) -> None:
    sql = (
        "SELECT o.id FROM offer o JOIN staff s ON s.id = o.staff_id WHERE o.result IS NULL AND "
        "(s.seen_at IS NULL OR s.seen_at < clock_timestamp() - make_interval(secs => :grace)) ORDER BY o.id"
    )
    for offer_id in await _ids(tx, sql, grace=agents.GRACE_S):
        await offers.rescind(tx, offer_id, "line_lost", kit.now())


async def find_lost_agents(tx: AsyncSession, _kit: Kit) -> None:
    await agents.find_lost(tx)


async def end_skills(tx: AsyncSession, _kit: Kit) -> None:
    await agents.end_skills(tx)


async def requeue_lost_conversations(tx: AsyncSession, kit: Kit) -> None:
    """Live work of an agent whose line is gone for a minute goes back with a head start; slow work stays theirs."""
    live = [name for name, channel in kit.channels.items() if channel.capabilities.live]
    sql = (
        "SELECT t.id FROM ticket t JOIN staff s ON s.id = t.owner_id WHERE t.status = 'assigned' AND t.channel = ANY(:live) "
        "AND s.health = 'lost' AND s.seen_at < clock_timestamp() - make_interval(secs => :after) ORDER BY t.id"
    )
    for ticket_id in await _ids(tx, sql, live=live, after=REQUEUE_LIVE_S):
        ticket = await tickets.lock(tx, ticket_id)
        if ticket.status != "assigned":
            continue
        ticket.va = ticket.va - timedelta(minutes=5)
        await tickets.requeue(tx, ticket, kit.now(), "line_lost")
        await lines.add(tx, ticket, "requeued", why="line_lost")


async def requeue_slow_work_at_risk(tx: AsyncSession, kit: Kit) -> None:
    """Slow work stays with an agent whose line is gone, until a quarter of its time is left: then somebody else takes over."""
    slow = [name for name, channel in kit.channels.items() if not channel.capabilities.live]
    sql = (
        "SELECT t.id FROM ticket t JOIN staff s ON s.id = t.owner_id WHERE t.status = 'assigned' AND t.channel = ANY(:slow) "
        "AND s.health = 'lost' AND CAST(:now AS timestamptz) > t.due_at - (t.due_at - t.arrived_at) / 4 ORDER BY t.id"
    )
    for ticket_id in await _ids(tx, sql, slow=slow, now=kit.now()):
        await _take_from_owner(tx, ticket_id, kit, "line_lost")


async def requeue_untouched(tx: AsyncSession, kit: Kit) -> None:
    """Slow work that its agent has neither opened nor written on for eight hours of opening time goes back, at its own place."""
    slow = [name for name, channel in kit.channels.items() if not channel.capabilities.live]
    sql = (
        "SELECT t.id FROM ticket t JOIN assignment a ON a.ticket_id = t.id AND a.ended_at IS NULL WHERE t.status = 'assigned' "
        "AND t.channel = ANY(:slow) AND a.started_at < CAST(:now AS timestamptz) - make_interval(mins => :untouched) AND NOT EXISTS "
        "(SELECT 1 FROM message m WHERE m.ticket_id = t.id AND m.author_staff_id = a.staff_id AND m.created_at >= a.started_at) "
        "AND NOT EXISTS (SELECT 1 FROM event e WHERE e.ticket_id = t.id AND e.type = 'ticket.viewed' AND e.actor_id = a.staff_id "
        "AND e.at >= a.started_at) ORDER BY t.id"
    )
    for ticket_id in await _ids(tx, sql, slow=slow, now=kit.now(), untouched=UNTOUCHED_MIN):
        ticket = await tx.get_one(Ticket, ticket_id)
        _agency, queue = await tickets.entries(tx, ticket)
        since = await tx.scalar(
            text("SELECT started_at FROM assignment WHERE ticket_id = :id AND ended_at IS NULL"), {"id": ticket_id}
        )
        if since is not None and queue.calendar.minutes_between(since, kit.now()) >= UNTOUCHED_MIN:
            await _take_from_owner(tx, ticket_id, kit, "untouched")


async def _take_from_owner(tx: AsyncSession, ticket_id: int, kit: Kit, why: str) -> None:
    ticket = await tickets.lock(tx, ticket_id)
    if ticket.status == "assigned":
        await tickets.requeue(tx, ticket, kit.now(), why)
        await lines.add(tx, ticket, "requeued", why=why)


async def open_held(tx: AsyncSession, kit: Kit) -> None:
    """Tickets that arrived while their queue was closed enter it when it opens, with their own virtual arrival."""
    for ticket_id in await _ids(
        tx, "SELECT id FROM ticket WHERE status = 'held' AND held_until <= :now ORDER BY va", now=kit.now()
    ):
        ticket = await tickets.lock(tx, ticket_id)
        if ticket.status != "held":
            continue
        _agency, queue = await tickets.entries(tx, ticket)
        later = tickets.opens_at(queue, kit.now())
        if later is not None:
            ticket.held_until = later  # closed meanwhile, for longer than was known
        else:
            await tickets.into_queue(tx, ticket, kit.now(), "queue_opened")


async def time_out_questions(tx: AsyncSession, kit: Kit) -> None:
    """Nobody said which matter they mean: after ten minutes an agent decides."""
    sql = "SELECT id FROM question WHERE answered_at IS NULL AND expires_at <= :now ORDER BY id"
    for question_id in await _ids(tx, sql, now=kit.now()):
        await questions.time_out(tx, kit, question_id)


async def ask_how_satisfied(tx: AsyncSession, kit: Kit) -> None:
    """An hour after the end, by the channel of the matter, outside quiet hours."""
    for ticket_id in await _ids(tx, surveys.DUE, **surveys.due_values(kit)):
        await surveys.ask(tx, kit, ticket_id)


async def park_silent(tx: AsyncSession, kit: Kit) -> None:
    """A live conversation in which the citizen has been silent for ten minutes gives its units back; the owner stays."""
    live = [name for name, channel in kit.channels.items() if channel.capabilities.live]
    sql = (
        "SELECT id FROM ticket WHERE status = 'assigned' AND channel = ANY(:live) AND waiting_since IS NULL AND NOT EXISTS "
        "(SELECT 1 FROM message m WHERE m.ticket_id = ticket.id AND m.kind = 'message' AND m.created_at > clock_timestamp() - "
        "make_interval(secs => :silent)) ORDER BY id"
    )
    for ticket_id in await _ids(tx, sql, live=live, silent=PARK_S):
        ticket = await tickets.lock(tx, ticket_id)
        if ticket.status != "assigned" or ticket.owner_id is None:
            continue
        await work.give_back(tx, ticket)
        ticket.status = "parked"
        ticket.version += 1
        await tx.flush()
        await events.record(tx, "ticket.parked", ticket.id, events.DESK, staff=ticket.owner_id, why="silent")
        await agents.restate(tx, ticket.owner_id)


async def note_abandoned(tx: AsyncSession, kit: Kit) -> None:
    """A live visitor whose line has been gone for 90 s before anybody answered has left the queue, at the last heartbeat.

    The ticket goes on as a message, in a new stay.
    """
    sql = (
        "SELECT t.id FROM ticket t JOIN endpoint e ON e.id = t.endpoint_id JOIN visitor v ON v.canonical = e.canonical "
        "JOIN queue_stay q ON q.ticket_id = t.id AND q.leave IS NULL AND q.enter < v.seen_at "
        "WHERE t.status IN ('queued', 'offered') AND v.seen_at < clock_timestamp() - make_interval(secs => :gone)"
    )
    for ticket_id in await _ids(tx, sql, gone=GONE_S):
        ticket = await tickets.lock(tx, ticket_id)
        if ticket.status not in ("queued", "offered"):
            continue  # answered while we looked
        seen = await tx.scalar(
            text("SELECT v.seen_at FROM visitor v JOIN endpoint e ON e.canonical = v.canonical WHERE e.id = :id"),
            {"id": ticket.endpoint_id},
        )
        await tickets.close_stay(tx, ticket.id, "abandoned", at=seen)
        await tickets.open_stay(tx, ticket)
        await events.record(
            tx, "stay.abandoned", ticket.id, events.Actor("citizen", ticket.contact_id), at=seen, queue=ticket.queue_id
        )


async def break_promises(tx: AsyncSession, _kit: Kit) -> None:
    rows = await tx.execute(
        text(
            "UPDATE promise SET state = 'broken' WHERE id IN (SELECT id FROM promise WHERE state = 'open' AND "
            "due_at < clock_timestamp() ORDER BY id LIMIT :limit FOR UPDATE SKIP LOCKED) RETURNING ticket_id, due_at"
        ),
        {"limit": PROMISES_AT_ONCE},
    )
    for ticket_id, due_at in sorted(rows.all()):
        await events.record(tx, "promise.broken", ticket_id, events.DESK, due=due_at)


async def forget_used_keys(tx: AsyncSession, _kit: Kit) -> None:
    await tx.execute(text("DELETE FROM socket_ticket WHERE expires_at < clock_timestamp() - interval '1 hour'"))


async def forget_old_journal(tx: AsyncSession, _kit: Kit) -> None:
    await journal.forget_old(tx)


async def watch_over_inboxes(tx: AsyncSession, kit: Kit) -> None:
    await health.watch_over(tx, kit)


async def forget_unsent_files(tx: AsyncSession, _kit: Kit) -> None:
    await uploads.forget_unsent(tx)


async def watch_for_the_forgotten(tx: AsyncSession, _kit: Kit) -> None:
    """The sentinel's question, asked by the leader itself: it must find nobody."""
    forgotten = await sentinel.kept_waiting(tx)
    if forgotten:
        log.error("kept_waiting", pairs=forgotten)


async def _ids(tx: AsyncSession, sql: str, **values: object) -> list[int]:
    """What a chore has to see to, by id; in a run one by one only the next."""
    one_after = tx.info.get("one_after")
    wrapped = text(f"SELECT id FROM ({sql}) due(id) WHERE id > :beyond ORDER BY id LIMIT :most")  # noqa: S608 - our own SQL
    ids = list(
        await tx.scalars(wrapped, {**values, "beyond": one_after or 0, "most": LIMIT if one_after is None else 1})
    )
    tx.info["found"] = ids[-1] if ids else None
    return ids


CHORES: tuple[tuple[Chore, float], ...] = (
    (time_out_offers, 0.5),
    (rescind_unreachable_offers, 1.0),
    (find_lost_agents, 1.0),
    (end_skills, 5.0),
    (requeue_lost_conversations, 2.0),
    (requeue_slow_work_at_risk, 10.0),
    (requeue_untouched, 60.0),
    (time_out_questions, 2.0),
    (open_held, 1.0),
    (note_abandoned, 2.0),
    (park_silent, 10.0),
    (break_promises, 5.0),
    (ask_how_satisfied, 60.0),
    (watch_over_inboxes, 30.0),
    (forget_unsent_files, 3600.0),
    (forget_used_keys, 600.0),
    (forget_old_journal, 600.0),
    (watch_for_the_forgotten, 1.0),
)
