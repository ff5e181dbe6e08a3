"""Any bytes may arrive as mail: reading raises nothing, is repeatable, and lets nothing through that breaks a screen or a header."""

import os
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from channels.base import Address, File, Hints, Inbound, Receipt, Unreadable
from channels.email import headers_only, parse
from tests.channels.email.mails import raw
from tests.channels.email.odd import BUILT, REAL, mutated

LONG = bool(os.environ.get("CONTACTCENTER_LONG_TESTS"))
EXAMPLES = 40_000 if LONG else 150
often = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
pytestmark = pytest.mark.timeout(3_600 if LONG else 120)

LINE_ENDS = set("\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029")
ONE_LINE: dict[type, tuple[str, ...]] = {
    Inbound: ("subject", "external_id"),
    Address: ("raw", "canonical", "name"),
    File: ("name", "name_raw", "type", "content_id", "type_declared"),
    Hints: ("reply_token",),
    Receipt: ("provider_id",),
    Unreadable: ("reason",),
}


def told(value: Any) -> Iterator[str]:
    """Every text anywhere inside what was read."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | tuple):
        for one in value:
            yield from told(one)
    elif is_dataclass(value):
        for one in fields(value):
            yield from told(getattr(value, one.name))


def single_lines(value: Any) -> Iterator[str]:
    if isinstance(value, list | tuple):
        for one in value:
            yield from single_lines(one)
    elif is_dataclass(value) and not isinstance(value, type):
        yield from (str(getattr(value, name)) for name in ONE_LINE.get(type(value), ()))
        for one in fields(value):
            yield from single_lines(getattr(value, one.name))
        if isinstance(value, Hints):
            yield from value.references


def assert_harmless(body: bytes) -> None:
    for read in (parse, headers_only):
        items = read(raw(body))
        assert items, "a mail gives at least one item"
        assert read(raw(body)) == items, "reading is repeatable"
        for text in told(items):
            assert "\x00" not in text
            assert text == text.encode("utf-8", "ignore").decode(), "no lone surrogates"
        for line in single_lines(items):
            assert not LINE_ENDS & set(line), line


@often
@given(st.binary(max_size=3000))
@example(b"")
@example(b"\xef\xbb\xbf")
@example(b"From ")
def test_any_bytes_are_read_as_something(body: bytes) -> None:
    assert_harmless(body)


@often
@given(mutated())
def test_a_mail_damaged_on_its_way_is_still_read(body: bytes) -> None:
    assert_harmless(body)


@often
@given(BUILT)
def test_a_mail_put_together_by_an_odd_program_is_read(body: bytes) -> None:
    assert_harmless(body)


@pytest.mark.parametrize("number", range(len(REAL)))
def test_a_mail_as_it_is_comes_through_whole(number: int) -> None:
    assert_harmless(REAL[number])
    assert all(not isinstance(item, Unreadable) for item in parse(raw(REAL[number])))
