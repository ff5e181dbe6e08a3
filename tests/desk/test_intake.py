"""What was kept is read: once, in order, whatever one of them does to its reader."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from channels._guard import Guard
from channels.base import Raw
from contactcenter.desk import inbox as desk_inbox
from contactcenter.desk.book import channel_inbox
from contactcenter.jobs.reading import MAX_TRIES, Reading
from tests.desk_rig import Rig

ANN = "ann@lake.example"


@pytest.fixture(scope="module")
async def guard() -> AsyncIterator[Guard]:
    made = Guard("email", seconds=10)
    yield made
    await made.close()


async def keep(rig: Rig, words: str, sender: str = ANN, head: str = "", number: str = "") -> None:
    box = await rig.inbox("mail")
    mail = (
        f"From: {sender}\r\nTo: help@riverdale.example\r\nSubject: Bins\r\nMessage-ID: <{number or uuid4()}@lake.example>\r\n"
        f"Date: Tue, 24 Nov 2026 10:00:00 +0000\r\n{head}\r\n{words}\r\n"
    ).encode()
    envelope = {"from": sender, "to": ["help@riverdale.example"]}
    raw = Raw("email:mail", str(uuid4()), channel_inbox(box), envelope, rig.clock(), mail)
    async with rig.house.database.transaction() as tx:
        await desk_inbox.store(tx, rig.house.kit, raw)


async def read(rig: Rig, guard: Guard) -> None:
    reading = Reading(rig.house.database, rig.house.kit, guard)
    while await reading.read_some():
        continue


async def bodies(rig: Rig) -> list[str]:
    return [
        row[0] for row in await rig.rows("SELECT body_text FROM message WHERE direction = 'in' ORDER BY ticket_id, seq")
    ]


async def test_a_kept_mail_becomes_a_ticket_and_its_raw_event_is_done(rig: Rig, guard: Guard) -> None:
    await keep(rig, "My bins were not emptied")
    await read(rig, guard)
    assert await bodies(rig) == ["My bins were not emptied"]
    assert await rig.rows("SELECT state, lease_until, error FROM raw_event") == [("done", None, None)]


async def test_the_same_mail_by_two_ways_is_one_message(rig: Rig, guard: Guard) -> None:
    for _ in range(3):
        await keep(rig, "My bins", number="same")
    await read(rig, guard)
    assert await bodies(rig) == ["My bins"]
    assert await rig.value("SELECT count(*) FROM raw_event WHERE state = 'done'") == 3


async def test_two_readers_file_each_mail_once(rig: Rig, guard: Guard) -> None:
    other = Guard("email")
    for number in range(12):
        await keep(rig, f"Matter {number}", f"p{number}@lake.example")
    await asyncio.gather(read(rig, guard), read(rig, other))
    await other.close()
    assert sorted(await bodies(rig)) == sorted(f"Matter {number}" for number in range(12))


async def test_one_persons_mails_are_filed_in_their_order(rig: Rig, guard: Guard) -> None:
    await keep(rig, "First", number="1")
    for number in range(2, 8):
        head = f"In-Reply-To: <{number - 1}@lake.example>\r\n"
        await keep(rig, f"Then {number}", head=head, number=str(number))
    await read(rig, guard)
    assert await bodies(rig) == ["First", *[f"Then {number}" for number in range(2, 8)]]
    assert await rig.value("SELECT count(*) FROM ticket") == 1


async def test_a_mail_that_cannot_be_filed_stops_nobody_and_is_set_aside_after_five_tries(
    rig: Rig, guard: Guard
) -> None:
    await keep(rig, "The poison", "poison@lake.example")
    await rig.run("CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''no''; END'")
    await rig.run(
        "CREATE TRIGGER refuse BEFORE INSERT ON message FOR EACH ROW WHEN (NEW.body_text = 'The poison') EXECUTE FUNCTION refuse()"
    )
    for number in range(MAX_TRIES):
        await keep(rig, f"Another {number}", f"p{number}@lake.example")
        await read(rig, guard)
        await rig.run("UPDATE raw_event SET lease_until = NULL WHERE state = 'new'")
    await read(rig, guard)
    assert len(await bodies(rig)) == MAX_TRIES
    failed = await rig.rows("SELECT state, error FROM raw_event WHERE state <> 'done'")
    assert [row.state for row in failed] == ["failed"] and "could not be filed" in failed[0].error


async def test_automatic_mail_that_was_kept_is_flagged_and_wakes_nobody(rig: Rig, guard: Guard) -> None:
    await keep(rig, "I am away", head="Auto-Submitted: auto-replied\r\n")
    await read(rig, guard)
    assert await rig.rows("SELECT waiting_since FROM ticket") == [(None,)]
    assert await rig.value("SELECT count(*) FROM delivery") == 0
