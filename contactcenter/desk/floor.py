"""The floor as the routing sees it: open tickets and agents, read from the database as the engine's values."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

import routing
from contactcenter.desk.agents import GRACE_S, LOST_S
from contactcenter.desk.book import Book, open_book
from contactcenter.desk.tickets import ms

_TICKETS = text(
    """
    SELECT t.id, t.agency_id, t.queue_id, t.contact_id, t.channel, t.skills, t.priority, t.vulnerable, t.arrived_at, t.va,
      t.version, t.status, t.owner_id, t.units, t.filler, t.ring, t.pools, t.preferred_id, t.sticky_until, t.hops, t.due_at,
      (SELECT q.enter FROM queue_stay q WHERE q.ticket_id = t.id AND q.leave IS NULL) AS entered_at,
      (SELECT o.expires_at FROM offer o WHERE o.ticket_id = t.id AND o.result IS NULL) AS offer_expires,
      (SELECT jsonb_agg(jsonb_build_array(o.staff_id, o.until)) FROM (SELECT o.staff_id,
         extract(epoch FROM max(o.decided_at)) * 1000 AS until FROM offer o WHERE o.ticket_id = t.id
         AND o.result IN ('declined', 'timed_out') AND o.decided_at > clock_timestamp() - interval '1 hour'
         GROUP BY o.staff_id) o) AS given_back,
      (SELECT jsonb_agg(x.staff_id) FROM exclusion x WHERE x.contact_id = t.contact_id AND x.lifted_at IS NULL) AS barred
    FROM ticket t WHERE t.status IN ('queued', 'offered', 'assigned')
      AND (CAST(:agency AS bigint) IS NULL OR t.agency_id = :agency)
      AND (CAST(:ids AS bigint[]) IS NULL OR t.id = ANY(:ids))
    """
)

_AGENTS = text(
    """
    SELECT s.id, s.agency_id, s.name, s.intent, s.next_intent, s.health, s.budget, s.primary_units, s.filler_units, s.idle_since,
      s.overbook, s.misses, s.version, s.seen_at, coalesce(s.last_assigned, s.idle_since) AS last_assigned,
      coalesce(s.seen_at > clock_timestamp() - make_interval(secs => :grace), false) AS connected,
      (SELECT jsonb_agg(jsonb_build_array(k.skill_id, k.level) ORDER BY k.skill_id)
         FROM staff_skill k WHERE k.staff_id = s.id AND k.lapsed_at IS NULL) AS skills,
      (SELECT array_agg(k.skill_id ORDER BY k.skill_id) FROM staff_skill k
         WHERE k.staff_id = s.id AND k.main AND k.lapsed_at IS NULL) AS main_skills,
      (SELECT array_agg(q.queue_id ORDER BY q.queue_id) FROM staff_queue q WHERE q.staff_id = s.id) AS pools,
      (SELECT min(q.queue_id) FROM staff_queue q WHERE q.staff_id = s.id AND q.home) AS home_pool,
      (SELECT jsonb_agg(jsonb_build_array(c.channel, c.cap, c.items, c.enabled, c.overbook_items) ORDER BY c.channel)
         FROM staff_channel c WHERE c.staff_id = s.id) AS channels
    FROM staff s WHERE s.role = 'agent' AND s.disabled_at IS NULL
      AND (CAST(:agency AS bigint) IS NULL OR s.agency_id = :agency)
      AND (CAST(:ids AS bigint[]) IS NULL OR s.id = ANY(:ids))
    ORDER BY s.id
    """
)

_PRESENCE = text(
    """
    SELECT s.id, s.version, s.intent <> 'offline' AND s.health <> 'lost' AS signed_in,
      coalesce(s.seen_at > clock_timestamp() - make_interval(secs => :grace), false) AS connected
    FROM staff s WHERE s.role = 'agent' AND s.disabled_at IS NULL
    """
)


@dataclass(frozen=True)
class Floor:
    """What was read, by agency, and the names to speak of it. ``now`` in ms of the database's clock."""

    tickets: dict[int, list[routing.Ticket]]
    agents: dict[int, list[routing.Agent]]
    names: dict[int, str]
    presence: dict[int, tuple[int, bool]]
    now: int

    def waiting(self, agency_id: int) -> list[routing.Ticket]:
        return [one for one in self.tickets.get(agency_id, []) if one.state is routing.State.QUEUED]


