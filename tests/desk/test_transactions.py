"""The transactions of the hot doors, begun on the driver: whole or not at all, and nothing of them is left behind."""

import asyncio

import asyncpg
import pytest
from sqlalchemy import text

from contactcenter import db
from contactcenter.db import Database, after_commit
from contactcenter.errors import Conflict, StoreAway
from tests.desk_rig import Rig

NAMED = "SELECT count(*) FROM contact WHERE name = 'Kim'"
SESSION, DRIVER = (
    text("INSERT INTO contact (agency_id, name) VALUES (:agency, 'Kim')"),
    ("INSERT INTO contact (agency_id, name) VALUES ($1, 'Kim')"),
)


async def test_what_session_and_driver_wrote_is_committed_together_and_told_afterwards(rig: Rig) -> None:
    told: list[str] = []
    async with rig.house.database.straight() as tx:
        await tx.info["driver"].execute(DRIVER, rig.agency_id)
        await tx.execute(SESSION, {"agency": rig.agency_id})
        after_commit(tx, lambda: told.append("committed"))
        assert await rig.value(NAMED) == 0
        assert told == []
    assert await rig.value(NAMED) == 2
    assert told == ["committed"]


async def test_a_refusal_leaves_nothing_of_either(rig: Rig) -> None:
    told: list[str] = []
    with pytest.raises(Conflict):
        async with rig.house.database.straight() as tx:
            await tx.info["driver"].execute(DRIVER, rig.agency_id)
            await tx.execute(SESSION, {"agency": rig.agency_id})
            after_commit(tx, lambda: told.append("committed"))
            raise Conflict("Something changed meanwhile.")
    assert await rig.value(NAMED) == 0
    assert told == []


async def test_a_failure_that_somebody_swallowed_is_not_taken_for_a_commit(rig: Rig) -> None:
    with pytest.raises(RuntimeError, match="had failed"):
        async with rig.house.database.straight() as tx:
            await tx.info["driver"].execute(DRIVER, rig.agency_id)
            with pytest.raises(asyncpg.PostgresError):
                await tx.info["driver"].execute("SELECT 1 / 0")
    assert await rig.value(NAMED) == 0


@pytest.mark.parametrize("through", ["driver", "session"])
async def test_a_connection_that_the_server_ended_is_said_to_be_away_and_not_used_again(rig: Rig, through: str) -> None:
    with pytest.raises(StoreAway):
        async with rig.house.database.straight() as tx:
            driver = tx.info["driver"]
            await driver.execute(DRIVER, rig.agency_id)
            await rig.value(f"SELECT pg_terminate_backend({await driver.fetchval('SELECT pg_backend_pid()')})")
            await (driver.execute("SELECT 1") if through == "driver" else tx.execute(text("SELECT 1")))
    for _ in range(8):
        async with rig.house.database.straight() as tx:
            assert await tx.info["driver"].fetchval("SELECT 1") == 1
    assert await rig.value(NAMED) == 0


async def test_a_unit_of_work_that_was_cancelled_leaves_no_open_transaction_in_the_pool(rig: Rig) -> None:
    begun = asyncio.Event()

    async def work() -> None:
        async with rig.house.database.straight(lock=41) as tx:
            await tx.info["driver"].execute(DRIVER, rig.agency_id)
            begun.set()
            await tx.info["driver"].execute("SELECT pg_sleep(30)")

    task = asyncio.create_task(work())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    for _ in range(8):
        async with rig.house.database.straight(lock=41) as tx:
            assert await tx.info["driver"].fetchval(NAMED) == 0
    open_still = (
        "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%' AND datname = current_database()"
    )
    assert await rig.value(open_still) == 0


async def test_connections_are_shared_by_both_kinds_and_never_more_than_allowed(rig: Rig) -> None:
    database = Database(rig.house.database.url, pool=3, name="counted")
    count = text("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'counted'")
    most: list[int] = []

    async def hot() -> None:
        async with database.straight() as tx:
            most.append(await tx.info["driver"].fetchval(count.text))
            await asyncio.sleep(0.005)

    async def usual() -> None:
        async with database.transaction() as tx:
            most.append(await tx.scalar(count) or 0)
            await asyncio.sleep(0.005)

    try:
        await asyncio.gather(*[work() for _ in range(10) for work in (hot, usual, hot)])
        await asyncio.gather(*[usual() for _ in range(6)])
        await asyncio.gather(*[hot() for _ in range(6)])
    finally:
        await database.close()
    assert len(most) == 42
    assert max(most) <= 3
    assert await rig.value(count.text) == 0


