"""An hour after the end people are asked how satisfied they are. What they say is never lost."""

import pytest

from contactcenter.jobs import upkeep
from contactcenter.models import Ticket
from tests.desk_rig import Rig
from tests.texting import Texter, at_noon

NUMBER_HERE = "+12025550117"


async def closed(rig: Rig, reason: str = "done", number: str = NUMBER_HERE) -> tuple[Texter, Ticket]:
    at_noon(rig)
    phone = Texter(rig, number)
    await phone.say("The street light is out on my street")
    (ticket,) = await phone.tickets()
    await rig.close("sam", ticket.reference, reason=reason, sentence="The light was repaired.")
    return phone, ticket


async def later(rig: Rig, **span: float) -> list[str]:
    """Time passes, the chore looks; gives the surveys sent by then."""
    rig.clock.pass_by(**span)
    await rig.chore(upkeep.ask_how_satisfied)
    rows = await rig.rows(
        "SELECT body_text FROM message WHERE signals ? 'survey' AND body_text LIKE '%(very%' ORDER BY id"
    )
    return [body for (body,) in rows]


async def surveyed(rig: Rig) -> tuple[Texter, Ticket]:
    phone, ticket = await closed(rig)
    assert len(await later(rig, hours=1, minutes=1)) == 1
    return phone, ticket


async def survey_row(rig: Rig) -> tuple[int | None, str]:
    ((score, comment),) = await rig.rows("SELECT score, comment FROM survey")
    return score, comment


async def test_an_hour_after_the_end_one_question_is_asked_and_never_again(rig: Rig) -> None:
    _phone, ticket = await closed(rig)
    assert await later(rig, minutes=59) == []
    asked = [
        f"City of Riverdale: how satisfied were you with our help on {ticket.reference}? "
        "1 (very dissatisfied) to 5 (very satisfied). Reply with a number."
    ]
    assert await later(rig, minutes=2) == asked and len(asked[0]) <= 160
    assert await later(rig, minutes=5) == asked
    assert await rig.value("SELECT proactive FROM delivery ORDER BY id DESC LIMIT 1") is True


async def test_nobody_is_asked_twice_in_thirty_days(rig: Rig) -> None:
    phone, ticket = await surveyed(rig)
    await phone.say("It is dark again on my street")
    await rig.close("sam", ticket.reference)
    assert len(await later(rig, hours=2)) == 1
    rig.clock.pass_by(days=31)
    at_noon(rig)
    await phone.say("And the bin was not emptied, please help")
    (_first, second) = await phone.tickets()
    await rig.close("sam", second.reference)
    await rig.run(
        "UPDATE event SET at = :at WHERE type = 'ticket.closed' AND ticket_id = :id", at=rig.clock(), id=second.id
    )
    assert len(await later(rig, hours=2)) == 2


@pytest.mark.parametrize("reason", ["spam", "duplicate", "no_reply"])
async def test_some_ends_ask_nothing(rig: Rig, reason: str) -> None:
    await closed(rig, reason)
    assert await later(rig, hours=2) == []


async def test_at_night_nobody_is_asked_and_in_the_morning_they_are(rig: Rig) -> None:
    await closed(rig)
    rig.clock.at = rig.clock.at.replace(hour=23)
    await rig.run("UPDATE ticket SET closed_at = :at", at=rig.clock())
    assert await later(rig, hours=4) == []
    assert len(await later(rig, hours=12)) == 1


async def test_who_said_stop_is_not_asked(rig: Rig) -> None:
    phone, _ticket = await closed(rig)
    await phone.wish("STOP", "revoked")
    assert await later(rig, hours=2) == []


async def test_a_doubted_wish_is_not_asked_either(rig: Rig) -> None:
    phone, ticket = await closed(rig)
    await phone.wish("stop texting me please", "doubted")
    await rig.run("UPDATE ticket SET status = 'closed', closed_at = :at, owner_id = NULL", at=rig.clock())
    await rig.run("UPDATE closure SET undone_at = NULL")
    assert await later(rig, hours=2) == [] and ticket.id


async def test_a_matter_that_was_reopened_is_not_asked_about(rig: Rig) -> None:
    phone, _ticket = await closed(rig)
    await phone.say("No, it is still dark")
    assert await later(rig, hours=2) == []


async def test_mail_is_not_asked_by_number(rig: Rig) -> None:
    at_noon(rig)
    ticket = await rig.write("mail", "dana@example.org", "The street light is out")
    assert ticket is not None
    await rig.close("sam", ticket.reference)
    assert await later(rig, hours=2) == []


@pytest.mark.parametrize(("words", "score"), [("5", 5), ("4!", 4), ("3 thanks", 3)])
async def test_a_number_is_the_score_and_the_ticket_stays_closed(rig: Rig, words: str, score: int) -> None:
    phone, ticket = await surveyed(rig)
    assert await phone.say(words) == ["Thank you. You can reply with a comment within 24 hours."]
    assert await survey_row(rig) == (score, "")
    assert (await rig.ticket(ticket.reference)).status == "closed"
    assert [m.body_text for m in await rig.messages(ticket.reference) if m.direction == "in"][-1] == words


