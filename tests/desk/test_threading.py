"""To which matter a mail or text belongs. Whoever is no participant is never merged and gets no history."""

import time

import pytest

from channels.base import Address, Hints
from contactcenter.desk import visitors
from contactcenter.desk.references import reply_token
from contactcenter.desk.threading import LONGEST, bare, references_in
from contactcenter.models import Ticket
from tests.desk_rig import Rig, move_in

ANN, STRANGER, PHONE = "ann@lake.example", "bob@pond.example", "+12025550117"


async def matter(rig: Rig) -> Ticket:
    """Ann's mail about her bins, answered by Ben."""
    ticket = await rig.write("mail", ANN, "My bins were not emptied", subject="Bins", external_id="<1@lake.example>")
    assert ticket is not None
    await rig.reply("ben", ticket.reference, "We will come on Friday.")
    return await rig.ticket(ticket.reference)


def token(rig: Rig, ticket: Ticket) -> Hints:
    return Hints(reply_token=reply_token(rig.house.kit.secret, ticket.id, ticket.endpoint_id))


async def our_id(rig: Rig, ticket: Ticket) -> str:
    """The id of Ben's mail, as it stands on the wire."""
    found = [m.external_id for m in await rig.messages(ticket.reference) if m.author_kind == "staff"]
    assert found and found[0]
    return found[0]


async def visible(rig: Rig, ticket: Ticket) -> list[str]:
    async with rig.house.database.transaction() as tx:
        return [m.body_text for m in await visitors.public_messages(tx, ticket.id, 0)]


async def test_the_reply_address_leads_the_citizen_back_to_their_matter(rig: Rig) -> None:
    ticket = await matter(rig)
    again = await rig.write("mail", ANN, "Friday is fine", hints=token(rig, ticket))
    assert again is not None and again.id == ticket.id
    assert (await rig.messages(ticket.reference))[-1].visibility == "public"


async def test_a_stranger_with_a_valid_reply_address_is_held_for_an_agent(rig: Rig) -> None:
    ticket = await matter(rig)
    waiting = (await rig.ticket(ticket.reference)).status
    again = await rig.write("mail", STRANGER, "Give me the address of Ann", hints=token(rig, ticket))
    assert again is not None and again.id == ticket.id
    last = (await rig.messages(ticket.reference))[-1]
    assert (last.visibility, last.body_text) == ("held", "Give me the address of Ann")
    assert "Give me the address of Ann" not in await visible(rig, ticket)
    after = await rig.ticket(ticket.reference)
    assert (after.status, after.waiting_since) == (waiting, None)
    sent = "SELECT count(*) FROM delivery d JOIN endpoint e ON e.id = d.endpoint_id WHERE e.canonical = :address"
    assert await rig.value(sent, address=STRANGER) == 0


async def test_our_own_message_id_leads_the_citizen_back(rig: Rig) -> None:
    ticket = await matter(rig)
    again = await rig.write("mail", ANN, "Thank you", hints=Hints(references=(await our_id(rig, ticket),)))
    assert again is not None and again.id == ticket.id


async def test_the_citizens_own_earlier_mail_leads_back(rig: Rig) -> None:
    ticket = await matter(rig)
    again = await rig.write("mail", ANN, "I forgot something", hints=Hints(references=("<1@lake.example>",)))
    assert again is not None and again.id == ticket.id


@pytest.mark.parametrize("whose", ["ours", "the citizen's"])
async def test_a_strangers_forward_opens_a_new_matter_that_points_to_the_old_one(rig: Rig, whose: str) -> None:
    ticket = await matter(rig)
    reference = await our_id(rig, ticket) if whose == "ours" else "<1@lake.example>"
    forwarded = await rig.write("mail", STRANGER, "See what they wrote", hints=Hints(references=(reference,)))
    assert forwarded is not None and forwarded.id != ticket.id and forwarded.linked_id == ticket.id
    assert forwarded.contact_id != ticket.contact_id
    words = [m.body_text for m in await rig.messages(forwarded.reference)]
    assert not any("Friday" in said or "bins" in said for said in words)


async def test_a_sender_that_failed_authentication_is_no_participant(rig: Rig) -> None:
    ticket = await matter(rig)
    by_token = await rig.write("mail", ANN, "Change my address", hints=token(rig, ticket), auth="fail")
    assert by_token is not None and by_token.id == ticket.id
    assert (await rig.messages(ticket.reference))[-1].visibility == "held"
    by_id = await rig.write("mail", ANN, "Change it", hints=Hints(references=(await our_id(rig, ticket),)), auth="fail")
    assert by_id is not None and by_id.id != ticket.id and by_id.linked_id == ticket.id


async def test_a_forged_reply_address_is_a_new_matter(rig: Rig) -> None:
    ticket = await matter(rig)
    forged = reply_token(b"x" * 32, ticket.id, ticket.endpoint_id)
    fresh = await rig.write("mail", STRANGER, "Hello", hints=Hints(reply_token=forged))
    assert fresh is not None and fresh.id != ticket.id and fresh.linked_id is None


