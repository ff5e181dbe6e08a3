"""The leading router between its memory and the rows: it learns what others did, and what it decides comes true."""

import json
import zlib
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from contactcenter.desk import journal, pages, picking, rules, steering
from contactcenter.desk.access import Scope
from contactcenter.desk.claims import Deposed
from contactcenter.errors import Conflict, Forbidden, Refused
from contactcenter.jobs import upkeep
from contactcenter.jobs.router import Router
from contactcenter.models import Staff, Ticket
from contactcenter.replaying import replay
from routing import VERSION
from routing.journal import plain
from tests.desk_rig import Rig

STAMP = (
    "WITH fresh AS (SELECT id, (SELECT coalesce(max(pos), 0) FROM event) + row_number() OVER (ORDER BY id) AS at "
    "FROM event WHERE pos IS NULL) UPDATE event e SET pos = fresh.at FROM fresh WHERE fresh.id = e.id"
)


class Leader:
    """A router that has led for a while: it keeps its memory between rounds."""

    def __init__(self, rig: Rig) -> None:
        self.rig, self.router = rig, Router(rig.house.database, rig.house.kit)

    async def begin(self) -> "Leader":
        await self.rig.run(STAMP)
        await self.router.load(0)
        return self

    async def round(self) -> int:
        """Hear what happened, decide, and see the rules of the house kept."""
        await self.rig.run(STAMP)
        self.router.memory._looked = 0.0  # the next look at heartbeats is due
        made = await self.router.decide(0)
        assert await self.rig.breaches() == {}
        return made

    def remembered(self, ticket: Ticket) -> str:
        case = self.router.memory.engines[ticket.agency_id].floor.cases.get(ticket.id)
        return "gone" if case is None else str(case.state)


@pytest.fixture
async def leader(rig: Rig) -> Leader:
    return await Leader(rig).begin()


async def save(rig: Rig, **queues: object) -> int:
    """Save rules that differ from the defaults in these queues."""

    async def act(tx: object, staff: Staff, _scope: Scope) -> int:
        agency = await rig.value("SELECT channels FROM agency WHERE slug = 'riverdale'")
        wanted = rules.read({"channels": agency, "queues": queues})
        return await rules.save(tx, staff, wanted, "as the test wants it", await rules.newest(tx, staff.agency_id))  # type: ignore[arg-type]  # a session

    revision = await rig.act("sam", act)
    await rig.run("SELECT 1")  # forgets the kept book
    return revision


async def some_text(rig: Rig, number: int = 1, words: str = "The street light is out") -> Ticket:
    ticket = await rig.text(f"+1202555{5000 + number}", words)
    assert ticket is not None
    return ticket


async def owner(rig: Rig, ticket: Ticket) -> str | None:
    name: str | None = await rig.value(
        "SELECT s.username FROM ticket t JOIN staff s ON s.id = t.owner_id WHERE t.id = :id", id=ticket.id
    )
    return name


async def test_a_ticket_that_comes_later_is_given_without_reading_everything_again(rig: Rig, leader: Leader) -> None:
    await rig.on_duty("ana")
    assert await leader.round() == 0
    ticket = await some_text(rig)
    assert await leader.round() == 1
    assert await owner(rig, ticket) == "ana"
    assert leader.remembered(ticket) == "assigned"
    assert await leader.round() == 0, "its own events tell it nothing new"


async def test_what_agents_do_meanwhile_is_learned(rig: Rig, leader: Leader) -> None:
    await rig.on_duty("ana")
    ticket = await some_text(rig)
    await leader.round()
    await rig.reply("ana", ticket.reference, "We will look at it on Friday.")
    await rig.close("ana", ticket.reference)
    await leader.round()
    assert leader.remembered(ticket) == "gone"
    seat = leader.router.memory.engines[rig.agency_id].floor.seats[(await rig.staff("ana")).id]
    assert seat.primary_units == 0
    second = await some_text(rig, 2)
    assert await leader.round() == 1
    assert await owner(rig, second) == "ana"


