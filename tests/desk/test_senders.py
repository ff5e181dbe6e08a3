"""From which address of ours people hear, and what happens when the provider takes nothing from it."""

from itertools import count

import pytest

from channels.base import DeliveryState, ErrorClass, SendError, Sent, TryLater, Undeliverable, Unsure
from contactcenter.desk import book, circuits, senders
from contactcenter.models import Endpoint, Ticket
from tests.desk.outgoing import answer, deliver, facts, row, row_of
from tests.desk.provider import Answer, Provider, stand_in, time_passes
from tests.desk_rig import Rig

PHONE = "+12025550117"
LOCKED = SendError(ErrorClass.SENDER, "20003", "Authenticate")
DARK = SendError(ErrorClass.UNREACHABLE, "", "no connection to the provider")
_numbers = count(300)


async def second_box(rig: Rig) -> int:
    """The agency gets another number, for another queue."""
    box: int = await rig.value(
        "INSERT INTO inbox (agency_id, queue_id, slug, channel, address, name) SELECT agency_id, id, 'text-2', 'sms', "
        "'+12025550143', 'Housing' FROM queue WHERE slug = 'housing' RETURNING id"
    )
    book.forget()
    return box


async def of(rig: Rig, ticket: Ticket, channel: str | None = None) -> str:
    async with rig.house.database.transaction() as tx:
        return (await senders.of(tx, await tx.get_one(Endpoint, ticket.endpoint_id), ticket, channel)).slug


async def test_who_wrote_to_a_number_is_answered_from_it(rig: Rig) -> None:
    await second_box(rig)
    first = await rig.text(PHONE, "The street light is out")
    assert first is not None
    assert await of(rig, first) == "text"
    await rig.run("UPDATE ticket SET inbox_id = (SELECT id FROM inbox WHERE slug = 'text-2')")
    assert await of(rig, await rig.ticket(first.reference)) == "text-2"


async def test_on_another_matter_the_person_hears_from_the_number_they_know(rig: Rig) -> None:
    box = await second_box(rig)
    ticket = await rig.text(PHONE, "The street light is out")
    mailed = await rig.write("mail", "ann@lake.example", "My bins")
    assert ticket is not None and mailed is not None
    async with rig.house.database.transaction() as tx:
        endpoint = await tx.get_one(Endpoint, ticket.endpoint_id)
        endpoint.inbox_id = box
        await tx.flush()
        assert (await senders.of(tx, endpoint, mailed)).slug == "text-2"
        endpoint.inbox_id = None
        assert (await senders.of(tx, endpoint, mailed)).slug == "text", "the one they wrote to last"


async def test_the_first_send_is_remembered_and_no_later_one(rig: Rig) -> None:
    box = await second_box(rig)
    stand_in(rig, Provider())
    ticket = await rig.text(PHONE, "The street light is out")
    assert ticket is not None
    await rig.run("UPDATE endpoint SET inbox_id = NULL")
    await answer(rig, "ben", ticket.reference)
    assert await rig.value("SELECT inbox_id FROM endpoint") == ticket.inbox_id
    async with rig.house.database.transaction() as tx:
        await senders.remember(tx, ticket.endpoint_id, box)
    assert await rig.value("SELECT inbox_id FROM endpoint") == ticket.inbox_id


# --- a sender that the provider refuses -----------------------------------------------------------------------------------


async def one_more(rig: Rig) -> int:
    """Another citizen texts; gives the delivery of the acknowledgement."""
    await rig.text(f"+1202555{next(_numbers):04d}", "The street light is out")
    delivery: int = await rig.value("SELECT max(id) FROM delivery")
    return delivery


async def pause_passes(rig: Rig, seconds: float) -> None:
    await time_passes(rig, seconds)
    await rig.run(
        "UPDATE sender_pace SET stopped_until = stopped_until - make_interval(secs => :s), ok_at = ok_at - make_interval(secs => :s)",
        s=seconds,
    )


@pytest.mark.parametrize("refusal", [Undeliverable(LOCKED), TryLater(LOCKED)])
async def test_a_sender_with_wrong_credentials_stops_and_one_delivery_tries_for_all(rig: Rig, refusal: Answer) -> None:
    provider = stand_in(rig, Provider(sends=[refusal, refusal, Sent("SM1", DeliveryState.DELIVERED), Sent("SM2")]))
    waiting = [await one_more(rig) for _ in range(3)]
    assert await deliver(rig, waiting[0])
    assert (await row(rig, waiting[0])).state == "queued", "it waits; the address is not to blame"
    assert await rig.value("SELECT sum(bad_events) FROM endpoint") == 0
    [stopped] = await facts(rig, "sender.stopped")
    assert (stopped["code"], stopped["pause_s"]) == ("20003", 15)
    assert not await deliver(rig, waiting[1]), "nothing leaves"
    await pause_passes(rig, 16)
    assert [await deliver(rig, one) for one in waiting[1:]] == [True, False], (
        "one tries, the other waits for the outcome"
    )
    assert await rig.value("SELECT pause_s FROM sender_pace") == 30
    await pause_passes(rig, 31)
    assert await deliver(rig, waiting[2])
    assert (await row(rig, waiting[2])).state == "delivered"
    assert len(await facts(rig, "sender.resumed")) == 1 == len(await facts(rig, "sender.stopped"))
    await pause_passes(rig, 600)
    assert await deliver(rig, waiting[1])
    assert provider.asked == ["send"] * 4


