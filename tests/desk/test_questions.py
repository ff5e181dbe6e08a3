"""A person with several open matters says which one they mean; nobody guesses for them."""

from datetime import timedelta

import pytest

from contactcenter.desk import labels
from contactcenter.jobs import upkeep
from contactcenter.models import Message, Ticket
from tests.desk_rig import Rig
from tests.texting import Texter

MORE = "It happened again last night and it is very dark"
CHOICES = [
    {"number": 1, "ticket": 11, "ref": "RD-K4M7-92TB", "label": "Streets, water, waste"},
    {"number": 2, "ticket": 12, "ref": "RD-22AB-33CW", "label": "Vivienda y ayuda con la renta"},
    {"number": 3, "ticket": None, "ref": None, "label": "something new"},
]


@pytest.mark.parametrize(
    ("words", "number"),
    [
        ("1", 1),
        ("1)", 1),
        ("#1", 1),
        ("1.", 1),
        ("number 1", 1),
        ("one", 1),
        ("the first", 1),
        ("the first one", 1),
        ("uno", 1),
        ("la primera", 1),
        ("Número 2 por favor", 2),
        ("dos", 2),
        ("the second one please", 2),
        ("2 thanks", 2),
        ("the street", 1),
        ("Streets", 1),
        ("about the water", 1),
        ("vivienda", 2),
        ("lo de la renta", 2),
        ("RD-K4M7-92TB", 1),
        ("rd k4m7 92tb", 1),
        ("92TB", 1),
        ("33cw", 2),
        ("3", 3),
        ("tres", 3),
        ("something new", 3),
        ("new", 3),
        ("algo nuevo", 3),
        ("otro", 3),
        ("none of them", None),
        ("neither", 3),
        ("4", None),
        ("0", None),
        ("12", None),
        ("1 and 2", None),
        ("1 2", None),
        ("", None),
        ("?", None),
        ("banana", None),
        ("the street light is still broken and I am angry", None),
        ("street rent", None),
        ("new street", None),
        ("RD-AAAA-BBBB", None),
        ("yes", None),
        ("ok", None),
        ("x" * 500, None),
    ],
)
def test_an_answer_is_a_number_a_word_or_a_reference_and_never_a_guess(words: str, number: int | None) -> None:
    found = labels.chosen(words, CHOICES)
    assert (found["number"] if found else None) == number


def test_a_word_that_two_matters_share_chooses_neither() -> None:
    same = [{"number": n, "ticket": n, "ref": f"RD-K4M7-92T{n}", "label": "Streets"} for n in (1, 2)]
    assert labels.chosen("streets", [*same, CHOICES[2]]) is None


async def asked(rig: Rig, language: str = "en") -> tuple[Texter, Ticket, Ticket, Ticket, str]:
    """Two open matters, and a text that could belong to either; gives both, the ticket that waits, and the question."""
    phone = Texter(rig)
    light, rent = await phone.two_matters(language)
    (question,) = await phone.say(MORE if language == "en" else "Otra vez lo mismo en la noche, por favor ayuda")
    (holder,) = [one for one in await phone.tickets() if one.id not in (light.id, rent.id)]
    return phone, light, rent, holder, question


def words_on(messages: list[Message]) -> list[str]:
    return [m.body_text for m in messages if m.direction == "in"]


def lines_on(messages: list[Message]) -> list[str]:
    return [m.line["key"] for m in messages if m.kind == "line" and m.line]


async def test_several_matters_are_asked_about_in_one_text_with_labels_and_numbers(rig: Rig) -> None:
    _phone, light, rent, holder, question = await asked(rig)
    assert question == (
        "We have your message. What is it about? Reply with a number: "
        f"1 Streets, water, waste ({light.reference[-4:]}), 2 Housing ({rent.reference[-4:]}), 3 something new."
    )
    assert len(question) <= 160
    assert holder.status == "held" and holder.held_until == rig.clock() + timedelta(minutes=10)
    assert lines_on(await rig.messages(holder.reference)) == ["which_matter"]
    assert await rig.breaches() == {}


async def test_the_question_speaks_the_persons_language(rig: Rig) -> None:
    _phone, _light, _rent, holder, question = await asked(rig, "es")
    assert (
        "¿De qué se trata? Responda con un número: 1 Calles, agua, residuos" in question and "3 algo nuevo." in question
    )
    assert holder.language == "es"


