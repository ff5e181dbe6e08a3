"""What time brings about: lines break, visitors leave, conversations fall silent."""

from datetime import timedelta

from contactcenter.desk import agents
from contactcenter.jobs import upkeep
from contactcenter.models import Ticket
from tests.desk_rig import Rig

PHONE = "+12025550117"


async def unheard(rig: Rig, username: str, seconds: float) -> None:
    """Nothing was heard of the agent's console for so long; the chores look."""
    await rig.run(
        "UPDATE staff SET seen_at = clock_timestamp() - make_interval(secs => :s) WHERE username = :name",
        s=seconds,
        name=username,
    )
    for chore in (upkeep.find_lost_agents, upkeep.requeue_lost_conversations):
        await rig.chore(chore)


async def talking(rig: Rig) -> Ticket:
    """Ana has a live conversation."""
    await rig.on_duty("ana")
    ticket = await rig.write("city", "v-1", "Is the office open today?")
    assert ticket is not None
    await rig.route()
    await rig.accept("ana", (await rig.offer_on(ticket.reference)).id)
    return await rig.ticket(ticket.reference)


async def test_a_line_is_lost_after_thirty_seconds_and_not_before(rig: Rig) -> None:
    await rig.on_duty("ben")
    await unheard(rig, "ben", 29)
    assert ((await rig.staff("ben")).health, (await rig.staff("ben")).state) == ("connected", "ready")
    await unheard(rig, "ben", 31)
    assert ((await rig.staff("ben")).health, (await rig.staff("ben")).state) == ("lost", "offline")


async def test_with_live_work_in_hand_the_lost_line_is_shown_as_lost(rig: Rig) -> None:
    ticket = await talking(rig)
    await unheard(rig, "ana", 45)
    assert (await rig.staff("ana")).state == "lost"
    assert (await rig.ticket(ticket.reference)).status == "assigned"


async def test_back_before_the_minute_nothing_happened(rig: Rig) -> None:
    ticket = await talking(rig)
    await unheard(rig, "ana", 45)
    async with rig.house.database.transaction() as tx:
        await agents.heartbeat(tx, [(await rig.staff("ana")).id])
    ana, after = await rig.staff("ana"), await rig.ticket(ticket.reference)
    assert (ana.state, ana.health, after.owner_id) == ("working", "connected", ana.id)


async def test_after_a_minute_live_work_waits_again_with_a_head_start(rig: Rig) -> None:
    ticket = await talking(rig)
    await unheard(rig, "ana", 61)
    after, ana = await rig.ticket(ticket.reference), await rig.staff("ana")
    assert (after.status, after.owner_id, after.va) == ("queued", None, ticket.va - timedelta(minutes=5))
    assert after.arrived_at == ticket.arrived_at
    assert (ana.primary_units, ana.state) == (0, "offline")
    assert await rig.rows("SELECT end_how FROM assignment") == [("line_lost",)]
    assert await rig.breaches() == {}


async def test_slow_work_stays_with_an_agent_whose_line_is_lost(rig: Rig) -> None:
    await rig.on_duty("ben")
    ticket = await rig.text(PHONE, "The street light is out")
    mail = await rig.write("mail", "ann@lake.example", "My bins")
    assert ticket is not None and mail is not None
    await rig.route()
    await unheard(rig, "ben", 600)
    ben = (await rig.staff("ben")).id
    assert [(await rig.ticket(one.reference)).owner_id for one in (ticket, mail)] == [ben, ben]
    assert await rig.breaches() == {}


async def visitor(rig: Rig, gone_s: float, waited_s: float = 300) -> Ticket:
    """A visitor asked so long ago, and their browser was last heard of ``gone_s`` seconds ago."""
    ticket = await rig.write("city", "v-1", "Is the office open today?")
    assert ticket is not None
    await rig.run(
        "INSERT INTO visitor (agency_id, inbox_id, canonical, token_hash, origin, language, seen_at, expires_at) VALUES "
        "(:agency, :inbox, 'v-1', 'x', '', 'en', clock_timestamp() - make_interval(secs => :gone), 'infinity')",
        agency=rig.agency_id, inbox=ticket.inbox_id, gone=gone_s,
    )  # fmt: skip
    await rig.run("UPDATE queue_stay SET enter = clock_timestamp() - make_interval(secs => :s)", s=waited_s)
    return ticket


async def test_a_visitor_who_is_away_for_a_minute_is_still_waiting(rig: Rig) -> None:
    await visitor(rig, 60)
    await rig.chore(upkeep.note_abandoned)
    assert await rig.rows("SELECT how FROM queue_stay") == [(None,)]


async def test_a_visitor_away_for_longer_has_left_at_the_last_heartbeat_and_goes_on_as_a_message(rig: Rig) -> None:
    ticket = await visitor(rig, 91)
    await rig.chore(upkeep.note_abandoned)
    await rig.chore(upkeep.note_abandoned)
    seen = await rig.value("SELECT seen_at FROM visitor")
    assert await rig.rows("SELECT leave, how FROM queue_stay ORDER BY id") == [(seen, "abandoned"), (None, None)]
    assert await rig.value("SELECT count(*) FROM event WHERE type = 'stay.abandoned'") == 1
    assert (await rig.ticket(ticket.reference)).status == "queued"
    assert await rig.breaches() == {}