async def test_the_plans_of_the_hot_doors_are_not_those_of_other_transactions(rig: Rig) -> None:
    database = Database(rig.house.database.url, pool=1)
    try:
        async with database.straight() as tx:
            assert await tx.info["driver"].fetchval("SHOW plan_cache_mode") == "force_generic_plan"
        async with database.transaction() as tx:
            assert await tx.scalar(text("SHOW plan_cache_mode")) == "auto"
        async with database.straight() as tx:
            assert await tx.info["driver"].fetchval("SHOW plan_cache_mode") == "force_generic_plan"
        with pytest.raises(Conflict):
            async with database.straight():
                raise Conflict("Something changed meanwhile.")
        async with database.transaction() as tx:
            assert await tx.scalar(text("SHOW plan_cache_mode")) == "auto"
    finally:
        await database.close()


async def test_who_waits_too_long_for_a_connection_is_told_so_and_the_next_one_is_served(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(db, "PATIENCE_S", 0.05)
    database = Database(rig.house.database.url, pool=1)
    try:
        async with database.straight():
            for door in (database.straight, database.transaction, database.alone):
                with pytest.raises(StoreAway):
                    async with door():
                        pass
        async with database.transaction() as tx:
            assert await tx.scalar(text("SELECT 1")) == 1
    finally:
        await database.close()


async def test_a_lone_statement_commits_itself(rig: Rig) -> None:
    async with rig.house.database.alone() as driver:
        await driver.execute(DRIVER, rig.agency_id)
        assert await rig.value(NAMED) == 1


async def test_a_lone_statement_that_was_cancelled_leaves_no_connection_with_half_an_answer(rig: Rig) -> None:
    async def sleep() -> None:
        async with rig.house.database.alone() as driver:
            await driver.execute("SELECT pg_sleep(30)")

    task = asyncio.create_task(sleep())
    await asyncio.sleep(0.2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    for number in range(8):
        async with rig.house.database.alone() as driver:
            assert await driver.fetchval("SELECT $1::int", number) == number


async def test_a_lone_statement_says_that_the_database_is_away(rig: Rig) -> None:
    with pytest.raises(StoreAway):
        async with rig.house.database.alone() as driver:
            await rig.value(f"SELECT pg_terminate_backend({await driver.fetchval('SELECT pg_backend_pid()')})")
            await driver.execute("SELECT 1")
    async with rig.house.database.alone() as driver:
        assert await driver.fetchval("SELECT 1") == 1


async def test_connections_that_died_in_the_pool_are_told_once_and_replaced(rig: Rig) -> None:
    database = Database(rig.house.database.url, pool=2, name="ended")
    end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'ended'"
    try:
        for door in (database.transaction, database.straight):
            async with database.transaction() as tx:  # what lies in the pool, or is kept for the hot doors, dies
                await tx.execute(text("SELECT 1"))
            assert await rig.value(end) == 1
            with pytest.raises(StoreAway):
                async with door() as tx:
                    await tx.execute(text("SELECT 1"))
            for _ in range(4):
                async with database.straight() as tx:
                    assert await tx.info["driver"].fetchval("SELECT 1") == 1
    finally:
        await database.close()
    assert await rig.value(end) == 0


async def test_who_leaves_while_a_connection_changes_hands_gives_back_the_place(rig: Rig) -> None:
    database = Database(rig.house.database.url, pool=1)

    async def usual() -> None:
        async with database.transaction() as tx:
            await tx.execute(text("SELECT 1"))

    try:
        for turns in range(12):
            async with database.straight() as tx:
                await tx.info["driver"].fetchval("SELECT 1")
            task = asyncio.create_task(usual())
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await usual()
    finally:
        await database.close()
