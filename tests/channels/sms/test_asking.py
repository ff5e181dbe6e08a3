"""Asking Twilio: what came in while the door was closed, what became of a text, and the files that came with one.

Each request is compared with what Twilio publishes about its API.
"""

import base64
import struct
import zlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from channels.base import DeliveryState, ErrorClass, Inbound, Media, Raw, TryLater, Undeliverable
from channels.sms import Sms
from tests.channels.contract import NOON, TOOLS
from tests.channels.sms.facts import check_request
from tests.channels.sms.provider import Answer, Provider, provider, refusal
from tests.channels.sms.recordings import ACCOUNT, ANA, INBOX, OURS, TEXT, TOKEN
from tests.channels.sms.signing import signed
from tests.channels.sms.test_channel import ANSWER, SETTINGS, accepted, listing

SID = "SM" + "0" * 31 + "1"
MMS = "MM" + "0" * 31 + "2"
FILE = "ME" + "0" * 31 + "3"
HOME = f"/2010-04-01/Accounts/{ACCOUNT}/Messages"


@pytest.fixture
def twilio() -> Iterator[Provider]:
    with provider() as made:
        yield made


@pytest.fixture
async def channel(twilio: Provider) -> AsyncIterator[Sms]:
    made = Sms.from_env(SETTINGS | {"TWILIO_API_URL": twilio.url}, TOOLS)
    assert made is not None
    yield made
    await made.close()


def came(sid: str = SID, at: str = "Mon, 02 Mar 2026 11:58:00 +0000", **more: Any) -> dict[str, Any]:
    return {
        "sid": sid, "account_sid": ACCOUNT, "direction": "inbound", "status": "received", "from": ANA, "to": OURS,
        "body": TEXT["Body"], "num_media": "0", "num_segments": "1", "api_version": "2010-04-01", "date_sent": at,
        "date_created": at, "date_updated": at, "error_code": None,
        "subresource_uris": {"media": f"{HOME}/{sid}/Media.json"},
    } | more  # fmt: skip


# --- the door was closed ----------------------------------------------------------------------------------------------


async def test_a_missed_text_is_found_under_the_key_its_webhook_would_have_had(channel: Sms, twilio: Provider) -> None:
    twilio.answer = listing(came())
    [arrival] = await channel.history(INBOX, NOON - timedelta(hours=1))
    assert arrival.source_key == channel.key(signed()), "so that neither is a second message"
    raw = Raw("sms:main", arrival.source_key, INBOX, arrival.envelope, NOON, arrival.body)
    [found] = channel.parse(raw)
    [told] = channel.parse(Raw("sms:main", "x", INBOX, {"rest": "messages"}, NOON, signed().body))
    assert isinstance(found, Inbound)
    assert found.sent_at_claimed == datetime(2026, 3, 2, 11, 58, tzinfo=UTC)
    assert replace(found, sent_at_claimed=None) == told
    [(method, target, body)] = twilio.asked
    asked = check_request("list", method, target, body)
    assert (asked["To"], asked["DateSent>"]) == (OURS, "2026-03-02T11:00:00Z")
    assert "From" not in asked


async def test_what_we_sent_and_what_is_older_is_no_arrival(channel: Sms, twilio: Provider) -> None:
    early = "Mon, 02 Mar 2026 10:59:59 +0000"
    twilio.answer = listing(came(direction="outbound-api"), came(at=early), came("SM" + "9" * 32))
    assert [one.source_key for one in await channel.history(INBOX, NOON - timedelta(hours=1))] == [
        f"{ACCOUNT}:SM{'9' * 32}"
    ]


async def test_missed_texts_are_told_oldest_first_over_all_pages(channel: Sms, twilio: Provider) -> None:
    def page(number: int, more: bool) -> Answer:
        sids = [f"SM{9 - number * 2 - at:032d}" for at in range(2)]
        following = f"{HOME}.json?To=x&PageSize=2&Page={number + 1}&PageToken=PA1" if more else None
        body = {"messages": [came(sid) for sid in sids], "page": number, "page_size": 2, "next_page_uri": following}
        return Answer(200, body | {"uri": "", "start": 0, "end": 1, "first_page_uri": "", "previous_page_uri": None})

    twilio.answers = [page(0, True), page(1, True), page(2, False)]
    found = await channel.history(INBOX, NOON - timedelta(hours=1))
    assert [one.source_key[-1] for one in found] == ["4", "5", "6", "7", "8", "9"]
    assert len(twilio.asked) == 3