async def test_an_offer_that_nobody_answers_goes_to_the_next(rig: Rig, leader: Leader) -> None:
    await rig.on_duty("ana", "ben")
    ticket = await rig.write("city", "v-1", "Is the office open today?")
    assert ticket is not None
    await leader.round()
    first = await owner(rig, ticket)
    engine = leader.router.memory.engines[rig.agency_id]
    case = engine.floor.cases[ticket.id]
    late = leader.router.memory.now() - 1
    await rig.run("UPDATE offer SET expires_at = clock_timestamp() - interval '1 second'")
    case.offer_expires = late
    engine.floor.timers.arm("offer", case.id, late)
    await leader.round()
    assert {first, await owner(rig, ticket)} == {"ana", "ben"}
    assert await rig.value("SELECT count(*) FROM offer WHERE result = 'timed_out'") == 1


async def test_a_pick_the_router_did_not_know_of_is_refused_and_read_again(rig: Rig, leader: Leader) -> None:
    ticket = await some_text(rig)
    await leader.round()
    await rig.on_duty("ana", "ben")
    await rig.run("UPDATE ticket SET version = version + 1 WHERE id = :id", id=ticket.id)  # changed behind its back
    assert await leader.round() == 1, "the refused claim was read again and made at once"
    assert await owner(rig, ticket) is not None


async def test_requirements_fall_with_time_and_a_new_leader_does_not_raise_them_again(rig: Rig, leader: Leader) -> None:
    await save(rig, services={"preferred": {"streets": 4}, "preferred_live_s": 30})
    await rig.on_duty("ben")
    await leader.round()
    ticket = await some_text(rig)
    assert await leader.round() == 1, "nobody with streets 4 is there, so the preference falls at once"
    assert await owner(rig, ticket) == "ben"

    await rig.on_duty("ana")
    for number in range(2, 12):
        await some_text(rig, number)
    await leader.round()
    waiting = await rig.rows("SELECT id, ring FROM ticket WHERE status = 'queued' ORDER BY id")
    assert [row.ring for row in waiting] == [0] * len(waiting) and waiting
    await rig.run("UPDATE queue_stay SET enter = enter - interval '31 seconds' WHERE leave IS NULL")
    await Leader(rig).begin()
    waiting = await rig.rows("SELECT id, ring FROM ticket WHERE status = 'queued' ORDER BY id")
    assert [row.ring for row in waiting] == [1] * len(waiting)
    assert (
        await rig.value("SELECT count(*) FROM event WHERE type = 'ticket.relaxed' AND data->>'skipped' = 'false'") > 0
    )


async def test_overflow_lets_another_team_help(rig: Rig, leader: Leader) -> None:
    await save(rig, housing={"overflow": [{"queue": "services", "after_s": 600}]})
    await leader.round()
    await rig.on_duty("ana")
    await leader.round()
    ticket = await some_text(rig)
    await leader.round()
    await rig.pass_to_queue("ana", ticket.reference, "housing")
    await leader.round()
    assert await owner(rig, ticket) == "ana", "she serves both queues"
    await rig.run("DELETE FROM staff_queue WHERE queue_id = (SELECT id FROM queue WHERE slug = 'housing')")
    await rig.run("UPDATE staff SET version = version + 1")
    second = await some_text(rig, 2)
    await leader.round()
    await rig.pass_to_queue("ana", second.reference, "housing")
    await leader.round()
    assert await rig.value("SELECT count(*) FROM event WHERE type = 'ticket.overflowed'") == 1
    assert await owner(rig, second) == "ana", "nobody of housing is there, so services see it at once"


async def test_a_ticket_nobody_can_serve_is_told_once(rig: Rig, leader: Leader) -> None:
    await rig.on_duty("ana", "ben")
    await rig.run("DELETE FROM staff_skill WHERE skill_id = (SELECT id FROM skill WHERE slug = 'streets')")
    await rig.run("UPDATE staff SET version = version + 1")
    ticket = await some_text(rig)
    await leader.round()
    await leader.round()
    assert await rig.value("SELECT count(*) FROM event WHERE type = 'ticket.unservable'") == 1
    assert (await rig.ticket(ticket.reference)).unservable
    await rig.run(
        "INSERT INTO staff_skill (staff_id, skill_id, level) SELECT s.id, k.id, 3 FROM staff s, skill k "
        "WHERE s.username = 'lu' AND k.slug = 'streets'"
    )
    await rig.run("INSERT INTO staff_queue (staff_id, queue_id) SELECT s.id, q.id FROM staff s, queue q "
                  "WHERE s.username = 'lu' AND q.slug = 'services'")  # fmt: skip
    await rig.run("UPDATE staff SET version = version + 1")
    leader.router.memory.expecting[rig.agency_id]._told = -1e9
    await leader.round()
    assert not (await rig.ticket(ticket.reference)).unservable, "she is not here, but she could"


