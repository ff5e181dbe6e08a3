"""From ready tickets to agents through the router and PostgreSQL, in bulk, beside one fenced UPDATE for each claim."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from itertools import cycle

import asyncpg

from contactcenter.db import Database
from contactcenter.hints import Hints
from tests import crowd
from tests.bench import stage
from tests.bench.figures import Figure, percentile
from tests.bench.stage import Place, Stage
from tests.crowd import Connection, Crowd

AGENTS, RATE, TURN_S = 200, 200, 0.05
BACKLOG, ROUNDS = 600, 3
TEXTS = {"sms": 1}
BARE = "one UPDATE, fenced by the lease's epoch, in a transaction of its own for each claim"
FENCED = """
WITH ok AS MATERIALIZED (SELECT 1 FROM lease WHERE name = 'router' AND epoch = $1 FOR SHARE)
UPDATE bare_claim SET owner = $2, epoch = $1 FROM ok WHERE id = $3 AND owner IS NULL RETURNING id
"""
TOOK = """
SELECT extract(epoch FROM coalesce(min(given.at), clock_timestamp()) - min(ready.at))::float AS seconds FROM event ready
LEFT JOIN event given ON given.ticket_id = ready.ticket_id AND given.type = 'ticket.assigned'
WHERE ready.type = 'ticket.queued' AND ready.at >= $1 GROUP BY ready.ticket_id
"""


async def measure(place: Stage, *, quick: bool) -> list[Figure]:
    async with stage.crowded(place, AGENTS) as desk, Floor.of(place, desk) as floor:
        await floor.somebody_leads()
        took = await _steady(floor, 8 if quick else 20)
        rates = [await _backlog(floor) for _ in range(ROUNDS)]
        bare, bare_took = await _bare(desk, 500 if quick else 2_000)
    note = f"{RATE} texts a second, {AGENTS} agents who close what they have; times from the log; router alone, no web server"
    return [
        *[Figure("claims", f"Ready ticket to agent at {RATE}/s, p{share * 100:.0f}", "ms", [percentile(took, share) * 1000],
                 "less", target, [percentile(bare_took, share) * 1000], BARE, note=note if share == 0.5 else "")
          for share, target in ((0.5, None), (0.99, 100))],
        Figure("claims", f"A backlog of {BACKLOG} given to idle agents", "/s", rates, "more", None, bare, BARE),
    ]  # fmt: skip


class Floor:
    """The harness: one connection for those who come, one for those who finish, and a hint after each commit."""

    def __init__(self, desk: Place, hints: Hints, come: Connection, go: Connection) -> None:
        self.desk, self.come, self.go = desk, come, go
        self._hints, self._database = hints, Database(desk.database_url, pool=1)
        self._crowd = Crowd(5, TEXTS)
        self.agents: list[int] = []

    @classmethod
    @asynccontextmanager
    async def of(cls, place: Stage, desk: Place) -> AsyncIterator["Floor"]:
        hints = Hints(place.redis_url, desk.redis_prefix)
        come, go = await asyncpg.connect(desk.database_url), await asyncpg.connect(desk.database_url)
        floor = cls(desk, hints, come, go)
        beating = asyncio.create_task(floor._stay())
        try:
            yield floor
        finally:
            beating.cancel()
            await asyncio.gather(beating, return_exceptions=True)
            await come.close()
            await go.close()
            await floor._database.close()
            await hints.close()

    async def somebody_leads(self) -> None:
        await self.until(lambda: self.go.fetchval("SELECT epoch > 0 FROM lease WHERE name = 'router'"), 30)

    async def until(self, fact: Callable[[], Awaitable[object]], seconds: float) -> None:
        end = time.perf_counter() + seconds
        while not await fact():
            if time.perf_counter() > end:
                raise RuntimeError(f"the router did not do its work within {seconds:.0f} s")
            await asyncio.sleep(0.02)

    async def _stay(self) -> None:
        """Nobody's line is ever lost."""
        self.agents += [row["id"] for row in await self.come.fetch("SELECT id FROM staff WHERE intent = 'available'")]
        while True:
            await crowd.stay_connected(self._database, self.agents)
            await asyncio.sleep(3)

    async def arrive(self, count: int) -> None:
        await self._crowd.arrive(self.come, count)
        self._hints.wake()

    async def finish(self, agent: int) -> None:
        await crowd.finish(self.go, agent)
        self._hints.wake()

    async def waiting(self) -> int:
        return int(await self.come.fetchval("SELECT count(*) FROM ticket WHERE status = 'queued'"))


async def _steady(floor: Floor, seconds: int) -> list[float]:
    """Tickets come every twentieth of a second; meanwhile every agent closes all they have every second and a half.

    Gives the seconds that each waited."""
    began: datetime = await floor.come.fetchval("SELECT clock_timestamp()")
    finishing = asyncio.create_task(_finish_on(floor))
    start = time.perf_counter()
    for turn in range(int(seconds / TURN_S)):
        if (early := start + turn * TURN_S - time.perf_counter()) > 0:
            await asyncio.sleep(early)
        await floor.arrive(int(RATE * TURN_S))
        if finishing.done():
            finishing.result()  # nobody finishes any more: say why
    try:
        await floor.until(lambda: _none(floor), 20)
    except RuntimeError:
        pass  # it did not keep up: whoever still waits counts with their wait so far
    finally:
        finishing.cancel()
        await asyncio.gather(finishing, return_exceptions=True)
    return [row["seconds"] for row in await floor.come.fetch(TOOK, began)]


async def _finish_on(floor: Floor) -> None:
    """200 agents, one after another, every second and a half."""
    pause = 1.5 / len(floor.agents)
    for agent in cycle(floor.agents):
        await floor.finish(agent)
        await asyncio.sleep(pause)


async def _none(floor: Floor) -> bool:
    return await floor.waiting() == 0


async def _backlog(floor: Floor) -> float:
    """Everybody is idle and 600 tickets come at one instant: claims a second from the first to the last."""
    for agent in floor.agents:
        await crowd.finish(floor.go, agent)
    await asyncio.sleep(1)
    began = await floor.come.fetchval("SELECT clock_timestamp()")
    await floor.arrive(BACKLOG)
    await floor.until(lambda: _none(floor), 60)
    row = await floor.come.fetchrow(
        "SELECT count(*) AS n, extract(epoch FROM max(at) - min(at))::float AS took FROM event "
        "WHERE type = 'ticket.assigned' AND at >= $1", began
    )  # fmt: skip
    if row["n"] < BACKLOG:
        raise RuntimeError(f"{row['n']} claims for {BACKLOG} tickets")
    return float(row["n"] / row["took"])


async def _bare(desk: Place, count: int) -> tuple[list[float], list[float]]:
    """Claims a second in each round, and the seconds of every claim."""
    connection = await asyncpg.connect(desk.database_url)
    rates, took = [], []
    try:
        await connection.execute("CREATE TABLE bare_claim (id int PRIMARY KEY, owner bigint, epoch bigint)")
        await connection.execute(f"INSERT INTO bare_claim SELECT n FROM generate_series(1, {count * ROUNDS}) n")
        epoch = await connection.fetchval("SELECT epoch FROM lease WHERE name = 'router'")
        for part in range(ROUNDS):
            start = time.perf_counter()
            for number in range(part * count + 1, (part + 1) * count + 1):
                began = time.perf_counter()
                if await connection.fetchval(FENCED, epoch, 1, number) is None:
                    raise RuntimeError("a bare claim changed nothing")
                took.append(time.perf_counter() - began)
            rates.append(count / (time.perf_counter() - start))
    finally:
        await connection.close()
    return rates, took
