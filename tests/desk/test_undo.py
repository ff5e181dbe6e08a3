"""Undo: for some seconds an answer can be taken back, and then it is as if nobody had written it."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from channels.base import ConsentChange
from contactcenter.desk import consents, deliveries, undo
from contactcenter.errors import Conflict, Forbidden, NotFound
from contactcenter.models import Ticket
from tests.desk.outgoing import answer, deliver, facts, row_of, undo_ends
from tests.desk.provider import MailProvider, Provider, stand_in
from tests.desk.test_consents import ADDRESS, PHONE
from tests.desk_rig import Rig

WORDS = "We come on Friday."
STANDS = (
    "status",
    "owner_id",
    "units",
    "waiting_since",
    "due_at",
    "next_action_at",
    "preview",
    "preview_from",
    "va",
    "subject",
)


@pytest.fixture
async def held(rig: Rig) -> Rig:
    """A desk whose queues give ten seconds, and whose agency does not take texts for a live conversation."""
    await rig.run("UPDATE queue SET undo_s = 10")
    await rig.run("UPDATE agency SET channels = jsonb_set(channels, '{sms,live}', 'false')")
    return rig


async def take_back(rig: Rig, message: UUID, username: str = "ben") -> str:
    return await rig.act(username, lambda tx, staff, scope: deliveries.take_back(tx, scope, staff, message))


async def texted(rig: Rig) -> Ticket:
    ticket = await rig.text(PHONE, "The street light is out")
    assert ticket is not None
    await rig.run("UPDATE delivery SET state = 'delivered'")
    return ticket


async def stands(rig: Rig, reference: str) -> dict[str, Any]:
    """The ticket, its agents' hands, its promises and stays."""
    ticket = await rig.ticket(reference)
    return {name: getattr(ticket, name) for name in STANDS} | {
        "agents": await rig.rows("SELECT id, primary_units, filler_units, state FROM staff ORDER BY id"),
        "items": await rig.rows("SELECT staff_id, channel, items FROM staff_channel ORDER BY 1, 2"),
        "promises": await rig.rows("SELECT id, state FROM promise ORDER BY id"),
        "stays": await rig.rows("SELECT id, leave, how, answered_at FROM queue_stay ORDER BY id"),
    }


async def test_an_answer_is_held_and_leaves_when_its_time_is_over(held: Rig) -> None:
    provider = stand_in(held, Provider())
    ticket = await texted(held)
    held.rung.clear()
    message = await answer(held, "ben", ticket.reference)
    waits = await row_of(held, message)
    assert (waits.state, held.rung) == ("held", [])
    assert waits.undo_until == waits.due_at and waits.undo_until is not None
    assert not await deliver(held, waits.id) and await undo_ends(held) == []
    await held.run("UPDATE delivery SET due_at = clock_timestamp() WHERE id = :id", id=waits.id)
    assert await undo_ends(held) == [waits.id]
    assert await deliver(held, waits.id)
    assert provider.asked == ["send"]
    assert [one["after"] for one in await facts(held, "delivery.changed")] == ["queued", "sent"]


@pytest.mark.parametrize("box", ["text", "mail"])
async def test_taken_back_from_a_waiting_ticket_it_waits_again_at_its_place(held: Rig, box: str) -> None:
    ticket = await held.write(box, PHONE if box == "text" else "ann@lake.example", "The street light is out")
    assert ticket is not None
    before = await stands(held, ticket.reference)
    message = await answer(held, "ben", ticket.reference, WORDS)
    assert (await held.ticket(ticket.reference)).status == "waiting_citizen"
    assert await take_back(held, message) == WORDS
    assert await stands(held, ticket.reference) == before
    assert await held.rows("SELECT kind, text FROM draft") == [("reply", WORDS)]
    assert (await row_of(held, message)).state == "canceled"
    assert await held.breaches() == {}


async def test_taken_back_by_its_agent_the_ticket_is_in_their_hands_again(held: Rig) -> None:
    await held.on_duty("ben")
    ticket = await texted(held)
    await held.route()
    before = await stands(held, ticket.reference)
    assert before["status"] == "assigned"
    message = await answer(held, "ben", ticket.reference)
    await take_back(held, message)
    assert await stands(held, ticket.reference) == before
    assert await held.breaches() == {}


async def test_what_the_citizen_said_meanwhile_stays_said(held: Rig) -> None:
    ticket = await texted(held)
    since = ticket.waiting_since
    message = await answer(held, "ben", ticket.reference)
    held.clock.pass_by(seconds=5)
    await held.text(PHONE, "At Elm and 4th")
    await take_back(held, message)
    after = await held.ticket(ticket.reference)
    assert (after.waiting_since, after.preview) == (since, "At Elm and 4th")


async def test_after_the_claim_it_is_on_its_way(held: Rig) -> None:
    stand_in(held, Provider())
    ticket = await texted(held)
    message = await answer(held, "ben", ticket.reference)
    waits = await row_of(held, message)
    await held.run("UPDATE delivery SET due_at = clock_timestamp() WHERE id = :id", id=waits.id)
    await undo_ends(held)
    for _ in range(2):
        with pytest.raises(Conflict) as late:
            await take_back(held, message)
        assert (late.value.slug, late.value.status) == ("already-on-its-way", 409)
        await deliver(held, waits.id)
    assert await held.value("SELECT count(*) FROM draft") == 0