async def test_a_list_that_never_ends_is_left(channel: Sms, twilio: Provider) -> None:
    body = {"messages": [came(f"SM{at:032d}") for at in range(500)], "next_page_uri": f"{HOME}.json?Page=1"}
    twilio.answer = Answer(200, body)
    assert len(await channel.history(INBOX, NOON - timedelta(hours=1))) == 5000
    assert len(twilio.asked) == 10


@pytest.mark.parametrize("answer", [Answer(500), refusal(20404, 404), refusal(20003, 401), Answer(200, {})])
async def test_a_list_that_cannot_be_had_is_asked_for_later(channel: Sms, twilio: Provider, answer: Answer) -> None:
    twilio.answer = answer
    with pytest.raises(TryLater):
        await channel.history(INBOX, NOON)


# --- what became of a text --------------------------------------------------------------------------------------------


async def test_the_outcome_of_a_text_can_be_asked(channel: Sms, twilio: Provider) -> None:
    twilio.answer = Answer(200, came(direction="outbound-api", status="delivered"))
    receipt = await channel.outcome(INBOX, SID)
    assert receipt is not None
    assert (receipt.provider_id, receipt.state, receipt.error) == (SID, DeliveryState.DELIVERED, None)
    assert receipt.at == datetime(2026, 3, 2, 11, 58, tzinfo=UTC)
    check_request("fetch", *twilio.asked[0])


async def test_a_failed_outcome_says_why(channel: Sms, twilio: Provider) -> None:
    twilio.answer = Answer(200, came(status="undelivered", error_code=30005, error_message="nobody"))
    receipt = await channel.outcome(INBOX, SID)
    assert receipt is not None
    assert receipt.error is not None
    assert (receipt.error.kind, receipt.error.code, receipt.error.text) == (ErrorClass.BAD_ADDRESS, "30005", "nobody")


async def test_a_text_that_nobody_knows_has_no_outcome(channel: Sms, twilio: Provider) -> None:
    twilio.answer = refusal(20404, 404)
    assert await channel.outcome(INBOX, SID) is None
    twilio.answer = Answer(503)
    with pytest.raises(TryLater):
        await channel.outcome(INBOX, SID)


async def test_a_send_and_a_search_are_requests_as_published(channel: Sms, twilio: Provider) -> None:
    twilio.answer = accepted()
    await channel.send(ANSWER, channel.render(ANSWER))
    twilio.answer = listing()
    await channel.find(ANSWER)
    sent = check_request("create", *twilio.asked[0])
    assert 1 <= int(sent["ValidityPeriod"]) <= 36_000
    check_request("list", *twilio.asked[1])


async def test_the_settings_can_be_tried(channel: Sms, twilio: Provider) -> None:
    twilio.answer = listing(came())
    assert (await channel.test(INBOX)).problem == ""
    twilio.answer = refusal(20003, 401)
    assert (await channel.test(INBOX)).problem == "said by the provider"


# --- files ------------------------------------------------------------------------------------------------------------

EXIF = b"\xff\xe1\x00\x14Exif\x00\x00GPS 40.7 -74"
JPEG = (
    b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00" + EXIF
    + b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00\x2a\xff\xd9"
)  # fmt: skip


def png() -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0\0")) + chunk(b"IEND", b"")


def there(twilio: Provider, **more: Any) -> Media:
    return Media(f"{twilio.url}{HOME}/{MMS}/Media/{FILE}", **more)


async def test_a_picture_is_fetched_with_our_key_and_told_by_its_bytes(channel: Sms, twilio: Provider) -> None:
    twilio.answer = Answer(200, raw=png(), headers={"Content-Type": "image/jpeg"})
    file = await channel.fetch(INBOX, there(twilio, type="image/jpeg"))
    assert (file.type, file.type_declared, file.name) == ("image/png", "image/jpeg", "picture.png")
    assert file.body == png()
    key = base64.b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()
    assert twilio.keys == [f"Basic {key}"]


