"""Counting is compared with a reference written from the tables of 3GPP TS 23.038 in another way: by code and bytes."""

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels._segments import segments
from channels.base import Measure, TooLong
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


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 0x10FFFF), st.integers(0, 90))
def test_each_character_of_unicode_counts_as_the_reference_counts_it(code: int, before: int) -> None:
    """Alone, and at the border of a part, where an escape pair or a surrogate pair must stay whole."""
    char = chr(code)
    for text in (char, "a" * (before + 70) + char + "a" * 90, "日" * before + char * 2, char * 80):
        counted = segments(text)
        assert (counted.encoding, counted.units, len(counted.parts)) == reference(text)
        assert "".join(counted.parts) == text


def test_each_character_there_is_has_the_size_the_reference_gives_it() -> None:
    for code in range(0x110000):
        counted = segments(chr(code))
        wanted = len(CODES[code]) if code in CODES else 1 + (code > 0xFFFF)
        assert (counted.encoding, counted.units) == ("GSM-7" if code in CODES else "UCS-2", wanted), hex(code)


@pytest.mark.parametrize("pair", ["€", "^", "{", "\f", "🙏", "𝄞"])
def test_no_pair_is_cut_at_any_border(pair: str) -> None:
    for before in range(60, 330):
        text = "a" * before + pair + "b" * 200
        counted = segments(text)
        assert sum(pair in part for part in counted.parts) == 1
        room = 153 if counted.encoding == "GSM-7" else 67
        assert all(sum(map(_units(counted.encoding), part)) <= room for part in counted.parts)


def _units(encoding: str) -> Callable[[str], int]:
    if encoding == "GSM-7":
        return lambda char: len(CODES[ord(char)])
    return lambda char: len(char.encode("utf-16-be")) // 2


def measured(text: str, price: str = "") -> Measure:
    channel = Sms.from_env(SETTINGS | {"SMS_PRICE_PER_PART": price}, TOOLS)
    assert channel is not None
    return channel.measure(replace(ANSWER, text=text))


def measure(text: str) -> tuple[int, tuple[str, ...]]:
    return measured(text).parts, measured(text).warnings


def test_a_curly_quote_that_costs_parts_is_pointed_out() -> None:
    assert measure("a" * 100 + "\u2019") == (2, ("quote_doubles_price",))
    assert measure("a" * 100 + "'") == (1, ())
    assert measure("It\u2019s short") == (1, ())
    assert measure("日" * 100 + "\u2019") == (2, ("another_alphabet",)), "plain quotes would not make it cheaper"
    assert measure("日" * 30) == (1, ())


def test_more_than_three_parts_are_pointed_out() -> None:
    assert measure("a" * 459) == (3, ())
    assert measure("a" * 460) == (4, ("many_parts",))
    assert measure("日" * 202) == (4, ("another_alphabet", "many_parts"))


def test_each_part_has_its_price() -> None:
    assert (measured("a" * 459, "0.0083 USD").cost, measured("a", "0.05 EUR").currency) == (0.0249, "EUR")
    assert (measured("a").cost, measured("a").currency) == (None, "")
    for typo in ("0.0083", "USD", "0,0083 USD", "0.0083 usd", "free"):
        with pytest.raises(ValueError):
            measured("a", typo)


def test_the_dear_characters_are_named_once_each_and_no_more_than_twenty() -> None:
    assert measured("Señor, ¿qué día — el sábado? “Sí” €").dear == ("í", "—", "á", "“", "”")
    assert measured("plain {enough} ~ €").dear == ()
    assert measured("".join(map(chr, range(0x4E00, 0x4E20)))).dear == tuple(map(chr, range(0x4E00, 0x4E14)))


@pytest.mark.parametrize(
    ("typed", "plain"),
    [
        ("\u201cNo\u201d \u2013 it\u2019s\u00a0closed\u2026", '"No" - it\'s closed...'),
        ("\u2022 bring\tID\n\u2022 and a form\u200b", "- bring ID\n- and a form"),
        ("e\u0301 ~ {a} \u00ab`b\u00b4\u00bb", "é ~ {a} \"'b'\""),
    ],
)
def test_a_cheaper_spelling_is_offered_and_says_the_same(typed: str, plain: str) -> None:
    long = "a" * 100
    assert measured(typed + long).plain == plain + long
    assert (measured(typed + long).parts, measured(plain + long).parts) == (2, 1)
    assert measured(typed).plain == "", "no cheaper: it is one part in any case"


@pytest.mark.parametrize("text", ["á\u2019" + "a" * 100, "日本\u201d" * 40, "a" * 200])
def test_no_other_spelling_is_offered_where_it_costs_the_same(text: str) -> None:
    assert measured(text).plain == ""


@settings(max_examples=500, deadline=None)
@given(st.text(alphabet=st.one_of(LIKELY, st.sampled_from("\u2014\u2026\u00a0\t•«»")), max_size=300))
def test_the_cheaper_spelling_is_cheaper_and_final(text: str) -> None:
    offered = measured(text).plain
    if offered:
        assert measured(offered).parts < measured(text).parts
        assert measured(offered).plain == ""


def test_sixteen_hundred_characters_are_the_limit() -> None:
    assert measured("a" * 1600).parts == 11
    with pytest.raises(TooLong, match=re.escape("1601 characters, the limit is 1600")):
        measured("a" * 1601)