async def test_pressing_undo_twice_gives_the_words_back_once(held: Rig) -> None:
    ticket = await texted(held)
    message = await answer(held, "ben", ticket.reference)
    await take_back(held, message)
    with pytest.raises(Conflict):
        await take_back(held, message)
    assert len(await facts(held, "message.taken_back")) == 1


async def test_undo_and_the_sweep_at_once_agree_on_one_outcome(held: Rig) -> None:
    provider = stand_in(held, Provider())
    ticket = await texted(held)
    for number in range(12):
        message = await answer(held, "ben", ticket.reference, f"Answer {number}", anyway=True)
        waits = await row_of(held, message)
        await held.run("UPDATE delivery SET due_at = clock_timestamp() WHERE id = :id", id=waits.id)
        provider.asked.clear()

        async def leaves(one: int = waits.id) -> None:
            await undo_ends(held)
            await deliver(held, one)

        taken, _ = await asyncio.gather(take_back(held, message), leaves(), return_exceptions=True)
        state = (await row_of(held, message)).state
        assert isinstance(taken, str | Conflict), taken
        assert (state, provider.asked) == (("canceled", []) if isinstance(taken, str) else ("sent", ["send"]))


async def test_what_was_begun_meanwhile_stays_below_the_words(held: Rig) -> None:
    ticket = await texted(held)
    message = await answer(held, "ben", ticket.reference, WORDS)
    ben = (await held.staff("ben")).id
    await held.run(
        "INSERT INTO draft (staff_id, ticket_id, kind, text) VALUES (:s, :t, 'note', 'P.S.')", s=ben, t=ticket.id
    )
    await take_back(held, message)
    assert await held.rows("SELECT kind, text FROM draft") == [("reply", f"{WORDS}\n\nP.S.")]


async def test_only_who_wrote_it_or_a_supervisor_takes_it_back(held: Rig) -> None:
    ticket = await texted(held)
    message = await answer(held, "ben", ticket.reference, WORDS)
    with pytest.raises(Forbidden):
        await take_back(held, message, "ana")
    with pytest.raises(NotFound):
        await take_back(held, message, "lu")
    assert await take_back(held, message, "sam") == WORDS
    assert await held.value("SELECT staff_id FROM draft") == (await held.staff("ben")).id


async def test_an_acknowledgement_cannot_be_taken_back(held: Rig) -> None:
    ticket = await texted(held)
    said = next(m for m in await held.messages(ticket.reference) if m.direction == "out")
    with pytest.raises(NotFound):
        await take_back(held, said.id)


async def test_stop_while_it_is_held_cancels_it(held: Rig) -> None:
    stand_in(held, Provider())
    ticket = await texted(held)
    message = await answer(held, "ben", ticket.reference)
    async with held.house.database.transaction() as tx:
        await consents.change(tx, held.agency_id, ConsentChange(ADDRESS, "revoked", "STOP"))
    assert (await row_of(held, message)).state == "canceled"
    with pytest.raises(Conflict):
        await take_back(held, message)


async def test_closing_the_ticket_lets_it_go_at_once_and_before_the_closing_words(held: Rig) -> None:
    provider = stand_in(held, Provider())
    ticket = await texted(held)
    message = await answer(held, "ben", ticket.reference, WORDS)
    await held.close("ben", ticket.reference)
    with pytest.raises(Conflict):
        await take_back(held, message)
    closing = await held.value("SELECT max(id) FROM delivery")
    assert not await deliver(held, closing), "the answer was written first"
    waits = await row_of(held, message)
    assert await undo_ends(held) == [waits.id]
    for one in (waits.id, closing):
        await deliver(held, one)
    assert provider.wires[0].text == WORDS and len(provider.wires) == 2


async def test_a_taken_back_answer_is_no_colleagues_answer_and_no_reference(held: Rig) -> None:
    provider = stand_in(held, MailProvider())
    ticket = await held.write("mail", "ann@lake.example", "My bins")
    assert ticket is not None
    message = await answer(held, "ana", ticket.reference, "On Monday.")
    await take_back(held, message, "ana")
    await held.run("UPDATE queue SET undo_s = 0")
    await held.run("UPDATE delivery SET state = 'sent' WHERE state = 'queued'")
    sent = await held.reply("ben", ticket.reference, "On Friday.", seen=2)
    await deliver(held, (await row_of(held, sent.message.id)).id)
    said = [m for m in await held.messages(ticket.reference) if m.external_id and m.id != sent.message.id]
    assert message in [m.id for m in said]
    assert list(provider.wires[-1].references) == [m.external_id for m in said if m.id != message]


async def test_a_live_conversation_has_no_undo(held: Rig) -> None:
    ticket = await held.write("city", "v1", "Hello")
    assert ticket is not None
    message = await answer(held, "ben", ticket.reference)
    assert (await row_of(held, message)).state == "sent"


async def test_the_fact_of_an_answer_tells_how_the_ticket_stood(held: Rig) -> None:
    ticket = await texted(held)
    await answer(held, "ben", ticket.reference)
    kept = (await facts(held, "message.written"))[-1]["before"]
    assert set(kept) == set(undo.Before.__slots__) and kept["status"] == "queued"
