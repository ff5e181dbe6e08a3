"""A supervisor's what-if on the command line: a recorded day played twice, as it was and as it would have been."""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from contactcenter.db import Database
from contactcenter.desk import days
from contactcenter.desk.rules import check, known_of, read
from contactcenter.models import Agency
from routing.simulate import Difference, World, what_if

PARTS, LEAST_IN_A_PART = 20, 5
SHOWN = {
    "W": ("Average speed of answer, min", 1.0),
    "P(wait)": ("Had to wait, %", 100.0),
    "W <= 20 s": ("Answered within 20 s, %", 100.0),
    "W <= 30 s": ("Answered within 30 s, %", 100.0),
    "p99": ("Wait of the slowest 1 %, min", 1.0),
    "longest": ("Longest wait, min", 1.0),
    "abandoned": ("Gave up, %", 100.0),
    "handling": ("Handling time, min", 1.0),
}


@dataclass(frozen=True)
class Asked:
    """The question as it was typed."""

    day: str
    agency: str
    add: int
    queue: str
    skills: str
    since: str
    until: str
    rules: Path | None
    uninterruptible: str


async def show(database: Database, asked: Asked, out: Console) -> None:
    """Play the day and show both sides. Raises ValueError or a desk error with a sentence for a question that has no answer."""
    async with database.transaction() as tx:
        agency = await _agency(tx, asked.agency)
        since = _start_of(asked.day, ZoneInfo(agency.timezone))
        day = await days.read(tx, agency.id, since, since + timedelta(days=1))
        known = await known_of(tx, agency.id)
        world = day.world
        if asked.rules is not None:
            wanted = read(json.loads(asked.rules.read_text("utf-8")))
            check(wanted, known)
            policy = day.agency.under(wanted).policy
            world = replace(world, policy=policy)
    if len(day.contacts) < 2 * LEAST_IN_A_PART:
        raise ValueError(f"Only {len(day.contacts)} tickets came on {asked.day}: too few to say anything.")
    change = _change(world, asked, known.queues, known.skills)
    parts = min(PARTS, len(day.contacts) // LEAST_IN_A_PART)
    with out.status(f"Playing {len(day.contacts)} tickets twice …"):
        found = what_if(day.world, day.contacts, change, lambda: _chance, parts)
    out.print(_table(asked.day, len(day.contacts), found))


async def _agency(tx: AsyncSession, slug: str) -> Agency:
    query = select(Agency).order_by(Agency.id).limit(1)
    agency = await tx.scalar(query.where(Agency.slug == slug) if slug else query)
    if agency is None:
        raise ValueError(f"There is no agency {slug!r}." if slug else "There is no agency yet.")
    return agency


def _start_of(day: str, zone: ZoneInfo) -> datetime:
    try:
        return datetime.combine(date.fromisoformat(day), time(), zone)
    except ValueError:
        raise ValueError(f"{day!r} is no day: write it as 2026-11-23.") from None


def _change(world: World, asked: Asked, queues: dict[str, int], skills: dict[str, int]) -> Callable[[World], World]:
    """What is to be different: the rules in `world`, more agents, work that cannot be interrupted."""
    changed = world
    if asked.add:
        if asked.queue not in queues:
            raise ValueError(f"There is no queue {asked.queue!r}: name one of {', '.join(sorted(queues))}.")
        start, end = _minute(asked.since), _minute(asked.until) if asked.until else None
        changed = days.with_more_agents(
            changed, asked.add, queues[asked.queue], _skills(asked.skills, skills), start, end
        )
    if asked.uninterruptible:
        if asked.uninterruptible not in world.policy.channels:
            raise ValueError(f"There is no channel {asked.uninterruptible!r}.")
        changed = days.without_interruption(changed, asked.uninterruptible)
    return lambda _as_it_was: changed


def _skills(words: str, known: dict[str, int]) -> dict[int, int]:
    found = {}
    for pair in filter(None, words.split(",")):
        slug, _, level = pair.partition("=")
        if slug not in known or level not in ("1", "2", "3", "4", "5"):
            raise ValueError(f"{pair!r} is no skill with a level from 1 to 5: write spanish=3.")
        found[known[slug]] = int(level)
    return found


def _minute(clock: str) -> float:
    try:
        at = time.fromisoformat(clock)
    except ValueError:
        raise ValueError(f"{clock!r} is no time of the day: write 10:00.") from None
    return at.hour * 60.0 + at.minute


def _chance(purpose: str) -> random.Random:
    return random.Random(f"what if/{purpose}")  # noqa: S311 - no secret


def _table(day: str, tickets: int, found: dict[str, Difference]) -> Table:
    table = Table(
        "Figure", "As it was", "As it would have been", "Change ± 95 %", title=f"{day}: {tickets} tickets, played twice"
    )
    for name, (words, scale) in SHOWN.items():
        one = found.get(name)
        if one is not None:
            change = f"{one.change.value * scale:+.2f} ± {one.change.half_width * scale:.2f}"
            table.add_row(words, f"{one.before * scale:.2f}", f"{one.after * scale:.2f}", change)
    return table
