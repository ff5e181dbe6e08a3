"""Short texts that the desk answers by itself; everything else is a message for a person."""

from datetime import timedelta

import pytest

from channels.base import File, Hints
from contactcenter.desk.commands import Command, read
from contactcenter.desk.references import new_reference
from tests.desk_rig import Rig
from tests.texting import Texter

OURS = "RD-K4M7-92T"


def reference(prefix: str = "RD") -> str:
    """One that has at least a digit, as nearly all have."""
    while True:
        made = new_reference(prefix)
        if any(c.isdigit() for c in made):
            return made


@pytest.mark.parametrize(
    ("words", "means"),
    [
        ("STATUS", Command("status")),
        ("status", Command("status")),
        ("Estado?", Command("status")),
        ("status please", Command("status")),
        ("Estado, por favor", Command("status")),
        ("HELP", Command("help")),
        ("Info!", Command("help")),
        ("ayuda gracias", Command("help")),
        ("AGENT", Command("person")),
        ("Agente", Command("person")),
        ("person please", Command("person")),
        ("PERSONA.", Command("person")),
        ("LANG ES", Command("language", "es")),
        ("language english", Command("language", "en")),
        ("Idioma Español", Command("language", "es")),
        ("idioma: español por favor", Command("language", "es")),
        ("lang EN", Command("language", "en")),
        ("5", Command("score", "5")),
        ("1!", Command("score", "1")),
        ("4 thanks", Command("score", "4")),
    ],
)
def test_a_short_text_is_understood_in_both_languages(words: str, means: Command) -> None:
    assert read(words, "RD") == means


@pytest.mark.parametrize(
    "words",
    [
        "status of my permit?",
        "What is the status",
        "status of yard sale",
        "STOP",
        "CANCEL",
        "END",
        "QUIT",
        "cancelar",
        "help me, my house burns",
        "I need an agent",
        "the person next door is loud",
        "lang",
        "language",
        "LANG FR",
        "6",
        "0",
        "55",
        "1 2",
        "",
        "please",
        "thanks",
        "gracias",
        "my yard sale",
        "we have rats here",
        "estado de mi permiso",
        "ayuda con mi calle",
        "no",
        "yes",
        "it is at 12 Elm",
        "RD",
        "status " + "x" * 80,
    ],
)
def test_prose_is_never_a_command(words: str) -> None:
    assert read(words, "RD") is None


@pytest.mark.parametrize(
    "shape", ["{0}", "status {0}", "Status: {0}", " {0}. ", "{1}", "STATUS {1}", "{2}", "estado {2} por favor"]
)
def test_a_reference_alone_asks_for_its_status_however_it_is_typed(shape: str) -> None:
    ref = reference()
    words = shape.format(ref, ref.lower().replace("-", " "), ref.replace("-", ""))
    assert read(words, "RD") == Command("status", ref)


async def texting(rig: Rig, words: str = "The street light is out on my street") -> Texter:
    phone = Texter(rig)
    await phone.say(words)
    return phone


async def test_status_tells_state_and_date_of_the_one_open_matter(rig: Rig) -> None:
    phone = await texting(rig)
    (ticket,) = await phone.tickets()
    (answer,) = await phone.say("STATUS")
    assert answer.startswith(f"{ticket.reference}: We received it. A person will reply by ")
    assert "(E" in answer, "the time has its zone"


async def test_status_neither_reopens_nor_waits_and_stands_on_the_ticket(rig: Rig) -> None:
    await rig.on_duty("ben")
    phone = await texting(rig)
    (ticket,) = await phone.tickets()
    await rig.route()
    await rig.reply("ben", ticket.reference, "We repair it on Friday.")
    (answer,) = await phone.say("Status, please")
    after = await rig.ticket(ticket.reference)
    assert (after.status, after.waiting_since, after.preview) == ("waiting_citizen", None, "We repair it on Friday.")
    assert answer == f"{ticket.reference}: We answered. Reply here if this did not fix it."
    said = await rig.messages(ticket.reference)
    assert [(m.author_kind, m.body_text) for m in said if m.direction == "in"][-1] == ("citizen", "Status, please")
    assert {"key": "command", "params": {"word": "status"}} in [m.line for m in said if m.kind == "line"]


async def test_a_question_of_the_agent_is_something_we_need(rig: Rig) -> None:
    phone = await texting(rig)
    (ticket,) = await phone.tickets()
    await rig.reply("ben", ticket.reference, "Which pole is it?")
    assert await phone.say("status") == [f"{ticket.reference}: We need something from you. Reply to our last message."]


