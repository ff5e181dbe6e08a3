"""Sending texts and learning what became of them, with a stand-in for Twilio's API."""

import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

import pytest

from channels.base import (
    DELIVERY_RANK,
    ConsentChange,
    DeliveryState,
    ErrorClass,
    File,
    Inbound,
    Outbound,
    Receipt,
    TooLong,
    TryLater,
    Undeliverable,
    Unsure,
)
from channels.sms import Sms
from tests.channels.contract import NOON, TOOLS, ChannelContract
from tests.channels.sms.provider import Answer, Provider, provider, refusal
from tests.channels.sms.recordings import ACCOUNT, ANA, INBOX, OUR_ID, OURS, RECORDINGS, TOKEN, status, text
from tests.channels.sms.signing import HEADER, signed

SETTINGS = {"TWILIO_ACCOUNT_SID": ACCOUNT, "TWILIO_AUTH_TOKEN": TOKEN}
CALLBACK = f"https://desk.riverton.example/channels/sms/main/status?m={OUR_ID}"
ANSWER = Outbound(OUR_ID, INBOX, ANA, "We will look at it today.", callback_url=CALLBACK, written_at=NOON)


@pytest.fixture
def twilio() -> Iterator[Provider]:
    with provider() as made:
        yield made


@pytest.fixture
async def channel(twilio: Provider) -> AsyncIterator[Sms]:
    made = Sms.from_env(SETTINGS | {"TWILIO_API_URL": twilio.url + "/"}, TOOLS)
    assert made is not None
    yield made
    await made.close()


class TestContract(ChannelContract):
    channel_class = Sms
    settings = SETTINGS
    recordings = RECORDINGS
    outbound = ANSWER
    signed_request = signed()
    signature_header = HEADER
    refusals = (
        (refusal(21610), Undeliverable, ErrorClass.OPTED_OUT),
        (refusal(21211), Undeliverable, ErrorClass.BAD_ADDRESS),
        (refusal(21614), Undeliverable, ErrorClass.BAD_ADDRESS),
        (refusal(30007), Undeliverable, ErrorClass.BLOCKED),
        (refusal(21606), Undeliverable, ErrorClass.SENDER),
        (refusal(20003, 401), Undeliverable, ErrorClass.SENDER),
        (refusal(20404, 404), Undeliverable, ErrorClass.SENDER),
        (refusal(63016), Undeliverable, ErrorClass.WINDOW),
        (refusal(12345), Undeliverable, ErrorClass.UNKNOWN),
        (refusal(20429, 429), TryLater, ErrorClass.THROTTLED),
        (refusal(99999, 429), TryLater, ErrorClass.THROTTLED),
        (refusal(30001), TryLater, ErrorClass.THROTTLED),
        (refusal(20500, 500), Unsure, None),
        (Answer(503), Unsure, None),
        (Answer(201, {}), Unsure, None),
        (Answer(hang_up=True), Unsure, None),
    )

    @pytest.fixture
    def channel(self, channel: Sms) -> Sms:
        return channel

    @pytest.fixture
    def provider_says(self, twilio: Provider) -> Callable[[Any], Awaitable[None]]:
        async def say(answer: Answer) -> None:
            twilio.answer = answer

        return say


def accepted(**more: Any) -> Answer:
    return Answer(201, {"sid": "SM1", "status": "queued", "body": ANSWER.text, "to": ANA, "from": OURS} | more)


async def send(channel: Sms, outbound: Outbound = ANSWER) -> Any:
    return await channel.send(outbound, channel.render(outbound))


