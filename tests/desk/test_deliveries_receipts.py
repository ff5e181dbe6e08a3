"""What providers report, and what the desk does about it."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from channels.base import DeliveryState, ErrorClass, Receipt, SendError, Sent, TryLater, Undeliverable, Unsure
from contactcenter.desk import outbox, refusals
from contactcenter.models import Ticket
from tests.desk.outgoing import answer, deliver, facts, lines, report, row, row_of
from tests.desk.provider import MailProvider, Provider, stand_in, time_passes
from tests.desk_rig import Rig

ANN, PHONE = "ann@lake.example", "+12025550117"
BAD = SendError(ErrorClass.BAD_ADDRESS, "30005", "Unknown destination handset")
AWAY = SendError(ErrorClass.UNREACHABLE, "30003", "Unreachable destination handset")
FILTERED = SendError(ErrorClass.BLOCKED, "30007", "Message filtered")
LATER = SendError(ErrorClass.UNREACHABLE, "450 4.2.1", "Greylisted")


async def texted(rig: Rig, phone: str = PHONE) -> Ticket:
    ticket = await rig.text(phone, "The street light is out")
    assert ticket is not None
    await rig.run("UPDATE delivery SET state = 'delivered'")
    return ticket


async def answered(rig: Rig, provider: Provider | None = None) -> tuple[Ticket, UUID]:
    """Ben answered a text, and the provider has it as SM1."""
    stand_in(rig, provider or Provider())
    ticket = await texted(rig)
    message = await answer(rig, "ben", ticket.reference)
    await deliver(rig, (await row_of(rig, message)).id)
    return ticket, message


def failed(error: SendError, ref: str = "SM1", state: DeliveryState = DeliveryState.UNDELIVERED) -> Receipt:
    return Receipt(ref, state, error=error)


# --- finding what is meant ------------------------------------------------------------------------------------------------


async def mailed(rig: Rig, *sends: Any) -> tuple[Ticket, UUID, str, MailProvider]:
    provider = MailProvider(sends=list(sends) or [Sent("<relay-1>", own_id="<r.1@relay.example>")])
    stand_in(rig, provider)
    ticket = await rig.write("mail", ANN, "My bins")
    assert ticket is not None
    await rig.run("UPDATE delivery SET state = 'delivered'")
    message = await answer(rig, "ben", ticket.reference)
    own = next(m.external_id for m in await rig.messages(ticket.reference) if m.id == message)
    assert own
    return ticket, message, own, provider


@pytest.mark.parametrize("named", ["ours", "the relay's", "the provider's", "the message"])
async def test_a_report_is_found_by_any_id_under_which_the_mail_travelled(rig: Rig, named: str) -> None:
    _ticket, message, own, _ = await mailed(rig)
    await deliver(rig, (await row_of(rig, message)).id)
    known = {
        "ours": Receipt("", DeliveryState.DELIVERED, own_id=own),
        "the relay's": Receipt("", DeliveryState.DELIVERED, own_id="<r.1@relay.example>"),
        "the provider's": Receipt("<relay-1>", DeliveryState.DELIVERED),
        "the message": Receipt("", DeliveryState.DELIVERED, message_id=message),
    }
    await report(rig, "email", known[named])
    assert (await row_of(rig, message)).state == "delivered"


async def test_the_relays_id_stands_in_the_references_of_the_next_answer(rig: Rig) -> None:
    ticket, message, own, provider = await mailed(rig)
    await deliver(rig, (await row_of(rig, message)).id)
    second = await answer(rig, "ben", ticket.reference, "And bring the key.")
    await deliver(rig, (await row_of(rig, second)).id)
    assert provider.wires[-1].references[-2:] == (own, "<r.1@relay.example>")


async def test_a_report_under_the_relays_id_that_comes_before_we_know_it_waits(rig: Rig) -> None:
    _ticket, message, _own, _ = await mailed(rig)
    await report(rig, "email", Receipt("", DeliveryState.DELIVERED, own_id="<r.1@relay.example>"))
    assert await rig.value("SELECT count(*) FROM parked_receipt") == 1
    await deliver(rig, (await row_of(rig, message)).id)
    assert (await row_of(rig, message)).state == "delivered"
    assert await rig.value("SELECT count(*) FROM parked_receipt") == 0


async def test_a_report_of_another_channel_changes_nothing(rig: Rig) -> None:
    _ticket, message = await answered(rig)
    await report(rig, "email", Receipt("SM1", DeliveryState.DELIVERED, message_id=message))
    assert (await row_of(rig, message)).state == "sent"


async def test_a_report_that_names_nothing_is_not_kept_twice(rig: Rig) -> None:
    await report(rig, "email", Receipt("", DeliveryState.DELIVERED))
    assert await rig.value("SELECT count(*) FROM parked_receipt") == 0


# --- an answer that did not arrive ----------------------------------------------------------------------------------------


async def test_an_answer_that_did_not_arrive_brings_the_ticket_back_to_its_agent(rig: Rig) -> None:
    await rig.on_duty("ben")
    ticket, _message = await answered(rig)
    assert (await rig.ticket(ticket.reference)).status == "waiting_citizen"
    await report(rig, "sms", failed(AWAY))
    after = await rig.ticket(ticket.reference)
    assert (after.status, after.owner_id) == ("assigned", (await rig.staff("ben")).id)
    assert after.waiting_since is not None and "delivery_failed" in await lines(rig, ticket.reference)
    assert [one["why"] for one in await facts(rig, "ticket.resumed")] == ["delivery_failed"]
    assert await rig.breaches() == {}


async def test_when_its_agent_is_not_there_it_waits_for_them_first(rig: Rig) -> None:
    ticket, _message = await answered(rig)
    await report(rig, "sms", failed(AWAY))
    after = await rig.ticket(ticket.reference)
    assert (after.status, after.preferred_id) == ("queued", (await rig.staff("ben")).id)
    assert await rig.breaches() == {}


async def test_a_failure_after_closing_reopens_the_ticket_to_its_last_agent(rig: Rig) -> None:
    ticket, _message = await answered(rig)
    await rig.close("ben", ticket.reference)
    await report(rig, "sms", failed(AWAY))
    after = await rig.ticket(ticket.reference)
    assert (after.status, after.preferred_id, after.closed_at) == ("queued", (await rig.staff("ben")).id, None)
    assert await rig.value("SELECT undone_at FROM closure") is not None
    assert [one["why"] for one in await facts(rig, "ticket.reopened")] == ["delivery_failed"]
    assert await rig.breaches() == {}


async def test_closing_words_that_did_not_arrive_reopen_it_too(rig: Rig) -> None:
    stand_in(rig, Provider(sends=[Sent("SM7")]))
    ticket = await texted(rig)
    await rig.close("sam", ticket.reference)
    await deliver(rig, await rig.value("SELECT max(id) FROM delivery"))
    await report(rig, "sms", failed(AWAY, "SM7"))
    assert (await rig.ticket(ticket.reference)).status == "queued"


async def test_an_acknowledgement_that_did_not_arrive_reopens_nothing(rig: Rig) -> None:
    stand_in(rig, Provider(sends=[Sent("SM7"), Sent("SM8")]))
    ticket = await rig.text(PHONE, "The street light is out")
    assert ticket is not None
    await deliver(rig, await rig.value("SELECT max(id) FROM delivery"))
    await rig.close("sam", ticket.reference, reason="spam", sentence="")
    await report(rig, "sms", failed(AWAY, "SM7"))
    assert (await rig.ticket(ticket.reference)).status == "closed"
    assert "delivery_failed" in await lines(rig, ticket.reference)


async def test_a_failure_after_delivery_changes_nothing(rig: Rig) -> None:
    ticket, message = await answered(rig)
    await report(rig, "sms", Receipt("SM1", DeliveryState.DELIVERED))
    await report(rig, "sms", failed(AWAY))
    assert (await row_of(rig, message)).state == "delivered"
    assert "delivery_failed" not in await lines(rig, ticket.reference)


async def test_only_what_we_asked_for_corrects_undelivered_to_delivered(rig: Rig) -> None:
    _ticket, message = await answered(rig)
    await report(rig, "sms", failed(AWAY))
    await report(rig, "sms", Receipt("SM1", DeliveryState.DELIVERED))
    assert (await row_of(rig, message)).state == "undelivered"
    await report(rig, "sms", Receipt("SM1", DeliveryState.DELIVERED), fetched=True)
    after = await row_of(rig, message)
    assert (after.state, after.error_text) == ("delivered", None)


# --- what an address teaches ----------------------------------------------------------------------------------------------


async def test_bad_addresses_are_counted_and_forgotten_when_something_arrives(rig: Rig) -> None:
    ticket, _ = await answered(rig, Provider(sends=[Sent("SM1"), Sent("SM2"), Sent("SM3")]))
    await report(rig, "sms", failed(BAD))
    await report(rig, "sms", failed(BAD))
    counted = "SELECT bad_events, bad_reason FROM endpoint"
    assert await rig.rows(counted) == [(1, BAD.text)], "a repeated report is no second event"
    second = await answer(rig, "ben", ticket.reference, "Again", anyway=True)
    await deliver(rig, (await row_of(rig, second)).id)
    await report(rig, "sms", failed(BAD, "SM2"))
    assert await rig.rows(counted) == [(2, BAD.text)]
    third = await answer(rig, "ben", ticket.reference, "And again", anyway=True)
    await deliver(rig, (await row_of(rig, third)).id)
    await report(rig, "sms", Receipt("SM3", DeliveryState.DELIVERED))
    assert await rig.rows("SELECT bad_events, bad_since, bad_reason FROM endpoint") == [(0, None, None)]


async def test_a_provider_that_knows_of_a_stop_revokes_consent_for_us(rig: Rig) -> None:
    ticket, message = await answered(
        rig, Provider(sends=[Undeliverable(SendError(ErrorClass.OPTED_OUT, "21610", "Stopped"))])
    )
    assert (await row_of(rig, message)).state == "failed"
    assert await rig.rows("SELECT purpose, state FROM consent") == [("service", "revoked")]
    assert "delivery_failed" in await lines(rig, ticket.reference)


async def test_a_complaint_is_kept_with_the_address_and_said_once(rig: Rig) -> None:
    ticket, message = await answered(rig)
    for _ in range(2):
        await report(rig, "sms", Receipt("SM1", DeliveryState.DELIVERED, complaint=True))
    assert await rig.value("SELECT complained_at FROM endpoint") is not None
    assert (await lines(rig, ticket.reference)).count("complained") == 1
    assert len(await facts(rig, "delivery.complained")) == 1
    assert (await row_of(rig, message)).state == "sent", "spam is said beside the state"


async def test_blocked_texts_raise_an_alarm_per_template_and_day_once(rig: Rig) -> None:
    stand_in(rig, Provider(sends=[Undeliverable(FILTERED)]))
    for number in range(3):
        await rig.text(f"+1202555030{number}", "The street light is out")
        await deliver(rig, await rig.value("SELECT max(id) FROM delivery"))
    assert await rig.rows("SELECT DISTINCT state, error_kind FROM delivery") == [("failed", "blocked")]
    [alarm] = await facts(rig, "template.blocked")
    assert (alarm["template"], alarm["blocked"]) == ("received_ack", 1)


async def test_one_blocked_text_of_many_is_no_alarm(rig: Rig) -> None:
    stand_in(rig, Provider(sends=[*[Sent(f"SM{n}") for n in range(30)], Undeliverable(FILTERED)]))
    for number in range(31):
        await rig.text(f"+120255503{number:02d}", "The street light is out")
        await deliver(rig, await rig.value("SELECT max(id) FROM delivery"))
    assert await rig.value("SELECT count(*) FROM delivery WHERE error_kind = 'blocked'") == 1
    assert await facts(rig, "template.blocked") == [] and refusals.BLOCKED_SHARE == 0.05


# --- later, once more, in doubt -------------------------------------------------------------------------------------------


async def test_a_handset_out_of_reach_is_tried_once_more_and_then_shown(rig: Rig) -> None:
    ticket, message = await answered(rig, Provider(sends=[Undeliverable(AWAY)]))
    waits = await row_of(rig, message)
    assert (waits.state, waits.error_text) == ("queued", AWAY.text)
    assert timedelta(minutes=4) < waits.due_at - waits.updated_at < timedelta(minutes=6)
    await time_passes(rig, 301)
    await deliver(rig, waits.id)
    assert (await row_of(rig, message)).state == "failed"
    assert "delivery_failed" in await lines(rig, ticket.reference)


async def test_mail_is_tried_again_by_minutes_and_hours_for_two_days(rig: Rig) -> None:
    _ticket, message, _own, provider = await mailed(rig, TryLater(LATER))
    delivery = (await row_of(rig, message)).id
    waits = []
    for _ in range(30):
        await deliver(rig, delivery)
        now = await row(rig, delivery)
        if now.state != "queued":
            break
        waits.append((now.due_at - now.updated_at).total_seconds() / 60)
        await time_passes(rig, waits[-1] * 60 + 1)
    table = [1, 5, 15, 30, 60, 120, 240]
    assert all(0.9 * want <= got <= 1.1 * want for want, got in zip(table, waits, strict=False))
    assert all(216 <= got <= 264 for got in waits[7:])
    assert sum(waits) >= 48 * 60 - 264 and sum(waits[:-1]) <= 48 * 60
    assert (await row(rig, delivery)).state == "failed"
    assert provider.asked.count("send") == len(waits), "what is overdue is not sent"


async def test_a_throttled_mail_goes_down_the_same_table_though_it_uses_up_no_attempt(rig: Rig) -> None:
    _ticket, message, _own, _ = await mailed(rig, TryLater(SendError(ErrorClass.THROTTLED, "421", "Slow down")))
    delivery = (await row_of(rig, message)).id
    waits = []
    for _ in range(4):
        await deliver(rig, delivery)
        now = await row(rig, delivery)
        assert now.attempts == 0
        waits.append((now.due_at - now.updated_at).total_seconds() / 60)
        await time_passes(rig, waits[-1] * 60 + 1)
    assert all(0.9 * want <= got <= 1.1 * want for want, got in zip([1, 5, 15, 30], waits, strict=True))


async def test_after_half_an_hour_of_trying_the_agent_sees_that_it_is_late(rig: Rig) -> None:
    _ticket, message, _own, _ = await mailed(rig, TryLater(LATER))
    delivery = (await row_of(rig, message)).id
    await deliver(rig, delivery)
    for minutes, late in ((29, False), (2, True)):
        await rig.run("UPDATE delivery_attempt SET started_at = started_at - make_interval(mins => :m)", m=minutes)
        for _ in range(2):
            async with rig.house.database.transaction() as tx:
                await outbox.note_delayed(tx)
        assert ((await row(rig, delivery)).delayed_at is not None) is late
    assert [one["why"] for one in await facts(rig, "delivery.delayed")] == [LATER.text]


async def test_a_mail_server_that_says_it_still_tries_is_shown_once(rig: Rig) -> None:
    _ticket, message, own, _ = await mailed(rig)
    await deliver(rig, (await row_of(rig, message)).id)
    for _ in range(2):
        await report(rig, "email", Receipt("", DeliveryState.SENT, own_id=own, delayed=True, error=LATER))
    after = await row_of(rig, message)
    assert after.state == "sent" and after.delayed_at is not None
    assert len(await facts(rig, "delivery.delayed")) == 1


async def test_of_a_mail_in_doubt_one_more_is_sent_and_no_third(rig: Rig) -> None:
    _ticket, message, _own, provider = await mailed(rig, Unsure("cut"))
    delivery = (await row_of(rig, message)).id
    for _ in range(4):
        await deliver(rig, delivery)
        await time_passes(rig, 31)
    assert len(provider.wires) == 2 and len({wire.own_id for wire in provider.wires}) == 1
    after = await row(rig, delivery)
    assert (after.state, after.error_kind) == ("failed", "unknown")


async def test_the_same_words_sent_before_are_not_taken_for_the_ones_in_doubt(rig: Rig) -> None:
    """The provider is asked by words and number; it finds the first "On Friday." when asked about the second."""
    provider = stand_in(rig, Provider(sends=[Sent("SM1"), Unsure("reset"), Sent("SM2")], finds=[Sent("SM1")]))
    ticket = await texted(rig)
    for _ in range(2):
        message = await answer(rig, "ben", ticket.reference, "On Friday.")
        await deliver(rig, (await row_of(rig, message)).id)
    for seconds in (21, 31):
        await time_passes(rig, seconds)
        await deliver(rig, (await row_of(rig, message)).id)
    assert (await row_of(rig, message)).provider_id == "SM2"
    assert provider.asked == ["send", "send", "find", "find", "send"]


async def test_a_stop_that_only_the_provider_heard_is_believed_once_and_written_down(rig: Rig) -> None:
    ticket, _message = await answered(rig)
    stopped = SendError(ErrorClass.OPTED_OUT, "21610", "Attempt to send to unsubscribed recipient")
    await report(rig, "sms", failed(stopped))
    await report(rig, "sms", failed(stopped, "SM1", DeliveryState.FAILED))
    assert await rig.rows("SELECT state FROM consent") == [("revoked",)]
    told = await rig.rows("SELECT actor_kind, data->>'after', data->>'why' FROM event WHERE type = 'consent.changed'")
    assert [tuple(one) for one in told] == [("system", "revoked", f"refused by the provider: {stopped.text}")]
    assert "delivery_failed" in await lines(rig, ticket.reference)
