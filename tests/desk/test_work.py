"""Who holds what: nobody is given more than they can carry, by whatever doors the work comes."""

import asyncio

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

import routing
from contactcenter import events
from contactcenter.desk import claims, floor, tickets, work
from contactcenter.desk.book import open_book
from contactcenter.desk.claims import Claim, ClaimRefused, Deposed
from contactcenter.errors import Conflict
from tests.desk.walking import Walk
from tests.desk_rig import Rig

BECAUSE = routing.Because("test", (0, 0, 0, 0, 0, 0), None, None, 1, (), (), (), 1)


async def waiting(rig: Rig, count: int, box: str = "text") -> list[routing.Ticket]:
    """So many tickets of different people, as the router sees them."""
    for number in range(count):
        await rig.write(box, f"+1202555{3000 + number}", "The street light is out")
    async with rig.house.database.transaction() as tx:
        seen = await floor.read(tx)
    return seen.tickets[rig.agency_id]


def decision(ticket: routing.Ticket, agent: int, units: int = 4, *, filler: bool = False) -> Claim:
    grounds = routing.events.Grounds("pick", 0, None, 1)
    chosen = routing.Given(ticket.id, agent, "direct", units, filler, None, grounds)
    return Claim(chosen, ticket.channel, ticket.version, BECAUSE.to_json())


async def attempt(rig: Rig, wanted: list[Claim], epoch: int = 0) -> bool:
    try:
        async with rig.house.database.transaction() as tx:
            await claims.claim(tx, epoch, wanted)
    except ClaimRefused:
        return False
    return True


async def test_concurrent_claims_never_exceed_an_agents_room(rig: Rig) -> None:
    await rig.on_duty("ben")
    ben = (await rig.staff("ben")).id
    lined_up = await waiting(rig, 9)
    done: list[bool] = []
    for start in range(0, 9, 3):
        batch = [attempt(rig, [decision(one, ben)]) for one in lined_up[start : start + 3]]
        done += await asyncio.gather(*batch)
    assert sum(done) == 5, "the cap of texts is five"
    after = await rig.staff("ben")
    assert (after.primary_units, after.state) == (20, "working")
    assert await rig.breaches() == {}


async def test_two_routers_cannot_give_one_ticket_to_two_agents(rig: Rig) -> None:
    await rig.on_duty("ana", "ben")
    ana, ben = (await rig.staff("ana")).id, (await rig.staff("ben")).id
    for ticket in await waiting(rig, 5):
        done = await asyncio.gather(attempt(rig, [decision(ticket, ana)]), attempt(rig, [decision(ticket, ben)]))
        assert sorted(done) == [False, True]
    assert await rig.value("SELECT count(*) FROM assignment WHERE ended_at IS NULL") == 5
    assert await rig.breaches() == {}


async def test_picking_by_hand_and_routing_share_one_room(rig: Rig) -> None:
    await rig.on_duty("ben")
    ben = await rig.staff("ben")
    lined_up = await waiting(rig, 8)

    async def pick(ticket_id: int) -> bool:
        try:
            async with rig.house.database.transaction() as tx:
                ticket = await tickets.lock(tx, ticket_id)
                rule = (await open_book(tx)).agencies[rig.agency_id].policy.channels[ticket.channel]
                await work.take(tx, ticket, ben.id, rule)
                ticket.status = "assigned"
                await tx.flush()
                await tickets.close_stay(tx, ticket.id, "answered")
                await work.begin_assignment(tx, ticket, {}, events.DESK)
        except Conflict:
            return False
        return True

    done: list[bool] = []
    for first, second in zip(lined_up[::2], lined_up[1::2], strict=True):
        done += await asyncio.gather(pick(first.id), attempt(rig, [decision(second, ben.id)]))
    assert sum(done) == 5
    assert await rig.breaches() == {}


async def test_a_batch_that_does_not_fit_changes_nothing(rig: Rig) -> None:
    await rig.on_duty("ben")
    ben = (await rig.staff("ben")).id
    lined_up = await waiting(rig, 6)
    assert not await attempt(rig, [decision(one, ben) for one in lined_up])
    assert await rig.value("SELECT count(*) FROM ticket WHERE status = 'queued'") == 6
    assert await attempt(rig, [decision(one, ben) for one in lined_up[:5]])


async def test_the_database_itself_refuses_too_much(rig: Rig) -> None:
    with pytest.raises(IntegrityError):
        await rig.run("UPDATE staff SET primary_units = budget + 1 WHERE username = 'ben'")
    with pytest.raises(IntegrityError):
        await rig.run("UPDATE staff_channel SET items = cap + 1")


@pytest.mark.parametrize("why", ["away", "offline", "lost line", "next break", "channel off"])
async def test_work_never_goes_to_somebody_who_is_not_there(rig: Rig, why: str) -> None:
    await rig.on_duty("ben")
    ben = (await rig.staff("ben")).id
    (ticket,) = await waiting(rig, 1)
    await rig.run(
        {
            "away": "UPDATE staff SET intent = 'away'",
            "offline": "UPDATE staff SET intent = 'offline'",
            "lost line": "UPDATE staff SET seen_at = clock_timestamp() - interval '11 seconds'",
            "next break": "UPDATE staff SET next_intent = 'away'",
            "channel off": "UPDATE staff_channel SET enabled = false",
        }[why]
    )
    assert await rig.route() == 0
    assert not await attempt(rig, [decision(ticket, ben)])


