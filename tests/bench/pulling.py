"""The control without a router: agents who take their oldest ticket for themselves, with SKIP LOCKED."""

import asyncio
import time

import asyncpg

from tests.bench.reference_world import World
from tests.bench.stage import Stage

CONNECTIONS, SECONDS = 8, 4.0
TABLES = """
DROP TABLE IF EXISTS pulled;
CREATE TABLE pulled (id bigint PRIMARY KEY, signature int NOT NULL, va bigint NOT NULL, owner bigint);
"""
INDEX = "CREATE INDEX ON pulled (va) WHERE owner IS NULL; ANALYZE pulled"
PULL = """
UPDATE pulled SET owner = $1 WHERE id = (SELECT id FROM pulled WHERE owner IS NULL AND signature = ANY($2::int[])
ORDER BY va LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING id
"""


async def rates(place: Stage, size: float, rounds: int) -> list[float]:
    """Tickets taken a second by eight connections, in each of some rounds."""
    world = World(size)
    number = {plan: at for at, plan in enumerate(world.plans)}
    held, agents = world.busy()
    floor = world.engine(held, agents).floor
    for plan in world.plans:
        floor.lines_of_plan(plan, False)
    lines = {floor.lines_of_plan(plan, False)[0]: at for plan, at in number.items()}
    serves = {seat.id: [lines[line] for line in seat.serves] for seat in floor.seats.values() if seat.serves}
    rows = [(ticket.id, number[ticket.plan], ticket.va, None) for ticket in world.waiting()]
    connection = await asyncpg.connect(place.database_url)
    await connection.execute(TABLES)
    await connection.copy_records_to_table("pulled", records=rows)
    await connection.execute(INDEX)
    found = [await _round(place.database_url, list(serves.items()), SECONDS / rounds) for _ in range(rounds)]
    await connection.execute("DROP TABLE pulled")
    await connection.close()
    return found


async def _round(url: str, agents: list[tuple[int, list[int]]], seconds: float) -> float:
    until = time.perf_counter() + seconds
    taken = await asyncio.gather(*[_pull_on(url, agents[number::CONNECTIONS], until) for number in range(CONNECTIONS)])
    return sum(taken) / seconds


async def _pull_on(url: str, agents: list[tuple[int, list[int]]], until: float) -> int:
    connection = await asyncpg.connect(url)
    taken = 0
    try:
        while time.perf_counter() < until:
            agent, signatures = agents[taken % len(agents)]
            taken += await connection.fetchval(PULL, agent, signatures) is not None
    finally:
        await connection.close()
    return taken
