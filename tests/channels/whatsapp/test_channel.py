"""WhatsApp: the same provider and the same account as for texts, other addresses and another rule about when to write."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs

import pytest

from channels.base import (
    BadSignature,
    ConsentChange,
    DeliveryState,
    ErrorClass,
    File,
    Inbound,
    Inbox,
    Media,
    Outbound,
    Proof,
    Raw,
    Receipt,
    SendError,
    TooLong,
    TryLater,
    Undeliverable,
    Unsure,
)
from channels.whatsapp import WhatsApp
from tests.channels.contract import NOON, TOOLS, ChannelContract
from tests.channels.sms.facts import check_request
from tests.channels.sms.provider import Answer, Provider, provider, refusal
from tests.channels.sms.recordings import ACCOUNT, OUR_ID, PICTURE, STATUS, TEXT, TOKEN, recorded
from tests.channels.sms.signing import HEADER, signed
from tests.channels.sms.test_asking import came
from tests.channels.sms.test_channel import listing

SETTINGS = {"TWILIO_ACCOUNT_SID": ACCOUNT, "TWILIO_AUTH_TOKEN": TOKEN, "WHATSAPP_ENABLED": "yes"}
OURS, ANA, HERSELF = "+15550100100", "+15550100142", "US.13491208655302741918"
INBOX = Inbox(2, "wa", "whatsapp", OURS, "Riverton on WhatsApp")
FIELDS = TEXT | {"From": f"whatsapp:{ANA}", "To": f"whatsapp:{OURS}", "ProfileName": "Ana\n Díaz", "WaId": ANA[1:]}
CALLBACK = f"https://desk.riverton.example/channels/whatsapp/wa/status?m={OUR_ID}"
ANSWER = Outbound(OUR_ID, INBOX, ANA, "We will look at it today.", callback_url=CALLBACK, written_at=NOON)


def message(**changes: str) -> Raw:
    return replace(recorded("messages", FIELDS | changes), source="whatsapp:wa", inbox=INBOX)


def status(word: str, **changes: str) -> Raw:
    fields = STATUS | {"MessageStatus": word, "From": f"whatsapp:{OURS}", "To": f"whatsapp:{ANA}"} | changes
    return replace(recorded("status", fields, f"m={OUR_ID}"), source="whatsapp:wa", inbox=INBOX)


ANA_WROTE: dict[str, Any] = {
    "sender.kind": "whatsapp",
    "sender.raw": f"whatsapp:{ANA}",
    "sender.canonical": ANA,
    "sender.name": "Ana Díaz",
    "sender.proof": Proof.PROVIDER_ATTESTED,
}


@pytest.fixture
def twilio() -> Iterator[Provider]:
    with provider() as made:
        yield made


@pytest.fixture
async def channel(twilio: Provider) -> AsyncIterator[WhatsApp]:
    made = WhatsApp.from_env(SETTINGS | {"TWILIO_API_URL": twilio.url}, TOOLS)
    assert made is not None
    yield made
    await made.close()


class TestContract(ChannelContract):
    channel_class = WhatsApp
    settings = SETTINGS
    recordings = (
        (message(), [(Inbound, ANA_WROTE | {"text": "The light at 5th & Main is out", "hints.answered": False})]),
        (
            message(From=f"whatsapp:{HERSELF}", WaId="", ProfileName=""),
            [(Inbound, {"sender.canonical": HERSELF, "sender.name": "", "sender.raw": f"whatsapp:{HERSELF}"})],
        ),
        (message(From="whatsapp:someone new"), [(Inbound, {"sender.canonical": "someone new"})]),
        (
            message(Body="", Latitude="40.7128", Longitude="-74.006", Label="Town Hall", Address="Main St 1"),
            [(Inbound, {"text": "Town Hall, Main St 1 (40.7128, -74.006)"})],
        ),
        (message(NumMedia="1", MediaUrl0=PICTURE), [(Inbound, {"media": (Media(PICTURE),)})]),
        (message(Body="Alto"), [(ConsentChange, {"state": "revoked"}), (Inbound, ANA_WROTE)]),
        (message(Body="stop texting me"), [(ConsentChange, {"state": "doubted"}), (Inbound, ANA_WROTE)]),
        (status("read"), [(Receipt, {"state": DeliveryState.READ, "message_id": OUR_ID, "error": None})]),
        (
            status("undelivered", ErrorCode="63016"),
            [(Receipt, {"error": SendError(ErrorClass.WINDOW, "63016"), "state": DeliveryState.UNDELIVERED})],
        ),
    )
    outbound = ANSWER
    signed_request = signed(tuple(FIELDS.items()), inbox=INBOX)
    signature_header = HEADER
    refusals = (
        (refusal(63016), Undeliverable, ErrorClass.WINDOW),
        (refusal(21610), Undeliverable, ErrorClass.OPTED_OUT),
        (refusal(63003), Undeliverable, ErrorClass.BAD_ADDRESS),
        (refusal(63007), Undeliverable, ErrorClass.SENDER),
        (refusal(63018, 429), TryLater, ErrorClass.THROTTLED),
        (refusal(20500, 500), Unsure, None),
    )

    @pytest.fixture
    def channel(self, channel: WhatsApp) -> WhatsApp:
        return channel

    @pytest.fixture
    def provider_says(self, twilio: Provider) -> Callable[[Any], Awaitable[None]]:
        async def say(answer: Answer) -> None:
            twilio.answer = answer

        return say


@pytest.mark.parametrize("said", ["", "no", "0", "false", "off"])
def test_an_account_for_texts_alone_is_not_enough(said: str) -> None:
    assert WhatsApp.from_env(SETTINGS | {"WHATSAPP_ENABLED": said}, TOOLS) is None


def test_it_may_be_answered_for_a_day_and_read_receipts_have_their_own_word(channel: WhatsApp) -> None:
    known = channel.capabilities
    assert known.reply_window == timedelta(hours=24)
    assert known.words["read"] == "read"


@pytest.mark.parametrize(("to", "wire"), [(ANA, f"whatsapp:{ANA}"), (HERSELF, f"whatsapp:{HERSELF}")])
async def test_an_answer_goes_to_a_number_or_to_who_has_none(
    channel: WhatsApp, twilio: Provider, to: str, wire: str
) -> None:
    twilio.answer = Answer(201, {"sid": "SM1", "status": "queued"})
    outbound = replace(ANSWER, to=channel.canonical(to))
    await channel.send(outbound, channel.render(outbound))
    sent = check_request("create", *twilio.asked[0])
    assert (sent["To"], sent["From"], sent["StatusCallback"]) == (wire, f"whatsapp:{OURS}", CALLBACK)


async def test_a_doubtful_send_is_looked_for_under_the_networks_own_addresses(
    channel: WhatsApp, twilio: Provider
) -> None:
    twilio.answer = listing()
    assert await channel.find(ANSWER) is None
    assert parse_qs(twilio.asked[0][1].partition("?")[2])["To"] == [f"whatsapp:{ANA}"]


async def test_missed_messages_are_listed_for_this_network_only(channel: WhatsApp, twilio: Provider) -> None:
    twilio.answer = listing(came(**{"from": f"whatsapp:{ANA}", "to": f"whatsapp:{OURS}"}))
    [arrival] = await channel.history(INBOX, NOON - timedelta(hours=1))
    assert parse_qs(twilio.asked[0][1].partition("?")[2])["To"] == [f"whatsapp:{OURS}"]
    assert arrival.source_key == channel.key(signed(tuple(FIELDS.items()), inbox=INBOX))
    [found] = channel.parse(Raw("whatsapp:wa", "k", INBOX, arrival.envelope, NOON, arrival.body))
    assert isinstance(found, Inbound)
    assert found.sender.canonical == ANA


def test_a_text_to_the_same_number_is_not_let_in_here(channel: WhatsApp) -> None:
    for changes in ({"To": OURS}, {"To": "whatsapp:+15550100101"}, {"AccountSid": "AC" + "f" * 32}):
        with pytest.raises(BadSignature):
            channel.verify(signed(tuple((FIELDS | changes).items()), inbox=INBOX))


def test_an_inbox_may_be_written_with_the_networks_name(channel: WhatsApp) -> None:
    channel.verify(signed(tuple(FIELDS.items()), inbox=replace(INBOX, address=f"whatsapp:{OURS}")))


@pytest.mark.parametrize("written", [f"whatsapp:{ANA}", "(555) 010-0142", f" WhatsApp:{ANA} ", "1-555-010-0142"])
def test_a_number_has_one_form(channel: WhatsApp, written: str) -> None:
    assert channel.canonical(written) == ANA


@pytest.mark.parametrize("written", ["", "whatsapp:", "77777", "RIVERTON", "US.", "us.123", "US.1 2", f"sip:{ANA}"])
def test_what_is_neither_number_nor_id_is_said_so(channel: WhatsApp, written: str) -> None:
    with pytest.raises(ValueError):
        channel.canonical(written)


def test_addresses_are_shown_and_placed_as_far_as_they_tell(channel: WhatsApp) -> None:
    assert channel.shown(ANA) == "(555) 010-0142"
    assert channel.shown(HERSELF) == HERSELF
    assert channel.zones("+12125550142") == ("America/New_York",)
    assert channel.zones(HERSELF) == ()


def test_length_is_counted_in_characters_and_files_cannot_go(channel: WhatsApp) -> None:
    assert channel.measure(replace(ANSWER, text="日" * 1600)).parts == 1
    with pytest.raises(TooLong):
        channel.measure(replace(ANSWER, files=(File("a.pdf", "application/pdf", b"%PDF"),)))
