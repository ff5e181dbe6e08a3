"""Messages that belong to another matter are moved there, by the person's word or by an agent, and can be put back."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from channels.base import File
from contactcenter.desk import moving
from contactcenter.errors import Conflict, Forbidden, NotFound, Refused
from contactcenter.models import Message, Ticket
from tests.desk_rig import Rig
from tests.texting import Texter


async def move(rig: Rig, who: str, ids: list[UUID], to: Ticket | None) -> Ticket:
    return await rig.act(
        who, lambda tx, staff, scope: moving.move(tx, rig.house.kit, scope, staff, ids, to.id if to else None)
    )


async def undo(rig: Rig, who: str, message_id: UUID) -> Ticket:
    return await rig.act(who, lambda tx, staff, scope: moving.undo(tx, rig.house.kit, scope, staff, message_id))


async def two(rig: Rig) -> tuple[Texter, Ticket, Ticket, Message]:
    """Two matters of one person, both in a queue that Ana and Ben see, and a text with a picture that went to the wrong one."""
    phone = Texter(rig)
    light, rent = await phone.two_matters()
    words = f"{rent.reference} the lamp again"
    await phone.say(words, files=(File("lamp.jpg", "image/jpeg", b"\xff\xd8\xff"),))
    wrong = next(m for m in await rig.messages(rent.reference) if m.body_text == words)
    return phone, await rig.ticket(light.reference), await rig.ticket(rent.reference), wrong


async def events_of(rig: Rig, ticket: Ticket) -> list[Any]:
    return await rig.rows("SELECT type, data FROM event WHERE ticket_id = :id ORDER BY seq", id=ticket.id)


def lines_on(messages: list[Message]) -> list[dict[str, Any]]:
    return [m.line for m in messages if m.kind == "line" and m.line]


async def test_a_message_goes_to_the_end_of_the_other_ticket_with_its_file(rig: Rig) -> None:
    _phone, light, rent, wrong = await two(rig)
    await move(rig, "ana", [wrong.id], light)
    there = await rig.messages(light.reference)
    moved = next(m for m in there if m.id == wrong.id)
    assert moved.seq == light.message_seq + 1
    assert moved.moved_from == {
        "ticket": rent.id, "ref": rent.reference, "seq": wrong.seq, "by": (await rig.staff("ana")).id,
        "at": rig.clock().isoformat(),
    }  # fmt: skip
    assert await rig.value("SELECT count(*) FROM attachment WHERE message_id = :id", id=wrong.id) == 1
    assert {"key": "moved_in", "params": {"count": 1, "ref": rent.reference}} in lines_on(there)
    assert {"key": "moved_out", "params": {"count": 1, "ref": light.reference}} in lines_on(
        await rig.messages(rent.reference)
    )


async def test_both_stories_tell_of_the_move(rig: Rig) -> None:
    _phone, light, rent, wrong = await two(rig)
    await move(rig, "ana", [wrong.id], light)
    out = dict(await events_of(rig, rent))["message.moved"]
    into = dict(await events_of(rig, light))["message.moved"]
    assert (out, into) == (
        {"messages": [str(wrong.id)], "to": light.reference}, {"messages": [str(wrong.id)], "from": rent.reference}
    )  # fmt: skip
    for ticket in (rent, light):
        seqs = await rig.rows(
            "SELECT seq FROM event WHERE ticket_id = :id AND seq IS NOT NULL ORDER BY seq", id=ticket.id
        )
        assert [seq for (seq,) in seqs] == list(range(1, len(seqs) + 1))


async def test_who_was_waiting_waits_on_the_ticket_where_the_words_are(rig: Rig) -> None:
    _phone, light, rent, wrong = await two(rig)
    await rig.run("UPDATE ticket SET waiting_since = NULL, due_at = NULL WHERE id = :id", id=light.id)
    await move(rig, "ana", [wrong.id], light)
    assert (await rig.ticket(light.reference)).waiting_since == wrong.created_at
    first = next(m for m in await rig.messages(rent.reference) if m.direction == "in")
    assert (await rig.ticket(rent.reference)).waiting_since == first.created_at


async def test_a_closed_ticket_reopens_when_a_citizens_words_come_to_it(rig: Rig) -> None:
    _phone, light, _rent, wrong = await two(rig)
    await rig.close("sam", light.reference)
    await move(rig, "ana", [wrong.id], light)
    assert (await rig.ticket(light.reference)).status == "queued"
    assert await rig.breaches() == {}


async def test_a_ticket_with_nothing_left_is_cancelled_and_waits_no_more(rig: Rig) -> None:
    _phone, light, rent, _wrong = await two(rig)
    ids = [m.id for m in await rig.messages(rent.reference) if m.direction == "in"]
    await move(rig, "ana", ids, light)
    after = await rig.ticket(rent.reference)
    assert (after.status, after.waiting_since, after.next_action_at) == ("cancelled", None, None)
    assert await rig.value("SELECT how FROM queue_stay WHERE ticket_id = :id", id=rent.id) == "converted"
    assert await rig.value("SELECT count(*) FROM promise WHERE ticket_id = :id AND state = 'open'", id=rent.id) == 0
    assert [m.body_text for m in await rig.messages(light.reference) if m.id in ids] != []
    assert await rig.breaches() == {}


async def test_an_agents_ticket_gives_its_units_back_when_it_is_emptied(rig: Rig) -> None:
    _phone, light, rent, _wrong = await two(rig)
    await rig.on_duty("ana")
    await rig.run("UPDATE ticket SET queue_id = :queue WHERE id = :id", queue=light.queue_id, id=rent.id)
    while await rig.route():
        pass
    assert (await rig.ticket(rent.reference)).status == "assigned"
    ids = [m.id for m in await rig.messages(rent.reference) if m.direction == "in"]
    await move(rig, "ana", ids, light)
    assert (await rig.ticket(rent.reference)).status == "cancelled"
    assert await rig.breaches() == {}


async def test_an_answer_takes_its_delivery_along(rig: Rig) -> None:
    _phone, light, rent, _wrong = await two(rig)
    written = await rig.reply("ana", rent.reference, "We repair the lamp.")
    await move(rig, "ana", [written.message.id], light)
    assert await rig.value("SELECT ticket_id FROM delivery WHERE message_id = :id", id=written.message.id) == light.id


async def test_words_can_become_a_matter_of_their_own(rig: Rig) -> None:
    _phone, light, rent, wrong = await two(rig)
    made = await move(rig, "ana", [wrong.id], None)
    after = await rig.ticket(made.reference)
    assert made.id not in (light.id, rent.id)
    assert (after.status, after.linked_id, after.contact_id) == ("queued", rent.id, rent.contact_id)
    assert [m.body_text for m in await rig.messages(made.reference) if m.direction == "in"] == [wrong.body_text]
    assert await rig.breaches() == {}


async def test_undo_puts_everything_back_in_its_old_place(rig: Rig) -> None:
    _phone, light, rent, _wrong = await two(rig)
    before = [(m.seq, m.id) for m in await rig.messages(rent.reference) if m.direction == "in"]
    await move(rig, "ana", [message_id for _seq, message_id in before], light)
    await undo(rig, "ana", before[0][1])
    after = await rig.messages(rent.reference)
    assert [(m.seq, m.id) for m in after if m.direction == "in"] == before, "all that moved together came back"
    assert all(m.moved_from is None for m in after)
    assert (await rig.ticket(rent.reference)).status == "queued"
    first = next(m for m in await rig.messages(light.reference) if m.direction == "in")
    assert (await rig.ticket(light.reference)).waiting_since == first.created_at
    assert await rig.breaches() == {}


async def test_what_was_split_off_and_put_back_leaves_no_open_ticket(rig: Rig) -> None:
    _phone, _light, rent, wrong = await two(rig)
    made = await move(rig, "ana", [wrong.id], None)
    await undo(rig, "ana", wrong.id)
    assert (await rig.ticket(made.reference)).status == "cancelled"
    assert wrong.id in [m.id for m in await rig.messages(rent.reference)]


async def test_the_persons_own_choice_can_be_undone_by_an_agent(rig: Rig) -> None:
    phone = Texter(rig)
    light, rent = await phone.two_matters()
    await phone.say("It happened again last night, all of it")
    (holder,) = [one for one in await phone.tickets() if one.id not in (light.id, rent.id)]
    await phone.say("1")
    moved = next(m for m in await rig.messages(light.reference) if m.moved_from)
    await undo(rig, "ana", moved.id)
    assert (await rig.ticket(holder.reference)).status == "queued"
    assert moved.id in [m.id for m in await rig.messages(holder.reference)]


async def test_what_did_not_move_cannot_be_put_back(rig: Rig) -> None:
    _phone, _light, _rent, wrong = await two(rig)
    with pytest.raises(Conflict) as refused:
        await undo(rig, "ana", wrong.id)
    assert refused.value.slug == "not-moved"


async def test_nothing_moves_to_another_person(rig: Rig) -> None:
    _phone, _light, rent, wrong = await two(rig)
    other = Texter(rig, "+12025550188")
    await other.say("Hello, my street is dark, please help")
    (foreign,) = await other.tickets()
    with pytest.raises(Conflict) as refused:
        await move(rig, "ana", [wrong.id], foreign)
    assert refused.value.slug == "another-person"
    assert wrong.id in [m.id for m in await rig.messages(rent.reference)]


async def test_an_agent_moves_only_between_tickets_they_see(rig: Rig) -> None:
    _phone, light, _rent, wrong = await two(rig)
    with pytest.raises(NotFound):
        await move(rig, "ben", [wrong.id], light)  # the second matter is in housing
    with pytest.raises(NotFound):
        await move(rig, "lu", [wrong.id], light)  # the first one in services
    with pytest.raises(Forbidden):
        await move(rig, "root", [wrong.id], light)


async def test_messages_that_do_not_exist_or_lie_apart_are_not_moved(rig: Rig) -> None:
    _phone, light, rent, wrong = await two(rig)
    elsewhere = (await rig.messages(light.reference))[0]
    for ids in ([], [uuid4()], [wrong.id, elsewhere.id]):
        with pytest.raises(NotFound):
            await move(rig, "ana", ids, light)
    with pytest.raises(Refused):
        await move(rig, "ana", [wrong.id], rent)