async def test_the_next_leader_goes_on_from_what_the_last_one_learned_about_waits(rig: Rig, leader: Leader) -> None:
    await some_text(rig)
    await leader.round()
    memory = leader.router.memory
    waits = memory.expecting[rig.agency_id].waits
    waits.recall("sms", {"ratios": {"1": [0.5, 2.25]}, "judged": {"9": [1, 1, 0, 1]}, "stretch": {"9": 1.5}})
    waits.outcomes = 2
    memory.expecting[rig.agency_id]._told = memory.expecting[rig.agency_id]._kept = -1e9
    await leader.round()
    assert await rig.value("SELECT learned -> 'stretch' ->> '9' FROM expected_learned WHERE channel = 'sms'") == "1.5"
    await rig.run("INSERT INTO expected_learned (agency_id, channel, learned) SELECT id, 'email', '[7]' FROM agency")
    after = (await Leader(rig).begin()).router.memory.expecting[rig.agency_id].waits
    assert after.learned("sms") == waits.learned("sms")
    assert after.learned("email") == {"ratios": {}, "judged": {}, "stretch": {}}, (
        "unreadable is as if it were not there"
    )


async def test_a_skill_is_not_had_after_its_last_day(rig: Rig, leader: Leader) -> None:
    await rig.on_duty("ana", "ben")
    here = "(clock_timestamp() AT TIME ZONE (SELECT timezone FROM agency WHERE slug = 'riverdale'))::date"
    streets = "(SELECT id FROM skill WHERE slug = 'streets')"
    until = f"UPDATE staff_skill SET until = {here} - CAST(:days AS integer) WHERE skill_id = {streets}"
    await rig.run(until, days=0)
    await rig.chore(upkeep.end_skills)
    ticket = await some_text(rig)
    await leader.round()
    assert await owner(rig, ticket) is not None, "the last day still counts"
    await rig.run(until, days=1)
    await rig.chore(upkeep.end_skills)
    await rig.chore(upkeep.end_skills)
    had = await rig.value(
        "SELECT count(*) FROM staff_skill h JOIN skill k ON k.id = h.skill_id WHERE k.slug = 'streets'"
    )
    lapsed = await rig.rows("SELECT data FROM event WHERE type = 'agent.skill_lapsed'")
    assert len(lapsed) == had, "each is told once"
    assert {row.data["skill"] for row in lapsed} == {"streets"}
    second = await some_text(rig, 2)
    await leader.round()
    assert await owner(rig, second) is None
    assert (await rig.ticket(second.reference)).unservable
    assert await owner(rig, ticket) is not None, "work in hand stays"


async def test_who_had_a_reopened_ticket_gets_it_first_when_there(rig: Rig, leader: Leader) -> None:
    await rig.on_duty("ana")
    ticket = await some_text(rig)
    await leader.round()
    await rig.close("ana", ticket.reference)
    await rig.on_duty("ben")
    await leader.round()
    again = await some_text(rig)
    assert again.id == ticket.id, "within a week of its closure it is the same matter"
    await leader.round()
    assert await owner(rig, ticket) == "ana"
    because = await rig.value(
        "SELECT because FROM assignment WHERE ticket_id = :id ORDER BY id DESC LIMIT 1", id=ticket.id
    )
    assert because["rule"] == "sticky"


async def test_an_excluded_agent_never_gets_the_persons_tickets(rig: Rig, leader: Leader) -> None:
    await rig.on_duty("ana")
    await leader.round()
    ticket = await some_text(rig)
    ana = await rig.staff("ana")
    await rig.act(
        "sam",
        lambda tx, staff, scope: steering.exclude(
            tx, scope, staff, ticket.contact_id, ana.id, "Neighbours", rig.clock()
        ),
    )
    assert await leader.round() == 0
    for hand in (lambda tx, staff, scope: picking.take(tx, scope, staff, ticket.reference),):
        with pytest.raises(Conflict, match="may not have this person's tickets"):
            await rig.act("ana", hand)
    with pytest.raises(Conflict, match="may not have this person's tickets"):
        await give(rig, ticket, "ana")
    await rig.on_duty("ben")
    assert await leader.round() == 1
    assert await owner(rig, ticket) == "ben"


