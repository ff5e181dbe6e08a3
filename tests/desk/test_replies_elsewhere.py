"""Answers by another address or channel of the same person, and words sent once more."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from channels.base import Capabilities, DeliveryState, ErrorClass, SendError, Sent, Undeliverable
from contactcenter.desk import replies, uploads
from contactcenter.errors import Conflict, NotFound, Refused
from contactcenter.models import Ticket
from tests.desk.outgoing import answer, deliver, facts, row_of
from tests.desk.provider import MailProvider, Provider, stand_in
from tests.desk_rig import Rig, move_in

PHONE, ANN = "+12025550117", "ann@lake.example"
NO = SendError(ErrorClass.BAD_ADDRESS, "30006", "Landline")


async def reachable(rig: Rig) -> tuple[Ticket, int]:
    """Somebody who texted, and whose confirmed mail address we know; gives that address's endpoint."""
    ticket = await rig.text(PHONE, "The street light is out")
    assert ticket is not None
    await rig.run("UPDATE delivery SET state = 'delivered'")
    mail = await rig.value(
        "INSERT INTO endpoint (agency_id, kind, raw, canonical, contact_id, level, proof) VALUES (:a, 'email', :m, :m, :c, "
        "'confirmed', 'verified_link') RETURNING id", a=rig.agency_id, m=ANN, c=ticket.contact_id,
    )  # fmt: skip
    return ticket, mail


async def resend(rig: Rig, ticket: Ticket, message: UUID, endpoint: int, key: UUID | None = None) -> replies.Written:
    return await rig.act(
        "ben",
        lambda tx, staff, scope: replies.resend(
            tx, rig.house.kit, scope, staff, ticket.reference, message, endpoint, key
        ),
    )


async def test_an_answer_may_go_to_another_address_of_the_person_by_its_channel(rig: Rig) -> None:
    provider = stand_in(rig, MailProvider())
    ticket, mail = await reachable(rig)
    message = await answer(rig, "ben", ticket.reference, "It is fixed.", endpoint_id=mail, subject="Your street light")
    said = next(m for m in await rig.messages(ticket.reference) if m.id == message)
    box = await rig.inbox("mail")
    assert (said.channel, said.inbox_id, said.subject) == ("email", box.id, "Your street light")
    assert said.external_id and said.recipients["to"][0]["address"] == ANN
    waits = await row_of(rig, message)
    assert (waits.channel, waits.endpoint_id, waits.inbox_id) == ("email", mail, None)
    await deliver(rig, waits.id)
    assert (provider.wires[-1].to, provider.wires[-1].inbox.slug) == (ANN, "mail")
    after = await rig.ticket(ticket.reference)
    assert (after.channel, after.endpoint_id) == ("sms", ticket.endpoint_id), (
        "the matter stays where the person brought it"
    )


@pytest.mark.parametrize("whose", ["somebody else's", "another agency's", "nobody's"])
async def test_an_address_that_is_not_the_persons_is_not_found(rig: Rig, whose: str) -> None:
    stand_in(rig, MailProvider())
    ticket, _ = await reachable(rig)
    await rig.write("mail", "bob@lake.example", "My bins")
    await move_in(rig)
    await rig.write("lake-mail", "cal@lake.example", "My bins")
    name = {"somebody else's": "bob@lake.example", "another agency's": "cal@lake.example", "nobody's": "?"}[whose]
    endpoint = await rig.value("SELECT id FROM endpoint WHERE canonical = :n", n=name) or 10**9
    with pytest.raises(NotFound):
        await answer(rig, "ben", ticket.reference, endpoint_id=endpoint)
    assert await rig.value("SELECT count(*) FROM message WHERE author_kind = 'staff'") == 0


async def test_who_said_stop_on_the_phone_may_be_answered_by_mail_and_the_refusal_says_so(rig: Rig) -> None:
    stand_in(rig, MailProvider())
    ticket, mail = await reachable(rig)
    await rig.run(
        "INSERT INTO consent (endpoint_id, purpose, state) VALUES (:e, 'service', 'revoked')", e=ticket.endpoint_id
    )
    with pytest.raises(Conflict) as barred:
        await answer(rig, "ben", ticket.reference)
    assert (barred.value.slug, barred.value.extras["reason"], barred.value.status) == ("cannot-reach", "opted_out", 409)
    assert barred.value.extras["others"] == [mail]
    await answer(rig, "ben", ticket.reference, endpoint_id=mail)


async def test_when_the_window_has_passed_the_agent_is_told_so(rig: Rig) -> None:
    class Windowed(Provider):
        capabilities = Capabilities(endpoint_kind="phone", max_text=1600, pace="soon", reply_window=timedelta(hours=24))

    stand_in(rig, Windowed())
    ticket = await rig.text(PHONE, "The street light is out")
    assert ticket is not None
    await answer(rig, "ben", ticket.reference)
    rig.clock.pass_by(hours=25)
    with pytest.raises(Conflict) as late:
        await answer(rig, "ben", ticket.reference)
    assert late.value.extras["reason"] == "window"


async def test_an_answer_to_a_number_that_bounced_is_the_agents_choice(rig: Rig) -> None:
    stand_in(rig, Provider())
    ticket, _ = await reachable(rig)
    await rig.run("UPDATE endpoint SET bad_events = 3, bad_since = now() WHERE id = :e", e=ticket.endpoint_id)
    message = await answer(rig, "ben", ticket.reference)
    await deliver(rig, (await row_of(rig, message)).id)
    assert (await row_of(rig, message)).state == "sent"


