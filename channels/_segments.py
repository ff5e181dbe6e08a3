"""How a text travels over the mobile network: alphabet, units and parts (3GPP TS 23.038 and TS 23.040)."""

from dataclasses import dataclass
from typing import Literal

# The 127 printable characters of the default alphabet; the escape itself is the 128th.
BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
# Each of these is an escape and a second septet.
EXTENSION = frozenset("\f^{}\\[~]|€")

# Units that fit a lone part, and each part of several (the rest is the header that joins them).
CAPACITY = {"GSM-7": (160, 153), "UCS-2": (70, 67)}

# Typographic characters that phones and word processors put in unasked, and what says the same for a cheaper text.
PLAIN = str.maketrans(
    {
        "\u2018": "'",
        "\u2019": "'",
        "\u201a": "'",
        "\u201c": '"',
        "\u201d": '"',
        "\u201e": '"',
        "\u2013": "-",
        "\u2014": "-",
        "\u2026": "...",
    }
)


@dataclass(frozen=True, slots=True)
class Segments:
    encoding: Literal["GSM-7", "UCS-2"]
    units: int
    parts: tuple[str, ...]


def segments(text: str) -> Segments:
    """Cut ``text`` as the network will; an escape pair or a surrogate pair is never split."""
    encoding: Literal["GSM-7", "UCS-2"] = "GSM-7" if all(c in BASIC or c in EXTENSION for c in text) else "UCS-2"
    sizes = [_size(c, encoding) for c in text]
    alone, joined = CAPACITY[encoding]
    units = sum(sizes)
    return Segments(encoding, units, (text,) if units <= alone else _cut(text, sizes, joined))


def quotes_cost_more(text: str) -> bool:
    """Whether plain quotes and dashes would need fewer parts than the typographic ones."""
    plain = text.translate(PLAIN)
    return plain != text and len(segments(plain).parts) < len(segments(text).parts)


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