async def test_a_lifted_exclusion_is_an_act_of_its_own(rig: Rig, leader: Leader) -> None:
    await rig.on_duty("ana")
    ticket = await some_text(rig)
    ana = await rig.staff("ana")
    made = await rig.act(
        "sam",
        lambda tx, staff, scope: steering.exclude(
            tx, scope, staff, ticket.contact_id, ana.id, "Neighbours", rig.clock()
        ),
    )
    assert await leader.round() == 0
    await rig.act("sam", lambda tx, staff, scope: steering.lift(tx, scope, staff, made.id, "She moved away"))
    assert await leader.round() == 1
    kinds = await rig.rows("SELECT type, data FROM event WHERE type LIKE 'exclusion.%' ORDER BY id")
    assert [row.type for row in kinds] == ["exclusion.made", "exclusion.lifted"]
    assert "Neighbours" not in str(kinds), "the reason stays where only supervisors read it"


async def give(rig: Rig, ticket: Ticket, username: str, *, exceed: bool = False) -> Ticket:
    agent = await rig.staff(username)
    return await rig.act(
        "sam",
        lambda tx, staff, scope: steering.give(
            tx, scope, staff, ticket.reference, agent.id, "She knows the street", exceed=exceed, now=rig.clock()
        ),
    )


async def test_a_supervisor_may_exceed_an_agents_room_by_choice_and_it_is_counted(rig: Rig, leader: Leader) -> None:
    await rig.on_duty("ben")
    for number in range(5):
        await some_text(rig, number)
    assert await leader.round() == 5
    sixth = await some_text(rig, 6)
    assert await leader.round() == 0, "five texts are the most"
    with pytest.raises(Conflict, match="no room"):
        await give(rig, sixth, "ben")
    await give(rig, sixth, "ben", exceed=True)
    assert await owner(rig, sixth) == "ben"
    assert await rig.value("SELECT sum(overbook_items) FROM staff_channel") == 1
    await leader.round()
    first = await rig.value("SELECT reference FROM ticket WHERE owner_id IS NOT NULL ORDER BY id LIMIT 1")
    await rig.close("ben", first)
    await some_text(rig, 7)
    assert await leader.round() == 0, "above the limit until it has drained"


async def test_only_a_supervisor_steers(rig: Rig, leader: Leader) -> None:
    ticket = await some_text(rig)
    acts: list[Callable[..., Awaitable[object]]] = [
        lambda tx, staff, scope: steering.move_to_front(tx, scope, staff, ticket.reference, "x"),
        lambda tx, staff, scope: steering.set_priority(tx, scope, staff, ticket.reference, 3, False, "x"),
        lambda tx, staff, scope: steering.exclude(tx, scope, staff, ticket.contact_id, staff.id, "x", rig.clock()),
    ]
    for act in acts:
        with pytest.raises(Forbidden):
            await rig.act("ben", act)


async def test_a_ticket_moved_to_the_front_is_next(rig: Rig, leader: Leader) -> None:
    tickets = [await some_text(rig, number) for number in range(7)]
    await leader.round()
    await rig.act(
        "sam",
        lambda tx, staff, scope: steering.move_to_front(tx, scope, staff, tickets[6].reference, "Promised by phone"),
    )
    await rig.on_duty("ben")
    assert await leader.round() == 5
    assert await owner(rig, tickets[6]) == "ben"
    assert [await owner(rig, one) for one in tickets[4:6]] == [None, None]


async def test_a_tighter_priority_moves_a_ticket_forward_and_a_lower_one_back_but_never_behind_its_arrival(
    rig: Rig, leader: Leader
) -> None:
    ticket = await some_text(rig)

    async def to(priority: int) -> Ticket:
        return await rig.act(
            "sam",
            lambda tx, staff, scope: steering.set_priority(tx, scope, staff, ticket.reference, priority, False, "x"),
        )

    urgent = await to(3)
    assert (urgent.arrived_at - urgent.va).total_seconds() == 3600
    assert (await to(0)).va == ticket.arrived_at


