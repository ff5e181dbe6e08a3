"""Routers under fire: `python -m tests.crash.campaign --routings 200000 --kills 200 --minutes 8`.

Real router processes on a real PostgreSQL; a crowd comes, answers and finishes; every other second a seeded fault. All the time
and in the end the rows are asked for what must never be. A summary goes to the screen and, as JSON, to a file.
"""

import argparse
import asyncio
import json
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import uvloop
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from sqlalchemy.exc import DBAPIError

from contactcenter.desk import claims
from contactcenter.errors import StoreAway
from tests.crash import harm, ledger
from tests.crash.harm import Gap
from tests.crash.routers import GONE, Routers
from tests.crash.streams import Streams

AGENTS, ROUTERS = 60, 3
PATIENT = ("stale_offers",)
"""Says that nobody led for long, which is what the faults are for: asked for only in the end."""


@dataclass
class Outcome:
    """What a campaign saw. ``gaps``: seconds from a fault to the next decision, by kind of fault."""

    seconds: float = 0.0
    routings: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    gaps: dict[str, list[float]] = field(default_factory=dict)
    late: list[str] = field(default_factory=list)
    breaches: Counter[str] = field(default_factory=Counter)
    looks: int = 0
    states: dict[str, int] = field(default_factory=dict)
    offers: dict[str, int] = field(default_factory=dict)
    fallen: list[str] = field(default_factory=list)
    """The last words of routers that ended by themselves."""
    left_waiting: int = 0

    def note(self, gap: Gap) -> None:
        self.faults[gap.fault] += 1
        if gap.seconds is not None:
            self.gaps.setdefault(gap.fault, []).append(gap.seconds)
        if gap.seconds is None or gap.seconds > gap.limit:
            self.late.append(f"{gap.fault}: {gap.seconds} s, at most {gap.limit} s")

    def as_json(self) -> dict[str, Any]:
        gaps = {
            fault: {"count": len(seen), "p50": sorted(seen)[len(seen) // 2], "longest": max(seen)}
            for fault, seen in self.gaps.items()
        }
        return {**self.__dict__, "gaps": gaps, "faults": dict(self.faults), "breaches": dict(self.breaches)}


class Campaign:
    """A crowd, faults one after another, and eyes on the rows, until enough was seen."""

    def __init__(self, routers: Routers, seed: int, *, agents: int = AGENTS) -> None:
        self.routers, self.random = routers, Random(seed)
        self.streams = Streams(routers, seed)
        self.outcome = Outcome()
        self._agents = agents
        self._looked_at = 0

    async def run(self, wanted: "Wanted", progress: Progress | None = None) -> Outcome:
        began = time.monotonic()
        await self.routers.open(self._agents)
        try:
            await self.streams.open()
            await harm.leader_of(self.routers)
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(stream) for stream in (*self.streams.all(), self._audit(), self._supervise())
                ]
                await self._do_harm(wanted, began, progress)
                await self.streams.drain()
                for task in tasks:
                    task.cancel()
            await self._close_the_books()
        finally:
            await self.routers.close()
        self.outcome.seconds = round(time.monotonic() - began, 1)
        return self.outcome

    async def _do_harm(self, wanted: "Wanted", began: float, progress: Progress | None) -> None:
        bars = [progress.add_task(name, total=total) for name, total in wanted.bars()] if progress else []
        while not wanted.seen(self.outcome, time.monotonic() - began):
            self.outcome.note(await harm.do(self.routers, wanted.next(self.random), self.random))
            self.outcome.routings = await self._routed()
            for bar, done in zip(bars, (self.outcome.routings, self.outcome.faults.total()), strict=False):
                assert progress is not None
                progress.update(bar, completed=done)
            await asyncio.sleep(self.random.uniform(0.1, 0.8))

    async def _routed(self) -> int:
        return int(await self.routers.value("SELECT count(*) FROM routed"))

    async def _supervise(self) -> None:
        """What a service manager does: whoever ended is started again."""
        while True:
            self.routers.keep_up()
            await asyncio.sleep(0.2)

    async def _audit(self) -> None:
        while True:
            try:
                await self._look()
            except (StoreAway, DBAPIError, *GONE):
                await asyncio.sleep(0.2)  # the database is away: that is for others to notice
            await asyncio.sleep(0.5)

    async def _look(self) -> None:
        async with self.routers.database.transaction() as tx:
            found = {
                rule: count for rule, count in (await claims.breaches(tx)).items() if count and rule not in PATIENT
            }
        async with self.routers.connection() as connection:
            upto = await connection.fetchval("SELECT coalesce(max(id), 0) FROM routed")
            found |= await ledger.wrong_now(connection, self._looked_at)
        self._looked_at = upto
        self.outcome.breaches.update(found)
        self.outcome.looks += 1

    async def _close_the_books(self) -> None:
        await self._look()
        outcome = self.outcome
        async with self.routers.database.transaction() as tx:
            outcome.breaches.update({rule: count for rule, count in (await claims.breaches(tx)).items() if count})
        async with self.routers.connection() as connection:
            outcome.breaches.update(await ledger.wrong_in_the_end(connection, self.streams.stored))
            outcome.states = dict(
                await connection.fetch("SELECT status, count(*)::int FROM ticket GROUP BY 1 ORDER BY 1")
            )
            outcome.offers = dict(await connection.fetch(
                "SELECT coalesce(result, 'open'), count(*)::int FROM offer GROUP BY 1 ORDER BY 1"
            ))  # fmt: skip
        outcome.routings = await self._routed()
        outcome.left_waiting = outcome.states.get("queued", 0)
        outcome.fallen = self.routers.fallen


@dataclass
class Wanted:
    """When to stop: both counts reached, or the time over. ``faults`` in this order, or drawn."""

    routings: int = 0
    kills: int = 0
    minutes: float = 8.0
    faults: list[str] = field(default_factory=list)

    def seen(self, outcome: Outcome, seconds: float) -> bool:
        if seconds > self.minutes * 60:
            return True
        return outcome.routings >= self.routings and outcome.faults.total() >= self.kills and not self.faults

    def next(self, random: Random) -> str:
        return self.faults.pop(0) if self.faults else random.choices(list(harm.WEIGHTS), list(harm.WEIGHTS.values()))[0]

    def bars(self) -> list[tuple[str, int]]:
        return [("routings", self.routings), ("faults", self.kills)]


# ---- on the command line


def main() -> None:
    asked = _asked()
    out = Console()
    columns = (TextColumn("{task.description:>9}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with (
        tempfile.TemporaryDirectory(prefix="fire", ignore_cleanup_errors=True) as folder,
        Progress(*columns, console=out) as bars,
    ):
        campaign = Campaign(Routers(Path(folder), asked.routers), asked.seed)
        outcome = uvloop.run(campaign.run(Wanted(asked.routings, asked.kills, asked.minutes), bars))
    _show(out, outcome)
    path = asked.json or Path(tempfile.mkdtemp(prefix="campaign-")) / "campaign.json"
    path.write_text(json.dumps(outcome.as_json(), indent=1) + "\n")
    out.print(f"{outcome.seconds:.0f} s, seed {asked.seed}; summary in {path}")
    raise SystemExit(bool(outcome.breaches or outcome.fallen or outcome.left_waiting))


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests.crash.campaign", description="Routers under fire.")
    parser.add_argument("--routings", type=int, default=200_000)
    parser.add_argument("--kills", type=int, default=200, help="faults of any kind")
    parser.add_argument("--minutes", type=float, default=8.0, help="the campaign ends by then, whatever it has seen")
    parser.add_argument("--routers", type=int, default=ROUTERS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def _show(out: Console, outcome: Outcome) -> None:
    table = Table(
        "Fault", "Times", "Next decision, median", "longest", title=f"{outcome.routings:,} routings under fire"
    )
    for fault, count in sorted(outcome.faults.items()):
        seen = sorted(outcome.gaps.get(fault, []))
        shown = (f"{seen[len(seen) // 2]:.2f} s", f"{seen[-1]:.2f} s") if seen else ("-", "-")
        table.add_row(harm.NAMES[fault], str(count), *shown)
    out.print(table)
    out.print(f"Tickets: {outcome.states}; offers: {outcome.offers}; {outcome.looks} looks at the rows")
    out.print(f"Too late: {len(outcome.late)} of {outcome.faults.total()}: {outcome.late[:5]}")
    out.print(f"Routers that fell over by themselves: {len(outcome.fallen)}")
    verdict = f"[red]Breaches: {dict(outcome.breaches)}[/]" if outcome.breaches else "[green]No breach[/]"
    out.print(f"{verdict}; {outcome.left_waiting} left waiting")


if __name__ == "__main__":
    main()
