"""A live conversation is offered; the agent takes it, gives it back, or does not answer. Exactly one of these stands."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import text

from contactcenter.desk import offers
from contactcenter.errors import Conflict, NotFound
from contactcenter.jobs import upkeep
from contactcenter.models import Offer, Staff, Ticket
from tests.desk_rig import Rig


async def offered(rig: Rig, *agents: str) -> tuple[Ticket, Offer]:
    """A visitor waits, and one of these agents is being asked."""
    await rig.on_duty(*agents)
    ticket = await rig.write("city", "v-1", "Is the office open today?")
    assert ticket is not None
    await rig.route()
    return ticket, await rig.offer_on(ticket.reference)


async def run_out(rig: Rig, offer: Offer) -> None:
    await rig.run("UPDATE offer SET expires_at = clock_timestamp() - interval '1 second' WHERE id = :id", id=offer.id)
    await rig.chore(upkeep.time_out_offers)


async def name_of(rig: Rig, staff_id: int | None) -> str:
    name: str = await rig.value("SELECT username FROM staff WHERE id = :id", id=staff_id)
    return name


async def test_an_offer_holds_the_agents_room_and_ends_after_twenty_seconds(rig: Rig) -> None:
    _ticket, offer = await offered(rig, "ana")
    assert timedelta(seconds=15) < offer.expires_at - offer.created_at <= timedelta(seconds=20)
    assert (await rig.staff("ana")).primary_units == 8
    assert await rig.breaches() == {}


async def test_declining_keeps_the_citizens_place_and_asks_somebody_else(rig: Rig) -> None:
    ticket, offer = await offered(rig, "ana", "ben")
    asked = await name_of(rig, offer.staff_id)
    entered = await rig.value("SELECT enter FROM queue_stay")
    await rig.decline(asked, offer.id)
    after = await rig.ticket(ticket.reference)
    assert (after.status, after.owner_id, after.va, after.arrived_at) == ("queued", None, ticket.va, ticket.arrived_at)
    assert await rig.rows("SELECT enter, leave FROM queue_stay") == [(entered, None)]
    agent = await rig.staff(asked)
    assert (agent.misses, agent.intent, agent.primary_units) == (0, "available", 0)
    await rig.route()
    other = await rig.offer_on(ticket.reference)
    assert {asked, await name_of(rig, other.staff_id)} == {"ana", "ben"}


async def test_who_declined_is_passed_over_but_asked_again_when_nobody_else_is_there(rig: Rig) -> None:
    ticket, offer = await offered(rig, "ana")
    await rig.decline("ana", offer.id)
    assert await rig.route() == 0
    await rig.run("UPDATE offer SET decided_at = decided_at - interval '30 seconds'")
    assert await rig.route() == 1
    assert (await rig.offer_on(ticket.reference)).id != offer.id


async def test_declining_twice_is_harmless_and_accepting_afterwards_is_too_late(rig: Rig) -> None:
    ticket, offer = await offered(rig, "ana")
    await rig.decline("ana", offer.id)
    await rig.decline("ana", offer.id)
    with pytest.raises(Conflict) as late:
        await rig.accept("ana", offer.id)
    assert late.value.slug == "no-longer-yours"
    assert (await rig.ticket(ticket.reference)).status == "queued"
    assert await rig.breaches() == {}


async def test_no_answer_counts_as_a_miss_and_keeps_the_place(rig: Rig) -> None:
    ticket, offer = await offered(rig, "ana")
    await run_out(rig, offer)
    after, agent = await rig.ticket(ticket.reference), await rig.staff("ana")
    assert (after.status, after.va, agent.misses, agent.intent, agent.primary_units) == (
        "queued",
        ticket.va,
        1,
        "available",
        0,
    )
    assert await rig.value("SELECT result FROM offer") == "timed_out"


async def test_two_misses_in_a_row_are_not_responding_until_the_agent_says_otherwise(rig: Rig) -> None:
    ticket, offer = await offered(rig, "ana")
    await run_out(rig, offer)
    await rig.run("UPDATE offer SET decided_at = decided_at - interval '3 minutes'")
    await rig.route()
    await run_out(rig, await rig.offer_on(ticket.reference))
    agent = await rig.staff("ana")
    assert (agent.state, agent.intent, agent.away_reason) == ("not_responding", "away", "not_responding")
    await rig.run("UPDATE offer SET decided_at = decided_at - interval '3 minutes'")
    assert await rig.route() == 0
    await rig.on_duty("ana")
    agent = await rig.staff("ana")
    assert (agent.state, agent.misses) == ("ready", 0)
    assert await rig.route() == 1


async def test_an_accepted_offer_forgets_the_miss_before_it(rig: Rig) -> None:
    ticket, offer = await offered(rig, "ana")
    await run_out(rig, offer)
    await rig.run("UPDATE offer SET decided_at = decided_at - interval '3 minutes'")
    await rig.route()
    await rig.accept("ana", (await rig.offer_on(ticket.reference)).id)
    assert (await rig.staff("ana")).misses == 0


async def test_a_time_limit_nobody_acted_on_does_not_refuse_an_accept(rig: Rig) -> None:
    ticket, offer = await offered(rig, "ana")
    await rig.run("UPDATE offer SET expires_at = clock_timestamp() - interval '5 seconds'")
    await rig.accept("ana", offer.id)
    await rig.chore(upkeep.time_out_offers)
    assert (await rig.ticket(ticket.reference)).status == "assigned"
    assert (await rig.staff("ana")).misses == 0


async def test_a_lost_line_takes_the_offer_back_without_a_miss(rig: Rig) -> None:
    ticket, offer = await offered(rig, "ana")
    await rig.run("UPDATE staff SET seen_at = clock_timestamp() - interval '11 seconds' WHERE username = 'ana'")
    await rig.chore(upkeep.rescind_unreachable_offers)
    assert await rig.rows("SELECT result, reason FROM offer") == [("rescinded", "line_lost")]
    assert ((await rig.ticket(ticket.reference)).status, (await rig.staff("ana")).misses) == ("queued", 0)
    with pytest.raises(Conflict):
        await rig.accept("ana", offer.id)


async def test_nobody_answers_an_offer_for_somebody_else(rig: Rig) -> None:
    _ticket, offer = await offered(rig, "ana")
    with pytest.raises(NotFound):
        await rig.accept("ben", offer.id)
    with pytest.raises(NotFound):
        await rig.decline("sam", offer.id)
    assert await rig.value("SELECT result FROM offer") is None


async def test_accepting_while_the_time_runs_out_has_exactly_one_outcome(rig: Rig) -> None:
    ticket, _offer = await offered(rig, "ana")
    ana = await rig.staff("ana")
    outcomes = {"accepted": 0, "timed_out": 0}
    for number in range(200):
        offer = await rig.offer_on(ticket.reference)
        accepted, timed_out = await _race(rig, ana, offer, lead=(number % 21 - 10) / 4000)
        assert accepted != timed_out
        result = "accepted" if accepted else "timed_out"
        outcomes[result] += 1
        rows = await rig.rows(
            "SELECT o.result, t.status, s.primary_units, (SELECT count(*) FROM assignment WHERE ended_at IS NULL) "
            "FROM offer o JOIN ticket t ON t.id = o.ticket_id JOIN staff s ON s.id = o.staff_id WHERE o.id = :id",
            id=offer.id,
        )
        assert rows == [(result, "assigned", 8, 1) if accepted else (result, "queued", 0, 0)]
        await _offer_again(rig, ticket, ana.id)
    assert min(outcomes.values()) > 0, "the race was no race"
    assert await rig.breaches() == {}


async def _race(rig: Rig, ana: Staff, offer: Offer, lead: float) -> tuple[bool, bool]:
    """Two transactions at once; the agent is ahead by ``lead`` seconds, or behind."""

    async def accept() -> bool:
        await asyncio.sleep(max(0, -lead))
        try:
            async with rig.house.database.transaction() as tx:
                await offers.accept(tx, ana, offer.id)
        except Conflict:
            return False
        return True

    async def time_out() -> bool:
        await asyncio.sleep(max(0, lead))
        async with rig.house.database.transaction() as tx:
            return await offers.time_out(tx, offer.id, rig.clock())

    accepted, timed_out = await asyncio.gather(accept(), time_out())
    return accepted, timed_out


async def _offer_again(rig: Rig, ticket: Ticket, ana: int) -> None:
    """The scene as it was: the same visitor before the same agent."""
    async with rig.house.database.transaction() as tx:
        for sql in (
            "UPDATE assignment SET ended_at = clock_timestamp(), end_how = 'system' WHERE ended_at IS NULL",
            "INSERT INTO offer (ticket_id, staff_id, expires_at, because, epoch) "
            "VALUES (:ticket, :ana, clock_timestamp(), '{}', 0)",
            "UPDATE ticket SET status = 'offered', owner_id = :ana, units = 8 WHERE id = :ticket",
            "UPDATE staff SET primary_units = 8, misses = 0, intent = 'available' WHERE id = :ana",
            "UPDATE staff_channel SET items = 1 WHERE staff_id = :ana AND channel = 'chat'",
        ):
            needed = {"ticket": ticket.id, "ana": ana}
            await tx.execute(text(sql), {name: value for name, value in needed.items() if f":{name}" in sql})
