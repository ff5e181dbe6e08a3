"""What the console asks for: the snapshot, lists, a ticket's page, a contact, why a ticket still waits."""

from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, and_, func, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession

import routing
from contactcenter import events
from contactcenter.desk import agents, closures, composing, expected, floor, offers, people, said, shown, tickets
from contactcenter.desk.access import Scope
from contactcenter.desk.board import iso
from contactcenter.desk.book import AgencyEntry, channel_inbox, open_book
from contactcenter.desk.floor import FloorNames
from contactcenter.desk.kit import Kit
from contactcenter.errors import NotFound
from contactcenter.models import (
    Assignment,
    Closure,
    Contact,
    Draft,
    Endpoint,
    Inbox,
    InboxHealth,
    Message,
    Offer,
    Queue,
    RawEvent,
    Staff,
    Ticket,
)

PAGE = 50
View = Literal["mine", "team", "unassigned", "closed"]
IS_OPEN = Ticket.status.not_in(("closed", "cancelled"))
UNOWNED = or_(Ticket.owner_id.is_(None), Ticket.status == "offered")
"""What is on offer holds an agent's units but is nobody's yet."""


async def tail(tx: AsyncSession) -> int:
    """The last stamped position. Read it before the rows: what is newer than the snapshot is then sent again, not lost."""
    return int(await tx.scalar(text("SELECT coalesce(max(pos), 0) FROM event")) or 0)


async def snapshot(tx: AsyncSession, kit: Kit, scope: Scope, staff: Staff) -> dict[str, Any]:
    pos = await tail(tx)
    waiting = and_(IS_OPEN, or_(Ticket.owner_id == scope.staff_id, UNOWNED))
    now: datetime = await tx.scalar(text("SELECT clock_timestamp()"))
    return {
        "pos": pos,
        "now": iso(now),
        "me": await shown.me(tx, staff),
        "channels": [channel_info(kit, name) for name in kit.channels],
        "offers": await my_offers(tx, kit, scope, staff.language),
        "tickets": await shown.ticket_rows(tx, kit, scope, waiting, order=(Ticket.va, Ticket.id), limit=500),
        "counts": await counts(tx, scope),
        "closure_reasons": list(closures.REASONS),
        "refusal_reasons": list(offers.REFUSAL_REASONS),
        "away_reasons": list(agents.AWAY_REASONS),
    }


def channel_info(kit: Kit, name: str) -> dict[str, Any]:
    can = kit.channels[name].capabilities
    return {
        "name": name,
        "live": can.live,
        "pace": can.pace,
        "html": can.html,
        "files": can.files,
        "subjects": can.subjects,
        "copies": can.copies,
        "metered": can.metered,
        "max_text": can.max_text,
    }


async def counts(tx: AsyncSession, scope: Scope) -> dict[str, int]:
    row = (
        await tx.execute(
            select(
                func.count().filter(_mine(scope)),
                func.count(),
                func.count().filter(UNOWNED),
            ).where(scope.condition(), IS_OPEN)
        )
    ).one()
    return {"mine": row[0], "team": row[1], "unassigned": row[2]}


async def my_offers(tx: AsyncSession, kit: Kit, scope: Scope, language: str) -> list[dict[str, Any]]:
    live = await shown.live_offers(tx, staff_id=scope.staff_id)
    return [await offer(tx, kit, one, language, scope) for one in live]


async def offer(tx: AsyncSession, kit: Kit, one: Offer, language: str, scope: Scope | None = None) -> dict[str, Any]:
    """An offer with its ticket and the sentence why."""
    rows = await shown.ticket_rows(tx, kit, None, Ticket.id == one.ticket_id)
    row = rows[0]
    if scope is not None:
        row |= {"can": list(scope.can(row["status"], one.staff_id)), "draft": False}
    because = await sentence(tx, one.because, language, one.ticket_id)
    return {
        "id": one.id, "ref": row["ref"], "ticket": row, "created_at": iso(one.created_at), "expires_at": iso(one.expires_at),
        "because": because or "",
    }  # fmt: skip