async def test_the_pause_grows_to_five_minutes(rig: Rig) -> None:
    stand_in(rig, Provider(sends=[Undeliverable(LOCKED)]))
    pauses = []
    for _ in range(7):
        delivery = await one_more(rig)
        await deliver(rig, delivery)
        pauses.append(await rig.value("SELECT pause_s FROM sender_pace"))
        await pause_passes(rig, pauses[-1] + 1)
    assert pauses == [15, 30, 60, 120, 240, 300, 300]


async def test_one_destination_that_our_sender_may_not_write_to_stops_nobody_else(rig: Rig) -> None:
    provider = stand_in(
        rig, Provider(sends=[Sent("SM1"), Undeliverable(SendError(ErrorClass.SENDER, "21408")), Sent("SM3")])
    )
    for _ in range(3):
        await deliver(rig, await one_more(rig))
    assert provider.asked == ["send"] * 3
    assert await facts(rig, "sender.stopped") == []
    assert await rig.value("SELECT count(*) FROM delivery WHERE state = 'queued'") == 1


async def test_what_our_sender_may_never_send_fails_in_the_end_and_is_shown(rig: Rig) -> None:
    refused = Undeliverable(SendError(ErrorClass.SENDER, "21612", "No route"))
    provider = stand_in(rig, Provider(sends=[Sent("SM0")]))
    await deliver(rig, await one_more(rig))
    delivery = await one_more(rig)
    for number in range(1, 4):
        provider.sends = [refused]
        await deliver(rig, delivery)
        await pause_passes(rig, 120)
        provider.sends = [Sent(f"SM{number}")]
        await deliver(rig, await one_more(rig))
    after = await row(rig, delivery)
    assert (after.state, after.error_text) == ("failed", "No route")


@pytest.mark.parametrize("lost", [Unsure("reset"), TryLater(DARK)])
async def test_ten_attempts_without_an_answer_stop_the_sender(rig: Rig, lost: Answer) -> None:
    stand_in(rig, Provider(sends=[lost]))
    for number in range(circuits.FAILURES):
        assert await facts(rig, "sender.stopped") == [], number
        assert await deliver(rig, await one_more(rig))
    assert len(await facts(rig, "sender.stopped")) == 1
    assert not await deliver(rig, await one_more(rig))


async def test_a_refusal_of_the_message_shows_that_the_sender_works(rig: Rig) -> None:
    stand_in(
        rig,
        Provider(sends=[*[Unsure("reset")] * 9, Undeliverable(SendError(ErrorClass.CONTENT, "x")), Unsure("reset")]),
    )
    for _ in range(11):
        await deliver(rig, await one_more(rig))
    assert await facts(rig, "sender.stopped") == []
    assert await rig.value("SELECT failures FROM sender_pace") == 1


async def test_what_is_overdue_fails_visibly_though_its_sender_is_stopped(rig: Rig) -> None:
    provider = stand_in(rig, Provider(sends=[Undeliverable(LOCKED)]))
    await deliver(rig, await one_more(rig))
    late = await one_more(rig)
    await time_passes(rig, 4 * 3600 + 1)
    assert await deliver(rig, late)
    assert (await row(rig, late)).state == "failed"
    assert provider.asked == ["send"]


async def test_an_agents_answer_waits_for_its_sender_and_leaves_when_it_works_again(rig: Rig) -> None:
    provider = stand_in(rig, Provider(sends=[Undeliverable(LOCKED), Sent("SM1")]))
    ticket = await rig.text(PHONE, "The street light is out")
    assert ticket is not None
    await rig.run("UPDATE delivery SET state = 'delivered'")
    message = await answer(rig, "ben", ticket.reference)
    await deliver(rig, (await row_of(rig, message)).id)
    assert (await row_of(rig, message)).state == "queued"
    await pause_passes(rig, 60)
    await deliver(rig, (await row_of(rig, message)).id)
    assert ((await row_of(rig, message)).state, provider.asked) == ("sent", ["send", "send"])