@pytest.mark.parametrize("words", ["1", "1)", "uno", "the first", "street", "waste please"])
async def test_the_answer_moves_what_waited_and_says_where_it_went(rig: Rig, words: str) -> None:
    phone, light, rent, holder, _question = await asked(rig)
    assert await phone.say(words) == [f"Thank you. We added your message to {light.reference}."]
    assert words_on(await rig.messages(light.reference))[1:] == [MORE, words]
    assert MORE not in words_on(await rig.messages(rent.reference))
    assert (await rig.ticket(holder.reference)).status == "cancelled"
    after = await rig.ticket(light.reference)
    assert after.preview == MORE and after.waiting_since is not None
    assert await rig.rows("SELECT outcome FROM question") == [("chosen",)]
    assert await rig.breaches() == {}


async def test_a_reference_chooses_too_and_is_no_request_for_its_status(rig: Rig) -> None:
    phone, _light, rent, _holder, _question = await asked(rig)
    assert await phone.say(rent.reference) == [f"Thank you. We added your message to {rent.reference}."]


async def test_an_answered_matter_wakes_when_the_person_means_it(rig: Rig) -> None:
    phone = Texter(rig)
    light, _rent = await phone.two_matters()
    await rig.reply("ben", light.reference, "We will repair it on Friday.")
    assert (await rig.ticket(light.reference)).status == "waiting_citizen"
    await phone.say(MORE)
    await phone.say("1")
    assert (await rig.ticket(light.reference)).status == "queued"


async def test_further_texts_join_what_waits_and_move_with_it(rig: Rig) -> None:
    phone, light, _rent, holder, _question = await asked(rig)
    assert await phone.say("The whole row of houses") == []
    assert words_on(await rig.messages(holder.reference)) == [MORE, "The whole row of houses"]
    await phone.say("1")
    assert words_on(await rig.messages(light.reference))[1:] == [MORE, "The whole row of houses", "1"]


async def test_something_new_enters_its_queue_and_is_acknowledged(rig: Rig) -> None:
    phone, _light, _rent, holder, _question = await asked(rig)
    (ack,) = await phone.say("3")
    after = await rig.ticket(holder.reference)
    assert after.status == "queued" and after.reference in ack and "A person will reply by" in ack
    assert await rig.value("SELECT count(*) FROM promise WHERE ticket_id = :id AND state = 'open'", id=after.id) == 1
    assert after.due_at is not None
    assert await rig.rows("SELECT outcome FROM question") == [("new",)]


async def test_nonsense_stays_where_it_is_and_asks_nothing_again(rig: Rig) -> None:
    phone, _light, _rent, holder, _question = await asked(rig)
    assert await phone.say("banana") == []
    assert words_on(await rig.messages(holder.reference)) == [MORE, "banana"]
    assert (await rig.ticket(holder.reference)).status == "held"


async def test_ignored_for_ten_minutes_an_agent_decides(rig: Rig) -> None:
    _phone, _light, _rent, holder, _question = await asked(rig)
    rig.clock.pass_by(minutes=9, seconds=59)
    await rig.chore(upkeep.time_out_questions)
    assert (await rig.ticket(holder.reference)).status == "held"
    rig.clock.pass_by(seconds=2)
    await rig.chore(upkeep.time_out_questions)
    await rig.chore(upkeep.time_out_questions)
    after = await rig.ticket(holder.reference)
    assert after.status == "queued" and after.due_at is not None
    assert lines_on(await rig.messages(holder.reference)) == ["which_matter", "which_matter_unanswered"]
    assert await rig.rows("SELECT outcome FROM question") == [("late",)]
    assert await rig.value("SELECT count(*) FROM queue_stay WHERE ticket_id = :id AND leave IS NULL", id=after.id) == 1


async def test_the_queue_opening_first_loses_nothing(rig: Rig) -> None:
    _phone, _light, _rent, holder, _question = await asked(rig)
    rig.clock.pass_by(minutes=11)
    await rig.chore(upkeep.open_held)
    await rig.chore(upkeep.time_out_questions)
    assert (await rig.ticket(holder.reference)).status == "queued"
    assert await rig.value("SELECT count(*) FROM queue_stay WHERE ticket_id = :id", id=holder.id) == 1


async def test_a_late_answer_moves_nothing_but_tells_the_agent(rig: Rig) -> None:
    phone, light, _rent, holder, _question = await asked(rig)
    rig.clock.pass_by(minutes=12)
    await rig.chore(upkeep.time_out_questions)
    assert await phone.say("1") == []
    messages = await rig.messages(holder.reference)
    assert words_on(messages) == [MORE, "1"]
    assert messages[-1].line == {
        "key": "which_matter_late",
        "params": {"ref": light.reference, "label": "Streets, water, waste"},
    }
    after = await rig.ticket(holder.reference)
    assert (after.maybe_id, after.maybe_why, after.status) == (light.id, "answered_late", "queued")
    assert len(await phone.tickets()) == 3, "a late answer opens no matter of its own"


