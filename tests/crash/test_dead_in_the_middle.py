"""A worker dies between taking a message and sending it, or between sending it and writing that down."""

import sqlite3
from contextlib import closing
from typing import Any
from uuid import uuid4

import httpx
import psutil  # type: ignore[import-untyped]  # ships no types
import pytest

from tests.crash.faults import accepted_by_provider, dies_at, everything_left
from tests.people import Console, Phone
from tests.running_desk import WholeDesk, soon

pytestmark = pytest.mark.timeout(120)


@pytest.mark.parametrize(("point", "taken"), [("claimed", 0), ("sent", 1)])
async def test_a_text_whose_worker_died_is_asked_about_and_sent_exactly_once(
    desk: WholeDesk, http: httpx.AsyncClient, point: str, taken: int
) -> None:
    phone = Phone(desk, f"+1208555011{taken}", http)
    standing_still = await idle_worker(desk)
    await http.post(
        f"{desk.sandbox}/sandbox/faults", json={"kind": "silent", "times": 1}
    )  # no receipt tells: we must ask
    standing_still.suspend()
    try:
        sid = await phone.text("Hello, the water is brown at my place, is it safe to drink?")
        await dies_at(desk, point)
        delivery = await delivery_of(desk, sid)
        assert delivery["state"] == "sending", "nobody knows yet what became of it"
        assert accepted_by_provider(desk)[delivery["message"]] == taken
    finally:
        standing_still.resume()
    await everything_left(desk)
    delivery = await delivery_of(desk, sid)
    assert accepted_by_provider(desk)[delivery["message"]] == 1
    assert len(await phone.received()) == 1
    assert delivery["state"] in ("sent", "delivered")
    assert delivery["attempts"] == 2 - taken, "what was found at the provider is not tried again"
    assert not delivery["maybe_duplicate"]


@pytest.mark.parametrize(("point", "letters"), [("claimed", 1), ("sent", 2)])
async def test_a_mail_whose_worker_died_goes_once_more_under_the_same_id_and_says_so(
    desk: WholeDesk, http: httpx.AsyncClient, point: str, letters: int
) -> None:
    address = f"kim.{uuid4().hex[:8]}@home-{uuid4().hex[:8]}.example"
    standing_still = await idle_worker(desk)
    standing_still.suspend()
    try:
        written = await http.post(
            f"{desk.sandbox}/sandbox/mailbox/{address}",
            json={
                "to": "help@riverton.example",
                "subject": "A tree is down",
                "text": "Hello, a tree fell into our street.",
            },
        )
        sid = written.json()["message_id"]
        await soon(lambda: desk.rows("SELECT 1 FROM message WHERE external_id = $1", sid), 20, "the mail to be filed")
        await dies_at(desk, point)
        assert len(received(desk, address)) == letters - 1
    finally:
        standing_still.resume()
    await everything_left(desk)
    got = received(desk, address)
    assert len(got) == letters
    assert len(set(got)) == 1, "a mail program shows the second as the first"
    await flagged_on_the_agents_screen(desk, sid)


async def idle_worker(desk: WholeDesk) -> psutil.Process:
    """The desk's own worker, when nothing else is on its way that another worker could die of."""
    await everything_left(desk)
    return desk.processes()["worker"]


async def flagged_on_the_agents_screen(desk: WholeDesk, sid: str) -> None:
    ref = await desk.value(
        "SELECT t.reference FROM ticket t JOIN message m ON m.ticket_id = t.id WHERE m.external_id = $1", sid
    )
    sam = Console(desk, "sam")
    await sam.sign_in()
    page = (await sam.http.get(f"/api/tickets/{ref}")).raise_for_status().json()
    assert [m["delivery"]["maybe_duplicate"] for m in page["messages"] if m["direction"] == "out"] == [True]
    await sam.close()


async def delivery_of(desk: WholeDesk, sid: str) -> dict[str, Any]:
    """The acknowledgement's delivery of the text that came in as ``sid``."""
    rows = await desk.rows(
        "SELECT d.state, d.maybe_duplicate, d.message_id::text AS message, (SELECT count(*) FROM delivery_attempt a "
        "WHERE a.delivery_id = d.id) AS attempts FROM message i JOIN delivery d ON d.ticket_id = i.ticket_id WHERE i.external_id = $1",
        sid,
    )
    assert len(rows) == 1
    return dict(rows[0])


def received(desk: WholeDesk, address: str) -> list[str]:
    """The Message-IDs of what reached a mailbox."""
    with closing(sqlite3.connect(desk.folder / "data" / "sandbox.sqlite")) as world:
        return [
            row[0]
            for row in world.execute("SELECT message_id FROM letter WHERE mailbox = ? AND direction = 'in'", (address,))
        ]