async def test_a_date_that_passed_is_called_late(rig: Rig) -> None:
    phone = await texting(rig)
    rig.clock.pass_by(days=20)
    (answer,) = await phone.say("status")
    assert "We are late: we said " in answer and "as soon as one is free" in answer


async def test_a_closed_matter_is_told_with_its_sentence_and_stays_closed(rig: Rig) -> None:
    phone = await texting(rig)
    (ticket,) = await phone.tickets()
    await rig.close("sam", ticket.reference, sentence="The light was repaired.")
    (answer,) = await phone.say("status")
    assert answer == f"{ticket.reference}: Closed. The light was repaired. Reply within 7 days if this did not fix it."
    assert (await rig.ticket(ticket.reference)).status == "closed"


async def test_several_matters_are_a_numbered_list(rig: Rig) -> None:
    phone = Texter(rig)
    light, rent = await phone.two_matters()
    (answer,) = await phone.say("STATUS")
    rows = answer.splitlines()
    assert rows[0] == "You have 2 open matters."
    assert rows[1].startswith(f"1. Streets, water, waste ({light.reference}): We received it.")
    assert rows[2].startswith(f"2. Housing ({rent.reference}): We received it.")


async def test_status_with_a_reference_tells_of_that_one(rig: Rig) -> None:
    phone = Texter(rig)
    light, rent = await phone.two_matters()
    (answer,) = await phone.say(f"status {light.reference.lower()}")
    assert answer.startswith(f"{light.reference}: ") and rent.reference not in answer
    assert (await rig.messages(light.reference))[-2].direction == "internal", (
        "the line stands on the matter that was asked about"
    )


async def test_somebody_elses_reference_sounds_like_one_that_does_not_exist(rig: Rig) -> None:
    other = Texter(rig, "+12025550188")
    await other.say("My rent is too high, I need help")
    (foreign,) = await other.tickets()
    phone = await texting(rig)
    real, invented = await phone.say(foreign.reference), await phone.say(f"STATUS {reference()}")
    assert real == invented and len(real) == 1 and foreign.reference not in real[0]
    assert len(await rig.messages(foreign.reference)) == 2, "nothing stands on the other person's ticket"


async def test_a_stranger_is_answered_once_and_no_ticket_waits(rig: Rig) -> None:
    phone = Texter(rig)
    (answer,) = await phone.say("HELP")
    assert (
        answer.startswith("City of Riverdale: ")
        and "STATUS" in answer
        and answer.endswith("Reply STOP to get no more texts.")
    )
    (ticket,) = await phone.tickets()
    assert (ticket.status, ticket.waiting_since, ticket.next_action_at) == ("cancelled", None, None)
    assert await rig.value("SELECT count(*) FROM queue_stay") + await rig.value("SELECT count(*) FROM promise") == 0
    assert await rig.breaches() == {}


async def test_after_help_the_first_real_text_is_a_new_matter(rig: Rig) -> None:
    phone = Texter(rig)
    await phone.say("HELP")
    (ack,) = await phone.say("The street light is out on my street")
    first, second = await phone.tickets()
    assert (first.status, second.status) == ("cancelled", "queued") and second.reference in ack


async def test_a_strangers_status_says_there_is_nothing_and_a_second_opens_no_second_ticket(rig: Rig) -> None:
    phone = Texter(rig)
    (answer,) = await phone.say("ESTADO")
    assert "nothing open" in answer or "nada abierto" in answer
    assert len(await phone.say("STATUS")) == 1
    assert len(await phone.tickets()) == 1


async def test_help_answered_by_the_provider_gets_no_second_answer(rig: Rig) -> None:
    phone = await texting(rig)
    assert await phone.say("HELP", hints=Hints(answered=True)) == []
    stranger = Texter(rig, "+12025550177")
    assert await stranger.say("HELP", hints=Hints(answered=True)) == []


async def test_a_word_about_language_changes_ticket_person_and_what_the_agent_must_speak(rig: Rig) -> None:
    phone = await texting(rig)
    assert await phone.say("IDIOMA ESPAÑOL") == ["Desde ahora le escribimos en español."]
    (ticket,) = await phone.tickets()
    assert ticket.language == "es"
    assert await rig.value("SELECT language FROM contact WHERE id = :id", id=ticket.contact_id) == "es"
    spanish = await rig.value("SELECT id FROM skill WHERE slug = 'spanish'")
    assert spanish in [skill for skill, _level in ticket.skills]
    (answer,) = await phone.say("estado")
    assert "Lo recibimos. Una persona le responderá antes del" in answer
    await rig.on_duty("ana", "ben")
    await rig.route()
    assert (await rig.ticket(ticket.reference)).owner_id == (await rig.staff("ana")).id