async def sentence(tx: AsyncSession, because: dict[str, Any], language: str, ticket_id: int) -> str | None:
    """A stored because in words; None where a colleague passed the ticket on."""
    if because.get("rule") in ("picked", "override") and "winner_key" not in because:
        because = {**routing.Because.by_hand(str(because["rule"]), await _owner(tx, ticket_id)).to_json()}
    if "winner_key" not in because:
        return None
    ticket = await tx.get_one(Ticket, ticket_id)
    agency = (await open_book(tx)).agencies[ticket.agency_id]
    names = await floor_names(tx, agency, language)
    return routing.why_this_agent(routing.Because.from_json(because), names, language)


async def _owner(tx: AsyncSession, ticket_id: int) -> int:
    return (await tx.get_one(Ticket, ticket_id)).owner_id or 0


async def floor_names(tx: AsyncSession, agency: AgencyEntry, language: str) -> FloorNames:
    staff = await tx.execute(select(Staff.id, Staff.name).where(Staff.agency_id == agency.row.id))
    skills = {skill.id: str(skill.names.get(language) or skill.names.get("en")) for skill in agency.skills.values()}
    return FloorNames({staff_id: name for staff_id, name in staff}, skills)


async def listed(
    tx: AsyncSession, kit: Kit, scope: Scope, view: View, queue: str | None, after: str | None
) -> dict[str, Any]:
    """One page of a view, the longest waiting first (closed: the newest first)."""
    pos = await tail(tx)
    conditions = [_view(scope, view)]
    if queue:
        agency = (await open_book(tx)).agencies[scope.agency_id]
        conditions.append(Ticket.queue_id == agency.queue(queue).id)
    newest_first = view == "closed"
    if after and after.isdecimal() and len(after) < 19:
        conditions.append(Ticket.id < int(after) if newest_first else Ticket.id > int(after))
    order = Ticket.id.desc() if newest_first else Ticket.id
    rows = await shown.ticket_rows(tx, kit, scope, and_(*conditions), order=(order,), limit=PAGE + 1)
    more = len(rows) > PAGE
    rows = rows[:PAGE]
    last = await tx.scalar(select(Ticket.id).where(Ticket.reference == rows[-1]["ref"])) if more else None
    return {"pos": pos, "tickets": rows, "next": str(last) if last else None}


def _view(scope: Scope, view: View) -> ColumnElement[bool]:
    return {
        "mine": and_(IS_OPEN, _mine(scope)),
        "team": IS_OPEN,
        "unassigned": and_(IS_OPEN, UNOWNED),
        "closed": Ticket.status == "closed",
    }[view]


def _mine(scope: Scope) -> ColumnElement[bool]:
    return and_(Ticket.owner_id == scope.staff_id, Ticket.status != "offered")


async def ticket_page(tx: AsyncSession, kit: Kit, scope: Scope, staff: Staff, reference: str) -> dict[str, Any]:
    """All of a ticket on one page. Opening it is written down: who saw what."""
    pos = await tail(tx)
    ticket = await tickets.find(tx, scope, reference)
    await events.record_beside(
        tx, "ticket.viewed", scope.agency_id, events.Actor("staff", staff.id), ticket_id=ticket.id
    )
    rows = await shown.ticket_rows(tx, kit, scope, Ticket.id == ticket.id)
    written = await said.messages(tx, kit, Message.ticket_id == ticket.id, newest=PAGE + 1)
    draft = await tx.get(Draft, (staff.id, ticket.id))
    return {
        "pos": pos,
        "ticket": rows[0],
        "messages": written[-PAGE:],
        "more": len(written) > PAGE,
        "contact": await contact(tx, kit, scope, ticket.contact_id),
        "because": await why_owner(tx, ticket, staff.language),
        "draft": {"text": draft.text, "kind": draft.kind} if draft else None,
        "compose": await composing.compose(tx, kit, scope, ticket),
    }


async def earlier(tx: AsyncSession, kit: Kit, scope: Scope, reference: str, before: int) -> dict[str, Any]:
    ticket = await tickets.find(tx, scope, reference)
    written = await said.messages(tx, kit, and_(Message.ticket_id == ticket.id, Message.seq < before), newest=PAGE + 1)
    return {"messages": written[-PAGE:], "more": len(written) > PAGE}


