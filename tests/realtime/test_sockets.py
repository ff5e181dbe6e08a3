"""The sockets under honest and dishonest clients, on a running desk."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
import socketio

from tests.people import Console, Phone, Visitor
from tests.running_desk import WholeDesk, running, soon

pytestmark = pytest.mark.timeout(90)


@pytest.fixture(scope="module")
def desk() -> Iterator[WholeDesk]:
    with tempfile.TemporaryDirectory(prefix="desk", ignore_cleanup_errors=True) as folder:
        yield from running(Path(folder))


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=15, trust_env=False) as client:
        yield client


@pytest.fixture
async def ana(desk: WholeDesk) -> AsyncIterator[Console]:
    console = Console(desk, "ana")
    await console.sign_in()
    yield console
    await console.close()


async def connect(desk: WholeDesk, space: str, auth: Any, origin: str | None = None) -> socketio.AsyncClient:
    line = socketio.AsyncClient(reconnection=False)
    try:
        await line.connect(
            desk.url,
            headers={"Origin": origin or desk.url},
            auth=auth,
            namespaces=[space],
            transports=["websocket"],
            wait_timeout=4,
        )
    except socketio.exceptions.ConnectionError:
        await line.shutdown()
        if line.eio.http is not None:  # the library leaves it open when it is refused
            await line.eio.http.close()
        raise
    return line


async def refused(desk: WholeDesk, space: str, auth: Any, origin: str | None = None) -> bool:
    try:
        line = await connect(desk, space, auth, origin)
    except socketio.exceptions.ConnectionError:
        return True
    await line.disconnect()
    return False


async def socket_ticket(console: Console) -> str:
    answer = await console.http.post("/api/socket-tickets", json={})
    return str(answer.json()["ticket"])


async def test_a_socket_ticket_works_once_and_only_from_our_own_pages(desk: WholeDesk, ana: Console) -> None:
    assert await refused(desk, "/console", {"ticket": "made up"})
    assert await refused(desk, "/console", None)
    assert await refused(desk, "/console", {"ticket": await socket_ticket(ana)}, origin="https://elsewhere.example")
    ticket = await socket_ticket(ana)
    line = await connect(desk, "/console", {"ticket": ticket, "last": ana.last})
    await line.disconnect()
    assert await refused(desk, "/console", {"ticket": ticket})


@pytest.mark.parametrize("frame", ["connect", "disconnect", "message", "state", "__class__", ""])
async def test_reserved_and_unknown_event_names_change_nothing_and_end_the_socket(
    desk: WholeDesk, ana: Console, frame: str
) -> None:
    line = await connect(desk, "/console", {"ticket": await socket_ticket(ana), "last": ana.last})
    assert (await line.call("beat", {}, namespace="/console"))["now"]
    for _ in range(4):
        await line.emit(frame, {"user": 1}, namespace="/console")
    assert (await line.call("beat", {}, namespace="/console"))["now"], "four bad frames are forgiven"
    await line.emit(frame, {}, namespace="/console")

    async def ended() -> bool:
        return not line.connected

    await soon(ended, 5, "the socket to be cut")


async def test_a_flood_of_frames_ends_the_socket(desk: WholeDesk, ana: Console) -> None:
    line = await connect(desk, "/console", {"ticket": await socket_ticket(ana), "last": ana.last})
    for _ in range(120):
        if line.connected:
            await line.emit("beat", {}, namespace="/console")

    async def ended() -> bool:
        return not line.connected

    await soon(ended, 5, "the flood to be cut")


async def test_signing_out_ends_the_socket_and_what_it_hears(desk: WholeDesk) -> None:
    ben = Console(desk, "ben")
    await ben.sign_in()
    line = await connect(desk, "/console", {"ticket": await socket_ticket(ben), "last": ben.last})
    told = asyncio.Event()

    async def signed_out(_data: Any) -> None:
        told.set()

    line.on("signed_out", signed_out, namespace="/console")
    assert (await ben.http.delete("/api/session")).status_code == 204
    assert (await ben.http.get("/api/me")).status_code == 401
    await asyncio.wait_for(told.wait(), 8)
    await ben.close()


async def test_a_console_that_was_away_resumes_without_gap_or_repeat(
    desk: WholeDesk, ana: Console, http: httpx.AsyncClient
) -> None:
    before = ana.last
    for number in range(5):
        await Phone(desk, f"+1208555{120 + number:04d}", http).text(f"Where do I get a bin number {number}, please?")
    await ana.follow()

    async def caught_up() -> bool:
        tail = await desk.value("SELECT max(pos) FROM event WHERE type NOT LIKE 'session%' AND type <> 'ticket.viewed'")
        return bool(ana.last >= tail)

    await soon(caught_up, 10, "the console to catch up")
    assert ana.in_order() and ana.gaps == 0 and ana.positions[-1] > before


async def test_an_agent_hears_nothing_of_queues_that_are_not_theirs(desk: WholeDesk, ana: Console) -> None:
    await ana.follow()
    await desk.rows(
        "UPDATE ticket SET queue_id = (SELECT id FROM queue WHERE slug = 'permits') WHERE subject = 'Missed recycling pickup'"
    )
    other = await desk.value("SELECT reference FROM ticket WHERE subject = 'Missed recycling pickup'")
    await desk.rows("UPDATE ticket SET owner_id = NULL, units = 0, status = 'queued' WHERE reference = $1", other)
    assert (await ana.http.get(f"/api/tickets/{other}")).status_code == 404
    lucia = Console(desk, "lucia")
    await lucia.sign_in()
    note = {"client_msg_id": str(uuid4()), "kind": "note", "text": "for our eyes", "expected_last_seq": 99}
    assert (await lucia.http.post(f"/api/tickets/{other}/messages", json=note)).status_code == 201
    row = await desk.rows("SELECT pos FROM event WHERE type = 'note.written' ORDER BY id DESC LIMIT 1")
    await asyncio.sleep(1.5)  # time enough for a frame that must not come
    assert row[0]["pos"] not in ana.positions
    await lucia.close()


async def test_the_board_is_pushed_within_two_seconds_of_the_event(desk: WholeDesk, http: httpx.AsyncClient) -> None:
    sam = Console(desk, "sam")
    await sam.sign_in()
    await sam.follow()
    await sam.watch_board()

    async def first() -> bool:
        return bool(sam.boards)

    await soon(first, 5, "the first board")
    offered = sam.boards[-1]["totals"]["offered_today"]
    await Phone(desk, "+12095550101", http).text("The fountain in the park leaks, please have a look")

    async def counted() -> bool:
        return bool(sam.boards[-1]["totals"]["offered_today"] > offered)

    await soon(counted, 2, "the board to show the new ticket")
    ben = Console(desk, "ben")
    await ben.sign_in()
    assert (await ben.http.get("/api/board")).status_code == 403
    await sam.close()
    await ben.close()


async def test_a_visitor_with_a_foreign_token_or_site_is_refused(desk: WholeDesk) -> None:
    assert await refused(desk, "/citizen", {"site": "city", "token": "x" * 43, "language": "en"})
    assert await refused(desk, "/citizen", {"site": "nowhere", "token": None})
    assert await refused(desk, "/citizen", {"site": ["city"]})
    visitor = Visitor(desk)
    await visitor.connect()
    assert await refused(
        desk, "/citizen", {"site": "city", "token": visitor.token}, origin=desk.url.replace("127.0.0.1", "localhost")
    )
    await visitor.close()


async def test_a_visitor_sees_their_own_words_only_and_never_a_note(desk: WholeDesk) -> None:
    one, two = Visitor(desk), Visitor(desk)
    await one.connect()
    await two.connect()
    said = await one.say("my secret question")
    await two.say("another question")
    sam = Console(desk, "sam")
    await sam.sign_in()
    note = {"client_msg_id": str(uuid4()), "kind": "note", "text": "an internal remark", "expected_last_seq": 99}
    assert (await sam.http.post(f"/api/tickets/{said['ref']}/messages", json=note)).status_code == 201
    await asyncio.sleep(1.0)  # time enough for a frame that must not come
    mine, theirs = await one.pull(), await two.pull()
    assert "internal remark" not in str(mine) + str(one.heard)
    assert "my secret question" not in str(theirs) + str(two.heard)
    await one.close()
    await two.close()
    await sam.close()


async def test_the_token_changes_at_every_resume_and_the_words_are_still_there(desk: WholeDesk) -> None:
    visitor = Visitor(desk)
    await visitor.connect()
    await visitor.say("hello")
    first = visitor.token
    await visitor.close()
    await visitor.connect()
    assert visitor.token != first
    assert [m["text"] for m in await visitor.pull() if m["from"] == "you"] == ["hello"]
    await visitor.close()


@pytest.mark.parametrize("data", [{}, {"client_msg_id": "no", "text": "x"}, {"client_msg_id": str(uuid4()), "text": 5}, "x", None,
                                  {"client_msg_id": str(uuid4()), "text": "x", "role": "admin"}])  # fmt: skip
async def test_a_frame_that_lies_stores_nothing(desk: WholeDesk, data: Any) -> None:
    before = await desk.value("SELECT count(*) FROM message")
    visitor = Visitor(desk)
    await visitor.connect()
    assert visitor._socket is not None
    answer = await visitor._socket.call("send", data, namespace="/citizen", timeout=5)
    assert answer["ok"] is False
    assert await desk.value("SELECT count(*) FROM message") == before
    await visitor.close()


async def test_too_long_a_message_is_refused_with_limit_and_count_and_the_line_stays(desk: WholeDesk) -> None:
    visitor = Visitor(desk)
    await visitor.connect()
    assert visitor._socket is not None
    answer = await visitor._socket.call(
        "send", {"client_msg_id": str(uuid4()), "text": "x" * 9000}, namespace="/citizen", timeout=5
    )
    assert (answer["code"], answer["limit"], answer["count"]) == ("too_long", 8192, 9000)
    assert (await visitor.say("shorter"))["ok"]
    await visitor.close()
