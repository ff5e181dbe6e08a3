"""Repeats what the router was told and compares what follows with what followed then."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

import routing
from contactcenter.db import Database
from contactcenter.desk import journal
from contactcenter.models import Agency
from routing.journal import digest


@dataclass
class Replay:
    """What came of it. `difference` tells the first entry that went otherwise; None when all went the same.

    `foreign` counts entries of another version of the engine, which are passed over.
    """

    agency: str
    facts: int = 0
    states: int = 0
    effects: int = 0
    foreign: int = 0
    difference: str | None = None


async def replay(database: Database, since: datetime, each: Callable[[], None] = lambda: None) -> list[Replay]:
    """Repeat every agency's journal from the last state before `since`; `each` is called after every fact."""
    async with database.transaction() as tx:
        return [
            await _repeat(tx, agency, since, each) for agency in await tx.scalars(select(Agency).order_by(Agency.id))
        ]


async def _repeat(tx: AsyncSession, agency: Agency, since: datetime, each: Callable[[], None]) -> Replay:
    done = Replay(agency.name)
    engine: routing.Engine | None = None
    async for entry in journal.since(tx, agency.id, since):
        if entry.kind == "fact" and engine is None:
            done.foreign += 1
            continue
        value = journal.unpacked(entry.body)
        if entry.kind == "fact":
            assert engine is not None
            effects = engine.apply(value, entry.told_at)
            done.facts += 1
            done.effects += len(effects)
            now = digest(effects)
            each()
        else:
            policy, snapshot, *made_by = value
            if made_by != [routing.VERSION]:
                done.foreign += 1
                engine = None
                continue
            done.states += 1
            if engine is None or entry.kind == "start":
                engine = routing.Engine(policy, snapshot)
            now = engine.state_hash()
        if now != entry.digest:
            what = type(value).__name__ if entry.kind == "fact" else f"the {entry.kind}"
            done.difference = (
                f"entry {entry.id} of {entry.at:%Y-%m-%d %H:%M:%S} UTC ({what}): {now}, not {entry.digest}"
            )
            break
    return done
