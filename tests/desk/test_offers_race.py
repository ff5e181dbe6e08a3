"""The agent answers in the very moment in which the time runs out: one of them is first, every time."""

import asyncio
from random import Random

import asyncpg

from contactcenter.desk import offers
from contactcenter.errors import Conflict
from contactcenter.models import Staff
from tests.crowd import CITIZENS, Crowd
from tests.desk_rig import Rig

RACES = 1_000
OFFER_ALL = """
WITH asked AS (UPDATE ticket SET status = 'offered', owner_id = $1, units = 8, version = version + 1 WHERE status = 'queued'
  RETURNING id),
made AS (INSERT INTO offer (ticket_id, staff_id, expires_at, because, epoch) SELECT id, $1, clock_timestamp(), '{}', 1 FROM asked
  RETURNING id),
room AS (UPDATE staff SET budget = 8 * $2, primary_units = 8 * $2 WHERE id = $1),
slots AS (UPDATE staff_channel SET cap = $2, items = $2 WHERE staff_id = $1 AND channel = 'chat')
SELECT id FROM made ORDER BY id
"""


async def test_of_answer_and_time_limit_exactly_one_stands_in_a_thousand_races(rig: Rig) -> None:
    await rig.on_duty("ana")
    ana = await rig.staff("ana")
    numbers = await _offered(rig, ana.id)
    random = Random(4)
    outcomes = [await _race(rig, ana, offer, random) for offer in numbers]
    assert all(accepted != timed_out for accepted, timed_out in outcomes), "never both, never neither"
    accepted = sum(accepted for accepted, _ in outcomes)
    assert 0 < accepted < RACES, "each of them was first now and then"
    results = dict(await rig.rows("SELECT result, count(*) FROM offer GROUP BY result"))
    assert results == {"accepted": accepted, "timed_out": RACES - accepted}
    states = dict(await rig.rows("SELECT status, count(*) FROM ticket GROUP BY status"))
    assert states == {"assigned": accepted, "queued": RACES - accepted}
    assert await rig.value("SELECT count(*) FROM assignment WHERE ended_at IS NULL") == accepted
    assert (await rig.staff("ana")).primary_units == 8 * accepted
    assert await rig.breaches() == {}


async def _offered(rig: Rig, staff_id: int) -> list[int]:
    connection = await asyncpg.connect(rig.house.database.url.replace("+asyncpg", ""))
    try:
        await connection.execute(CITIZENS, 1)
        await Crowd(1, {"chat": 1}, citizens=1).arrive(connection, RACES)
        return [row["id"] for row in await connection.fetch(OFFER_ALL, staff_id, RACES)]
    finally:
        await connection.close()


async def _race(rig: Rig, ana: Staff, offer: int, random: Random) -> tuple[bool, bool]:
    """(accepted, timed out), as each of the two was told. Who starts first, and by how much, is drawn."""
    head_start = random.uniform(-0.004, 0.004)
    return await asyncio.gather(
        _accept(rig, ana, offer, max(0.0, -head_start)), _time_out(rig, offer, max(0.0, head_start))
    )


async def _accept(rig: Rig, ana: Staff, offer: int, after: float) -> bool:
    await asyncio.sleep(after)
    try:
        async with rig.house.database.transaction() as tx:
            await offers.accept(tx, ana, offer)
        return True
    except Conflict:
        return False


async def _time_out(rig: Rig, offer: int, after: float) -> bool:
    await asyncio.sleep(after)
    async with rig.house.database.transaction() as tx:
        return await offers.time_out(tx, offer, rig.clock())
