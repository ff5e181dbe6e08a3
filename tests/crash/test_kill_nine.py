"""Processes die in the middle of traffic: nothing accepted is lost, nothing is sent twice, everything has one owner."""

import asyncio
import re
from collections import Counter
from typing import Any

import httpx
import pytest
from redis import Redis

from contactcenter.db import Database
from contactcenter.desk import claims
from tests.people import Console, Phone, Visitor
from tests.running_desk import WholeDesk, soon

pytestmark = pytest.mark.timeout(240)


def phones(desk: WholeDesk, http: httpx.AsyncClient, area: int, count: int) -> list[Phone]:
    return [Phone(desk, f"+1{area}555{100 + n:04d}", http) for n in range(count)]


async def breaches(desk: WholeDesk) -> dict[str, int]:
    database = Database(desk.database_url, pool=1)
    try:
        async with database.transaction() as tx:
            return {rule: count for rule, count in (await claims.breaches(tx)).items() if count}
    finally:
        await database.close()


async def everything_left(desk: WholeDesk, seconds: float = 60) -> None:
    """Wait until nothing is on its way; leases, questions and looks are passed through quickly."""

    async def empty() -> bool:
        left = await desk.value("SELECT count(*) FROM delivery WHERE state IN ('queued','sending','unknown')")
        if left:
            await desk.time_passes(5)
        return not left

    await soon(empty, seconds, "an empty outbox")


async def test_a_worker_killed_again_and_again_sends_everything_exactly_once(
    desk: WholeDesk, http: httpx.AsyncClient
) -> None:
    citizens = phones(desk, http, 203, 40)
    for number, phone in enumerate(citizens):
        await phone.text(f"Report number {number}: the street lamp is out, please have a look")
        if number % 10 == 5:
            desk.kill("worker")
    await everything_left(desk)
    for number, phone in enumerate(citizens):
        got = await phone.received()
        assert len(got) == 1, f"phone {number} received {got}"
        assert re.search(r"RV-\w{4}-\w{4}", got[0])
    states = await desk.rows("SELECT state, count(*) FROM delivery GROUP BY state")
    assert {row["state"] for row in states} <= {"sent", "delivered", "read"}


async def test_texts_and_consoles_survive_a_killed_web_process(desk: WholeDesk, http: httpx.AsyncClient) -> None:
    ana, ben = Console(desk, "ana"), Console(desk, "ben")
    for console in (ana, ben):
        await console.sign_in()
        await console.follow()
        await console.available()
    citizens = phones(desk, http, 204, 30)
    sids = []
    for number, phone in enumerate(citizens):
        sids.append(await phone.text(f"Hello, there is a hole in the road at number {number}, thank you"))
        if number in (8, 20):
            desk.kill("web")

    async def stored() -> bool:
        return bool(await desk.value("SELECT count(*) = $2 FROM message WHERE external_id = ANY($1)", sids, len(sids)))

    await soon(stored, 90, "all texts stored")
    assert await desk.value("SELECT count(DISTINCT external_id) FROM message WHERE external_id = ANY($1)", sids) == len(
        sids
    )

    async def caught_up() -> bool:
        tail = await desk.value("SELECT max(pos) FROM event WHERE type NOT LIKE 'session%' AND type <> 'ticket.viewed'")
        return all(console.last >= tail for console in (ana, ben))

    await soon(caught_up, 30, "both consoles to catch up")
    for console in (ana, ben):
        assert console.in_order(), console.positions[-50:]
        assert console.gaps == 0
        await soon(lambda console=console: as_the_server(console), 10, "the console to equal the server's snapshot")
        await console.close()
    assert await breaches(desk) == {}


async def as_the_server(console: Console) -> bool:
    rows = (await console.http.get("/api/snapshot")).raise_for_status().json()["tickets"]
    theirs = {row["ref"]: (row["status"], row["v"]) for row in rows}
    return theirs == {ref: (row["status"], row["v"]) for ref, row in console.tickets.items() if ref in theirs}


async def test_a_killed_router_is_replaced_and_every_ticket_has_one_owner(
    desk: WholeDesk, http: httpx.AsyncClient
) -> None:
    ana = Console(desk, "ana")
    await ana.sign_in()
    await ana.follow()
    await ana.available()
    for number, phone in enumerate(phones(desk, http, 205, 12)):
        await phone.text(f"Please help, my bin number {number} was not emptied this week")
        if number % 4 == 1:
            desk.kill("router")

    async def decided() -> bool:
        """Work conservation: nobody waits while Ana has room for a text."""
        room = await desk.value(
            "SELECT count(*) FROM staff s JOIN staff_channel c ON c.staff_id = s.id WHERE s.username = 'ana' AND c.channel = 'sms' "
            "AND c.items < c.cap AND s.primary_units + 4 <= s.budget AND s.intent = 'available'"
        )
        waiting = await desk.value(
            "SELECT count(*) FROM ticket WHERE status = 'queued' AND channel = 'sms' AND language = 'en'"
        )
        return not room or not waiting

    await soon(decided, 15, "the router to decide")
    overlaps = await desk.value(
        "SELECT count(*) FROM assignment a JOIN assignment b ON a.ticket_id = b.ticket_id AND a.id < b.id "
        "AND tstzrange(a.started_at, a.ended_at) && tstzrange(b.started_at, b.ended_at)"
    )
    assert overlaps == 0
    assert await breaches(desk) == {}
    positions = await desk.rows("SELECT pos FROM event WHERE pos IS NOT NULL ORDER BY pos")
    assert [row["pos"] for row in positions] == list(range(1, len(positions) + 1)), "the log has a gap"
    await ana.close()


async def test_redis_emptied_and_killed_loses_nothing(desk: WholeDesk, http: httpx.AsyncClient) -> None:
    redis = Redis.from_url(desk.environment("REDIS_URL"))
    citizens = phones(desk, http, 206, 20)
    for number, phone in enumerate(citizens):
        await phone.text(f"Question {number}: when is the office open this week, please?")
        if number in (5, 12):
            redis.flushall()
        if number == 9:
            desk.processes()["redis"].kill()
            await asyncio.sleep(0.3)
    redis.close()
    await everything_left(desk)
    for phone in citizens:
        assert len(await phone.received()) == 1


async def test_a_conversation_survives_the_web_process_exactly_once_and_in_order(desk: WholeDesk) -> None:
    visitor = Visitor(desk)
    await visitor.connect()
    said = [f"line {number}" for number in range(24)]
    for number, words in enumerate(said):
        await visitor.say(words)
        if number in (7, 15):
            desk.kill("web")
    pulled = await visitor.pull()
    assert [m["text"] for m in pulled if m["from"] == "you"] == said
    assert [m["seq"] for m in pulled] == sorted({m["seq"] for m in pulled})
    before = [0, *[m["seq"] for m in pulled]]
    assert [m["prev"] for m in pulled] == before[:-1]
    await visitor.close()


async def test_the_provider_accepts_and_hangs_up_and_still_nothing_leaves_twice(
    desk: WholeDesk, http: httpx.AsyncClient
) -> None:
    await http.post(f"{desk.sandbox}/sandbox/faults", json={"kind": "error_after", "times": 3})
    citizens = phones(desk, http, 207, 6)
    for number, phone in enumerate(citizens):
        await phone.text(f"Hello, report {number}: a tree is down in my street")
    await everything_left(desk)
    counted: Counter[Any] = Counter()
    for phone in citizens:
        counted[len(await phone.received())] += 1
    assert counted == {1: 6}
