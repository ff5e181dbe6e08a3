"""Counting is compared with a reference written from the tables of 3GPP TS 23.038 in another way: by code and bytes."""

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels._segments import segments
from channels.base import TooLong
from channels.sms import Sms
from tests.channels.contract import TOOLS
from tests.channels.sms.test_channel import ANSWER, SETTINGS

# Rows of the standard's table, by the high three bits of the code; None is the escape.
ROWS = [
    [0x40, 0xA3, 0x24, 0xA5, 0xE8, 0xE9, 0xF9, 0xEC, 0xF2, 0xC7, 0x0A, 0xD8, 0xF8, 0x0D, 0xC5, 0xE5],
    [0x394, 0x5F, 0x3A6, 0x393, 0x39B, 0x3A9, 0x3A0, 0x3A8, 0x3A3, 0x398, 0x39E, None, 0xC6, 0xE6, 0xDF, 0xC9],
    [0x20, 0x21, 0x22, 0x23, 0xA4, *range(0x25, 0x30)],
    [*range(0x30, 0x40)],
    [0xA1, *range(0x41, 0x50)],
    [*range(0x50, 0x5B), 0xC4, 0xD6, 0xD1, 0xDC, 0xA7],
    [0xBF, *range(0x61, 0x70)],
    [*range(0x70, 0x7B), 0xE4, 0xF6, 0xF1, 0xFC, 0xE0],
]
CODES = {code: [high * 16 + low] for high, row in enumerate(ROWS) for low, code in enumerate(row) if code is not None}
EXTENSION = {0x0C: 0x0A, 0x5E: 0x14, 0x7B: 0x28, 0x7D: 0x29, 0x5C: 0x2F, 0x5B: 0x3C, 0x7E: 0x3D, 0x5D: 0x3E, 0x7C: 0x40}
CODES |= {code: [0x1B, second] for code, second in {**EXTENSION, 0x20AC: 0x65}.items()}

LIKELY = st.sampled_from("abc @£ñÇ€^{}[]~|\\\n\u2019\u201cç`日🙏")


def reference(text: str) -> tuple[str, int, int]:
    """Encoding, units and parts: pack whole characters into parts, greedily."""
    if all(ord(char) in CODES for char in text):
        name, alone, joined = "GSM-7", 160, 153
        lengths = [len(CODES[ord(char)]) for char in text]
    else:
        name, alone, joined = "UCS-2", 70, 67
        lengths = [len(char.encode("utf-16-be", "surrogatepass")) // 2 for char in text]
    if sum(lengths) <= alone:
        return name, sum(lengths), 1
    packed = [0]
    for length in lengths:
        if packed[-1] + length > joined:
            packed.append(0)
        packed[-1] += length
    return name, sum(lengths), len(packed)


def test_the_table_has_127_characters_and_an_escape() -> None:
    assert sum(len(row) for row in ROWS) == 128
    assert len(CODES) == 127 + 10


@settings(max_examples=3000, deadline=None)
@given(st.text(alphabet=st.one_of(LIKELY, st.characters(exclude_categories=["Cs"])), max_size=400))
def test_parts_are_those_of_the_reference(text: str) -> None:
    counted = segments(text)
    assert (counted.encoding, counted.units, len(counted.parts)) == reference(text)
    assert "".join(counted.parts) == text


@settings(max_examples=500, deadline=None)
@given(st.text(alphabet=st.sampled_from("ab€{ñ"), min_size=150, max_size=1600))
def test_long_plain_texts_too(text: str) -> None:
    counted = segments(text)
    assert (counted.encoding, counted.units, len(counted.parts)) == reference(text)


@pytest.mark.parametrize(
    ("text", "encoding", "units", "parts"),
    [
        ("", "GSM-7", 0, 1),
        ("a" * 160, "GSM-7", 160, 1),
        ("a" * 161, "GSM-7", 161, 2),
        ("a" * 306, "GSM-7", 306, 2),
        ("€" * 80, "GSM-7", 160, 1),
        ("a" * 152 + "€" + "a" * 10, "GSM-7", 164, 2),
        ("é" * 160, "GSM-7", 160, 1),
        ("Ç" * 160, "GSM-7", 160, 1),
        ("ç" * 70, "UCS-2", 70, 1),
        ("`" * 71, "UCS-2", 71, 2),
        ("🙏" * 35, "UCS-2", 70, 1),
        ("🙏" * 36, "UCS-2", 72, 2),
        ("a" * 160 + "\u2019", "UCS-2", 161, 3),
    ],
)
def test_known_cases(text: str, encoding: str, units: int, parts: int) -> None:
    counted = segments(text)
    assert (counted.encoding, counted.units, len(counted.parts)) == (encoding, units, parts)


def measure(text: str) -> tuple[int, tuple[str, ...]]:
    channel = Sms.from_env(SETTINGS, TOOLS)
    assert channel is not None
    measured = channel.measure(replace(ANSWER, text=text))
    return measured.parts, measured.warnings


def test_a_curly_quote_that_costs_parts_is_pointed_out() -> None:
    assert measure("a" * 100 + "\u2019") == (2, ("quote_doubles_price",))
    assert measure("a" * 100 + "'") == (1, ())
    assert measure("It\u2019s short") == (1, ())
    assert measure("日" * 100 + "\u2019") == (2, ()), "plain quotes would not make it cheaper"


def test_sixteen_hundred_characters_are_the_limit() -> None:
    assert measure("a" * 1600)[0] == 11
    with pytest.raises(TooLong, match=re.escape("1601 characters, the limit is 1600")):
        measure("a" * 1601)