async def test_a_surge_sends_live_work_straight_and_ends_by_itself(rig: Rig, leader: Leader) -> None:
    await rig.on_duty("ana")
    until = await rig.value("SELECT clock_timestamp() + interval '1 hour'")
    await rig.act(
        "sam", lambda tx, staff, scope: steering.surge(tx, scope, staff, "services", until, "Flood", rig.clock())
    )
    await rig.run("SELECT 1")
    await leader.round()
    ticket = await rig.write("city", "v-1", "Is the office open today?")
    assert ticket is not None
    await leader.round()
    assert (await rig.ticket(ticket.reference)).status == "assigned", "nobody is asked during a surge"
    await rig.run("UPDATE queue SET surge_until = clock_timestamp() - interval '1 second'")
    await leader.round()
    second = await rig.write("city", "v-2", "And tomorrow?")
    assert second is not None
    await leader.round()
    assert (await rig.ticket(second.reference)).status == "offered"


async def test_an_agent_picks_only_what_they_may_serve(rig: Rig) -> None:
    ticket = await some_text(rig, 1, "La farola de mi calle está apagada desde ayer por la noche")
    assert ticket.language == "es"
    await rig.on_duty("ben", "ana")
    with pytest.raises(Conflict, match="a skill you do not have"):
        await rig.act("ben", lambda tx, staff, scope: picking.take(tx, scope, staff, ticket.reference))
    await rig.act("ana", lambda tx, staff, scope: picking.take(tx, scope, staff, ticket.reference))
    assert await owner(rig, ticket) == "ana"


BAD = [
    ({"nowhere": {}}, "no queue 'nowhere'"),
    ({"services": {"preferred": {"plumbing": 2}}}, "no skill 'plumbing'"),
    ({"services": {"preferred": {"streets": 5}}}, "nobody in it has that"),
    ({"housing": {"relax": [{"after_s": 60, "lower": {"housing": 4}}]}}, "more than 2 before it"),
    ({"housing": {"relax": [{"after_s": 60, "lower": {"housing": 1}}, {"after_s": 30, "lower": {"housing": 0}}]}}, "must come later"),
    ({"housing": {"never_relax": ["housing"], "relax": [{"after_s": 60, "lower": {"housing": 1}}]}}, "must never be relaxed"),
    ({"services": {"overflow": [{"queue": "housing", "after_s": 9}]},
      "housing": {"overflow": [{"queue": "services", "after_s": 9}]}}, "circle: housing to services to housing"),
    ({"services": {"secondary_weight": 10}}, "secondary_weight"),
]  # fmt: skip


@pytest.mark.parametrize(("queues", "sentence"), BAD, ids=[sentence for _queues, sentence in BAD])
async def test_bad_rules_are_refused_in_a_sentence_that_names_them(
    rig: Rig, queues: dict[str, object], sentence: str
) -> None:
    with pytest.raises(Refused, match=sentence):
        await save(rig, **queues)
    assert await rig.value("SELECT count(*) FROM routing_rules") == 0


async def test_two_supervisors_do_not_overwrite_each_other(rig: Rig) -> None:
    assert await save(rig) == 2

    async def late(tx: object, staff: Staff, _scope: Scope) -> int:
        channels = await rig.value("SELECT channels FROM agency WHERE slug = 'riverdale'")
        return await rules.save(tx, staff, rules.read({"channels": channels}), "from an old page", 1)  # type: ignore[arg-type]  # a session

    with pytest.raises(Conflict, match="at revision 2 by now"):
        await rig.act("sam", late)


async def test_the_newest_rules_are_in_force_at_once_and_name_the_decision(rig: Rig, leader: Leader) -> None:
    revision = await save(rig, services={"strategy": "round_robin"})
    await rig.on_duty("ana", "ben")
    ticket = await some_text(rig)
    await leader.round()
    because = await rig.value("SELECT because FROM assignment WHERE ticket_id = :id", id=ticket.id)
    assert (because["rule"], because["policy_revision"]) == ("round_robin", revision)