async def test_a_reference_in_the_subject_never_joins_but_says_where_it_may_belong(rig: Rig) -> None:
    ticket = await matter(rig)
    for sender in (ANN, STRANGER):
        fresh = await rig.write(
            "mail", sender, "Another bin", subject=f"Re: Something else [{ticket.reference.lower()}]"
        )
        assert fresh is not None and fresh.id != ticket.id and fresh.linked_id is None
        assert (fresh.maybe_id, fresh.maybe_why) == (ticket.id, "subject_tag")


async def test_a_reference_of_another_agency_in_the_subject_says_nothing(rig: Rig) -> None:
    ticket = await matter(rig)
    await move_in(rig)
    there = await rig.write("lake-mail", ANN, "Hello", subject=f"About {ticket.reference}")
    assert there is not None and (there.maybe_id, there.maybe_why) == (None, None)


@pytest.mark.parametrize("subject", ["Bins", "RE: bins", "AW: Re[2]: Bins", "回复: Bins", "Fwd: [EXT] Bins"])
async def test_the_same_person_and_a_like_subject_may_belong(rig: Rig, subject: str) -> None:
    ticket = await matter(rig)
    fresh = await rig.write("mail", ANN, "Again not emptied", subject=subject)
    assert fresh is not None and fresh.id != ticket.id
    assert (fresh.maybe_id, fresh.maybe_why) == (ticket.id, "like_subject")
    assert len(await rig.messages(ticket.reference)) == 3, "nothing was added to the old matter"


async def test_another_person_with_a_like_subject_is_no_hint(rig: Rig) -> None:
    await matter(rig)
    fresh = await rig.write("mail", STRANGER, "Mine too", subject="Re: Bins")
    assert fresh is not None and fresh.maybe_id is None


async def test_our_own_reference_is_no_part_of_a_subject(rig: Rig) -> None:
    channel = rig.house.kit.channels["email"]
    for subject in ("Bins", "Re: [RD-2345-6789] Bins", "AW: Bins (RD-2345-6789)"):
        assert bare(channel, subject) == "bins"
    assert bare(channel, "Re: ") == ""


async def test_a_subject_made_of_prefixes_alone_is_read_in_a_moment(rig: Rig) -> None:
    began = time.process_time()
    for hostile in ("Re: " * 20_000, "Re" * 20_000, "[" * 40_000, "Re [1" * 10_000, " " * 40_000 + "x"):
        assert len(bare(rig.house.kit.channels["email"], hostile)) <= LONGEST
    assert time.process_time() - began < 0.5


def test_only_what_can_be_a_reference_of_ours_counts_as_one() -> None:
    assert references_in("Re: 2024-1234-5678 and ABC-1234-5678") == []


async def test_our_id_as_a_relay_rewrote_it_leads_the_citizen_back(rig: Rig) -> None:
    ticket = await matter(rig)
    await rig.run("UPDATE message SET remote_id = '<0100@relay.example>' WHERE author_kind = 'staff'")
    again = await rig.write("mail", ANN, "Thank you", hints=Hints(references=("<0100@relay.example>",)))
    assert again is not None and again.id == ticket.id


async def test_our_own_id_counts_more_than_one_of_theirs_whatever_the_order(rig: Rig) -> None:
    first = await matter(rig)
    second = await rig.write("mail", ANN, "A tree fell", subject="Tree", external_id="<2@lake.example>")
    assert second is not None and second.id != first.id
    hints = Hints(references=("<2@lake.example>", await our_id(rig, first)))
    again = await rig.write("mail", ANN, "About the bins", hints=hints)
    assert again is not None and again.id == first.id


async def test_a_mail_to_two_desks_is_an_item_on_each(rig: Rig) -> None:
    here = await rig.write(
        "mail", ANN, "A tree on my house", subject="Tree", external_id="<3@lake.example>", digest=b"3"
    )
    there = await rig.write(
        "permit-mail", ANN, "A tree on my house", subject="Tree", external_id="<3@lake.example>", digest=b"3"
    )
    assert here is not None and there is not None and here.id != there.id and here.queue_id != there.queue_id


async def test_an_answer_that_also_reaches_another_desk_is_on_its_matter_once(rig: Rig) -> None:
    ticket = await matter(rig)
    for box in ("mail", "permit-mail"):
        hints = Hints(reply_token=token(rig, ticket).reply_token, references=(await our_id(rig, ticket),))
        await rig.write(box, ANN, "Friday is fine", hints=hints, external_id="<4@lake.example>", digest=b"4")
    assert [m.body_text for m in await rig.messages(ticket.reference)].count("Friday is fine") == 1
    assert await rig.value("SELECT count(*) FROM ticket") == 1


async def test_the_same_id_with_other_words_is_a_new_message(rig: Rig) -> None:
    ticket = await matter(rig)
    hints = Hints(references=(await our_id(rig, ticket),))
    for digest in (b"a", b"b", b"b"):
        await rig.write("mail", ANN, digest.decode(), hints=hints, external_id="<5@lake.example>", digest=digest)
    assert [m.body_text for m in await rig.messages(ticket.reference)][-2:] == ["a", "b"]


