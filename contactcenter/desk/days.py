"""A day as it was, from the rows and the log, in the form that the simulation can play again."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

import routing
from contactcenter.desk import floor
from contactcenter.desk.book import AgencyEntry, open_book
from contactcenter.desk.tickets import ms
from routing.events import AgentIntent
from routing.simulate import Contact, Kind, World
from routing.simulate.worlds import MINUTE

UNKNOWN_WORK_MS = 5 * MINUTE
"""Stands in where no ticket of a channel was ever finished."""

_STAYS = text(
    """
    SELECT q.enter, q.leave, q.how, t.queue_id, t.channel, t.skills, t.priority,
      (SELECT extract(epoch FROM a.ended_at - a.started_at) * 1000 FROM assignment a
        WHERE a.ticket_id = t.id AND a.started_at >= q.enter AND a.ended_at IS NOT NULL ORDER BY a.id LIMIT 1)::float AS work
    FROM queue_stay q JOIN ticket t ON t.id = q.ticket_id
    WHERE t.agency_id = :agency AND q.enter >= :since AND q.enter < :until ORDER BY q.enter, q.id
    """
)
_DUTIES = text(
    """
    SELECT at, (data->>'staff')::bigint AS staff, data->>'before' AS before, data->>'after' AS after FROM event
    WHERE agency_id = :agency AND type = 'agent.intent_changed' AND at >= :since AND at < :until ORDER BY id
    """
)


@dataclass(frozen=True)
class Day:
    """`world` has the staff, their shifts and the rules of today; `contacts` those who came, in their order."""

    world: World
    contacts: list[Contact]
    agency: AgencyEntry


async def read(tx: AsyncSession, agency_id: int, since: datetime, until: datetime) -> Day:
    """The stays that began in [since, until) with how long each took an agent, and who was on duty when.

    Skills, teams and limits are those of today: the log does not keep those of then. A citizen who gave up had just that much
    patience; those who were served might have waited longer, so theirs is endless.
    """
    agency = (await open_book(tx)).agencies[agency_id]
    stays = list(await tx.execute(_STAYS, {"agency": agency_id, "since": since, "until": until}))
    duties = list(await tx.execute(_DUTIES, {"agency": agency_id, "since": since, "until": until}))
    seen = await floor.read(tx, agency_id, ticket_ids=[])
    agents = tuple(_off_duty(agent) for agent in seen.agents.get(agency_id, ()))
    kinds = _kinds(agency, stays)
    numbers = {name: number for number, name in enumerate(kinds)}
    contacts = [
        Contact(
            at=ms(row.enter) - ms(since),
            kind=numbers[_name(agency, row)],
            patience=float(ms(row.leave) - ms(row.enter)) if row.how == "abandoned" else None,
            work=row.work,
        )
        for row in stays
    ]
    facts = tuple(_shifts(duties, {agent.id for agent in agents}, since))
    return Day(World(agency.policy, agents, tuple(kinds.values()), facts=facts), contacts, agency)


def _off_duty(agent: routing.Agent) -> routing.Agent:
    """As the agent came in the morning: with empty hands."""
    return replace(
        agent, intent="offline", next_intent=None, health="connected", items={}, primary_units=0, filler_units=0, overbooked=0,
        idle_since=0, last_assigned=0, misses=0,
    )  # fmt: skip


def _name(agency: AgencyEntry, row: Any) -> str:
    needs = ", ".join(f"{agency.skills[skill].slug} {level}" for skill, level in row.skills if skill in agency.skills)
    urgent = f", priority {row.priority}" if row.priority else ""
    return f"{agency.queues[row.queue_id].row.slug} {row.channel} ({needs}{urgent})"


def _kinds(agency: AgencyEntry, stays: Sequence[Any]) -> dict[str, Kind]:
    works: dict[str, list[float]] = {}
    for row in stays:
        if row.work is not None:
            works.setdefault(row.channel, []).append(row.work)
    kinds: dict[str, Kind] = {}
    for row in stays:
        known = works.get(row.channel)
        mean = sum(known) / len(known) if known else UNKNOWN_WORK_MS
        kinds.setdefault(
            _name(agency, row),
            Kind(
                name=_name(agency, row),
                plan=agency.plan(row.queue_id, row.channel, row.skills, row.priority),
                rates=((0.0, 0.0),),
                work=max(mean, 1.0) / MINUTE,
                priority=row.priority,
                queue=row.queue_id,
            ),
        )
    return kinds


def _shifts(duties: Iterable[Any], known: set[int], since: datetime) -> Iterable[tuple[float, AgentIntent]]:
    """What each agent wanted, from the start of the day on: the first change tells what was before it."""
    started = set()
    for row in duties:
        if row.staff not in known:
            continue
        if row.staff not in started and row.before == "available":
            yield 0.0, AgentIntent(row.staff, "available")
        started.add(row.staff)
        yield (ms(row.at) - ms(since)) / MINUTE, AgentIntent(row.staff, row.after)


# ---- changes


def with_more_agents(
    day: World, count: int, queue: int, skills: dict[int, int], start: float, end: float | None
) -> World:
    """So many more agents of a queue's team with these skills, on duty from minute `start` on, until `end` if there is one."""
    like = next((agent for agent in day.agents if agent.home_pool == queue), None)
    highest = max((agent.id for agent in day.agents), default=0)
    channels = like.channels_on if like else tuple(day.policy.channels)
    added = tuple(
        routing.Agent(
            id=highest + number, skills=tuple(sorted(skills.items())), primary=tuple(sorted(skills)), home_pool=queue,
            pools=(queue,), channels_on=channels, intent="offline", budget=like.budget if like else 24,
            caps=dict(like.caps) if like else {},
        )
        for number in range(1, count + 1)
    )  # fmt: skip
    shifts = [(start, AgentIntent(agent.id, "available")) for agent in added]
    shifts += [(end, AgentIntent(agent.id, "offline")) for agent in added if end is not None]
    facts = sorted((*day.facts, *shifts), key=lambda fact: fact[0])
    return replace(day, agents=(*day.agents, *added), facts=tuple(facts))


def without_interruption(day: World, channel: str) -> World:
    """As if work of this channel could not be interrupted: it holds an agent's units like live work."""
    channels = {**day.policy.channels, channel: replace(day.policy.channels[channel], live=True)}
    return replace(day, policy=replace(day.policy, channels=channels))
