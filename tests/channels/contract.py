"""What every channel must keep. A channel's tests subclass ``ChannelContract`` and supply what is marked *supply*.

    class TestPostcards(ChannelContract):
        channel_class = Postcards
        settings = {"POSTCARD_OFFICE": "127.0.0.1:1"}
        recordings = [(raw(b"..."), [(Inbound, {"text": "Hello", "sender.canonical": "ann"})])]
        outbound = Outbound(...)

Each inherited test is one promise; a channel's own rules have tests of their own beside it.
"""

import contextlib
import importlib
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any, ClassVar, NoReturn

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as effort
from hypothesis import strategies as st

from channels.base import (
    BadSignature,
    Channel,
    ChannelError,
    ConsentChange,
    ErrorClass,
    Form,
    Inbound,
    Inbox,
    Item,
    Outbound,
    Raw,
    Receipt,
    Signal,
    TooLong,
    Tools,
    Unreadable,
    WebhookRequest,
)

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
TOOLS = Tools(clock=lambda: NOON, public_url="https://desk.riverton.example", secret=b"s" * 32)
ITEMS = (Inbound, Receipt, ConsentChange, Signal, Unreadable)
MARKS = st.text(max_size=40)
PAIRS = st.lists(st.tuples(MARKS, MARKS), max_size=6)

# Fixtures of a class are made once for all examples, and subclasses share the test functions: both are meant.
tries = effort(
    max_examples=60,
    deadline=None,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.differing_executors,
        HealthCheck.too_slow,
    ],
)

Expected = Sequence[tuple[type[Item], Mapping[str, Any]]]
Refusal = tuple[Any, type[ChannelError], ErrorClass | None]
ProviderSays = Callable[[Any], Awaitable[None]]


