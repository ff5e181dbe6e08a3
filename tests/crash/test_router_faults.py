"""Routers under fire, briefly, and the two moments at which a leader must not trust itself. `campaign.py` is the long version."""

import asyncio
import contextlib
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

import routing
from contactcenter.db import Database
from contactcenter.desk import claims
from contactcenter.desk.claims import Claim
from contactcenter.errors import StoreAway
from contactcenter.hints import Hints
from contactcenter.jobs.lease import Lease
from contactcenter.jobs.router import Router
from contactcenter.jobs.sequencer import Sequencer
from routing.events import Grounds
from tests.crash.campaign import Campaign, Wanted
from tests.crash.routers import Routers
from tests.crash.severed import Line
from tests.desk_rig import Rig
from tests.running_desk import soon

pytestmark = pytest.mark.timeout(180)
FAULTS = ("kill_leader", "cut_lines", "restart_postgres", "sleep_past_the_lease")


async def test_whatever_happens_to_routers_every_ticket_has_one_owner_and_no_agent_too_much() -> None:
    with tempfile.TemporaryDirectory(prefix="fire", ignore_cleanup_errors=True) as folder:
        campaign = Campaign(Routers(Path(folder), 2), seed=7, agents=24)
        outcome = await campaign.run(Wanted(faults=list(FAULTS), minutes=0.5))
    assert outcome.fallen == [], "a router goes on after every fault"
    assert dict(outcome.breaches) == {}
    assert outcome.left_waiting == 0
    assert outcome.looks > 5
    decided = sum(len(gaps) for gaps in outcome.gaps.values())
    assert decided == len(FAULTS), "after each fault somebody was given a ticket"


async def test_a_leader_frozen_within_a_claim_changes_nothing_and_is_soon_followed(rig: Rig) -> None:
    ticket = await rig.text("+12025550190", "Hello, the lamp in front of my house is out.")
    assert ticket is not None
    await rig.on_duty("ana")
    ana = await rig.staff("ana")
    url = rig.house.database.url
    async with Lease(url, "frozen") as before:
        assert await before.acquire()
        frozen = Database(url, pool=1, idle_timeout=2)
        because = Grounds("spread", 0, None, 1)
        given = routing.Given(ticket.id, ana.id, "direct", 4, False, None, because)
        with pytest.raises(StoreAway):
            async with frozen.transaction() as tx:
                await claims.claim(tx, before.epoch, [Claim(given, ticket.channel, ticket.version, {})])
                began = time.monotonic()
                epoch = await _another_leads(url)
                assert time.monotonic() - began < 4
        await frozen.close()
    assert epoch == before.epoch + 1 or before.epoch == 0
    after = await rig.ticket(ticket.reference)
    assert (after.status, after.owner_id, after.version) == ("queued", None, ticket.version)
    assert (await rig.staff("ana")).primary_units == 0
    assert await rig.breaches() == {}


async def _another_leads(url: str) -> int:
    """The claim under way holds the lease in share: the successor waits for it, but not for long. Its own life runs out first."""
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    bump = "UPDATE lease SET epoch = epoch + 1, holder = 'next' WHERE name = 'router' RETURNING epoch"
    try:
        return int(await connection.fetchval(bump))
    finally:
        await connection.close()


async def test_a_commit_whose_answer_was_lost_is_read_back_and_never_repeated(rig: Rig, tmp_path: Path) -> None:
    tickets = [await rig.text(f"+120255501{number}", "Please empty the container.") for number in (91, 92)]
    await rig.on_duty("ana")
    with tempfile.TemporaryDirectory(prefix="line") as folder:
        async with Line(rig.house.database.url, Path(folder)).laid() as line, _routing(rig, line) as router:
            await soon(lambda: _assigned(rig, 2), 20, "both to be given to Ana")
            assert line.severed == 1, "the first claim's answer never came"
            later = await rig.text("+12025550193", "There is glass on the playground.")
            await soon(lambda: _assigned(rig, 3), 20, "the router to go on")
            assert router.epoch > 1, "it took the lead anew"
    for ticket in (*tickets, later):
        assert ticket is not None
        told = await rig.value(
            "SELECT count(*) FROM event WHERE ticket_id = :id AND type = 'ticket.assigned'", id=ticket.id
        )
        assert told == 1
    assert (await rig.staff("ana")).primary_units == 3 * 4
    assert await rig.breaches() == {}


async def _assigned(rig: Rig, count: int) -> bool:
    found: int = await rig.value("SELECT count(*) FROM ticket WHERE status = 'assigned'")
    return found == count


@contextlib.asynccontextmanager
async def _routing(rig: Rig, line: Line) -> AsyncIterator[Router]:
    """A router whose line is cut at its first commit of a claim, and a sequencer on a good one."""
    database = Database(line.url, pool=2, idle_timeout=2)
    router = Router(database, rig.house.kit)
    hints = Hints(rig.house.settings.redis_url, rig.house.settings.redis_prefix)
    line.armed = True
    tasks = [
        asyncio.create_task(router.run()),
        asyncio.create_task(Sequencer(rig.house.database.url, hints).run()),
    ]
    try:
        yield router
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await database.close()
        await hints.close()