async def test_an_answer_before_the_leader_looked_but_after_the_time_is_late_as_well(rig: Rig) -> None:
    phone, _light, _rent, holder, _question = await asked(rig)
    rig.clock.pass_by(minutes=12)
    assert await phone.say("2") == []
    assert "which_matter_late" in lines_on(await rig.messages(holder.reference))


async def test_within_half_an_hour_nobody_is_asked_twice(rig: Rig) -> None:
    phone, light, _rent, _holder, _question = await asked(rig)
    await phone.say("1")
    answers = await phone.say("My neighbour's light is out too")
    (straight,) = [one for one in await phone.tickets() if one.maybe_why == "several_open"]
    assert straight.status == "queued" and straight.maybe_id is not None and straight.reference in answers[0]
    await phone.say("At number 12")
    assert words_on(await rig.messages(straight.reference)) == ["My neighbour's light is out too", "At number 12"]
    assert light.id != straight.id and await rig.value("SELECT count(*) FROM question") == 1


async def test_after_half_an_hour_they_are_asked_again(rig: Rig) -> None:
    phone, _light, _rent, _holder, _question = await asked(rig)
    await phone.say("1")
    rig.clock.pass_by(minutes=31)
    (again,) = await phone.say("And now the water is gone too, all of it")
    assert "Reply with a number: 1 " in again


async def test_a_late_question_and_more_texts_stay_together(rig: Rig) -> None:
    phone, _light, _rent, holder, _question = await asked(rig)
    rig.clock.pass_by(minutes=12)
    await rig.chore(upkeep.time_out_questions)
    await phone.say("Nobody has come yet and it is dark")
    assert words_on(await rig.messages(holder.reference)) == [MORE, "Nobody has come yet and it is dark"]


async def test_who_said_stop_is_asked_nothing_and_an_agent_decides(rig: Rig) -> None:
    phone = Texter(rig)
    await phone.two_matters()
    await phone.wish("STOP", "revoked")
    assert await phone.say(MORE) == []
    (straight,) = [one for one in await phone.tickets() if one.maybe_why == "several_open"]
    assert straight.status == "queued" and words_on(await rig.messages(straight.reference)) == [MORE]


async def test_stop_itself_never_asks_which_matter(rig: Rig) -> None:
    phone = Texter(rig)
    await phone.two_matters()
    await phone.wish("STOP", "revoked")
    assert await rig.value("SELECT count(*) FROM question") == 0
    assert len(await phone.tickets()) == 2


async def test_a_text_that_holds_a_reference_goes_there_at_once(rig: Rig) -> None:
    phone = Texter(rig)
    light, _rent = await phone.two_matters()
    words = f"About {light.reference.lower()}: it is dark again tonight"
    assert await phone.say(words) == []
    assert words_on(await rig.messages(light.reference))[-1] == words
    assert await rig.value("SELECT count(*) FROM question") == 0


async def test_two_closed_matters_and_none_open_are_not_guessed_between(rig: Rig) -> None:
    phone = Texter(rig)
    light, rent = await phone.two_matters()
    for ticket in (light, rent):
        await rig.close("sam", ticket.reference)
    await phone.say(MORE)
    assert len(await phone.tickets()) == 3
    assert [(await rig.ticket(one.reference)).status for one in (light, rent)] == ["closed", "closed"]


async def test_one_open_matter_takes_the_text_though_another_was_just_closed(rig: Rig) -> None:
    phone = Texter(rig)
    light, rent = await phone.two_matters()
    await rig.close("sam", light.reference)
    assert await phone.say(MORE) == []
    assert words_on(await rig.messages(rent.reference))[-1] == MORE


async def test_asking_for_a_person_ends_the_question(rig: Rig) -> None:
    phone, _light, _rent, holder, _question = await asked(rig)
    (answer,) = await phone.say("PERSON")
    after = await rig.ticket(holder.reference)
    assert after.status == "queued" and after.reference in answer
    assert await rig.rows("SELECT outcome FROM question") == [("withdrawn",)]


async def test_status_while_a_question_stands_is_still_answered(rig: Rig) -> None:
    phone, light, rent, holder, _question = await asked(rig)
    (answer,) = await phone.say("STATUS")
    assert light.reference in answer and rent.reference in answer and holder.reference not in answer
    assert await rig.value("SELECT count(*) FROM question WHERE answered_at IS NULL") == 1


async def test_the_agent_may_take_what_waits_before_the_answer_comes(rig: Rig) -> None:
    phone, light, _rent, holder, _question = await asked(rig)
    await rig.reply("ben", holder.reference, "I look at it now.", anyway=True)
    await phone.say("1")
    assert words_on(await rig.messages(light.reference))[-2:] == [MORE, "1"]
    after = await rig.ticket(holder.reference)
    assert after.status == "waiting_citizen", "the agent's words stay where they were said"
    assert await rig.breaches() == {}
