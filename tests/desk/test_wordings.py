"""The agency's own words, and the signature below an answer."""

from typing import Any

import pytest

from channels.base import Capabilities
from contactcenter.desk import texts, wordings
from contactcenter.errors import Refused
from tests.desk.outgoing import answer, deliver, row_of
from tests.desk.provider import MailProvider, Provider, stand_in
from tests.desk_rig import Rig


async def word(rig: Rig, key: str, body: str, *, queue: str | None = None, language: str = "en") -> None:
    await rig.run(
        "INSERT INTO wording (agency_id, queue_id, language, key, body) VALUES (:a, (SELECT id FROM queue WHERE slug = :q "
        "AND agency_id = :a), :l, :k, :b)", a=rig.agency_id, q=queue, l=language, k=key, b=body,
    )  # fmt: skip
    wordings.forget()


async def say(rig: Rig, key: str, queue: str = "services", language: str = "en", **values: Any) -> str:
    queue_id = await rig.value("SELECT id FROM queue WHERE slug = :q AND agency_id = :a", q=queue, a=rig.agency_id)
    async with rig.house.database.transaction() as tx:
        return await wordings.say(tx, rig.agency_id, queue_id, language, key, **values)


async def test_the_queues_words_go_before_the_agencys_and_those_before_ours(rig: Rig) -> None:
    ours = texts.say("en", "ack_subject", ref="RD-1")
    assert await say(rig, "ack_subject", ref="RD-1") == ours
    await word(rig, "ack_subject", "We have it: {ref}")
    await word(rig, "ack_subject", "Housing has it: {ref}", queue="housing")
    assert await say(rig, "ack_subject", ref="RD-1") == "We have it: RD-1"
    assert await say(rig, "ack_subject", "housing", ref="RD-1") == "Housing has it: RD-1"
    assert await say(rig, "ack_subject", language="es", ref="RD-1") == texts.say("es", "ack_subject", ref="RD-1")


async def test_an_agencys_words_reach_into_nothing_but_the_values(rig: Rig) -> None:
    await word(rig, "ack_subject", "{ref} {ref.__class__} {0} {nothing}")
    assert await say(rig, "ack_subject", ref="RD-1") == "RD-1 {ref.__class__} {0} {nothing}"


@pytest.mark.parametrize(
    ("key", "body", "slug"),
    [
        ("no_such", "x", "unknown-wording"),
        ("months", "x", "unknown-wording"),
        ("ack_subject", "x" * 2001, "too-long"),
        ("ack_subject", "{ref} {secret}", "unknown-name"),
        ("ack_subject", "{ref.__class__}", "unknown-name"),
        ("ack_subject", "{ref", "braces"),
        ("signature", "{ref}", "unknown-name"),
    ],
)
async def test_words_that_could_not_be_filled_in_are_refused(key: str, body: str, slug: str) -> None:
    with pytest.raises(Refused) as refused:
        wordings.check(key, body)
    assert refused.value.slug == slug


async def test_words_that_can_be_are_kept_as_written() -> None:
    assert wordings.check("signature", " {name}\n{agency}\n") == "{name}\n{agency}"
    assert {"signature", "ack", "ack_subject"} <= set(wordings.keys())


async def mail(rig: Rig, provider: MailProvider) -> str:
    """Ben answers a mail; gives what left."""
    stand_in(rig, provider)
    ticket = await rig.write("mail", "ann@lake.example", "Please help, the bin was not emptied")
    assert ticket is not None
    await rig.run("UPDATE delivery SET state = 'delivered'")
    message = await answer(rig, "ben", ticket.reference, "On Friday.")
    await deliver(rig, (await row_of(rig, message)).id)
    stored = next(m for m in await rig.messages(ticket.reference) if m.id == message)
    assert stored.body_text == "On Friday.", "the signature is not part of what was said"
    return provider.wires[-1].text


async def test_an_answer_by_mail_is_signed(rig: Rig) -> None:
    assert await mail(rig, MailProvider()) == "On Friday.\n\n-- \nBen\nCity of Riverdale, City services\n"


async def test_the_agency_signs_as_it_likes_or_not_at_all(rig: Rig) -> None:
    await word(rig, "signature", "{name}\n{agency}")
    assert await mail(rig, MailProvider()) == "On Friday.\n\n-- \nBen\nCity of Riverdale\n"
    await word(rig, "signature", "", queue="services")
    assert await mail(rig, MailProvider()) == "On Friday."


async def test_words_at_the_limit_go_without_a_signature_rather_than_not_at_all(rig: Rig) -> None:
    class Short(MailProvider):
        capabilities = Capabilities(endpoint_kind="email", max_text=20, pace="later", subjects=True)

    assert await mail(rig, Short()) == "On Friday."


async def test_a_text_and_what_the_desk_says_bear_no_signature(rig: Rig) -> None:
    provider = stand_in(rig, Provider())
    ticket = await rig.text("+12025550117", "The street light is out")
    assert ticket is not None
    await deliver(rig, await rig.value("SELECT max(id) FROM delivery"))
    await rig.run("UPDATE delivery SET state = 'delivered'")
    message = await answer(rig, "ben", ticket.reference, "On Friday.")
    await deliver(rig, (await row_of(rig, message)).id)
    assert provider.wires[-1].text == "On Friday." and "-- " not in provider.wires[0].text