async def contact(tx: AsyncSession, kit: Kit, scope: Scope, contact_id: int) -> dict[str, Any]:
    """A person with endpoints and the tickets one may see; NotFound unless one sees at least one of them."""
    person = await tx.get(Contact, contact_id)
    seen = await shown.ticket_rows(tx, kit, scope, Ticket.contact_id == contact_id, order=(Ticket.id.desc(),), limit=50)
    if person is None or person.agency_id != scope.agency_id or not seen:
        raise NotFound("There is no such person that you may see.")
    endpoints = list(await tx.scalars(select(Endpoint).where(Endpoint.contact_id == contact_id).order_by(Endpoint.id)))
    given = await people.consents(tx, [endpoint.id for endpoint in endpoints])
    by_kind = {channel.capabilities.endpoint_kind: channel for channel in kit.channels.values()}
    return {
        "id": person.id,
        "name": person.name,
        "language": person.language,
        "endpoints": [
            {"id": e.id, "kind": e.kind, "shown": by_kind[e.kind].shown(e.canonical) if e.kind in by_kind else e.canonical,
             "proof": e.proof, "level": e.level, "consent": given[e.id], "bad": e.bad_since is not None}
            for e in endpoints
        ],
        "tickets": seen,
    }  # fmt: skip


MOST_ASKED_ABOUT = 30


async def why_owner(tx: AsyncSession, ticket: Ticket, language: str) -> str | None:
    """Why the ticket's agent has it, from what was stored at the decision."""
    because = await tx.scalar(
        select(Assignment.because)
        .where(Assignment.ticket_id == ticket.id, Assignment.staff_id == ticket.owner_id)
        .order_by(Assignment.id.desc())
        .limit(1)
    )
    return await sentence(tx, because, language, ticket.id) if because else None


async def why_waiting(tx: AsyncSession, scope: Scope, staff: Staff, reference: str) -> dict[str, Any]:
    """Place and eligible agents of a waiting ticket, in words."""
    ticket = await tickets.find(tx, scope, reference)
    seen = await floor.read(tx, scope.agency_id)
    waiting = seen.waiting(scope.agency_id)
    mine = next((one for one in waiting if one.id == ticket.id), None)
    if mine is None:
        nobody = {"with_room": 0, "full": 0, "away": 0, "offline": 0}
        return {"sentence": "", "position": 0, "of": 0, "eligible": nobody, "unservable": False, "hold": None,
                "next_change": None, "people": [], "expected": None}  # fmt: skip
    agency = (await open_book(tx)).agencies[scope.agency_id]
    agents = seen.agents.get(scope.agency_id, [])
    answer = routing.why_waiting(mine, waiting, agents, agency.policy, seen.now)
    names = await floor_names(tx, agency, staff.language)
    return {
        "sentence": routing.in_words(answer, staff.language),
        "position": answer.position,
        "of": answer.of,
        "eligible": {
            "with_room": answer.with_room,
            "full": answer.full,
            "away": answer.away,
            "offline": answer.offline,
        },
        "unservable": answer.unservable,
        "hold": answer.hold,
        "next_change": _change(answer.next_change, seen.now),
        "expected": await _expected(tx, ticket.id, staff.language),
        "people": [
            {"id": agent.id, "name": names.agent(agent.id),
             "sentence": routing.why_not(agent, mine, agency.policy, seen.now, names, staff.language)}
            for agent in _nearest(agents, mine)
        ],
    }  # fmt: skip


async def _expected(tx: AsyncSession, ticket_id: int, language: str) -> dict[str, Any] | None:
    """What the router last told of this ticket's wait; None where it tells nothing."""
    told = await expected.of(tx, ticket_id)
    if told is None:
        return None
    return {
        "p50_s": told.p50_s, "p90_s": told.p90_s, "basis": told.basis,
        "sentence": routing.expected_in_words(told.p50_s, told.p90_s, language),
    }  # fmt: skip


def _nearest(agents: list[routing.Agent], ticket: routing.Ticket) -> list[routing.Agent]:
    """The agents one would ask about, those of the ticket's teams who are signed in first."""
    pools = {ticket.pool, *ticket.overflowed}
    team = [agent for agent in agents if pools & set(agent.pools)]
    return sorted(team, key=lambda agent: (not agent.signed_in, not agent.available, agent.id))[:MOST_ASKED_ABOUT]


def _change(change: routing.Change | None, now: int) -> dict[str, Any] | None:
    if change is None:
        return None
    at = datetime.fromtimestamp((now + change.in_ms) / 1000, UTC)
    return {"kind": change.kind, "at": iso(at), "more_agents": change.more}


