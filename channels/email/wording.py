"""Header values and body text as clean text: encoded words, control characters, marks that deceive the eye."""

import binascii
import re
from collections.abc import Iterator

from channels.email.charsets import Decoder, strictly

# A question mark may stand inside (against RFC 2047, but common); the next word's start ends the search, so it stays linear.
WORD = re.compile(r"=\?([^?\s]{1,80})\?([bBqQ])\?((?:[^?=]|=(?!\?)|\?(?!=)){0,2000}+(?:=(?=\?=))?)\?=")
CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
LINE_BREAKS = re.compile(r"[\t\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
FOLDS = re.compile(r"(?:\r\n|\n|\r)(?=[ \t])")
JAPANESE = re.compile(r"\x1b[$(]")

# Letters that run from right to left: beside them embeddings and isolates are honest.
RIGHT_TO_LEFT = re.compile(r"[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
OVERRIDES = re.compile("[\u202d\u202e]")
DIRECTIONS = re.compile("[\u202a-\u202e\u2066-\u2069]")
SPELT = r"A-Za-z0-9\u00c0-\u024f\u0370-\u052f.@/:_-"  # between these nothing invisible has a meaning
UNSEEN = re.compile(rf"(?<=[{SPELT}])[\u200b-\u200d\u2060-\u2064\ufeff\u180e\u034f]+(?=[{SPELT}])")
ANY_MARK = re.compile("[\u034f\u180e\u200b-\u200d\u202a-\u202e\u2060-\u2069\ufeff]")


def readable(value: str, hint: str = "") -> str:
    """A header value as the parser left it (8-bit bytes as surrogates), unfolded and decoded; ``hint``: the body's alphabet."""
    value = FOLDS.sub("", value)
    if value.isascii() and not JAPANESE.search(value):
        return value
    data = value.encode("utf-8", "surrogateescape")
    if JAPANESE.search(value):
        return Decoder(0).decode(data, "iso-2022-jp")
    text = strictly(data, "utf-8")
    return Decoder(0).decode(data, hint) if text is None else text


def decode_words(value: str) -> str:
    """Decode RFC 2047 encoded words, also where they are split inside a character or stand in quotes."""
    if "=?" not in value:
        return value
    whole: list[str] = []
    name, data = "", b""
    for piece in words(value):
        if not isinstance(piece, str) and piece[0] == name:
            data += piece[1]
            continue
        whole.append(Decoder(0).decode(data, name))
        name, data = "", b""
        if isinstance(piece, str):
            whole.append(piece)
        else:
            name, data = piece
    whole.append(Decoder(0).decode(data, name))
    return "".join(whole)


def words(value: str) -> Iterator[str | tuple[str, bytes]]:
    """Plain text, or (character set, bytes) of an encoded word; white space between two words is dropped."""
    end = 0
    for match in WORD.finditer(value):
        gap = value[end : match.start()]
        if gap and (gap.strip() or end == 0):
            yield gap
        name, letter, coded = match.groups()
        data = unpacked(letter.lower(), coded)
        yield match[0] if data is None else (name.lower(), data)
        end = match.end()
    if value[end:]:
        yield value[end:]


def unpacked(letter: str, coded: str) -> bytes | None:
    data = coded.encode("utf-8", "replace")
    try:
        return binascii.a2b_qp(data, header=True) if letter == "q" else binascii.a2b_base64(data + b"==")
    except binascii.Error:
        return None


def clean(text: str) -> str:
    """Line ends as LF; NUL, C0 but TAB and LF, and lone surrogates removed."""
    text = CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    return text if text.isascii() else text.encode("utf-8", "ignore").decode()


def one_line(text: str) -> str:
    """Clean text without any kind of line break: a newline in a subject that is sent back would forge a header."""
    if text.isascii() and text.isprintable():  # nearly all
        return text.strip()
    return clean(LINE_BREAKS.sub(" ", text)).strip()


def visible_marks(text: str) -> str:
    """Marks that turn the reading direction, or hide inside a word, as ``[U+202E]`` (Unicode Technical Report 36, section 3).

    Left alone: joiners in emoji and in scripts that need them, embeddings and isolates on a line with right-to-left letters.
    """
    if text.isascii() or not ANY_MARK.search(text):
        return text
    return "\n".join(marked_line(line) for line in text.split("\n"))


def marked_line(line: str) -> str:
    deceptive = OVERRIDES if RIGHT_TO_LEFT.search(line) else DIRECTIONS
    return UNSEEN.sub(named, deceptive.sub(named, line))


def named(match: re.Match[str]) -> str:
    return "".join(f"[U+{ord(sign):04X}]" for sign in match[0])