class ChannelContract:
    """Promises of a channel. ``refusals`` are ``(answer, exception, error class)``; see ``provider_says``."""

    # --- supply -------------------------------------------------------------------------------------------------------

    channel_class: ClassVar[type[Channel]]
    settings: ClassVar[Mapping[str, str]]
    needs_settings: ClassVar[bool] = True  # False: works without any setting
    recordings: ClassVar[Sequence[tuple[Raw, Expected]]]  # attributes may be dotted: "sender.canonical"
    outbound: ClassVar[Outbound]  # own_id empty: the contract mints one

    signed_request: ClassVar[WebhookRequest | None] = None  # channels with webhooks: one that verifies
    signature_header: ClassVar[str] = ""  # lower case

    refusals: ClassVar[Sequence[Refusal]] = ()  # channels with a provider or relay

    @pytest.fixture
    def provider_says(self) -> ProviderSays:
        """Return an async function that makes the fake provider give this answer to the next send."""

        async def nothing(_: Any) -> None:
            raise NotImplementedError

        return nothing

    @pytest.fixture
    def channel(self) -> Channel:
        """Override where the settings are known only when a fake provider is up (or to close it afterwards)."""
        made = self.channel_class.from_env(self.settings, TOOLS)
        assert made is not None
        return made

    # --- being there --------------------------------------------------------------------------------------------------

    def test_the_folder_names_the_channel(self) -> None:
        module = importlib.import_module(f"channels.{self.channel_class.name}")
        assert module.CHANNEL is self.channel_class

    def test_without_settings_there_is_no_such_channel(self) -> None:
        if not self.needs_settings:
            pytest.skip("this channel works without settings")
        assert self.channel_class.from_env({}, TOOLS) is None

    # --- coming in ----------------------------------------------------------------------------------------------------

    def test_each_recording_is_read_as_expected(self, channel: Channel) -> None:
        assert self.recordings
        for raw, expected in self.recordings:
            items = channel.parse(raw)
            assert [type(item) for item in items] == [kind for kind, _ in expected], raw.source_key
            for item, (_, values) in zip(items, expected, strict=True):
                assert {name: attrgetter(name)(item) for name in values} == dict(values), raw.source_key

    def test_reading_twice_gives_the_same(self, channel: Channel) -> None:
        for raw, _ in self.recordings:
            assert channel.parse(raw) == channel.parse(raw)

    def test_what_is_read_can_be_told_apart(self, channel: Channel) -> None:
        for raw, _ in self.recordings:
            for item in channel.parse(raw):
                check_item(item)
                if isinstance(item, Inbound):
                    assert item.sender.canonical
                    assert item.sender.kind == channel.capabilities.endpoint_kind

    @tries
    @given(body=st.binary(max_size=2000))
    def test_any_bytes_can_be_read(self, channel: Channel, body: bytes) -> None:
        for item in channel.parse(replace(self.recordings[0][0], body=body)):
            check_item(item)

    @tries
    @given(data=st.data())
    def test_damaged_recordings_can_be_read(self, channel: Channel, data: st.DataObject) -> None:
        raw, _ = data.draw(st.sampled_from(self.recordings))
        start = data.draw(st.integers(0, len(raw.body)))
        end = data.draw(st.integers(start, min(len(raw.body), start + 40)))
        body = raw.body[:start] + data.draw(st.binary(max_size=40)) + raw.body[end:]
        for item in channel.parse(replace(raw, body=body)):
            check_item(item)

    # --- requests of a provider ---------------------------------------------------------------------------------------

    def test_a_signed_request_is_let_in(self, channel: Channel) -> None:
        channel.verify(self.a_signed_request())

    def test_a_request_changed_on_the_way_is_refused(self, channel: Channel) -> None:
        request = self.a_signed_request()
        unsigned = {name: value for name, value in request.headers.items() if name != self.signature_header}
        more = Form([*request.form.pairs(), ("Extra", "1")])
        for changed in (
            replace(request, headers=unsigned),
            replace(request, headers={**request.headers, self.signature_header: ""}),
            replace(request, headers={**request.headers, self.signature_header: "x"}),
            replace(request, url=request.url + "/elsewhere"),
            replace(request, body=request.body + b"&Extra=1", form=more),
        ):
            with pytest.raises(BadSignature):
                channel.verify(changed)

    @tries
    @given(data=st.data())
    def test_a_stranger_is_refused_and_nothing_else_happens(self, channel: Channel, data: st.DataObject) -> None:
        with pytest.raises(BadSignature):
            channel.verify(data.draw(strange_requests(self.recordings[0][0].inbox, self.signature_header)))

    @tries
    @given(data=st.data())
    def test_any_request_has_a_key_that_does_not_change(self, channel: Channel, data: st.DataObject) -> None:
        request = data.draw(strange_requests(self.recordings[0][0].inbox, self.signature_header))
        key = channel.key(request)
        assert key
        assert isinstance(key, str)
        assert channel.key(request) == key

    def a_signed_request(self) -> WebhookRequest:
        if self.signed_request is None:
            pytest.skip("this channel takes no webhooks")
        return self.signed_request

    # --- going out ----------------------------------------------------------------------------------------------------

    def test_an_answer_is_written_the_same_each_time(self, channel: Channel) -> None:
        outbound = self.minted(channel)
        assert channel.measure(outbound).parts >= 1
        assert channel.render(outbound) == channel.render(outbound)

    def test_a_text_that_is_too_long_never_reaches_the_network(
        self, channel: Channel, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def no_network(*_: object) -> NoReturn:
            raise AssertionError("the network was touched")

        monkeypatch.setattr(socket.socket, "connect", no_network)
        limit = channel.capabilities.max_text
        with pytest.raises(TooLong) as caught:
            channel.measure(replace(self.minted(channel), text="x" * (limit + 1)))
        assert 0 < caught.value.limit < caught.value.count

    async def test_each_refusal_has_a_class_the_desk_knows(self, channel: Channel, provider_says: ProviderSays) -> None:
        if not self.refusals:
            pytest.skip("this channel hands its messages to nobody who could refuse")
        for answer, exception, kind in self.refusals:
            await provider_says(answer)
            outbound = self.minted(channel)
            with pytest.raises(ChannelError) as caught:
                await channel.send(outbound, channel.render(outbound))
            assert type(caught.value) is exception, answer
            error = getattr(caught.value, "error", None)
            assert (error.kind if error else None) is kind, answer

    def minted(self, channel: Channel) -> Outbound:
        return replace(self.outbound, own_id=channel.mint_id(self.outbound.inbox))

    # --- addresses and frames -----------------------------------------------------------------------------------------

    def test_an_address_has_one_canonical_form(self, channel: Channel) -> None:
        canonical = channel.canonical(self.outbound.to)
        assert channel.canonical(canonical) == canonical
        assert channel.shown(canonical)

    @tries
    @given(value=st.text(max_size=80))
    def test_no_address_is_refused_with_anything_but_a_value_error(self, channel: Channel, value: str) -> None:
        with contextlib.suppress(ValueError):
            assert isinstance(channel.canonical(value), str)


def check_item(item: Item) -> None:
    """No control characters, no newline in a subject, an id on all that the desk must recognise again."""
    assert isinstance(item, ITEMS)
    if isinstance(item, Receipt):
        assert item.provider_id
    if isinstance(item, Inbound):
        assert item.external_id
        assert not {"\r", "\n", "\t"} & set(item.subject + item.sender.name)
        for text in (item.text, item.text_visible or "", item.html or "", item.subject, item.external_id):
            assert "\0" not in text
            text.encode()  # a lone surrogate would raise


def strange_requests(inbox: Inbox, signature_header: str) -> st.SearchStrategy[WebhookRequest]:
    headers = st.dictionaries(MARKS.map(str.lower), MARKS, max_size=4)
    signature = st.fixed_dictionaries({}, optional={signature_header or "signature": MARKS})
    return st.builds(
        WebhookRequest,
        inbox=st.just(inbox),
        method=st.sampled_from(["POST", "GET", "PUT", ""]),
        rest=MARKS,
        url=MARKS,
        headers=st.builds(lambda one, two: {**one, **two}, headers, signature),
        query=st.builds(Form, PAIRS),
        form=st.builds(Form, PAIRS),
        body=st.binary(max_size=200),
        client_ip=MARKS,
    )
