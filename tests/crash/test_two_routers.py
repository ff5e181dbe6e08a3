"""Two routers run: one leads. It dies, or falls asleep and wakes up believing that it still leads."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import datetime

import httpx
import psutil  # type: ignore[import-untyped]  # ships no types
import pytest

from contactcenter.jobs.lease import LIFE_S
from tests.crash.faults import breaches, one_more
from tests.people import Console, Phone
from tests.running_desk import WholeDesk, soon

pytestmark = pytest.mark.timeout(120)
DECIDED_S = 2.0
"""A new leader decides within this time after the old one's lease is over."""


@contextlib.asynccontextmanager
async def at_work(desk: WholeDesk, *usernames: str) -> AsyncIterator[list[Console]]:
    consoles = [Console(desk, username) for username in usernames]
    for console in consoles:
        await console.sign_in()
        await console.follow()
        await console.available()
    yield consoles
    for console in consoles:
        await console.close()


async def test_a_dead_leader_is_followed_at_once_and_a_sleeping_one_changes_nothing_when_it_wakes(
    desk: WholeDesk, http: httpx.AsyncClient
) -> None:
    async with at_work(desk, "ana", "ben") as consoles, watched(desk):
        with one_more(desk, "router"):
            await soon(lambda: routers(desk, 2), 20, "two routers")
            await decided(desk, await text(desk, http, 0), 5)
            killed = await now(desk)
            (await leader(desk)).kill()
            ticket = await text(desk, http, 1)
            assert (await decided(desk, ticket, 10) - killed).total_seconds() <= DECIDED_S

            await soon(lambda: routers(desk, 2), 20, "two routers again")
            await answer_all(desk, consoles)
            sleeper, epoch, asleep = await leader(desk), await lease_epoch(desk), await now(desk)
            sleeper.suspend()
            try:
                sids = [await text(desk, http, number) for number in range(2, 6)]
                for sid in sids:
                    assert (await decided(desk, sid, 20) - asleep).total_seconds() <= LIFE_S + DECIDED_S
            finally:
                sleeper.resume()
            new = await lease_epoch(desk)
            assert new > epoch
            awake = [await text(desk, http, number) for number in range(6, 10)]
            for sid in awake:
                await decided(desk, sid, 10)
            assert await epochs(desk, sids + awake) == {new}, "only the new leader decided"
            assert await lease_epoch(desk) == new, "the sleeper did not take the lead back"
            assert (await leader(desk)).pid != sleeper.pid
            assert sleeper.is_running(), "it stands by now"
    assert await overlaps(desk) == 0


@contextlib.asynccontextmanager
async def watched(desk: WholeDesk) -> AsyncIterator[None]:
    """The sentinel's counts stay zero at every look, not only in the end."""
    over = asyncio.Event()

    async def look() -> int:
        looks = 0
        while not over.is_set():
            assert await breaches(desk) == {}
            looks += 1
            await asyncio.sleep(0.2)
        return looks

    looking = asyncio.create_task(look())
    try:
        yield
    finally:
        over.set()
        assert await looking > 5
    assert await breaches(desk) == {}


async def text(desk: WholeDesk, http: httpx.AsyncClient, number: int) -> str:
    return await Phone(desk, f"+1209555012{number}", http).text(
        f"Good morning, container {number} is full, please collect it"
    )


async def decided(desk: WholeDesk, sid: str, seconds: float) -> datetime:
    """When somebody was first chosen for the ticket of this text."""

    async def first() -> datetime | None:
        found: datetime | None = await desk.value(
            "SELECT min(e.at) FROM event e JOIN message m ON m.ticket_id = e.ticket_id WHERE m.external_id = $1 "
            "AND e.type IN ('ticket.offered', 'ticket.assigned')",
            sid,
        )
        return found

    at: datetime = await soon(first, seconds, "a decision")
    return at


async def answer_all(desk: WholeDesk, consoles: list[Console]) -> None:
    """Make room."""
    for console in consoles:
        rows = await desk.rows(
            "SELECT t.reference FROM ticket t JOIN staff s ON s.id = t.owner_id WHERE s.username = $1 AND t.status = 'assigned'",
            console.username,
        )
        for row in rows:
            await console.reply_surely(row["reference"], "We will see to it today.")


async def leader(desk: WholeDesk) -> psutil.Process:
    holder = await desk.value("SELECT holder FROM lease WHERE name = 'router'")
    return psutil.Process(int(holder.rpartition(":")[2]))


async def lease_epoch(desk: WholeDesk) -> int:
    return int(await desk.value("SELECT epoch FROM lease WHERE name = 'router'"))


async def epochs(desk: WholeDesk, sids: list[str]) -> set[int]:
    rows = await desk.rows(
        "SELECT t.epoch FROM ticket t JOIN message m ON m.ticket_id = t.id WHERE m.external_id = ANY($1)", sids
    )
    return {row["epoch"] for row in rows}


async def routers(desk: WholeDesk, count: int) -> bool:
    there = await desk.value(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'contactcenter router lease'"
    )
    return bool(there == count)


async def now(desk: WholeDesk) -> datetime:
    at: datetime = await desk.value("SELECT clock_timestamp()")
    return at


async def overlaps(desk: WholeDesk) -> int:
    return int(
        await desk.value(
            "SELECT count(*) FROM assignment a JOIN assignment b ON a.ticket_id = b.ticket_id AND a.id < b.id "
            "AND tstzrange(a.started_at, a.ended_at) && tstzrange(b.started_at, b.ended_at)"
        )
    )
