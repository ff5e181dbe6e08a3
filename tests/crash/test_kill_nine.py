"""Processes die in the middle of traffic: nothing accepted is lost, nothing is sent twice, everything has one owner."""

import asyncio
from collections import Counter
from functools import partial
from typing import Any

import httpx
import pytest
from redis import Redis

from tests.crash.faults import accepted_by_provider, breaches, everything_left, nothing_missed
from tests.people import Console, Phone, Visitor
from tests.running_desk import WholeDesk, soon

pytestmark = pytest.mark.timeout(240)
SHOWN_S = 5.0
"""Without Redis nobody is woken: what happened is on the consoles within this time all the same."""


def phones(desk: WholeDesk, http: httpx.AsyncClient, area: int, count: int) -> list[Phone]:
    return [Phone(desk, f"+1{area}555{100 + n:04d}", http) for n in range(count)]


async def test_a_worker_killed_again_and_again_sends_everything_exactly_once(
    desk: WholeDesk, http: httpx.AsyncClient
) -> None:
    """60 acknowledgements and 60 replies, five kills."""
    ben = Console(desk, "ben")
    await ben.sign_in()
    citizens = phones(desk, http, 203, 60)
    for number, phone in enumerate(citizens):
        sid = await phone.text(f"Report number {number}: the street lamp is out, please have a look")
        await ben.reply_surely(await reference(desk, sid), f"Thank you, we repair lamp {number} tomorrow.")
        if number % 12 == 5:
            desk.kill("worker")
    await everything_left(desk)
    await soon(lambda: nothing_but(desk, citizens, "delivered"), 20, "every text to be delivered")
    for number, phone in enumerate(citizens):
        got = await phone.received()
        assert len(got) == 2, f"phone {number} received {got}"
        assert got[1] == f"Thank you, we repair lamp {number} tomorrow.", "in the order in which it was written"
    sent = accepted_by_provider(desk)
    assert {sent[message] for message in await messages_to(desk, citizens)} == {1}
    await ben.close()


async def reference(desk: WholeDesk, sid: str) -> str:
    sql = "SELECT t.reference FROM ticket t JOIN message m ON m.ticket_id = t.id WHERE m.external_id = $1"
    return str(await desk.value(sql, sid))


async def nothing_but(desk: WholeDesk, citizens: list[Phone], state: str) -> bool:
    rows = await desk.rows(
        "SELECT DISTINCT d.state FROM delivery d JOIN endpoint e ON e.id = d.endpoint_id WHERE e.canonical = ANY($1)",
        [phone.number for phone in citizens],
    )
    return [row["state"] for row in rows] == [state]


async def messages_to(desk: WholeDesk, citizens: list[Phone]) -> list[str]:
    rows = await desk.rows(
        "SELECT d.message_id::text FROM delivery d JOIN endpoint e ON e.id = d.endpoint_id WHERE e.canonical = ANY($1)",
        [phone.number for phone in citizens],
    )
    assert len(rows) == 2 * len(citizens)
    return [row[0] for row in rows]


async def test_texts_and_consoles_survive_a_killed_web_process(desk: WholeDesk, http: httpx.AsyncClient) -> None:
    ana, sam = Console(desk, "ana"), Console(desk, "sam")
    for console in (ana, sam):
        await console.sign_in()
        await console.follow()
    await ana.available()
    sids = []
    for number, phone in enumerate(phones(desk, http, 204, 30)):
        sids.append(await phone.text(f"Hello, there is a hole in the road at number {number}, thank you"))
        if number in (8, 20):
            desk.kill("web")
    await soon(lambda: all_stored(desk, sids), 90, "all texts to be stored")
    stored = await desk.rows("SELECT external_id FROM message WHERE external_id = ANY($1)", sids)
    assert Counter(row[0] for row in stored) == Counter(sids)
    for console in (ana, sam):
        await nothing_missed(desk, console)
        assert console.reloads == 0, "what was missed is caught up, not fetched anew"
        await console.close()
    assert await breaches(desk) == {}


async def all_stored(desk: WholeDesk, sids: list[str]) -> bool:
    found = await desk.value("SELECT count(DISTINCT external_id) FROM message WHERE external_id = ANY($1)", sids)
    return bool(found == len(sids))


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
    await soon(partial(nobody_waits_for_nothing, desk), 15, "the router to decide")
    overlaps = await desk.value(
        "SELECT count(*) FROM assignment a JOIN assignment b ON a.ticket_id = b.ticket_id AND a.id < b.id "
        "AND tstzrange(a.started_at, a.ended_at) && tstzrange(b.started_at, b.ended_at)"
    )
    assert overlaps == 0
    assert await breaches(desk) == {}
    positions = await desk.rows("SELECT pos FROM event WHERE pos IS NOT NULL ORDER BY pos")
    assert [row["pos"] for row in positions] == list(range(1, len(positions) + 1)), "the log has a gap"
    await ana.close()


async def nobody_waits_for_nothing(desk: WholeDesk) -> bool:
    """Work conservation: nobody waits while Ana has room for a text."""
    room = await desk.value(
        "SELECT count(*) FROM staff s JOIN staff_channel c ON c.staff_id = s.id WHERE s.username = 'ana' AND c.channel = 'sms' "
        "AND c.items < c.cap AND s.primary_units + 4 <= s.budget AND s.intent = 'available'"
    )
    waiting = await desk.value(
        "SELECT count(*) FROM ticket WHERE status = 'queued' AND channel = 'sms' AND language = 'en'"
    )
    return not room or not waiting


async def test_redis_emptied_and_killed_loses_nothing_and_consoles_stay_live(
    desk: WholeDesk, http: httpx.AsyncClient
) -> None:
    sam, ben = Console(desk, "sam"), Console(desk, "ben")
    for console in (sam, ben):
        await console.sign_in()
    await sam.follow()
    redis = Redis.from_url(desk.environment("REDIS_URL"))
    citizens = phones(desk, http, 206, 20)
    for number, phone in enumerate(citizens):
        if number == 9:
            desk.processes()["redis"].kill()
        sid = await phone.text(f"Question {number}: when is the office open this week, please?")
        if number in (5, 12):
            redis.flushall()
        ref = await reference(desk, sid)
        await soon(partial(shown, sam, ref), SHOWN_S, "the ticket on the supervisor's console")
        await ben.reply_surely(ref, "From nine to five.")
    redis.close()
    await everything_left(desk)
    for phone in citizens:
        assert len(await phone.received()) == 2
    sent = accepted_by_provider(desk)
    assert {sent[message] for message in await messages_to(desk, citizens)} == {1}
    await nothing_missed(desk, sam)
    for console in (sam, ben):
        await console.close()


async def shown(console: Console, ref: str) -> bool:
    return ref in console.tickets


async def test_conversations_survive_the_web_process_exactly_once_and_in_order(desk: WholeDesk) -> None:
    """Three visitors say twenty lines each; the web process dies three times."""
    visitors = [Visitor(desk) for _ in range(3)]
    for visitor in visitors:
        await visitor.connect()
    said = [f"line {number}" for number in range(20)]
    for number, words in enumerate(said):
        if number in (4, 9, 14):
            await asyncio.gather(*[visitor.say(words) for visitor in visitors], asyncio.to_thread(desk.kill, "web"))
        else:
            await asyncio.gather(*[visitor.say(words) for visitor in visitors])
    for visitor in visitors:
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
