"""The chat channel keeps the promises of every channel, and believes no frame that lies."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, ClassVar
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.base import Address, Arrival, Channel, Inbound, Inbox, Outbound, Raw, Signal, TooLong, Unreadable
from channels.chat import CHANNEL
from channels.chat.frames import FrameRefused
from tests.channels.contract import NOON, TOOLS, ChannelContract, check_item

INBOX = Inbox(id=1, slug="city", channel="chat", address="city", name="Riverton city services")
VISITOR = Address("chat_visitor", raw="v1", canonical="v1", name="Ana")
KEY = "019ab7c4-6f00-7c3a-9d3e-2b1f0a5c7e11"
ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.binary(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=15), inner, max_size=4),
    max_leaves=10,
)


def stored(arrival: Arrival) -> Raw:
    return Raw("chat:city", arrival.source_key, INBOX, arrival.envelope, NOON, arrival.body)


def raw(body: bytes, **envelope: Any) -> Raw:
    return Raw(
        "chat:city", f"v1/{KEY}", INBOX, {"visitor": "v1", "name": "Ana", "language": "es"} | envelope, NOON, body
    )


def sent(text: str, key: str = KEY) -> bytes:
    return json.dumps({"client_msg_id": key, "text": text}).encode()


class TestChat(ChannelContract):
    channel_class = CHANNEL
    settings: ClassVar[Mapping[str, str]] = {}
    needs_settings = False
    recordings = (
        (
            raw(sent("The lamp is out.\r\nAgain."), topic="lights"),
            [
                (
                    Inbound,
                    {
                        "text": "The lamp is out.\nAgain.",
                        "external_id": KEY,
                        "hints.client_key": UUID(KEY),
                        "hints.language": "es",
                        "hints.topic": "lights",
                        "sender.canonical": "v1",
                        "sender.name": "Ana",
                        "sender.proof": "claimed",
                    },
                )
            ],
        ),
        (raw(sent("a\0b\x07c\x9b\ud800d\te")), [(Inbound, {"text": "abcd\te"})]),
        (raw(sent("hello"), name="A\nn\0a" + "a" * 200), [(Inbound, {"sender.name": "A na" + "a" * 96})]),
        (raw(sent(" \0\n")), [(Unreadable, {"reason": "not a chat message: FrameRefused"})]),
        (raw(b"[" * 100_000), [(Unreadable, {})]),
        (raw(sent("hello", key="not-a-uuid")), [(Unreadable, {})]),
        (raw(sent("hello"), visitor="../x"), [(Unreadable, {})]),
        (raw(sent("hello"), visitor=7), [(Unreadable, {})]),
    )
    outbound = Outbound(UUID(KEY), INBOX, to="v1", text="We will send somebody.", sender_name="Sam")

    # --- what a visitor's page may say

    @pytest.mark.parametrize("key", [KEY, KEY.upper()])
    def test_a_message_keeps_the_id_it_was_written_under(self, channel: Channel, key: str) -> None:
        heard = channel.hear(VISITOR, "send", {"client_msg_id": key, "text": "Hello"})
        assert isinstance(heard, Arrival)
        assert (heard.recipient, heard.source_key) == ("", f"v1/{KEY}")
        assert heard.envelope == {"visitor": "v1", "name": "Ana", "language": ""}
        (read,) = channel.parse(stored(heard))
        assert isinstance(read, Inbound)
        assert (read.text, read.external_id, read.hints.client_key) == ("Hello", KEY, UUID(KEY))

    def test_a_message_sent_twice_is_stored_under_one_key(self, channel: Channel) -> None:
        frame = {"client_msg_id": KEY, "text": "Hello"}
        assert channel.hear(VISITOR, "send", frame) == channel.hear(VISITOR, "send", dict(reversed(frame.items())))

    def test_two_visitors_may_not_meet_in_one_key(self, channel: Channel) -> None:
        one, two = (
            channel.hear(replace(VISITOR, canonical=name), "send", {"client_msg_id": KEY, "text": "Hello"})
            for name in ("v1", "v2")
        )
        assert isinstance(one, Arrival)
        assert isinstance(two, Arrival)
        assert one.source_key != two.source_key

    @pytest.mark.parametrize(
        ("name", "data", "signal"),
        [
            ("typing", {}, Signal("typing")),
            ("typing", None, Signal("typing")),
            ("leave", {}, Signal("left")),
            ("seen", {"seq": 7, "visible": True}, Signal("read", up_to=7)),
            ("seen", {"seq": 7, "visible": False}, Signal("delivered", up_to=7)),
        ],
    )
    def test_the_desk_learns_what_a_visitor_does(self, channel: Channel, name: str, data: Any, signal: Signal) -> None:
        assert channel.hear(VISITOR, name, data) == signal

    @pytest.mark.parametrize(
        ("name", "data", "code"),
        [
            ("send", None, "bad_frame"),
            ("send", "Hello", "bad_frame"),
            ("send", ["client_msg_id", "text"], "bad_frame"),
            ("send", {"text": "Hello"}, "bad_frame"),
            ("send", {"client_msg_id": KEY}, "bad_frame"),
            ("send", {"client_msg_id": KEY, "text": "Hello", "from": "adviser"}, "bad_frame"),
            ("send", {"client_msg_id": KEY, "text": "Hello", "visitor": "v2"}, "bad_frame"),
            ("send", {"client_msg_id": KEY, "text": 7}, "bad_frame"),
            ("send", {"client_msg_id": KEY, "text": b"Hello"}, "bad_frame"),
            ("send", {"client_msg_id": None, "text": "Hello"}, "bad_frame"),
            ("send", {"client_msg_id": "1", "text": "Hello"}, "bad_frame"),
            ("send", {"client_msg_id": "{" + KEY + "}", "text": "Hello"}, "bad_frame"),
            ("send", {"client_msg_id": KEY + "\n", "text": "Hello"}, "bad_frame"),
            ("send", {"client_msg_id": KEY.replace("0", "０"), "text": "Hello"}, "bad_frame"),  # noqa: RUF001 digits that only look right
            ("send", {"client_msg_id": KEY, "text": ""}, "empty"),
            ("send", {"client_msg_id": KEY, "text": " \n\0\ud800"}, "empty"),
            ("send", {"client_msg_id": KEY, "text": "x" * 8193}, "too_long"),
            ("typing", {"text": "half a secret"}, "bad_frame"),
            ("typing", [], "bad_frame"),
            ("leave", {"ticket": 1}, "bad_frame"),
            ("seen", {"seq": True, "visible": True}, "bad_frame"),
            ("seen", {"seq": 1.0, "visible": True}, "bad_frame"),
            ("seen", {"seq": "1", "visible": True}, "bad_frame"),
            ("seen", {"seq": 1, "visible": 1}, "bad_frame"),
            ("seen", {"seq": -1, "visible": True}, "bad_frame"),
            ("seen", {"seq": 2**53, "visible": True}, "bad_frame"),
            ("seen", {"seq": 1}, "bad_frame"),
            ("connect", {}, "unknown_event"),
            ("message", {"from": "adviser", "text": "Hello"}, "unknown_event"),
            ("__class__", {}, "unknown_event"),
            ("", None, "unknown_event"),
        ],
    )
    def test_a_frame_that_lies_is_refused(self, channel: Channel, name: str, data: Any, code: str) -> None:
        with pytest.raises(ValueError, match=f"^{code}$"):
            channel.hear(VISITOR, name, data)

    @given(name=st.sampled_from(["send", "typing", "seen", "leave"]) | ANY, data=ANY)
    def test_any_frame_is_taken_or_refused_with_a_short_code(self, name: Any, data: Any) -> None:
        try:
            heard = chat().hear(VISITOR, name, data)
        except FrameRefused as refused:
            assert refused.code in {"bad_frame", "too_long", "empty", "unknown_event"}
        else:
            assert isinstance(heard, Signal)  # a whole message with its UUID is not met by chance

    @given(text=st.text(st.characters(exclude_categories=[]), min_size=1, max_size=200))
    def test_whatever_is_written_is_read_clean(self, text: str) -> None:
        try:
            heard = chat().hear(VISITOR, "send", {"client_msg_id": KEY, "text": text})
        except FrameRefused as refused:
            assert refused.code == "empty"
            return
        assert isinstance(heard, Arrival)
        (read,) = chat().parse(stored(heard))
        assert isinstance(read, Inbound)
        check_item(read)
        assert read.text.strip()

    # --- how long

    def test_the_limit_is_counted_in_bytes(self, channel: Channel) -> None:
        fits, too_long = "é" * 4096, "é" * 4096 + "x"
        assert isinstance(channel.hear(VISITOR, "send", {"client_msg_id": KEY, "text": fits}), Arrival)
        with pytest.raises(FrameRefused) as refused:
            channel.hear(VISITOR, "send", {"client_msg_id": KEY, "text": too_long})
        assert (refused.value.code, refused.value.limit, refused.value.count) == ("too_long", 8192, 8193)
        measured = channel.measure(replace(self.outbound, text=fits))
        assert (measured.parts, measured.units, measured.limit, measured.encoding) == (1, 8192, 8192, "UTF-8")
        with pytest.raises(TooLong) as caught:
            channel.measure(replace(self.outbound, text=too_long))
        assert (caught.value.limit, caught.value.count, caught.value.what) == (8192, 8193, "bytes")

    # --- what a visitor is told

    def test_a_visitor_is_told_what_is_public_and_nothing_more(self, channel: Channel) -> None:
        message = {
            "seq": 4,
            "prev": 2,
            "from": "adviser",
            "name": "Sam",
            "text": "Hello",
            "at": datetime(2026, 3, 2, 13, 0, tzinfo=timezone(timedelta(hours=1))),
            "client_msg_id": UUID(KEY),
            "visibility": "public",
            "author_id": 12,
        }
        assert channel.say(message) == (
            "message",
            {
                "seq": 4,
                "prev": 2,
                "from": "adviser",
                "name": "Sam",
                "text": "Hello",
                "at": "2026-03-02T12:00:00Z",
                "client_msg_id": KEY,
                "key": None,
                "params": None,
            },
        )

    async def test_a_stored_message_is_a_sent_one(self, channel: Channel) -> None:
        sent_one = await channel.send(self.outbound, channel.render(self.outbound))
        assert sent_one.provider_id == KEY
        assert await channel.find(self.outbound) == sent_one

    # --- being there

    def test_chat_can_be_switched_off(self) -> None:
        assert CHANNEL.from_env({"CHAT_ENABLED": "False"}, TOOLS) is None
        assert CHANNEL.from_env({"CHAT_ENABLED": "true"}, TOOLS) is not None

    def test_a_person_waits_at_the_screen(self, channel: Channel) -> None:
        assert channel.capabilities.live
        assert channel.capabilities.receipts

    @pytest.mark.parametrize("value", ["", "a b", "-x", "v/1", "ü", "x" * 129])
    def test_what_cannot_be_a_visitor_is_refused(self, channel: Channel, value: str) -> None:
        with pytest.raises(ValueError, match="not a visitor"):
            channel.canonical(value)


def chat() -> Channel:
    made = CHANNEL.from_env({}, TOOLS)
    assert made is not None
    return made


def test_times_are_read_in_utc() -> None:
    said = chat().say({"seq": 1, "prev": 0, "from": "you", "text": "x", "at": datetime(2026, 1, 1, tzinfo=UTC)})[1]
    assert said["at"] == "2026-01-01T00:00:00Z"
