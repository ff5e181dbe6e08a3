"""The floor as the routing sees it: waiting tickets and agents, read in one go from the database."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

import routing
from contactcenter.desk.agents import GRACE_S
from contactcenter.desk.tickets import ms

EXCLUDED_S = 120
"""Seconds for which an agent who declined or missed a ticket is passed over for it."""

_TICKETS = text(
    """
    SELECT t.id, t.queue_id, t.channel, t.skills, t.priority, t.vulnerable, t.arrived_at, t.va, t.version, t.agency_id,
      (SELECT jsonb_agg(jsonb_build_array(o.staff_id, extract(epoch FROM o.decided_at) * 1000 + :excluded))
         FROM offer o WHERE o.ticket_id = t.id AND o.result IN ('declined', 'timed_out')
         AND o.decided_at > clock_timestamp() - make_interval(secs => :excluded_s)) AS excluded
    FROM ticket t WHERE t.status = 'queued' AND (CAST(:agency AS bigint) IS NULL OR t.agency_id = :agency)
    """
)

_AGENTS = text(
    """
    SELECT s.id, s.agency_id, s.name, s.intent, s.next_intent, s.health, s.budget, s.primary_units, s.filler_units, s.idle_since,
      coalesce(s.last_assigned, s.idle_since) AS last_assigned,
      s.seen_at > clock_timestamp() - make_interval(secs => :grace) AS connected,
      (SELECT jsonb_agg(jsonb_build_array(k.skill_id, k.level) ORDER BY k.skill_id)
         FROM staff_skill k WHERE k.staff_id = s.id) AS skills,
      (SELECT array_agg(k.skill_id ORDER BY k.skill_id) FROM staff_skill k WHERE k.staff_id = s.id AND k.main) AS main_skills,
      (SELECT array_agg(q.queue_id ORDER BY q.queue_id) FROM staff_queue q WHERE q.staff_id = s.id) AS pools,
      (SELECT min(q.queue_id) FROM staff_queue q WHERE q.staff_id = s.id AND q.home) AS home_pool,
      (SELECT jsonb_agg(jsonb_build_array(c.channel, c.cap, c.items, c.enabled) ORDER BY c.channel)
         FROM staff_channel c WHERE c.staff_id = s.id) AS channels
    FROM staff s WHERE s.role = 'agent' AND s.disabled_at IS NULL AND (CAST(:agency AS bigint) IS NULL OR s.agency_id = :agency)
    ORDER BY s.id
    """
)


@dataclass(frozen=True)
class Floor:
    """All that one decision needs, by agency, and the names to speak of it. ``now`` in ms of the database's clock."""

    tickets: dict[int, list[routing.Ticket]]
    agents: dict[int, list[routing.Agent]]
    names: dict[int, str]
    now: int


async def read(tx: AsyncSession, agency_id: int | None = None) -> Floor:
    now: datetime = await tx.scalar(text("SELECT clock_timestamp()"))
    ticket_rows = await tx.execute(
        _TICKETS, {"agency": agency_id, "excluded": EXCLUDED_S * 1000, "excluded_s": EXCLUDED_S}
    )
    agent_rows = await tx.execute(_AGENTS, {"agency": agency_id, "grace": GRACE_S})
    tickets: dict[int, list[routing.Ticket]] = {}
    for row in ticket_rows:
        tickets.setdefault(row.agency_id, []).append(_ticket(row))
    agents: dict[int, list[routing.Agent]] = {}
    names = {}
    for row in agent_rows:
        agents.setdefault(row.agency_id, []).append(_agent(row))
        names[row.id] = row.name
    return Floor(tickets, agents, names, ms(now))


def _ticket(row: Any) -> routing.Ticket:
    return routing.Ticket(
        id=row.id, queue=row.queue_id, pool=row.queue_id, channel=row.channel, reqs=reqs(row.skills), priority=row.priority,
        vulnerable=row.vulnerable, arrived_at=ms(row.arrived_at), va=ms(row.va),
        excluded=tuple((int(agent), int(until)) for agent, until in row.excluded or ()), version=row.version,
    )  # fmt: skip


def reqs(skills: Sequence[Sequence[int]]) -> tuple[routing.Req, ...]:
    return tuple(routing.Req(int(skill), int(level)) for skill, level in skills)


def _agent(row: Any) -> routing.Agent:
    channels = row.channels or []
    pools = tuple(row.pools or ())
    return routing.Agent(
        id=row.id, skills=tuple((int(skill), int(level)) for skill, level in row.skills or ()),
        primary=tuple(row.main_skills or ()), home_pool=row.home_pool or (pools[0] if pools else 0), pools=pools,
        signed_in=row.intent != "offline" and row.health != "lost",
        available=row.intent == "available" and row.next_intent is None, connected=bool(row.connected),
        channels_on=tuple(name for name, _cap, _items, on in channels if on),
        caps={name: cap for name, cap, _items, _on in channels}, items={name: items for name, _cap, items, _on in channels},
        budget=row.budget, primary_units=row.primary_units, filler_units=row.filler_units, idle_since=ms(row.idle_since),
        last_assigned=ms(row.last_assigned),
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