async def test_a_visitor_who_was_answered_cannot_abandon_any_more(rig: Rig) -> None:
    ticket = await visitor(rig, 91)
    await rig.on_duty("ana")
    await rig.route()
    await rig.accept("ana", (await rig.offer_on(ticket.reference)).id)
    await rig.chore(upkeep.note_abandoned)
    assert await rig.rows("SELECT how FROM queue_stay") == [("answered",)]


async def test_a_silent_conversation_gives_its_units_back_and_keeps_its_agent(rig: Rig) -> None:
    ticket = await talking(rig)
    await rig.reply("ana", ticket.reference, "It is open until five.")
    await rig.chore(upkeep.park_silent)
    assert (await rig.ticket(ticket.reference)).status == "assigned"
    await rig.run("UPDATE message SET created_at = created_at - interval '601 seconds'")
    await rig.chore(upkeep.park_silent)
    after, ana = await rig.ticket(ticket.reference), await rig.staff("ana")
    assert (after.status, after.owner_id, ana.primary_units, ana.state) == ("parked", ana.id, 0, "ready")
    await rig.write("city", "v-1", "And tomorrow?")
    after, ana = await rig.ticket(ticket.reference), await rig.staff("ana")
    assert (after.status, after.owner_id, ana.primary_units) == ("assigned", ana.id, 8)
    assert await rig.breaches() == {}


async def test_a_citizen_who_waits_for_an_answer_is_never_parked(rig: Rig) -> None:
    ticket = await talking(rig)
    await rig.run("UPDATE message SET created_at = created_at - interval '2 hours'")
    await rig.chore(upkeep.park_silent)
    assert (await rig.ticket(ticket.reference)).status == "assigned"


async def test_the_nine_states_partition_the_agents(rig: Rig) -> None:
    await talking(rig)
    seen = [(await rig.staff("ana")).state]
    for intent, reason in (("away", "lunch"), ("available", None), ("offline", None)):
        wanted, why = intent, reason
        await rig.act("ana", lambda tx, staff, _s, w=wanted, y=why: agents.set_intent(tx, staff, w, y))  # type: ignore[misc]
        seen.append((await rig.staff("ana")).state)
    assert seen == ["working", "finishing", "working", "finishing"]
    ticket = await rig.value("SELECT reference FROM ticket")
    await rig.close("ana", ticket)
    assert (await rig.staff("ana")).state == "offline"


async def with_a_mail(rig: Rig) -> Ticket:
    """Ben has a mail in hand."""
    await rig.on_duty("ben")
    ticket = await rig.write("mail", "p1@lake.example", "My bins were not emptied this week, please come")
    assert ticket is not None
    await rig.route()
    return await rig.ticket(ticket.reference)


async def test_a_mail_stays_with_an_agent_who_is_gone_until_a_quarter_of_its_time_is_left(rig: Rig) -> None:
    ticket = await with_a_mail(rig)
    assert ticket.due_at is not None
    await unheard(rig, "ben", 120)
    rig.clock.at = ticket.due_at - (ticket.due_at - ticket.arrived_at) / 3
    await rig.chore(upkeep.requeue_slow_work_at_risk)
    assert (await rig.ticket(ticket.reference)).status == "assigned"
    rig.clock.at = ticket.due_at - (ticket.due_at - ticket.arrived_at) / 5
    await rig.chore(upkeep.requeue_slow_work_at_risk)
    after = await rig.ticket(ticket.reference)
    assert (after.status, after.owner_id, after.va) == ("queued", None, ticket.va)
    assert await rig.breaches() == {}


async def test_a_mail_its_agent_never_touched_goes_back_after_eight_hours_and_one_they_opened_stays(rig: Rig) -> None:
    ticket = await with_a_mail(rig)
    rig.clock.pass_by(hours=7, minutes=59)
    await rig.chore(upkeep.requeue_untouched)
    assert (await rig.ticket(ticket.reference)).status == "assigned"
    rig.clock.pass_by(minutes=2)
    await rig.run(
        "INSERT INTO event (agency_id, ticket_id, type, actor_kind, actor_id) SELECT agency_id, :id, 'ticket.viewed', 'staff', id "
        "FROM staff WHERE username = 'ben'", id=ticket.id,
    )  # fmt: skip
    await rig.chore(upkeep.requeue_untouched)
    assert (await rig.ticket(ticket.reference)).status == "assigned", "he has looked at it"
    await rig.run("DELETE FROM event WHERE type = 'ticket.viewed'")
    await rig.chore(upkeep.requeue_untouched)
    after = await rig.ticket(ticket.reference)
    assert (after.status, after.va) == ("queued", ticket.va)