# --- once more ------------------------------------------------------------------------------------------------------------


async def test_words_that_could_not_be_delivered_go_out_by_another_channel(rig: Rig) -> None:
    stand_in(rig, Provider(sends=[Undeliverable(NO)]))
    mails = stand_in(rig, MailProvider(sends=[Sent("<1@relay>")]))
    ticket, mail = await reachable(rig)
    message = await answer(rig, "ben", ticket.reference, "It is fixed.")
    await deliver(rig, (await row_of(rig, message)).id)
    assert (await row_of(rig, message)).state == "failed"
    again = await resend(rig, ticket, message, mail)
    assert (again.message.body_text, again.message.channel) == ("It is fixed.", "email")
    await deliver(rig, (await row_of(rig, again.message.id)).id)
    assert mails.wires[-1].text.startswith("It is fixed.")
    assert (await facts(rig, "message.written"))[-1]["resend_of"] == str(message)


async def test_sending_once_more_twice_is_once_more(rig: Rig) -> None:
    stand_in(rig, MailProvider())
    ticket, mail = await reachable(rig)
    message, key = await answer(rig, "ben", ticket.reference, "It is fixed."), uuid4()
    first, second = await resend(rig, ticket, message, mail, key), await resend(rig, ticket, message, mail, key)
    assert first.message.id == second.message.id and second.repeated


async def test_what_arrived_is_not_sent_there_again(rig: Rig) -> None:
    stand_in(rig, Provider(sends=[Sent("SM1", DeliveryState.DELIVERED)]))
    ticket, _ = await reachable(rig)
    message = await answer(rig, "ben", ticket.reference)
    await deliver(rig, (await row_of(rig, message)).id)
    with pytest.raises(Conflict) as there:
        await resend(rig, ticket, message, ticket.endpoint_id)
    assert there.value.slug == "arrived"


async def test_a_message_of_another_ticket_or_of_the_citizen_is_not_sent_once_more(rig: Rig) -> None:
    stand_in(rig, Provider())
    ticket, _ = await reachable(rig)
    other = await rig.text("+12025550119", "A pothole")
    assert other is not None
    message = await answer(rig, "ben", other.reference)
    said = next(m for m in await rig.messages(ticket.reference) if m.direction == "in")
    for one in (message, said.id, uuid4()):
        with pytest.raises(NotFound):
            await resend(rig, ticket, one, ticket.endpoint_id)


# --- files ----------------------------------------------------------------------------------------------------------------


class FileProvider(MailProvider):
    capabilities = Capabilities(endpoint_kind="email", max_text=100_000, pace="later", subjects=True, files=True)


async def put(rig: Rig, username: str) -> int:
    async def keep(tx: Any, staff: Any, _scope: Any) -> int:
        return (await uploads.keep(tx, rig.house.kit, staff, "map.png", "image/png", b"picture")).id

    return await rig.act(username, keep)


async def test_a_file_put_beside_an_answer_goes_with_it_once(rig: Rig) -> None:
    provider = stand_in(rig, FileProvider())
    ticket = await rig.write("mail", ANN, "Where is it?")
    assert ticket is not None
    await rig.run("UPDATE delivery SET state = 'delivered'")
    mine = await put(rig, "ben")
    message = await answer(rig, "ben", ticket.reference, "See the map.", uploads=(mine,))
    await deliver(rig, (await row_of(rig, message)).id)
    assert [(one.name, one.body) for one in provider.wires[-1].files] == [("map.png", b"picture")]
    with pytest.raises(Refused) as used:
        await answer(rig, "ben", ticket.reference, "Again", uploads=(mine,))
    assert used.value.slug == "unknown-file"


async def test_a_colleagues_file_is_not_mine_to_send(rig: Rig) -> None:
    stand_in(rig, FileProvider())
    ticket = await rig.write("mail", ANN, "Where is it?")
    assert ticket is not None
    theirs = await put(rig, "ana")
    with pytest.raises(Refused):
        await answer(rig, "ben", ticket.reference, uploads=(theirs,))


async def test_words_sent_once_more_take_their_files_along(rig: Rig) -> None:
    provider = stand_in(rig, FileProvider())
    ticket = await rig.write("mail", ANN, "Where is it?")
    assert ticket is not None
    await rig.run("UPDATE delivery SET state = 'delivered'")
    message = await answer(rig, "ben", ticket.reference, "See the map.", uploads=(await put(rig, "ben"),))
    await rig.run("UPDATE delivery SET state = 'failed' WHERE message_id = :m", m=message)
    again = await resend(rig, ticket, message, ticket.endpoint_id)
    await deliver(rig, (await row_of(rig, again.message.id)).id)
    assert [one.body for one in provider.wires[-1].files] == [b"picture"]


async def test_whom_an_agent_wrote_to_elsewhere_takes_part_in_the_matter(rig: Rig) -> None:
    stand_in(rig, MailProvider())
    ticket, mail = await reachable(rig)
    await answer(rig, "ben", ticket.reference, endpoint_id=mail)
    roles = await rig.rows("SELECT endpoint_id, role FROM participant ORDER BY endpoint_id")
    assert (mail, "requester") in roles