async def test_an_answer_goes_from_the_number_they_wrote_to_and_lives_four_hours(
    channel: Sms, twilio: Provider
) -> None:
    twilio.answer = accepted()
    sent = await send(channel)
    assert (sent.provider_id, sent.state) == ("SM1", DeliveryState.QUEUED)
    [(method, path, body)] = twilio.asked
    assert (method, path) == ("POST", f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json")
    assert {name: values[0] for name, values in parse_qs(body).items()} == {
        "To": ANA,
        "From": OURS,
        "Body": ANSWER.text,
        "StatusCallback": CALLBACK,
        "ValidityPeriod": "14400",
    }


async def test_a_throttled_send_keeps_how_long_to_wait(channel: Sms, twilio: Provider) -> None:
    twilio.answer = refusal(20429, 429, Retry_After="7")
    with pytest.raises(TryLater) as caught:
        await send(channel)
    assert caught.value.after == 7
    assert caught.value.error.code == "20429"
    twilio.answer = refusal(20429, 429, Retry_After="Wed, 21 Oct 2026 07:28:00 GMT")
    with pytest.raises(TryLater) as caught:
        await send(channel)
    assert caught.value.after is None


async def test_the_fraud_guard_asks_for_half_an_hour(channel: Sms, twilio: Provider) -> None:
    twilio.answer = refusal(30450)
    with pytest.raises(TryLater) as caught:
        await send(channel)
    assert caught.value.after == 1800


async def test_the_newer_form_of_problem_is_understood_too(channel: Sms, twilio: Provider) -> None:
    body = {"type": "about:blank", "title": "Bad number", "status": 400, "code": 21211, "detail": "no such number"}
    twilio.answer = Answer(400, body)
    with pytest.raises(Undeliverable) as caught:
        await send(channel)
    assert (caught.value.error.kind, caught.value.error.text) == (ErrorClass.BAD_ADDRESS, "no such number")


async def test_nothing_is_sent_twice_by_the_client_itself(channel: Sms, twilio: Provider) -> None:
    for answer in (Answer(500), Answer(hang_up=True), refusal(20429, 429)):
        twilio.answer = answer
        with pytest.raises((Unsure, TryLater)):
            await send(channel)
    assert len(twilio.asked) == 3


async def test_where_no_connection_came_about_nothing_was_sent() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound but not listening: refused
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        channel = Sms.from_env(SETTINGS | {"TWILIO_API_URL": url}, TOOLS)
        assert channel is not None
        with pytest.raises(TryLater):
            await send(channel)
        with pytest.raises(TryLater):
            await channel.find(ANSWER)


def listing(*messages: dict[str, Any]) -> Answer:
    return Answer(200, {"messages": list(messages), "next_page_uri": None, "page": 0, "page_size": 50})


def listed(at: str = "Mon, 02 Mar 2026 12:00:05 +0000", **more: Any) -> dict[str, Any]:
    return {"sid": "SM9", "status": "sent", "body": ANSWER.text, "date_sent": at, "date_created": at} | more


async def test_a_doubtful_send_is_found_by_number_time_and_words(channel: Sms, twilio: Provider) -> None:
    twilio.answer = listing(listed(body="Another text", sid="SM8"), listed())
    found = await channel.find(ANSWER)
    assert found is not None
    assert (found.provider_id, found.state) == ("SM9", DeliveryState.SENT)
    [(method, path, _)] = twilio.asked
    assert method == "GET"
    assert parse_qs(path.partition("?")[2])["To"] == [ANA]
    assert parse_qs(path.partition("?")[2])["From"] == [OURS]


@pytest.mark.parametrize(
    "body",
    [
        "We will  look at it\ntoday. ",
        "We will look at it today.\u200b",
        "Sent from your Twilio trial account - We will look at it today.",
    ],
)
async def test_a_text_that_changed_its_blanks_on_the_way_is_found(channel: Sms, twilio: Provider, body: str) -> None:
    twilio.answer = listing(listed(body=body))
    assert await channel.find(ANSWER) is not None


async def test_a_long_text_is_found_though_its_parts_were_joined_otherwise(channel: Sms, twilio: Provider) -> None:
    long = "It\u2019s the light at 5th & Main \u2013 " * 20
    twilio.answer = listing(listed(body=long.replace("\u2019", "'").replace("\u2013 ", "-")))
    assert await channel.find(replace(ANSWER, text=long)) is not None


async def test_an_account_that_is_not_known_is_no_sign_that_nothing_was_sent(channel: Sms, twilio: Provider) -> None:
    twilio.answer = refusal(20404, 404)
    with pytest.raises(TryLater):
        await channel.find(ANSWER)


async def test_a_text_still_in_the_providers_queue_is_found(channel: Sms, twilio: Provider) -> None:
    twilio.answer = listing(listed(date_sent=None, status="queued"))
    found = await channel.find(ANSWER)
    assert found is not None
    assert found.state is DeliveryState.QUEUED


async def test_the_same_words_of_yesterday_are_another_text(channel: Sms, twilio: Provider) -> None:
    twilio.answer = listing(listed("Sun, 01 Mar 2026 12:00:05 +0000"))
    assert await channel.find(ANSWER) is None
    assert await channel.find(replace(ANSWER, written_at=NOON - timedelta(days=2))) is not None


@pytest.mark.parametrize("answer", [Answer(500), refusal(20003, 401), Answer(200, {}), Answer(hang_up=True)])
async def test_a_provider_that_cannot_be_asked_is_asked_later(channel: Sms, twilio: Provider, answer: Answer) -> None:
    twilio.answer = answer
    with pytest.raises(TryLater):
        await channel.find(ANSWER)


async def test_files_cannot_go_by_text(channel: Sms) -> None:
    with pytest.raises(TooLong):
        channel.measure(replace(ANSWER, files=(File("a.pdf", "application/pdf", b"%PDF"),)))


# --- receipts and wishes ----------------------------------------------------------------------------------------------

WORDS = {
    "accepted": DeliveryState.QUEUED,
    "scheduled": DeliveryState.QUEUED,
    "queued": DeliveryState.QUEUED,
    "sending": DeliveryState.SENDING,
    "sent": DeliveryState.SENT,
    "partially_delivered": DeliveryState.SENT,
    "delivered": DeliveryState.DELIVERED,
    "undelivered": DeliveryState.UNDELIVERED,
    "failed": DeliveryState.FAILED,
    "canceled": DeliveryState.CANCELED,
    "read": DeliveryState.READ,
}


@pytest.mark.parametrize("word", WORDS)
def test_every_status_of_twilio_has_a_state(channel: Sms, word: str) -> None:
    [receipt] = channel.parse(status(word))
    assert isinstance(receipt, Receipt)
    assert (receipt.state, receipt.message_id) == (WORDS[word], OUR_ID)
    assert (receipt.error is None) == (word not in ("undelivered", "failed"))


def test_the_states_of_a_normal_delivery_rise(channel: Sms) -> None:
    receipts = [channel.parse(status(word))[0] for word in ("queued", "sending", "sent", "delivered", "read")]
    ranks = [DELIVERY_RANK[receipt.state] for receipt in receipts if isinstance(receipt, Receipt)]
    assert ranks == sorted(ranks)
    assert len(ranks) == 5


def test_our_id_is_read_from_the_callback_url_whatever_else_stands_there(channel: Sms) -> None:
    [receipt] = channel.parse(status("sent", query=f"a=1&m={OUR_ID}&b=2"))
    assert isinstance(receipt, Receipt)
    assert receipt.message_id == UUID(str(OUR_ID))


def test_a_stop_word_revokes_consent_and_is_still_a_message(channel: Sms) -> None:
    change, message = channel.parse(text(Body="¡Alto!"))
    assert isinstance(change, ConsentChange)
    assert (change.state, change.evidence, change.address.canonical) == ("revoked", "¡Alto!", ANA)
    assert getattr(message, "text", None) == "¡Alto!"


def test_a_start_word_gives_consent_back(channel: Sms) -> None:
    change, _ = channel.parse(text(Body="Unstop!"))
    assert isinstance(change, ConsentChange)
    assert change.state == "given"


def test_what_the_provider_did_with_a_word_counts_more_than_the_word(channel: Sms) -> None:
    change, _ = channel.parse(text(Body="Ya no", OptOutType="STOP"))
    assert isinstance(change, ConsentChange)
    assert change.state == "revoked"
    [message] = channel.parse(text(Body="Stop", OptOutType="HELP"))
    assert isinstance(message, Inbound)
    assert message.hints.answered


def test_a_code_has_the_class_that_the_desk_acts_on(channel: Sms) -> None:
    for codes, kind in CLASSES.items():
        for code in codes.split():
            [receipt] = channel.parse(status("failed", ErrorCode=code))
            assert isinstance(receipt, Receipt)
            assert receipt.error is not None
            assert receipt.error.kind == kind, code


CLASSES = {
    "21610": "opted_out",
    "21211 21217 21614 30005 30006": "bad_address",
    "30003 30008": "unreachable",
    "30004 30007": "blocked",
    "21408 21612 21608 21606 21212 21659 21660 30034 20003 20404 30002": "sender",
    "20429 21611 30001 30450 30453": "throttled",
    "63016": "window",
    "20500 11200 99999 nonsense": "unknown",
}


# --- numbers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("written", ["+1 555 010 0142", "(555) 010-0142", "1-555-010-0142", "555.010.0142"])
def test_a_number_has_one_form_however_it_is_written(channel: Sms, written: str) -> None:
    assert channel.canonical(written) == ANA


@pytest.mark.parametrize("written", ["", "  ", "hello there, everyone", "+1", "1", "ana@riverton.example"])
def test_what_is_no_number_is_said_so(channel: Sms, written: str) -> None:
    with pytest.raises(ValueError):
        channel.canonical(written)


@pytest.mark.parametrize(
    ("number", "zones"),
    [
        ("+12125550142", ("America/New_York",)),
        ("+18085550142", ("Pacific/Honolulu",)),
        ("+525512345678", ("America/Mexico_City",)),
        ("77777", ()),
        ("RIVERTON", ()),
        ("+8835100123456", ()),
    ],
)
def test_a_number_tells_where_it_is_given_out(channel: Sms, number: str, zones: tuple[str, ...]) -> None:
    assert channel.zones(number) == zones


def test_a_number_without_an_area_may_be_in_many_zones(channel: Sms) -> None:
    assert {"America/New_York", "America/Los_Angeles"} <= set(channel.zones("+18005550142"))


def test_numbers_are_shown_as_people_write_them(channel: Sms) -> None:
    assert channel.shown(ANA) == "(555) 010-0142"
    assert channel.shown("+525512345678") == "+52 55 1234 5678"
    assert channel.shown("77777") == "77777"