async def history(tx: AsyncSession, scope: Scope, reference: str) -> dict[str, Any]:
    """The ticket's story as the event log tells it."""
    ticket = await tickets.find(tx, scope, reference)
    rows = await tx.execute(
        text(
            "SELECT e.pos, e.at, e.type, e.actor_kind, e.actor_id, e.data, s.name FROM event e "
            "LEFT JOIN staff s ON e.actor_kind = 'staff' AND s.id = e.actor_id "
            "WHERE e.ticket_id = :ticket ORDER BY e.id LIMIT 1000"
        ),
        {"ticket": ticket.id},
    )
    return {
        "events": [
            {
                "pos": r.pos,
                "at": iso(r.at),
                "type": r.type,
                "actor": {"kind": r.actor_kind, "name": r.name},
                "data": r.data,
            }
            for r in rows
        ]
    }


async def queues(tx: AsyncSession, scope: Scope, now: datetime) -> list[dict[str, Any]]:
    """Where a ticket can be passed on to: every queue of the agency, with how it stands."""
    agency = (await open_book(tx)).agencies[scope.agency_id]
    waiting: dict[int, int] = {
        queue: int(n)
        for queue, n in await tx.execute(
            text("SELECT queue_id, count(*) FROM ticket WHERE status IN ('queued','offered') GROUP BY 1")
        )
    }
    staff: dict[int, list[dict[str, Any]]] = {}
    free: dict[int, int] = {}
    for queue_id, staff_id, name, state in await tx.execute(
        text(
            "SELECT q.queue_id, s.id, s.name, s.state FROM staff_queue q JOIN staff s ON s.id = q.staff_id "
            "WHERE s.role = 'agent' AND s.disabled_at IS NULL ORDER BY s.name"
        )
    ):
        if state in ("ready", "working", "full"):
            staff.setdefault(queue_id, []).append({"id": staff_id, "name": name})
        free[queue_id] = free.get(queue_id, 0) + (state in ("ready", "working"))
    return [
        {"slug": q.row.slug, "name": q.row.name, "open": q.calendar.is_open(now), "waiting": waiting.get(q.id, 0),
         "free_agents": free.get(q.id, 0), "staff": staff.get(q.id, [])}
        for q in agency.queues.values()
    ]  # fmt: skip


async def inboxes(tx: AsyncSession, kit: Kit, scope: Scope) -> list[dict[str, Any]]:
    """Our own addresses and how each does; those in trouble first."""
    newest = select(func.max(RawEvent.received_at)).where(RawEvent.inbox_id == Inbox.id).scalar_subquery()
    rows = await tx.execute(
        select(Inbox, Queue.name, InboxHealth, newest)
        .join(Queue, Queue.id == Inbox.queue_id)
        .outerjoin(InboxHealth, InboxHealth.inbox_id == Inbox.id)
        .where(Inbox.agency_id == scope.agency_id)
        .order_by((func.coalesce(InboxHealth.problem, "") != "").desc(), Inbox.name, Inbox.slug),
        execution_options=shown.FRESH,
    )
    return [_inbox(kit, scope, *row) for row in rows.all()]


def _inbox(
    kit: Kit, scope: Scope, box: Inbox, queue: str, health: InboxHealth | None, newest: datetime | None
) -> dict[str, Any]:
    channel = kit.channels.get(box.channel)
    return {
        "slug": box.slug, "name": box.name, "channel": box.channel, "shown": kit.shown(box.channel, box.address),
        "queue": queue, "watched": bool(channel and channel.watches(channel_inbox(box))),
        "ok_at": shown.moment(health.ok_at) if health else None,
        "tried_at": shown.moment(health.tried_at) if health else None, "last_message_at": shown.moment(newest),
        "problem": (health.problem if health else "") or ("" if channel else "This channel is not set up."),
        "problem_since": shown.moment(health.problem_since) if health else None,
        "backlog": health.backlog if health else None,
        "token_until": shown.moment(health.token_until) if health else None, "gaps": health.gaps if health else 0,
        "can": ["test:inbox"] if channel and scope.may("read:audit") else [],
    }  # fmt: skip


async def last_closure(tx: AsyncSession, ticket_id: int) -> Closure | None:
    found: Closure | None = await tx.scalar(
        select(Closure)
        .where(Closure.ticket_id == ticket_id, Closure.undone_at.is_(None))
        .order_by(Closure.id.desc())
        .limit(1)
    )
    return found
