"""A stranger with a valid reply address is held; an agent may let them in, and from then on they take part."""

from uuid import UUID

import pytest

from channels.base import Hints
from contactcenter.desk import participants
from contactcenter.errors import Conflict, Forbidden, NotFound
from contactcenter.models import Ticket
from tests.desk.test_threading import ANN, STRANGER, matter, our_id, token, visible
from tests.desk_rig import Rig


async def held(rig: Rig, words: str = "I am her brother") -> tuple[Ticket, UUID]:
    ticket = await matter(rig)
    await rig.write("mail", STRANGER, words, hints=token(rig, ticket), external_id="<b1@pond.example>")
    return ticket, (await rig.messages(ticket.reference))[-1].id


async def accept(rig: Rig, ticket: Ticket, message: UUID, who: str = "ben") -> Ticket:
    return await rig.act(who, lambda tx, staff, scope: participants.accept(tx, scope, staff, ticket.reference, message))


async def roles(rig: Rig) -> dict[str, str]:
    rows = await rig.rows("SELECT e.canonical, p.role FROM participant p JOIN endpoint e ON e.id = p.endpoint_id")
    return {address: role for address, role in rows}


async def test_a_held_stranger_is_written_down_as_held_beside_whoever_opened_the_matter(rig: Rig) -> None:
    await held(rig)
    assert await roles(rig) == {ANN: "requester", STRANGER: "held"}


async def test_an_accepted_stranger_waits_for_an_answer_like_anybody(rig: Rig) -> None:
    ticket, message = await held(rig)
    await rig.close("ben", ticket.reference)
    await accept(rig, ticket, message)
    after = await rig.ticket(ticket.reference)
    assert after.status in ("queued", "held") and after.waiting_since is not None
    assert after.preview == "I am her brother"
    assert "I am her brother" in await visible(rig, ticket)
    assert (await roles(rig))[STRANGER] == "cc"
    story = "SELECT actor_kind, data->>'message' FROM event WHERE type = 'participant.accepted'"
    assert await rig.rows(story) == [("staff", str(message))]


async def test_all_that_the_stranger_wrote_while_held_is_let_in_together(rig: Rig) -> None:
    ticket, message = await held(rig)
    await rig.write("mail", STRANGER, "Once more", hints=Hints(references=("<b1@pond.example>",)))
    assert (await rig.messages(ticket.reference))[-1].visibility == "held", (
        "their own earlier mail leads to the same place"
    )
    await accept(rig, ticket, message)
    assert {"I am her brother", "Once more"} <= set(await visible(rig, ticket))


async def test_from_then_on_their_answers_join(rig: Rig) -> None:
    ticket, message = await held(rig)
    await accept(rig, ticket, message)
    again = await rig.write("mail", STRANGER, "Thanks", hints=Hints(references=(await our_id(rig, ticket),)))
    assert again is not None and again.id == ticket.id
    assert (await rig.messages(ticket.reference))[-1].visibility == "public"


async def test_accepting_sends_nothing_to_the_new_address(rig: Rig) -> None:
    ticket, message = await held(rig)
    before = len(rig.rung)
    await accept(rig, ticket, message)
    assert len(rig.rung) == before
    sent = "SELECT count(*) FROM delivery d JOIN endpoint e ON e.id = d.endpoint_id WHERE e.canonical = :address"
    assert await rig.value(sent, address=STRANGER) == 0


async def test_what_is_not_held_cannot_be_accepted(rig: Rig) -> None:
    ticket, message = await held(rig)
    await accept(rig, ticket, message)
    with pytest.raises(Conflict) as again:
        await accept(rig, ticket, message)
    assert again.value.slug == "not-held"


async def test_who_does_not_see_the_ticket_accepts_nobody(rig: Rig) -> None:
    ticket, message = await held(rig)
    with pytest.raises(NotFound):
        await accept(rig, ticket, message, "lu")
    with pytest.raises(Forbidden):
        await accept(rig, ticket, message, "root")


async def test_a_person_whose_mail_failed_authentication_is_not_turned_into_a_stranger(rig: Rig) -> None:
    ticket = await matter(rig)
    await rig.write("mail", ANN, "Change my address", hints=token(rig, ticket), auth="fail")
    assert await roles(rig) == {ANN: "requester"}
    again = await rig.write("mail", ANN, "It is really me", hints=token(rig, ticket))
    assert again is not None and again.id == ticket.id
    assert (await rig.messages(ticket.reference))[-1].visibility == "public"