async def test_a_deposed_router_changes_nothing(rig: Rig) -> None:
    await rig.on_duty("ben")
    (ticket,) = await waiting(rig, 1)
    await rig.run("UPDATE lease SET epoch = 7")
    with pytest.raises(Deposed):
        await attempt(rig, [decision(ticket, (await rig.staff("ben")).id)], epoch=6)
    assert await rig.value("SELECT status FROM ticket") == "queued"


async def test_a_change_of_leader_waits_for_an_open_claim(rig: Rig) -> None:
    await rig.on_duty("ben")
    (ticket,) = await waiting(rig, 1)
    ben = (await rig.staff("ben")).id
    async with rig.house.database.transaction() as tx:
        await claims.claim(tx, 0, [decision(ticket, ben)])
        bump = asyncio.create_task(rig.run("UPDATE lease SET epoch = epoch + 1"))
        async with rig.house.database.transaction() as other:
            for _ in range(200):
                if await other.scalar(
                    text("SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'")
                ):
                    break
                await asyncio.sleep(0.01)
            else:
                pytest.fail("the new leader did not wait")
        assert not bump.done()
    await bump
    assert await rig.value("SELECT epoch FROM lease") == 1
    assert await rig.value("SELECT status FROM ticket") == "assigned"


async def test_a_citizen_who_writes_again_comes_back_to_their_own_agent_even_if_full(rig: Rig) -> None:
    await rig.on_duty("ben")
    first = await rig.text("+12025552999", "The street light is out")
    assert first is not None
    await rig.route()
    await rig.reply("ben", first.reference, "Which street?")
    await waiting(rig, 5)
    await rig.route()
    await rig.text("+12025552999", "Elm street")
    back = await rig.ticket(first.reference)
    ben = await rig.staff("ben")
    assert (back.status, back.owner_id) == ("assigned", ben.id)
    room = "SELECT items, cap, overbook_items FROM staff_channel WHERE staff_id = :ben AND channel = 'sms'"
    assert await rig.rows(room, ben=ben.id) == [(6, 5, 1)]
    assert await rig.breaches() == {}
    await rig.reply("ben", first.reference, "Friday.")
    assert await rig.rows(room, ben=ben.id) == [(5, 5, 0)]


async def test_a_citizen_whose_agent_has_gone_home_is_a_new_arrival_in_the_queue(rig: Rig) -> None:
    await rig.on_duty("ben")
    first = await rig.text("+12025552999", "The street light is out")
    assert first is not None
    await rig.route()
    await rig.reply("ben", first.reference, "Which street?")
    await rig.run("UPDATE staff SET intent = 'offline'")
    rig.clock.pass_by(hours=5)
    await rig.text("+12025552999", "Elm street")
    back = await rig.ticket(first.reference)
    assert (back.status, back.owner_id, back.arrived_at) == ("queued", None, rig.clock.at)
    assert await rig.value("SELECT count(*) FROM assignment WHERE ended_at IS NULL") == 0


async def test_no_walk_through_a_day_breaks_what_must_hold(rig: Rig) -> None:
    walk = Walk(rig, seed=20261124)
    await walk.begin()
    for step in range(300):
        done = await walk.step()
        assert await rig.breaches() == {}, (step, done, walk.done[-12:])
        filler = await rig.rows(
            "SELECT s.username FROM staff s WHERE s.filler_units <> coalesce((SELECT sum(t.units) FROM ticket t "
            "WHERE t.owner_id = s.id AND t.filler AND t.status IN ('offered', 'assigned')), 0)"
        )
        assert filler == [], (step, done, walk.done[-12:])
    assert {name for name, went in walk.done if went} == set(walk.actions), (
        "every act of the day was done at least once"
    )
    stays = await rig.rows(
        "SELECT t.id FROM ticket t WHERE (t.status IN ('queued', 'offered')) <> EXISTS "
        "(SELECT 1 FROM queue_stay q WHERE q.ticket_id = t.id AND q.leave IS NULL)"
    )
    assert stays == [], "who waits has an open stay, and nobody else"
    gaps = await rig.rows("SELECT ticket_id FROM event WHERE seq IS NOT NULL GROUP BY 1 HAVING max(seq) <> count(*)")
    assert gaps == [], "a ticket's story has no gap"


async def test_the_sentinel_sees_a_drift(rig: Rig) -> None:
    await rig.run("UPDATE staff SET primary_units = 4 WHERE username = 'ben'")
    assert await rig.breaches() == {"units_drift": 1}
    await rig.run("UPDATE staff SET primary_units = 0")
    await rig.run("UPDATE staff_channel SET items = 1 WHERE channel = 'sms'")
    assert "items_drift" in await rig.breaches()
