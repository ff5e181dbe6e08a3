"""Answering: once, knowingly, on the citizen's own channel."""

from uuid import uuid4

import pytest

from channels.base import Hints
from contactcenter.errors import Conflict, Forbidden, NotFound, Refused
from contactcenter.models import Ticket
from tests.desk_rig import Rig, move_in

ANN, PHONE = "ann@lake.example", "+12025550117"


async def texted(rig: Rig, words: str = "The street light is out") -> Ticket:
    ticket = await rig.text(PHONE, words)
    assert ticket is not None
    return ticket


async def test_pressing_send_twice_is_one_message(rig: Rig) -> None:
    ticket, key = await texted(rig), uuid4()
    first = await rig.reply("ben", ticket.reference, "Friday.", key=key)
    again = await rig.reply("ben", ticket.reference, "Friday.", key=key)
    assert (first.repeated, again.repeated) == (False, True)
    assert first.message.id == again.message.id
    assert await rig.value("SELECT count(*) FROM message WHERE author_kind = 'staff'") == 1
    assert await rig.value("SELECT count(*) FROM delivery") == 2


async def test_a_repeat_is_answered_even_when_the_ticket_was_closed_meanwhile(rig: Rig) -> None:
    ticket, key = await texted(rig), uuid4()
    first = await rig.reply("ben", ticket.reference, "Friday.", key=key)
    await rig.close("ben", ticket.reference)
    assert (await rig.reply("ben", ticket.reference, "Friday.", key=key)).message.id == first.message.id


async def test_a_colleagues_answer_stops_mine_and_shows_me_theirs(rig: Rig) -> None:
    ticket = await texted(rig)
    theirs = await rig.reply("ana", ticket.reference, "We come on Friday.")
    with pytest.raises(Conflict) as stopped:
        await rig.reply("ben", ticket.reference, "We come on Monday.", seen=2)
    assert (stopped.value.slug, stopped.value.extras["why"]) == ("changed-meanwhile", "colleague_replied")
    assert theirs.message.id in stopped.value.extras["changes"]
    assert "We come on Monday." not in [m.body_text for m in await rig.messages(ticket.reference)]
    await rig.reply("ben", ticket.reference, "We come on Monday.", seen=2, anyway=True)
    assert (await rig.messages(ticket.reference))[-1].body_text == "We come on Monday."


async def test_my_own_answer_from_another_tab_does_not_stop_me(rig: Rig) -> None:
    ticket = await texted(rig)
    await rig.reply("ben", ticket.reference, "Friday.", seen=2)
    await rig.reply("ben", ticket.reference, "Before noon.", seen=2)
    assert await rig.value("SELECT count(*) FROM message WHERE author_kind = 'staff'") == 2


async def test_a_mail_that_came_a_moment_ago_stops_the_answer_once(rig: Rig) -> None:
    ticket = await rig.write("mail", ANN, "My bins", external_id="<1@lake.example>")
    assert ticket is not None
    await rig.write("mail", ANN, "Sorry, it is the green one", hints=Hints(references=("<1@lake.example>",)))
    with pytest.raises(Conflict) as stopped:
        await rig.reply("ben", ticket.reference, "Which one?", seen=2)
    assert stopped.value.extras["why"] == "citizen_wrote"
    rig.clock.pass_by(seconds=61)
    await rig.reply("ben", ticket.reference, "Which one?", seen=2)


async def test_a_text_that_came_a_moment_ago_does_not_stop_the_answer(rig: Rig) -> None:
    ticket = await texted(rig)
    await rig.text(PHONE, "At Elm and 4th")
    await rig.reply("ben", ticket.reference, "Where?", seen=2)


async def test_a_closed_ticket_takes_notes_but_no_answers(rig: Rig) -> None:
    ticket = await texted(rig)
    await rig.close("sam", ticket.reference)
    with pytest.raises(Conflict) as closed:
        await rig.reply("ben", ticket.reference, "One more thing")
    assert closed.value.extras["why"] == "closed"
    await rig.reply("ben", ticket.reference, "They called to say thanks", kind="note")


async def test_an_answer_to_a_waiting_ticket_takes_it(rig: Rig) -> None:
    ticket = await texted(rig)
    await rig.reply("ben", ticket.reference, "Friday.")
    after = await rig.ticket(ticket.reference)
    assert (after.status, after.owner_id, after.waiting_since) == ("waiting_citizen", (await rig.staff("ben")).id, None)
    assert await rig.rows("SELECT how, direct FROM queue_stay") == [("answered", False)]


