"""The sentinel finds whom the router forgot, and nobody else."""

import pytest

from contactcenter.desk import sentinel
from tests.desk.test_router import give, save, some_text
from tests.desk_rig import Rig

LATER = "UPDATE {table} SET {column} = {column} - interval '10 seconds'"


async def forgotten(rig: Rig) -> int:
    async with rig.house.database.transaction() as tx:
        return await sentinel.kept_waiting(tx)


async def ten_seconds_pass(rig: Rig) -> None:
    """Everything that is was so ten seconds ago; the heartbeats are fresh."""
    for table, columns in (("ticket", ("updated_at",)), ("staff", ("idle_since", "last_assigned", "state_since"))):
        for column in columns:
            await rig.run(LATER.format(table=table, column=column))


async def test_a_ticket_that_somebody_with_room_could_serve_is_found(rig: Rig) -> None:
    await rig.on_duty("ana", "ben")
    await some_text(rig)
    assert await forgotten(rig) == 0, "the router is given two seconds"
    await ten_seconds_pass(rig)
    assert await forgotten(rig) == 2, "two agents could have had it"
    await rig.route()
    await ten_seconds_pass(rig)
    assert await forgotten(rig) == 0


CASES = {
    "nobody is there": "UPDATE staff SET intent = 'away'",
    "nobody is connected": "UPDATE staff SET seen_at = seen_at - interval '1 minute'",
    "a skill is missing": "UPDATE staff_skill SET level = 1",
    "another team's": "DELETE FROM staff_queue",
    "everybody is full": "UPDATE staff_channel SET cap = 0",
    "somebody is over the limit": "UPDATE staff SET overbook = 1",
    "it waits for one agent": "UPDATE ticket SET sticky_until = clock_timestamp() + interval '1 hour'",
}


@pytest.mark.parametrize("sql", CASES.values(), ids=CASES)
async def test_a_ticket_that_rightly_waits_is_left_alone(rig: Rig, sql: str) -> None:
    await rig.on_duty("ana", "ben")
    ticket = await some_text(rig)
    await rig.run(
        "UPDATE ticket SET skills = jsonb_build_array(jsonb_build_array((SELECT id FROM skill WHERE slug = 'streets'), 2))"
    )
    await ten_seconds_pass(rig)
    assert await forgotten(rig) == 2, ticket.reference
    await rig.run(sql)
    assert await forgotten(rig) == 0


async def test_a_queue_from_which_agents_pick_themselves_keeps_nobody_waiting(rig: Rig) -> None:
    await save(rig, services={"strategy": "manual"})
    await rig.on_duty("ana")
    ticket = await some_text(rig)
    assert await rig.route() == 0
    await ten_seconds_pass(rig)
    assert await forgotten(rig) == 0
    await give(rig, ticket, "ana")
