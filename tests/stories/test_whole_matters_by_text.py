"""Whole matters by text alone, in two languages: told, mixed up, asked about, answered, ended, rated, and stopped."""

from dataclasses import dataclass

import pytest

from channels.base import Sent
from contactcenter.desk import composing
from contactcenter.jobs import sender, upkeep
from tests.desk.provider import Provider, stand_in
from tests.desk_rig import Rig
from tests.texting import Texter, at_noon


@dataclass(frozen=True)
class Words:
    """What the person says, and pieces of what the desk must say."""

    report: str
    second: str
    unclear: str
    added: str
    status: str
    waits: str
    answered: str
    asked: str
    happy: str
    received: str


ENGLISH = Words(
    "The street light is out on my street", "My rent is too high, I need help with the rent",
    "It happened again last night and nobody came", "Thank you. We added your message to ", "STATUS",
    "We received it. A person will reply by ", "We answered. Reply here", "how satisfied were you", "Thank you. You can reply",
    "we received your message. Your reference is ",
)  # fmt: skip
SPANISH = Words(
    "Hola, no hay luz en mi calle, por favor ayuda", "Necesito ayuda con la renta de mi casa, por favor",
    "Otra vez lo mismo en la noche, por favor ayuda", "Gracias. Agregamos su mensaje a ", "Estado",
    "Lo recibimos. Una persona le responderá antes del ", "Ya le respondimos.", "¿cómo valora nuestra ayuda",
    "Gracias. Puede responder", "recibimos su mensaje. Su número de referencia es ",
)  # fmt: skip


async def send_all(rig: Rig) -> None:
    for (delivery_id,) in await rig.rows("SELECT id FROM delivery WHERE state = 'queued' ORDER BY id"):
        await sender.deliver(rig.house.database, rig.house.kit, delivery_id)


@pytest.mark.parametrize(("language", "words"), [("en", ENGLISH), ("es", SPANISH)])
async def test_reported_mixed_up_asked_about_answered_ended_and_rated(rig: Rig, language: str, words: Words) -> None:
    phone = Texter(rig)
    light, rent = await phone.two_matters(language)
    assert (light.language, rent.language) == (language, language)
    acks = [m.body_text for m in await rig.messages(light.reference) if m.direction == "out"]
    assert words.received in acks[0] and light.reference in acks[0]
    (question,) = await phone.say(words.unclear)
    assert light.reference[-4:] in question and rent.reference[-4:] in question
    assert await phone.say("1") == [f"{words.added}{light.reference}."]
    (listed,) = await phone.say(words.status)
    assert listed.count(words.waits) == 2 and light.reference in listed and rent.reference in listed
    await rig.on_duty("ana")
    while await rig.route():
        pass
    await rig.reply(
        "ana", light.reference, "Reparamos la luz el viernes." if language == "es" else "We repair it on Friday."
    )
    (answer,) = await phone.say(f"{words.status} {light.reference}")
    assert words.answered in answer
    await rig.close("sam", rent.reference)
    at_noon(rig)
    await rig.close("ana", light.reference, sentence="Listo." if language == "es" else "It is repaired.")
    await rig.run("UPDATE ticket SET closed_at = closed_at - interval '2 days' WHERE id = :id", id=rent.id)
    rig.clock.pass_by(hours=1, minutes=1)
    await rig.chore(upkeep.ask_how_satisfied)
    last = (await rig.messages(light.reference))[-2].body_text
    assert words.asked in last and light.reference in last
    (thanks,) = await phone.say("5")
    assert thanks.startswith(words.happy)
    assert await rig.rows("SELECT score FROM survey") == [(5,)]
    assert (await rig.ticket(light.reference)).status == "closed"
    assert await rig.breaches() == {}


