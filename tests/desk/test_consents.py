"""STOP is obeyed at once and everywhere; START gives the voice back."""

from uuid import uuid4

import pytest

from channels.base import Address, ConsentChange, Inbound, Item, Proof
from contactcenter.desk import composing
from contactcenter.errors import Conflict
from contactcenter.models import Ticket
from tests.desk_rig import Rig

PHONE = "+12025550117"
ADDRESS = Address("phone", PHONE, PHONE, Proof.CLAIMED)


async def say(rig: Rig, words: str) -> list[Ticket]:
    """A text as the adapter reads it: the wish, and the message it came in."""
    wish = ConsentChange(ADDRESS, "revoked" if words == "STOP" else "given", words)
    items: list[Item] = [wish, Inbound(ADDRESS, words, f"SM{uuid4().hex}")]
    return await rig.receive(await rig.inbox("text"), items)


async def texted(rig: Rig) -> Ticket:
    ticket = await rig.text(PHONE, "The street light is out")
    assert ticket is not None
    return ticket


async def test_stop_cancels_what_has_not_left_yet_and_the_agent_sees_it(rig: Rig) -> None:
    ticket = await texted(rig)
    await rig.reply("ben", ticket.reference, "We will repair it on Friday.")
    assert await rig.rows("SELECT state FROM delivery ORDER BY id") == [("queued",), ("queued",)]
    await say(rig, "STOP")
    assert await rig.rows("SELECT state, error_kind FROM delivery") == [("canceled", "opted_out")] * 2
    told = await rig.rows("SELECT data->>'after' FROM event WHERE type = 'delivery.changed'")
    assert told == [("canceled",)] * 2


async def test_after_stop_the_next_reply_cannot_reach_and_nothing_is_stored(rig: Rig) -> None:
    ticket = await texted(rig)
    await say(rig, "STOP")
    before = len(await rig.messages(ticket.reference))
    with pytest.raises(Conflict) as refused:
        await rig.reply("ben", ticket.reference, "We will repair it on Friday.", anyway=True)
    assert (refused.value.slug, refused.value.extras["reason"], refused.value.status) == (
        "cannot-reach",
        "opted_out",
        409,
    )
    assert len(await rig.messages(ticket.reference)) == before
    async with rig.house.database.transaction() as tx:
        compose = await composing.compose(tx, rig.house.kit, await rig.scope("ben"), await rig.ticket(ticket.reference))
    assert (compose["can_reply"], compose["why_not"]) == (False, "opted_out")


async def test_a_note_can_still_be_written_after_stop(rig: Rig) -> None:
    ticket = await texted(rig)
    await say(rig, "STOP")
    written = await rig.reply("ben", ticket.reference, "Call the neighbour", kind="note")
    assert written.message.visibility == "internal"


async def test_start_gives_back_what_stop_took(rig: Rig) -> None:
    ticket = await texted(rig)
    await say(rig, "STOP")
    await say(rig, "START")
    await rig.reply("ben", ticket.reference, "We will repair it on Friday.", anyway=True)
    assert await rig.value("SELECT count(*) FROM delivery WHERE state = 'queued'") == 1
    assert await rig.value("SELECT state FROM consent") == "given"


async def test_what_stop_canceled_stays_canceled_after_start(rig: Rig) -> None:
    await texted(rig)
    await say(rig, "STOP")
    await say(rig, "START")
    assert await rig.rows("SELECT DISTINCT state FROM delivery") == [("canceled",)]


async def test_stop_without_an_open_matter_opens_none(rig: Rig) -> None:
    assert await say(rig, "STOP") == []
    assert await rig.value("SELECT count(*) FROM ticket") == 0
    assert await rig.value("SELECT state FROM consent") == "revoked"


async def test_a_new_text_after_stop_is_heard_but_gets_no_automatic_answer(rig: Rig) -> None:
    await say(rig, "STOP")
    ticket = await texted(rig)
    assert ticket.status == "queued"
    assert await rig.value("SELECT count(*) FROM delivery") == 0
    assert await rig.value("SELECT state FROM consent") == "revoked"


async def test_stop_ends_a_closure_message_too(rig: Rig) -> None:
    ticket = await texted(rig)
    await say(rig, "STOP")
    await rig.close("sam", ticket.reference)
    assert await rig.value("SELECT count(*) FROM delivery WHERE state <> 'canceled'") == 0


async def test_stop_on_one_phone_does_not_silence_another(rig: Rig) -> None:
    other = await rig.text("+12025550118", "Hello")
    assert other is not None
    await say(rig, "STOP")
    await rig.reply("ben", other.reference, "Hello to you")
    assert await rig.value("SELECT count(*) FROM delivery WHERE state = 'queued'") == 2


async def test_the_wish_is_written_down_word_for_word(rig: Rig) -> None:
    ticket = await texted(rig)
    await say(rig, "STOP")
    assert await rig.rows("SELECT state, evidence FROM consent") == [("revoked", "STOP")]
    lines = [m.line["key"] for m in await rig.messages(ticket.reference) if m.line and m.kind == "line"]
    assert lines == ["opted_out"]
    assert await rig.value("SELECT data->>'why' FROM event WHERE type = 'consent.changed'") == "STOP"