async def test_an_answer_to_a_colleagues_ticket_leaves_it_theirs(rig: Rig) -> None:
    await rig.on_duty("ana")
    ticket = await texted(rig)
    await rig.route()
    await rig.reply("ben", ticket.reference, "Ana is at lunch: Friday.")
    assert (await rig.ticket(ticket.reference)).owner_id == (await rig.staff("ana")).id


async def test_the_first_answer_stands_for_the_answer_of_directly_given_work(rig: Rig) -> None:
    await rig.on_duty("ben")
    ticket = await texted(rig)
    await rig.route()
    assert await rig.rows("SELECT direct, answered_at FROM queue_stay") == [(True, None)]
    await rig.reply("ben", ticket.reference, "A note", kind="note")
    assert await rig.value("SELECT answered_at FROM queue_stay") is None
    await rig.reply("ben", ticket.reference, "Friday.")
    first = await rig.value("SELECT answered_at FROM queue_stay")
    await rig.reply("ben", ticket.reference, "Before noon.")
    assert first is not None and await rig.value("SELECT answered_at FROM queue_stay") == first


async def test_an_answer_in_the_next_queue_is_not_credited_to_the_one_before(rig: Rig) -> None:
    await rig.on_duty("ben")
    ticket = await texted(rig)
    await rig.route()
    await rig.pass_to_queue("ben", ticket.reference, "housing")
    await rig.reply("lu", ticket.reference, "This is Housing.")
    assert await rig.rows("SELECT how, direct, answered_at FROM queue_stay ORDER BY id") == [
        ("answered", True, None),
        ("answered", False, None),
    ]


async def test_too_much_is_refused_with_the_limit_before_anything_is_stored(rig: Rig) -> None:
    ticket = await texted(rig)
    with pytest.raises(Refused) as refused:
        await rig.reply("ben", ticket.reference, "x" * 1601)
    assert (refused.value.slug, refused.value.extras) == ("too-long", {"limit": 1600, "count": 1601})
    with pytest.raises(Refused) as empty:
        await rig.reply("ben", ticket.reference, " \n ")
    assert empty.value.slug == "empty"
    with pytest.raises(Refused):
        await rig.reply("ben", ticket.reference, "x" * 20_001, kind="note")
    with pytest.raises(Refused):
        await rig.reply("ben", ticket.reference, " ", kind="note")
    after = await rig.ticket(ticket.reference)
    assert (after.status, after.message_seq) == ("queued", 2)


async def test_an_agent_without_room_cannot_take_a_ticket_by_answering(rig: Rig) -> None:
    ticket = await texted(rig)
    await rig.run("UPDATE staff_channel SET items = cap WHERE channel = 'sms'")
    with pytest.raises(Conflict) as full:
        await rig.reply("ben", ticket.reference, "Friday.")
    assert full.value.slug == "no-room"
    assert (await rig.ticket(ticket.reference)).status == "queued"


async def test_who_may_not_see_it_cannot_write_on_it(rig: Rig) -> None:
    ticket = await texted(rig)
    await move_in(rig)
    for stranger in ("lu", "kim", "max"):
        with pytest.raises(NotFound):
            await rig.reply(stranger, ticket.reference, "Hello")
    for kind in ("reply", "note"):
        with pytest.raises(Forbidden):
            await rig.reply("root", ticket.reference, "Hello", kind=kind)


async def test_control_characters_never_reach_the_store(rig: Rig) -> None:
    ticket = await texted(rig)
    written = await rig.reply("ben", ticket.reference, "Fri\x00day\x1b[31m\n9 am\x7f")
    assert written.message.body_text == "Friday[31m\n9 am"


async def test_the_numbers_of_messages_have_no_gap(rig: Rig) -> None:
    await rig.on_duty("ben")
    ticket = await texted(rig)
    await rig.reply("ben", ticket.reference, "A note", kind="note")
    await rig.reply("ben", ticket.reference, "Friday.")
    await rig.text(PHONE, "Thanks")
    await rig.close("ben", ticket.reference)
    said = await rig.messages(ticket.reference)
    assert [m.seq for m in said] == list(range(1, len(said) + 1))
    assert (await rig.ticket(ticket.reference)).message_seq == len(said)