async def test_an_unhappy_number_is_asked_what_went_wrong(rig: Rig) -> None:
    phone, ticket = await surveyed(rig)
    assert await phone.say("1") == [
        f"We are sorry. Reply and tell us what went wrong. We will look at {ticket.reference} again."
    ]
    assert await phone.say("Nobody came, the light is still out") == []
    assert await survey_row(rig) == (1, "Nobody came, the light is still out")
    after = await rig.ticket(ticket.reference)
    assert after.status == "queued" and after.waiting_since is not None, "a complaint is never swallowed"


async def test_words_after_a_good_score_are_comment_and_message(rig: Rig) -> None:
    phone, ticket = await surveyed(rig)
    await phone.say("5")
    await phone.say("Good, but the light at number 9 is out too")
    assert await survey_row(rig) == (5, "Good, but the light at number 9 is out too")
    assert (await rig.ticket(ticket.reference)).status == "queued"


async def test_bare_thanks_after_a_good_score_reopen_nothing(rig: Rig) -> None:
    phone, ticket = await surveyed(rig)
    await phone.say("5")
    await phone.say("Thank you very much!")
    assert await survey_row(rig) == (5, "Thank you very much!")
    assert (await rig.ticket(ticket.reference)).status == "closed"
    assert "Thank you very much!" in [m.body_text for m in await rig.messages(ticket.reference)]


async def test_bare_thanks_after_a_bad_score_are_looked_at(rig: Rig) -> None:
    phone, ticket = await surveyed(rig)
    await phone.say("1")
    await phone.say("thanks")
    assert (await rig.ticket(ticket.reference)).status == "queued"


async def test_words_instead_of_a_number_contest_the_end_as_ever(rig: Rig) -> None:
    phone, ticket = await surveyed(rig)
    await phone.say("Not at all, it is still dark")
    assert await survey_row(rig) == (None, "")
    assert (await rig.ticket(ticket.reference)).status == "queued"


async def test_the_score_can_be_changed_without_a_second_thanks(rig: Rig) -> None:
    phone, _ticket = await surveyed(rig)
    await phone.say("5")
    assert await phone.say("2") == []
    assert await survey_row(rig) == (2, "")


async def test_after_a_week_a_number_is_a_message(rig: Rig) -> None:
    phone, _ticket = await surveyed(rig)
    rig.clock.pass_by(days=7, hours=1)
    await phone.say("5")
    assert await survey_row(rig) == (None, "")
    assert [m.body_text for m in await rig.messages((await phone.tickets())[-1].reference) if m.direction == "in"][
        -1
    ] == "5"


async def test_a_number_that_an_agent_asked_for_is_no_score(rig: Rig) -> None:
    phone, ticket = await surveyed(rig)
    await phone.say("My bin was not emptied, not at all")
    assert (await rig.ticket(ticket.reference)).status == "queued"
    rig.clock.pass_by(minutes=5)
    await rig.reply("ben", ticket.reference, "How many bins do you have?", anyway=True)
    await rig.run("UPDATE message SET created_at = :at WHERE author_kind = 'staff'", at=rig.clock())
    await phone.say("2")
    assert await survey_row(rig) == (None, "")
    assert (await rig.ticket(ticket.reference)).preview == "2"


async def test_a_number_without_a_survey_is_a_message(rig: Rig) -> None:
    phone, ticket = await closed(rig)
    await phone.say("5")
    assert (await rig.ticket(ticket.reference)).status == "queued"


async def test_a_question_of_which_matter_wins_over_the_survey(rig: Rig) -> None:
    at_noon(rig)
    phone = Texter(rig)
    light, rent = await phone.two_matters()
    await rig.run(
        "INSERT INTO survey (ticket_id, endpoint_id, asked_at) VALUES (:t, :e, :at)",
        t=rent.id,
        e=rent.endpoint_id,
        at=rig.clock(),
    )
    await phone.say("It happened again last night, all of it")
    assert await phone.say("1") == [f"Thank you. We added your message to {light.reference}."]
    assert await survey_row(rig) == (None, "")


async def test_while_we_ask_which_matter_no_survey_is_sent(rig: Rig) -> None:
    at_noon(rig)
    phone = Texter(rig)
    await phone.two_matters()
    third = Texter(rig, NUMBER_HERE, box="text")
    await phone.say("It happened again last night, all of it")
    light = (await third.tickets())[0]
    await rig.close("sam", light.reference)
    await rig.run("UPDATE question SET expires_at = expires_at + interval '5 hours'")
    assert await later(rig, hours=2) == []


async def test_spanish_is_asked_and_thanked_in_spanish(rig: Rig) -> None:
    at_noon(rig)
    phone = Texter(rig)
    await phone.say("Hola, no hay luz en mi calle, por favor ayuda")
    (ticket,) = await phone.tickets()
    await rig.close("sam", ticket.reference, sentence="La luz está reparada.")
    rig.clock.pass_by(hours=2)
    await rig.chore(upkeep.ask_how_satisfied)
    asked = await rig.value("SELECT body_text FROM message WHERE signals ? 'survey'")
    assert asked.startswith("City of Riverdale: ¿cómo valora nuestra ayuda en ")
    assert await phone.say("5") == ["Gracias. Puede responder con un comentario en las próximas 24 horas."]