async def read(
    tx: AsyncSession,
    agency_id: int | None = None,
    *,
    ticket_ids: Sequence[int] | None = None,
    agent_ids: Sequence[int] | None = None,
) -> Floor:
    """Open tickets and all agents; with ids only those of them."""
    book = await open_book(tx)
    now: datetime = await tx.scalar(text("SELECT clock_timestamp()"))
    ticket_rows = await tx.execute(_TICKETS, {"agency": agency_id, "ids": ticket_ids})
    agent_rows = await tx.execute(_AGENTS, {"agency": agency_id, "ids": agent_ids, "grace": GRACE_S})
    tickets: dict[int, list[routing.Ticket]] = {}
    for row in ticket_rows:
        if row.channel in book.agencies[row.agency_id].policy.channels:
            tickets.setdefault(row.agency_id, []).append(_ticket(row, book))
    agents: dict[int, list[routing.Agent]] = {}
    names, presence = {}, {}
    for row in agent_rows:
        agents.setdefault(row.agency_id, []).append(_agent(row))
        names[row.id] = row.name
        presence[row.id] = row.version, row.connected
    return Floor(tickets, agents, names, presence, ms(now))


async def presence(tx: AsyncSession) -> dict[int, tuple[int, bool]]:
    """Version and connection of every agent: who differs from before has to be read again."""
    return {row.id: (row.version, row.connected) for row in await tx.execute(_PRESENCE, {"grace": GRACE_S})}


def _ticket(row: Any, book: Book) -> routing.Ticket:
    agency = book.agencies[row.agency_id]
    policy = agency.policy
    given_back = tuple((int(agent), int(until) + policy.excluded_s * 1000) for agent, until in row.given_back or ())
    barred = tuple((int(agent), routing.FOREVER) for agent in row.barred or ())
    plan = agency.plan(row.queue_id, row.channel, row.skills, row.priority)
    return routing.Ticket(
        id=row.id, queue=row.queue_id, contact=row.contact_id,
        plan=plan, priority=row.priority,
        vulnerable=row.vulnerable, arrived_at=ms(row.arrived_at), va=ms(row.va), ring=min(row.ring, len(plan.rings) - 1),
        entered_at=ms(row.entered_at) if row.entered_at else None, sla_deadline=ms(row.due_at) if row.due_at else None,
        preferred_agent=row.preferred_id, sticky_until=ms(row.sticky_until) if row.sticky_until else None,
        excluded=tuple(sorted({**dict(given_back), **dict(barred)}.items())), state=routing.State(row.status),
        agent=row.owner_id, offer_expires=ms(row.offer_expires) if row.offer_expires else None, version=row.version,
        hops=row.hops, overflowed=tuple(int(pool) for pool in row.pools), units=row.units, filler=row.filler,
    )  # fmt: skip


def reqs(skills: Iterable[Sequence[int]]) -> tuple[routing.Req, ...]:
    return tuple(routing.Req(int(skill), int(level)) for skill, level in skills)


def _agent(row: Any) -> routing.Agent:
    channels = row.channels or []
    pools = tuple(row.pools or ())
    health: routing.Health = "lost" if row.health == "lost" else "connected" if row.connected else "grace"
    since_s = LOST_S if health == "lost" else 0  # the grace and its end are counted from the last heartbeat
    return routing.Agent(
        id=row.id, skills=tuple((int(skill), int(level)) for skill, level in row.skills or ()),
        primary=tuple(row.main_skills or ()), home_pool=row.home_pool or (pools[0] if pools else 0), pools=pools,
        intent=row.intent, next_intent=row.next_intent,
        health=health, health_since=0 if health == "connected" or not row.seen_at else ms(row.seen_at) + since_s * 1000,
        channels_on=tuple(name for name, _cap, _items, on, _over in channels if on),
        caps={name: cap for name, cap, _items, _on, _over in channels},
        items={name: items for name, _cap, items, _on, _over in channels if items},
        budget=row.budget, primary_units=row.primary_units, filler_units=row.filler_units,
        overbooked=max(sum(over for *_rest, over in channels), int(row.overbook > 0)),
        idle_since=ms(row.idle_since), last_assigned=ms(row.last_assigned), misses=row.misses,
    )  # fmt: skip


@dataclass(frozen=True)
class FloorNames:
    """Names for the sentences of ``routing.because``."""

    agents: dict[int, str]
    skills: dict[int, str]

    def agent(self, agent_id: int) -> str:
        return self.agents.get(agent_id, f"#{agent_id}")

    def skill(self, skill_id: int) -> str:
        return self.skills.get(skill_id, f"#{skill_id}")