async def test_a_language_that_the_agency_does_not_speak_is_a_message(rig: Rig) -> None:
    await rig.run("UPDATE agency SET languages = '[\"en\"]'")
    phone = await texting(rig)
    assert await phone.say("LANG ES") == []
    (ticket,) = await phone.tickets()
    assert (await rig.messages(ticket.reference))[-1].body_text == "LANG ES"


async def test_asking_for_a_person_wakes_the_matter_and_says_when(rig: Rig) -> None:
    phone = await texting(rig)
    (ticket,) = await phone.tickets()
    await rig.reply("ben", ticket.reference, "Look at our page.")
    (answer,) = await phone.say("AGENT")
    after = await rig.ticket(ticket.reference)
    assert after.status == "queued" and after.waiting_since is not None
    assert after.next_action_at is not None and after.next_action_at <= rig.clock()
    assert answer.startswith(f"{ticket.reference}: we told our team that you want a person. A person will reply by ")
    assert await rig.value("SELECT count(*) FROM promise WHERE state = 'open'") == 1, "the date given is kept as data"
    assert "asked_for_person" in [
        m.line["key"] for m in await rig.messages(ticket.reference) if m.line and m.kind == "line"
    ]


async def test_asking_for_a_person_without_a_matter_opens_one(rig: Rig) -> None:
    phone = Texter(rig)
    (ack,) = await phone.say("PERSONA")
    (ticket,) = await phone.tickets()
    assert ticket.status == "queued" and ticket.reference in ack


async def test_more_than_ten_answers_an_hour_are_not_given(rig: Rig) -> None:
    phone = await texting(rig)
    answers = [await phone.say("STATUS") for _ in range(12)]
    assert [len(one) for one in answers] == [1] * 10 + [0, 0]
    (ticket,) = await phone.tickets()
    assert len([m for m in await rig.messages(ticket.reference) if m.body_text == "STATUS"]) == 12, "all were kept"


async def test_after_stop_a_command_is_kept_and_not_answered(rig: Rig) -> None:
    phone = await texting(rig)
    await phone.wish("STOP", "revoked")
    assert await phone.say("STATUS") == []
    assert (
        await rig.value("SELECT count(*) FROM event WHERE type = 'notice.refused' AND data->>'why' = 'opted_out'") == 1
    )


async def test_a_word_beside_a_picture_is_a_message(rig: Rig) -> None:
    phone = await texting(rig)
    await phone.say("status", files=(File("a.jpg", "image/jpeg", b"\xff\xd8"),))
    (ticket,) = await phone.tickets()
    assert ticket.preview == "status"


async def test_the_same_command_delivered_twice_is_answered_once(rig: Rig) -> None:
    phone = await texting(rig)
    assert len(await phone.say("STATUS")) == 1
    phone._count -= 1
    assert await phone.say("STATUS") == []


async def test_on_a_channel_without_commands_the_word_is_a_message(rig: Rig) -> None:
    ticket = await rig.write("mail", "dana@example.org", "STATUS")
    assert ticket is not None and ticket.status == "queued"


async def test_a_first_text_costs_the_commands_no_question_and_one_open_matter_neither(rig: Rig) -> None:
    asked: list[str] = []
    from contactcenter.desk import standing

    real = standing._ASK.row

    async def counting(tx: object, values: object) -> object:
        asked.append("standing")
        return await real(tx, values)  # type: ignore[arg-type]  # passed on as it came

    standing._ASK.row = counting  # type: ignore[method-assign,assignment]  # counts, and does what it did
    try:
        phone = await texting(rig)
        await phone.say("It is at Elm and 4th")
        assert asked == []
        await phone.say("STATUS")
        assert asked == ["standing"]
    finally:
        standing._ASK.row = real  # type: ignore[method-assign]  # as above


async def test_the_promise_of_the_first_answer_is_the_one_that_status_tells(rig: Rig) -> None:
    phone = Texter(rig)
    (ack,) = await phone.say("The street light is out on my street")
    rig.clock.at += timedelta(minutes=30)
    (answer,) = await phone.say("STATUS")
    date = ack.split("reply by ")[1].split(".")[0]
    assert date in answer
