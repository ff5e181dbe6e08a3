"""Bytes and header values to clean text: character sets, encoded words, control characters."""

import binascii
import codecs
import re
from collections.abc import Iterator

# What programs declare is not what they mean: the left name is used for the right one (WHATWG Encoding, Python codecs).
ALIASES = {
    "ascii": "utf-8",
    "us-ascii": "utf-8",
    "ansi_x3.4-1968": "utf-8",
    "utf8": "utf-8",
    "utf8mb4": "utf-8",
    "iso-8859-1": "windows-1252",
    "iso8859-1": "windows-1252",
    "iso_8859-1": "windows-1252",
    "latin1": "windows-1252",
    "latin-1": "windows-1252",
    "iso-8859-9": "windows-1254",
    "iso-8859-11": "cp874",
    "tis-620": "cp874",
    "iso-8859-8-i": "iso-8859-8",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "x-gbk": "gb18030",
    "hz-gb-2312": "hz",
    "big5": "big5hkscs",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "x-sjis": "cp932",
    "windows-31j": "cp932",
    "ks_c_5601-1987": "cp949",
    "euc-kr": "cp949",
    "cp-850": "cp850",
    "macintosh": "mac_roman",
    "x-mac-roman": "mac_roman",
}
# Codecs that are no character sets, or that take quadratic time.
NO_CHARSETS = {"punycode", "idna", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem"}
WORD = re.compile(r"=\?([^?\s]{1,80})\?([bBqQ])\?([^?]{0,2000})\?=")
CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
LINE_BREAKS = re.compile(r"[\t\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
FOLDS = re.compile(r"(?:\r\n|\n|\r)(?=[ \t])")
SAMPLE = 64 * 1024


class Decoder:
    """Turns bytes into text. Guessing a character set is slow, so one mail gets five guesses and then Latin-1."""

    def __init__(self, guesses: int = 5) -> None:
        self.guesses = guesses

    def decode(self, data: bytes, declared: str = "") -> str:
        known = charset(declared)
        for name in dict.fromkeys((known, "utf-8")):
            if name and (text := strictly(data, name)) is not None:
                return text
        if known and (text := nearly(data, known)):
            return text
        return self.guess(data) or data.decode("latin-1")

    def guess(self, data: bytes) -> str | None:
        if self.guesses <= 0:
            return None
        self.guesses -= 1
        from charset_normalizer import from_bytes  # here, because most mails never need this large import

        best = from_bytes(data[:SAMPLE]).best()
        return strictly(data, best.encoding) if best else None


def charset(declared: str) -> str:
    """The codec meant by a declared name, empty where there is none."""
    name = declared.strip().strip("\"'").partition("*")[0].lower()
    name = ALIASES.get(name, name)
    if not re.fullmatch(r"[a-z0-9._:-]{1,40}", name):
        return ""
    try:
        found = codecs.lookup(name).name
    except LookupError:
        return ""
    return "" if found.replace("-", "_") in NO_CHARSETS else name


def strictly(data: bytes, name: str) -> str | None:
    try:
        return data.decode(name).removeprefix("\ufeff")
    except (ValueError, LookupError):  # LookupError: a codec that is no text encoding
        return None


def nearly(data: bytes, name: str) -> str:
    """The text if at most one character in a hundred is broken: a cut-off letter must not spoil the rest."""
    try:
        text = data.decode(name, "replace")
    except (ValueError, LookupError):  # LookupError: a codec that is no text encoding
        return ""
    return text if text.count("\ufffd") * 100 <= len(text) else ""


def readable(value: str) -> str:
    """A header value as the parser left it (8-bit bytes as surrogates), unfolded and decoded."""
    value = FOLDS.sub("", value)
    if value.isascii():
        return value
    return Decoder(0).decode(value.encode("utf-8", "surrogateescape"), "utf-8")


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
    return text.encode("utf-8", "ignore").decode()


def one_line(text: str) -> str:
    """Clean text without any kind of line break: a newline in a subject that is sent back would forge a header."""
    return clean(LINE_BREAKS.sub(" ", text)).strip()