async def test_memory_that_differs_from_the_rows_is_built_anew(rig: Rig, leader: Leader) -> None:
    ticket = await some_text(rig)
    await leader.round()
    del leader.router.memory.engines[rig.agency_id].floor.cases[ticket.id]
    leader.router.memory._compared = -1e9  # the half-minute look is due
    await leader.round()
    assert leader.remembered(ticket) == "queued"


async def test_a_deposed_leader_changes_nothing(rig: Rig, leader: Leader) -> None:
    await rig.on_duty("ana")
    ticket = await some_text(rig)
    async with rig.house.database.transaction() as tx:
        await tx.execute(text("UPDATE lease SET epoch = epoch + 1 WHERE name = 'router'"))
    with pytest.raises(Deposed):
        await leader.round()
    assert (await rig.ticket(ticket.reference)).status == "queued"


async def test_what_was_decided_is_decided_again_from_the_journal(rig: Rig, leader: Leader) -> None:
    await rig.on_duty("ana", "ben")
    for number in range(8):
        await some_text(rig, number)
    await leader.round()
    chat = await rig.write("city", "v-1", "Is the office open today?")
    assert chat is not None
    await leader.round()
    leader.router.memory._stood = -1e9  # a state is due
    await rig.close(
        "ana",
        await rig.value(
            "SELECT reference FROM ticket t JOIN staff s ON s.id = owner_id WHERE username = 'ana' LIMIT 1"
        ),
    )
    await leader.round()
    yesterday = datetime.now(UTC) - timedelta(hours=20)
    (told,) = await replay(rig.house.database, yesterday)
    assert told.difference is None
    assert (told.facts > 3, told.states) == (True, 2)
    assert told.effects == await rig.value(
        "SELECT count(*) FROM event WHERE type IN ('ticket.assigned', 'ticket.offered')"
    )

    await rig.run(
        "UPDATE router_entry SET digest = 'other' WHERE id = (SELECT max(id) FROM router_entry WHERE kind = 'fact')"
    )
    (told,) = await replay(rig.house.database, yesterday)
    assert told.difference is not None and "not other" in told.difference


async def test_what_another_version_decided_is_passed_over_and_counted(rig: Rig, leader: Leader) -> None:
    await rig.on_duty("ana")
    await some_text(rig)
    await leader.round()
    for entry_id, body in await rig.rows("SELECT id, body FROM router_entry WHERE kind <> 'fact'"):
        policy, snapshot, version = journal.unpacked(body)
        assert version == VERSION
        of_another = zlib.compress(json.dumps(plain((policy, snapshot))).encode())
        await rig.run("UPDATE router_entry SET body = :body WHERE id = :id", body=of_another, id=entry_id)
    entries = await rig.value("SELECT count(*) FROM router_entry")
    (told,) = await replay(rig.house.database, datetime.now(UTC) - timedelta(hours=1))
    assert (told.facts, told.states, told.foreign, told.difference) == (0, 0, entries, None)
    after = await Leader(rig).begin()
    await some_text(rig, 2)
    await after.round()
    (told,) = await replay(rig.house.database, datetime.now(UTC) - timedelta(hours=1))
    assert (told.foreign, told.states, told.difference) == (entries, 1, None)
    assert told.facts > 1


async def test_an_emergency_closure_holds_what_comes_and_lets_it_in_when_it_ends(rig: Rig, leader: Leader) -> None:
    await rig.on_duty("ana")
    made = await rig.act(
        "sam", lambda tx, staff, scope: steering.close_queues(tx, scope, staff, None, None, "No power", rig.clock())
    )
    await rig.run("SELECT 1")
    ticket = await some_text(rig)
    assert ticket.status == "held", "even a queue that never closes"
    assert ticket.due_at is None, "no date is promised that nobody knows"
    assert await leader.round() == 0
    rig.clock.pass_by(days=2)
    await rig.chore(upkeep.open_held)
    assert (await rig.ticket(ticket.reference)).status == "held", "until further notice"
    await rig.act("sam", lambda tx, staff, scope: steering.open_again(tx, scope, staff, made.id, rig.clock()))
    await rig.run("SELECT 1")
    rig.clock.pass_by(seconds=1)
    await rig.chore(upkeep.open_held)
    assert await leader.round() == 1
    assert (await rig.ticket(ticket.reference)).va == ticket.va, "its place is that of its arrival"


