"""Dates given to citizens: kept when a person acted in time, broken when not, and honest about opening hours."""

from datetime import UTC, datetime, timedelta

from contactcenter.jobs import upkeep
from tests.desk_rig import Rig

ANN, PHONE = "ann@lake.example", "+12025550117"
SATURDAY = datetime(2026, 10, 31, 14, tzinfo=UTC)
MONDAY_9 = datetime(2026, 11, 2, 14, tzinfo=UTC)
"""Nine in the morning in New York, the day after the clocks went back."""


async def test_a_reply_in_time_keeps_the_promise(rig: Rig) -> None:
    ticket = await rig.text(PHONE, "The street light is out")
    assert ticket is not None and ticket.due_at is not None
    assert await rig.rows("SELECT state, due_at FROM promise") == [("open", ticket.due_at)]
    await rig.reply("ben", ticket.reference, "Friday.")
    assert await rig.rows("SELECT state FROM promise") == [("kept",)]
    assert (await rig.ticket(ticket.reference)).due_at is None


async def test_a_reply_too_late_breaks_it_even_if_nobody_looked_meanwhile(rig: Rig) -> None:
    ticket = await rig.text(PHONE, "The street light is out")
    assert ticket is not None
    rig.clock.pass_by(minutes=241)
    await rig.reply("ben", ticket.reference, "Friday.")
    assert await rig.rows("SELECT state FROM promise") == [("broken",)]


async def test_the_last_moment_still_counts(rig: Rig) -> None:
    ticket = await rig.text(PHONE, "The street light is out")
    assert ticket is not None and ticket.due_at is not None
    rig.clock.at = ticket.due_at
    await rig.reply("ben", ticket.reference, "Friday.")
    assert await rig.rows("SELECT state FROM promise") == [("kept",)]


async def test_a_promise_that_ran_out_is_broken_in_sight_of_the_team(rig: Rig) -> None:
    ticket = await rig.text(PHONE, "The street light is out")
    assert ticket is not None
    await rig.run("UPDATE promise SET due_at = clock_timestamp() - interval '1 minute'")
    await rig.chore(upkeep.break_promises)
    assert await rig.rows("SELECT state FROM promise") == [("broken",)]
    assert (
        await rig.value("SELECT count(*) FROM event WHERE type = 'promise.broken' AND ticket_id = :id", id=ticket.id)
        == 1
    )
    await rig.reply("ben", ticket.reference, "Sorry.")
    assert await rig.rows("SELECT state FROM promise") == [("broken",)]


async def test_a_closure_in_time_keeps_the_promise(rig: Rig) -> None:
    ticket = await rig.text(PHONE, "The street light is out")
    assert ticket is not None
    await rig.close("sam", ticket.reference)
    assert await rig.rows("SELECT state FROM promise") == [("kept",)]


async def test_a_note_keeps_no_promise(rig: Rig) -> None:
    ticket = await rig.text(PHONE, "The street light is out")
    assert ticket is not None
    await rig.reply("ben", ticket.reference, "Ask the power company", kind="note")
    assert await rig.rows("SELECT state FROM promise") == [("open",)]


async def test_a_mail_to_a_closed_office_waits_for_the_next_opening(rig: Rig) -> None:
    rig.clock.at = SATURDAY
    ticket = await rig.write("permit-mail", ANN, "I need a permit", subject="Permit")
    assert ticket is not None
    assert (ticket.status, ticket.held_until) == ("held", MONDAY_9)
    assert ticket.due_at == MONDAY_9 + timedelta(minutes=480)
    assert await rig.value("SELECT count(*) FROM queue_stay") == 0
    said = (await rig.messages(ticket.reference))[1].body_text
    assert "Monday 2 November, 5:00 pm (EST)" in said


async def test_it_enters_the_queue_when_the_office_opens_with_its_own_arrival(rig: Rig) -> None:
    rig.clock.at = SATURDAY
    ticket = await rig.write("permit-mail", ANN, "I need a permit")
    assert ticket is not None
    rig.clock.at = MONDAY_9 - timedelta(seconds=1)
    await rig.chore(upkeep.open_held)
    assert (await rig.ticket(ticket.reference)).status == "held"
    rig.clock.at = MONDAY_9
    await rig.chore(upkeep.open_held)
    after = await rig.ticket(ticket.reference)
    assert (after.status, after.held_until, after.va) == ("queued", None, ticket.va)
    assert await rig.value("SELECT count(*) FROM queue_stay WHERE leave IS NULL") == 1


async def test_a_holiday_moves_opening_and_promise(rig: Rig) -> None:
    await rig.run(
        "INSERT INTO holiday (agency_id, day, name) VALUES (:agency, '2026-11-02', 'City day')", agency=rig.agency_id
    )
    rig.clock.at = SATURDAY
    ticket = await rig.write("permit-mail", ANN, "I need a permit")
    assert ticket is not None and ticket.held_until == MONDAY_9 + timedelta(days=1)
    assert ticket.due_at == MONDAY_9 + timedelta(days=1, minutes=480)


async def test_an_answer_before_the_opening_takes_the_ticket_out_of_the_hold(rig: Rig) -> None:
    rig.clock.at = SATURDAY
    ticket = await rig.write("permit-mail", ANN, "I need a permit")
    assert ticket is not None
    await rig.reply("lu", ticket.reference, "Here it is.")
    rig.clock.at = MONDAY_9
    await rig.chore(upkeep.open_held)
    assert (await rig.ticket(ticket.reference)).status == "waiting_citizen"
    assert await rig.breaches() == {}


async def test_spanish_gets_its_date_in_spanish(rig: Rig) -> None:
    rig.clock.at = SATURDAY
    ticket = await rig.write("permit-mail", ANN, "Hola, necesito un permiso para mi calle, gracias")
    assert ticket is not None and ticket.language == "es"
    said = (await rig.messages(ticket.reference))[1].body_text
    assert "lunes" in said and "noviembre" in said and "17:00 (EST)" in said
