"""Passing a ticket on: the citizen keeps their place and never reads the note."""

import pytest

from contactcenter.desk import visitors
from contactcenter.errors import Conflict, Forbidden, NotFound, Refused
from contactcenter.models import Ticket
from tests.desk.test_promises import MONDAY_9, SATURDAY
from tests.desk_rig import Rig, move_in

PHONE = "+12025550117"
NOTE = "Careful: she was angry on the phone"


async def owned(rig: Rig) -> Ticket:
    await rig.on_duty("ben")
    ticket = await rig.text(PHONE, "The street light is out")
    assert ticket is not None
    await rig.route()
    return await rig.ticket(ticket.reference)


async def test_another_queue_means_other_eyes_at_once(rig: Rig) -> None:
    ticket = await owned(rig)
    await rig.pass_to_queue("ben", ticket.reference, "housing", NOTE)
    after = await rig.ticket(ticket.reference)
    sees = {
        name: (await rig.scope(name)).sees(after.agency_id, after.queue_id, after.owner_id)
        for name in ("ben", "ana", "lu")
    }
    assert sees == {"ben": False, "ana": True, "lu": True}
    with pytest.raises(NotFound):
        await rig.reply("ben", ticket.reference, "One more thing")


async def test_the_place_stays_and_the_new_queues_skills_apply(rig: Rig) -> None:
    ticket = await owned(rig)
    await rig.pass_to_queue("ben", ticket.reference, "housing")
    after = await rig.ticket(ticket.reference)
    assert (after.status, after.owner_id, after.hops) == ("queued", None, 1)
    assert (after.va, after.arrived_at) == (ticket.va, ticket.arrived_at)
    housing = await rig.value("SELECT id FROM skill WHERE slug = 'housing'")
    assert [housing, 2] in after.skills
    assert await rig.breaches() == {}


async def test_the_note_is_internal_and_never_in_the_citizens_view(rig: Rig) -> None:
    ticket = await owned(rig)
    await rig.pass_to_queue("ben", ticket.reference, "housing", NOTE)
    notes = [m for m in await rig.messages(ticket.reference) if m.kind == "note"]
    assert [(m.body_text, m.visibility) for m in notes] == [(NOTE, "internal")]
    async with rig.house.database.transaction() as tx:
        public = await visitors.public_messages(tx, ticket.id, 0)
    assert NOTE not in str([(m.body_text, m.line) for m in public])
    assert (
        await rig.value("SELECT count(*) FROM delivery d JOIN message m ON m.id = d.message_id WHERE m.kind = 'note'")
        == 0
    )


async def test_a_colleague_with_room_gets_it_directly(rig: Rig) -> None:
    ticket = await owned(rig)
    await rig.on_duty("ana")
    await rig.pass_to_person("ben", ticket.reference, "ana", NOTE)
    after, ana, ben = await rig.ticket(ticket.reference), await rig.staff("ana"), await rig.staff("ben")
    assert (after.status, after.owner_id, after.hops) == ("assigned", ana.id, 1)
    assert (ana.primary_units, ben.primary_units) == (4, 0)
    assert await rig.rows("SELECT end_how FROM assignment ORDER BY id") == [("transfer",), (None,)]
    assert await rig.breaches() == {}


@pytest.mark.parametrize("why", ["away", "full", "other queue", "herself", "another agency"])
async def test_a_colleague_who_cannot_take_it_is_refused_and_nothing_changes(rig: Rig, why: str) -> None:
    ticket = await owned(rig)
    await move_in(rig)
    to = {"other queue": "lu", "herself": "ben", "another agency": "kim"}.get(why, "ana")
    await rig.on_duty("lu", *(["ana"] if why == "full" else []))
    if why == "full":
        await rig.run(
            "UPDATE staff_channel c SET items = cap FROM staff s WHERE s.id = c.staff_id AND s.username = 'ana'"
        )
    with pytest.raises((Conflict, NotFound, Refused)):
        await rig.pass_to_person("ben", ticket.reference, to, NOTE)
    after = await rig.ticket(ticket.reference)
    assert (after.owner_id, after.hops, after.message_seq) == (ticket.owner_id, 0, ticket.message_seq)


async def test_after_five_hops_only_a_supervisor_passes_it_on(rig: Rig) -> None:
    ticket = await rig.text(PHONE, "The street light is out")
    assert ticket is not None
    for hop in range(5):
        await rig.pass_to_queue("ana", ticket.reference, "housing" if hop % 2 == 0 else "services")
        await rig.run("UPDATE queue_stay SET enter = enter - interval '2 days', leave = leave - interval '2 days'")
    with pytest.raises(Conflict) as refused:
        await rig.pass_to_queue("ana", ticket.reference, "services")
    assert refused.value.slug == "too-many-transfers"
    await rig.pass_to_queue("sam", ticket.reference, "services")
    assert (await rig.ticket(ticket.reference)).hops == 6


async def test_a_ticket_does_not_go_back_to_where_it_came_from_within_a_day_but_by_a_supervisor(rig: Rig) -> None:
    ticket = await owned(rig)
    await rig.pass_to_queue("ben", ticket.reference, "housing")
    with pytest.raises(Conflict, match="was in City services within a day") as refused:
        await rig.pass_to_queue("ana", ticket.reference, "services")
    assert refused.value.slug == "been-there"
    await rig.pass_to_queue("sam", ticket.reference, "services")
    assert (await rig.ticket(ticket.reference)).hops == 2


async def test_passing_on_while_it_waits_is_flowed_out_and_a_new_stay(rig: Rig) -> None:
    ticket = await rig.text(PHONE, "The street light is out")
    assert ticket is not None
    await rig.pass_to_queue("ana", ticket.reference, "housing")
    housing = (await rig.ticket(ticket.reference)).queue_id
    assert await rig.rows("SELECT queue_id, how FROM queue_stay ORDER BY id") == [
        (ticket.queue_id, "flowed_out"),
        (housing, None),
    ]


async def test_a_closed_queue_holds_what_is_passed_to_it(rig: Rig) -> None:
    rig.clock.at = SATURDAY
    ticket = await rig.text(PHONE, "I need a permit")
    assert ticket is not None
    await rig.pass_to_queue("ana", ticket.reference, "permits")
    after = await rig.ticket(ticket.reference)
    assert (after.status, after.held_until) == ("held", MONDAY_9)


async def test_only_its_agent_or_a_supervisor_passes_it_on(rig: Rig) -> None:
    ticket = await owned(rig)
    for other in ("ana", "root"):
        with pytest.raises(Forbidden):
            await rig.pass_to_queue(other, ticket.reference, "housing")
    with pytest.raises(NotFound):
        await rig.pass_to_queue("ben", ticket.reference, "front")
    with pytest.raises(Refused):
        await rig.pass_to_queue("ben", ticket.reference, "services")