async def test_a_closure_of_one_queue_leaves_the_others_open(rig: Rig, leader: Leader) -> None:
    await rig.on_duty("ana")
    until = rig.clock() + timedelta(hours=2)
    await rig.act(
        "sam", lambda tx, staff, scope: steering.close_queues(tx, scope, staff, "housing", until, "Flood", rig.clock())
    )
    await rig.run("SELECT 1")
    ticket = await some_text(rig)
    assert await leader.round() == 1
    await rig.pass_to_queue("ana", ticket.reference, "housing")
    held = await rig.ticket(ticket.reference)
    assert held.status == "held" and held.held_until is not None and abs(held.held_until - until) < timedelta(seconds=1)


async def test_what_a_ticket_may_expect_is_told_once_enough_is_known_and_only_then(rig: Rig, leader: Leader) -> None:
    await rig.on_duty("ben")
    await leader.round()
    for number in range(6):
        await some_text(rig, number)
    await leader.round()
    waiting = await rig.value("SELECT reference FROM ticket WHERE status = 'queued'")
    expecting = leader.router.memory.expecting[rig.agency_id]
    expecting._told = -1e9  # it is time to tell
    await leader.round()
    assert await rig.value("SELECT count(*) FROM expected_wait") == 0

    for bucket in range(1, 13):  # a history in which every wait was half as long as estimated
        expecting.waits._ratios["sms", bucket] = deque([0.5] * 200)
        expecting.waits._sorted["sms", bucket] = [0.5] * 200
    await rig.run(
        "INSERT INTO assignment (ticket_id, staff_id, queue_id, channel, started_at, ended_at, end_how) "
        "SELECT id, (SELECT id FROM staff WHERE username = 'ben'), queue_id, channel, clock_timestamp() - interval '3 hours', "
        "clock_timestamp() - interval '2 hours', 'closed' FROM ticket WHERE reference = :ref", ref=waiting,
    )  # fmt: skip
    expecting._told = expecting._asked = -1e9
    await leader.round()
    page = await rig.act("sam", lambda tx, staff, scope: pages.why_waiting(tx, scope, staff, waiting))
    # One hour each, five slots: the next start is due in 12 min. Half of that, averaged with the moment it has waited,
    # and the wait was always half of what was estimated: about three minutes.
    assert page["expected"]["basis"] == "staffing"
    assert 170 <= page["expected"]["p50_s"] <= 190
    assert page["expected"]["sentence"].startswith("From now on half of such tickets wait at most 3 min")


async def test_an_exclusion_takes_away_what_the_agent_has_and_no_door_gives_it_back(rig: Rig, leader: Leader) -> None:
    await rig.on_duty("ana")
    ticket = await some_text(rig)
    await leader.round()
    assert await owner(rig, ticket) == "ana"
    ana = await rig.staff("ana")
    await rig.act(
        "sam",
        lambda tx, staff, scope: steering.exclude(
            tx, scope, staff, ticket.contact_id, ana.id, "Neighbours", rig.clock()
        ),
    )
    assert await leader.round() == 0
    after = await rig.ticket(ticket.reference)
    assert (after.status, after.owner_id, after.va) == ("queued", None, ticket.va)
    await rig.run("UPDATE ticket SET status = 'held', held_until = clock_timestamp() + interval '1 hour'")
    with pytest.raises(Conflict, match="may not have"):
        await rig.act("ana", lambda tx, staff, scope: picking.take(tx, scope, staff, ticket.reference))
    with pytest.raises(Conflict, match="may not have"):
        await rig.pass_to_person("sam", ticket.reference, "ana")


async def test_a_leader_that_was_deposed_writes_nothing_into_the_journal(rig: Rig, leader: Leader) -> None:
    await leader.round()
    before = await rig.value("SELECT count(*) FROM router_entry")
    await some_text(rig)
    await rig.run(STAMP)
    await rig.run("UPDATE lease SET epoch = epoch + 1 WHERE name = 'router'")
    with pytest.raises(Deposed):
        await leader.router.decide(0)
    assert await rig.value("SELECT count(*) FROM router_entry") == before