async def test_stop_in_the_middle_and_not_one_text_leaves(rig: Rig) -> None:
    phone = Texter(rig)
    light, _rent = await phone.two_matters()
    await rig.reply("ana", light.reference, "We repair it on Friday.")
    await phone.say("It happened again last night and nobody came")
    await phone.wish("STOP", "revoked")
    provider = stand_in(rig, Provider(sends=[Sent(f"SM{n}") for n in range(20)]))
    provider.capabilities = type(
        provider
    ).capabilities  # the stand-in has no commands; the person's words are messages again
    await send_all(rig)
    await phone.say("STATUS")
    await phone.say("HELP")
    await rig.close("sam", light.reference)
    at_noon(rig)
    rig.clock.pass_by(hours=2)
    for chore in (upkeep.time_out_questions, upkeep.ask_how_satisfied):
        await rig.chore(chore)
    await send_all(rig)
    assert provider.wires == []
    assert await rig.value("SELECT count(*) FROM delivery WHERE state NOT IN ('canceled')") == 0


async def test_after_stop_every_word_of_the_desk_is_refused_and_written_down(rig: Rig) -> None:
    phone = Texter(rig)
    light, _rent = await phone.two_matters()
    await phone.wish("STOP", "revoked")
    for words in ("STATUS", "HELP", "PERSON", "LANG ES", "It happened again and nobody came", light.reference):
        assert await phone.say(words) == [], words
    assert await rig.value("SELECT count(*) FROM event WHERE type = 'notice.refused'") >= 5
    assert await rig.value("SELECT count(*) FROM delivery WHERE state <> 'canceled'") == 0


async def test_start_gives_the_voice_back(rig: Rig) -> None:
    phone = Texter(rig)
    await phone.say("The street light is out on my street")
    await phone.wish("STOP", "revoked")
    assert await phone.say("STATUS") == []
    await phone.wish("START", "given")
    (answer,) = await phone.say("STATUS")
    assert "We received it." in answer
    (ticket,) = await phone.tickets()
    await rig.reply("ben", ticket.reference, "We repair it on Friday.", anyway=True)
    provider = stand_in(rig, Provider(sends=[Sent("SM1"), Sent("SM2")]))
    await send_all(rig)
    assert [wire.text for wire in provider.wires] == [answer, "We repair it on Friday."]


async def test_a_wish_in_plain_words_is_the_agents_to_settle(rig: Rig) -> None:
    phone = Texter(rig)
    await phone.say("The street light is out on my street")
    (ticket,) = await phone.tickets()
    await phone.wish("please stop texting me", "doubted")
    said = await rig.messages(ticket.reference)
    assert "consent_doubted" in [m.line["key"] for m in said if m.line and m.kind == "line"]
    assert "please stop texting me" in [m.body_text for m in said if m.direction == "in"]
    async with rig.house.database.transaction() as tx:
        compose = await composing.compose(tx, rig.house.kit, await rig.scope("ben"), await rig.ticket(ticket.reference))
    assert compose["can_reply"], "the agent may still answer"
    assert await phone.say("STATUS") == [], "the desk itself waits"


async def test_a_late_answer_reaches_the_agent_and_nonsense_never_attaches(rig: Rig) -> None:
    phone = Texter(rig)
    light, rent = await phone.two_matters()
    await phone.say("It happened again last night and nobody came")
    await phone.say("what do you mean")
    rig.clock.pass_by(minutes=11)
    await rig.chore(upkeep.time_out_questions)
    await phone.say("the first")
    (holder,) = [one for one in await phone.tickets() if one.id not in (light.id, rent.id)]
    assert holder.status == "queued"
    said = [m.body_text for m in await rig.messages(holder.reference) if m.direction == "in"]
    assert said == ["It happened again last night and nobody came", "what do you mean", "the first"]
    for matter in (light, rent):
        assert len([m for m in await rig.messages(matter.reference) if m.direction == "in"]) == 1
    assert await rig.breaches() == {}


async def test_the_first_text_says_who_writes_and_how_to_stop_and_no_other_does(rig: Rig) -> None:
    phone = Texter(rig)
    (ack,) = await phone.say("The street light is out on my street")
    assert ack.startswith("City of Riverdale: ") and ack.endswith("Reply STOP to get no more texts.")
    (ticket,) = await phone.tickets()
    await rig.close("sam", ticket.reference)
    await rig.run("UPDATE ticket SET closed_at = closed_at - interval '30 days'")
    (again,) = await phone.say("My bin was not emptied, please help")
    assert "STOP" not in again