async def test_where_a_picture_was_taken_is_not_kept(channel: Sms, twilio: Provider) -> None:
    twilio.answer = Answer(200, raw=JPEG)
    file = await channel.fetch(INBOX, there(twilio))
    assert file.type == "image/jpeg"
    assert b"GPS" not in file.body
    assert file.body.startswith(b"\xff\xd8") and file.body.endswith(b"\xff\xd9")


async def test_a_file_that_is_not_there_yet_is_fetched_later(channel: Sms, twilio: Provider) -> None:
    for answer in (refusal(20404, 404), Answer(500), Answer(hang_up=True), refusal(20429, 429)):
        twilio.answer = answer
        with pytest.raises(TryLater):
            await channel.fetch(INBOX, there(twilio))


async def test_a_file_that_is_too_large_or_gone_is_given_up(channel: Sms, twilio: Provider) -> None:
    for answer in (Answer(200, raw=b"x" * (10 * 1024 * 1024 + 1)), Answer(410)):
        twilio.answer = answer
        with pytest.raises(Undeliverable) as caught:
            await channel.fetch(INBOX, there(twilio))
        assert caught.value.error.kind is ErrorClass.CONTENT


@pytest.mark.parametrize(
    "ref",
    [
        "",
        "https://riverton.example/a.jpg",
        "http://127.0.0.1:1/2010-04-01/Accounts/{a}/Messages/MM1/Media/ME1",
        "http://api.twilio.com/2010-04-01/Accounts/{a}/Messages/MM1/Media/ME1",
        "https://api.twilio.com.riverton.example/2010-04-01/Accounts/{a}/Messages/MM1/Media/ME1",
        "https://api.twilio.com:8443/2010-04-01/Accounts/{a}/Messages/MM1/Media/ME1",
        "https://x@api.twilio.com/2010-04-01/Accounts/{a}/Messages/MM1/Media/ME1",
        "https://evilapi.twilio.com/2010-04-01/Accounts/{a}/Messages/MM1/Media/ME1",
        "https://api.twilio.com/2010-04-01/Accounts/ACelse/Messages/MM1/Media/ME1",
        "https://api.twilio.com/2010-04-01/Accounts/{a}/Messages/../../ACelse/Messages/MM1/Media/ME1",
        "https://api.twilio.com/2010-04-01/Accounts/{a}/Messages/MM1/Media/ME1?x=y",
        "https://api.twilio.com/2010-04-01/Accounts/{a}/Recordings/RE1",
        "{url}/2010-04-01/Accounts/{a}/Messages/MM1/Media/%2e%2e",
        "{url}/2010-04-01/Accounts/{a}/Messages/MM1/Media/ME1\n",
        "/2010-04-01/Accounts/ACelse/Messages/MM1/Media.json#0",
    ],
)
async def test_an_address_that_is_no_file_of_ours_is_never_asked(channel: Sms, twilio: Provider, ref: str) -> None:
    with pytest.raises(Undeliverable):
        await channel.fetch(INBOX, Media(ref.format(a=ACCOUNT, url=twilio.url)))
    assert twilio.asked == []


async def test_a_file_of_a_missed_message_is_found_in_its_list(channel: Sms, twilio: Provider) -> None:
    twilio.answer = listing(came(MMS, num_media="2"))
    [arrival] = await channel.history(INBOX, NOON - timedelta(hours=1))
    [message] = channel.parse(Raw("sms:main", "k", INBOX, arrival.envelope, NOON, arrival.body))
    assert isinstance(message, Inbound)
    assert len(message.media) == 2
    files = [
        {"sid": sid, "date_created": at, "uri": f"{HOME}/{MMS}/Media/{sid}.json"}
        for sid, at in ((FILE, "Mon, 02 Mar 2026 11:58:02 +0000"), ("ME1", "Mon, 02 Mar 2026 11:58:01 +0000"))
    ]
    twilio.answers = [Answer(200, {"media_list": files, "next_page_uri": None}), Answer(200, raw=png())]
    assert (await channel.fetch(INBOX, message.media[1])).type == "image/png"
    check_request("list_media", *twilio.asked[1])
    assert twilio.asked[2][1] == f"{HOME}/{MMS}/Media/{FILE}"
    twilio.answer = Answer(200, {"media_list": [], "next_page_uri": None})
    with pytest.raises(TryLater):
        await channel.fetch(INBOX, message.media[0])