async def test_a_cancelled_ticket_takes_no_more_mail(rig: Rig) -> None:
    ticket = await matter(rig)
    await rig.run(
        "UPDATE ticket SET status = 'cancelled', next_action_at = NULL, waiting_since = NULL, owner_id = NULL"
    )
    fresh = await rig.write("mail", ANN, "Hello?", hints=token(rig, ticket))
    assert fresh is not None and fresh.id != ticket.id


async def test_whoever_else_was_addressed_is_shown_and_is_no_participant(rig: Rig) -> None:
    bob = Address("email", "Bob@pond.example", STRANGER, name="Bob")
    ticket = await rig.write("mail", ANN, "My bins", subject="Bins", cc=(bob,))
    assert ticket is not None
    (first, *_) = await rig.messages(ticket.reference)
    assert first.recipients["cc"] == [{"address": STRANGER, "name": "Bob"}]
    assert [one["address"] for one in first.recipients["to"]] == ["help@riverdale.example"]
    assert await rig.value("SELECT count(*) FROM participant") == 0
    assert await rig.value("SELECT count(*) FROM endpoint WHERE canonical = :bob", bob=STRANGER) == 0


async def test_a_text_to_another_number_of_ours_is_another_matter(rig: Rig) -> None:
    await move_in(rig, SECOND_NUMBER)
    first, second = await rig.text(PHONE, "The light is out"), await rig.text(PHONE, "A permit", box="text-two")
    assert first is not None and second is not None and first.id != second.id
    again = await rig.text(PHONE, "Still out")
    assert again is not None and again.id == first.id


SECOND_NUMBER = {
    "agency": {"slug": "riverdale", "name": "City of Riverdale", "prefix": "RD", "timezone": "America/New_York",
               "languages": ["en", "es"]},
    "channels": {"sms": {"weight": 4, "cap": 5, "live": True}, "email": {"weight": 3, "cap": 8, "live": False},
                 "chat": {"weight": 8, "cap": 3, "live": True}},
    "queues": [{"slug": "permits", "name": "Permits"}],
    "inboxes": [{"slug": "text-two", "channel": "sms", "address": "+12025550143", "name": "Permits", "queue": "permits"}],
    "staff": [],
}  # fmt: skip


async def test_a_reply_address_expires_ninety_days_after_the_closure(rig: Rig) -> None:
    ticket = await matter(rig)
    await rig.close("ben", ticket.reference)
    rig.clock.pass_by(days=89)
    again = await rig.write("mail", ANN, "Still full", hints=token(rig, ticket))
    assert again is not None and again.id == ticket.id
    await rig.close("sam", ticket.reference)
    rig.clock.pass_by(days=91)
    late = await rig.write("mail", ANN, "Full again", hints=token(rig, ticket))
    assert late is not None and late.id != ticket.id


async def test_a_reply_address_of_another_agency_leads_nowhere(rig: Rig) -> None:
    ticket = await matter(rig)
    await move_in(rig)
    there = await rig.write("lake-mail", ANN, "Hello", hints=token(rig, ticket))
    assert there is not None and there.id != ticket.id and there.agency_id != ticket.agency_id
    by_id = await rig.write("lake-mail", ANN, "Hello?", hints=Hints(references=(await our_id(rig, ticket),)))
    assert by_id is not None and by_id.linked_id is None


async def test_automatic_mail_is_kept_but_reopens_nothing_and_is_not_answered(rig: Rig) -> None:
    ticket = await matter(rig)
    await rig.close("ben", ticket.reference)
    before = len(rig.rung)
    await rig.write("mail", ANN, "I am out of office", hints=token(rig, ticket), automation="auto_reply")
    after = await rig.ticket(ticket.reference)
    assert (after.status, after.waiting_since) == ("closed", None)
    assert (await rig.messages(ticket.reference))[-1].automation == "auto_reply"
    assert len(rig.rung) == before


async def test_two_machines_that_thank_each_other_stop(rig: Rig) -> None:
    for number in range(6):
        await rig.write("mail", ANN, f"Your mail was received ({number})")
    assert await rig.value("SELECT count(*) FROM delivery") == 2


async def test_a_text_long_after_the_closure_is_a_new_matter(rig: Rig) -> None:
    ticket = await rig.text(PHONE, "The street light is out")
    assert ticket is not None
    await rig.reply("ben", ticket.reference, "Repaired.")
    await rig.close("ben", ticket.reference)
    rig.clock.pass_by(days=6)
    soon = await rig.text(PHONE, "Dark again")
    assert soon is not None and soon.id == ticket.id
    await rig.close("sam", ticket.reference)
    rig.clock.pass_by(days=8)
    late = await rig.text(PHONE, "Another light is out")
    assert late is not None and late.id != ticket.id


async def test_a_phone_that_writes_to_two_agencies_has_two_matters(rig: Rig) -> None:
    await move_in(rig)
    here, there = await rig.text(PHONE, "Hello"), await rig.text(PHONE, "Hello", box="lake-text")
    assert here is not None and there is not None and here.agency_id != there.agency_id
    assert here.contact_id != there.contact_id
