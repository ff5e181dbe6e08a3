"""How a text travels over the mobile network: alphabet, units and parts (3GPP TS 23.038 and TS 23.040)."""

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

# The 127 printable characters of the default alphabet; the escape itself is the 128th.
BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
PLAINEST = re.compile(
    f"[{re.escape(''.join(sorted(BASIC)))}]*"
)  # most texts: a septet each, and nothing to spell cheaper
# Each of these is an escape and a second septet.
EXTENSION = frozenset("\f^{}\\[~]|€")

# Units that fit a lone part, and each part of several (the rest is the header that joins them).
CAPACITY = {"GSM-7": (160, 153), "UCS-2": (70, 67)}

# What phones and word processors put in unasked, and what says the same in the cheap alphabet. Letters stay: an accent has
# a meaning, and so has a sign that is no decoration.
PLAIN = str.maketrans(
    {
        **dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\u2039\u203a\u02bc\u00b4`", "'"),
        **dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb", '"'),
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u2022\u2023\u2043\u25e6\u00b7", "-"),
        **dict.fromkeys("\t\u00a0\u2002\u2003\u2007\u2009\u200a\u202f", " "),
        **dict.fromkeys("\u00ad\u200b\u2060\ufeff"),
        "\u2026": "...",
    }
)
MOST_DEAR = 20


@dataclass(frozen=True, slots=True)
class Segments:
    encoding: Literal["GSM-7", "UCS-2"]
    units: int
    parts: tuple[str, ...]


def segments(text: str) -> Segments:
    """Cut ``text`` as the network will; an escape pair or a surrogate pair is never split."""
    if PLAINEST.fullmatch(text):
        alone, joined = CAPACITY["GSM-7"]
        parts = (text,) if len(text) <= alone else tuple(text[at : at + joined] for at in range(0, len(text), joined))
        return Segments("GSM-7", len(text), parts)
    encoding: Literal["GSM-7", "UCS-2"] = "GSM-7" if all(c in BASIC or c in EXTENSION for c in text) else "UCS-2"
    sizes = [_size(c, encoding) for c in text]
    alone, joined = CAPACITY[encoding]
    units = sum(sizes)
    return Segments(encoding, units, (text,) if units <= alone else _cut(text, sizes, joined))


def dear(text: str) -> tuple[str, ...]:
    """The characters that the cheap alphabet lacks, each once in the order met, at most 20."""
    if PLAINEST.fullmatch(text):
        return ()
    return tuple(dict.fromkeys(c for c in text if c not in BASIC and c not in EXTENSION))[:MOST_DEAR]


def plain(text: str) -> str:
    """The same words with plain quotes, dashes and blanks, accents composed; empty unless that needs fewer parts."""
    if PLAINEST.fullmatch(text):
        return ""
    cheap = unicodedata.normalize("NFC", text).translate(PLAIN)
    return cheap if len(segments(cheap).parts) < len(segments(text).parts) else ""


def _size(char: str, encoding: str) -> int:
    if encoding == "GSM-7":
        return 2 if char in EXTENSION else 1
    return 2 if ord(char) > 0xFFFF else 1


def _cut(text: str, sizes: list[int], room: int) -> tuple[str, ...]:
    parts: list[str] = []
    start = used = 0
    for at, size in enumerate(sizes):
        if used + size > room:
            parts.append(text[start:at])
            start, used = at, 0
        used += size
    return (*parts, text[start:])
