"""Bytes to text in the alphabet they were meant in, which is often not the one declared."""

import codecs
import re

from channels.email.western import LATIN, is_of_one_language, western_words

# What programs declare is not what they mean: the left name is read as the right one (WHATWG Encoding, Python codecs).
ALIASES = {
    "ascii": "utf-8", "us-ascii": "utf-8", "ansi_x3.4-1968": "utf-8", "utf8": "utf-8", "utf8mb4": "utf-8", "unicode-1-1-utf-8": "utf-8",
    "x-utf-8": "utf-8", "cp65001": "utf-8", "unicode": "utf-16", "ucs-2": "utf-16", "iso-10646-ucs-2": "utf-16",
    "iso-8859-1": "cp1252", "iso8859-1": "cp1252", "iso_8859-1": "cp1252", "iso_8859-1:1987": "cp1252", "latin1": "cp1252",
    "latin-1": "cp1252", "l1": "cp1252", "8859_1": "cp1252", "x-cp1252": "cp1252", "x-ansi": "cp1252", "ansi": "cp1252",
    "iso-8859-9": "cp1254", "iso8859-9": "cp1254", "latin5": "cp1254", "iso_8859-9:1989": "cp1254",
    "iso-8859-11": "cp874", "iso8859-11": "cp874", "tis-620": "cp874", "tis620": "cp874", "windows-874": "cp874", "dos-874": "cp874",
    "iso-8859-8-i": "iso-8859-8", "iso-8859-8-e": "iso-8859-8", "iso-8859-6-i": "iso-8859-6", "iso-8859-6-e": "iso-8859-6",
    "logical": "iso-8859-8", "visual": "iso-8859-8", "x-cp1250": "cp1250", "x-cp1251": "cp1251", "win-1251": "cp1251",
    "win1251": "cp1251", "windows1251": "cp1251", "koi8": "koi8-r", "koi": "koi8-r",
    "cskoi8r": "koi8-r", "koi8-ru": "koi8-u", "x-koi8-r": "koi8-r",
    "cp-850": "cp850", "cp-866": "cp866", "ibm-866": "cp866", "macintosh": "mac_roman", "mac": "mac_roman", "x-mac-roman": "mac_roman",
    "x-mac-cyrillic": "mac_cyrillic", "x-mac-ce": "mac_latin2",
    "gb2312": "gb18030", "gbk": "gb18030", "x-gbk": "gb18030", "gb_2312-80": "gb18030", "gb2312-80": "gb18030", "euc-cn": "gb18030",
    "cp936": "gb18030", "windows-936": "gb18030", "ms936": "gb18030", "chinese": "gb18030", "csgb2312": "gb18030", "hz-gb-2312": "hz",
    "big5": "big5hkscs", "cn-big5": "big5hkscs", "x-x-big5": "big5hkscs", "csbig5": "big5hkscs", "big-5": "big5hkscs",
    "cp950": "big5hkscs", "big5-hkscs": "big5hkscs", "windows-950": "big5hkscs",
    "shift_jis": "cp932", "shift-jis": "cp932", "shiftjis": "cp932", "sjis": "cp932", "x-sjis": "cp932", "windows-31j": "cp932",
    "csshiftjis": "cp932", "ms_kanji": "cp932", "ms932": "cp932", "windows-932": "cp932", "x-ms-cp932": "cp932",
    "x-euc-jp": "euc_jp", "eucjp": "euc_jp", "cseucpkdfmtjapanese": "euc_jp", "csiso2022jp": "iso2022_jp", "iso-2022-jp": "iso2022_jp",
    "iso-2022-jp-1": "iso2022_jp_ext", "iso-2022-jp-ms": "iso2022_jp", "cp50220": "iso2022_jp", "cp50221": "iso2022_jp",
    "ks_c_5601-1987": "cp949", "ks_c_5601": "cp949", "ksc5601": "cp949", "ks_c_5601-1989": "cp949", "euc-kr": "cp949", "euckr": "cp949",
    "windows-949": "cp949", "ms949": "cp949", "korean": "cp949", "uhc": "cp949", "cseuckr": "cp949",
}  # fmt: skip
# No character sets, or slow, or (UTF-7) one that turns plain letters into markup: such text is shown as it stands.
REFUSED = {"punycode", "idna", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem", "utf_7"}
WELL_FORMED = re.compile(r"[a-z0-9._:-]{1,40}")
ONE_BYTE = re.compile(r"(?:windows-|cp)125\d|iso[-_]?8859|koi8|mac_")
MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
WIDE = re.compile(rb"\x1b\$[@B]([^\x1b]*)")
NARROW = re.compile(rb"\x1b\([BJ]")
KANA = re.compile(rb"\x1b\(I([^\x1b]*)")
SAMPLE = 64 * 1024


class Decoder:
    """Turns bytes into text. Guessing a character set is slow, so one mail gets five guesses and then windows-1252."""

    def __init__(self, guesses: int = 5) -> None:
        self.guesses = guesses

    def decode(self, data: bytes, declared: str = "") -> str:
        known = charset(declared)
        if (text := marked(data) or wide(data, known)) is not None:
            return text
        # Text that is not English and reads as UTF-8 is UTF-8, whatever one-byte alphabet it claims.
        order = ("utf-8", known) if ONE_BYTE.match(known) else (known, "utf-8")
        for name in order:
            if name and (text := strictly(data, name)) is not None:
                return text
            if name == "iso2022_jp" and (text := with_vendor_signs(data)):
                return text
        if known and (text := nearly(data, known)):
            return text
        return self.guess(data) or western(data)

    def guess(self, data: bytes) -> str | None:
        if self.guesses <= 0:
            return None
        self.guesses -= 1
        text = western_words(data[:SAMPLE])
        if text and is_of_one_language(text):
            return western(data)
        from charset_normalizer import from_bytes  # here, because most mails never need this import

        best = from_bytes(data[:SAMPLE]).best()
        if text and (best is None or best.encoding not in LATIN):
            return western(data)  # a few accents are taken for Chinese, Arabic or the letters of a mainframe
        return strictly(data, best.encoding) or nearly(data, best.encoding) if best else None


def charset(declared: str) -> str:
    """The codec meant by a declared name, empty where there is none."""
    name = declared.strip().strip("\"'").partition("*")[0].lower()
    name = ALIASES.get(name, name)
    if not WELL_FORMED.fullmatch(name):
        return ""
    try:
        found = codecs.lookup(name).name
    except LookupError:
        return ""
    return "" if found.replace("-", "_") in REFUSED else name


def marked(data: bytes) -> str | None:
    """Text that begins with a byte order mark."""
    for mark, name in MARKS:
        if data.startswith(mark) and (text := strictly(data, name)) is not None:
            return text
    return None


def wide(data: bytes, known: str) -> str | None:
    """UTF-16 without a mark: programs write either order, and Latin letters tell by their zeros."""
    if known != "utf-16":
        return None
    zeros = [data[start : start + 2000 : 2].count(0) for start in (0, 1)]
    return nearly(data, "utf-16-be" if zeros[0] > zeros[1] else "utf-16-le") or None


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


def with_vendor_signs(data: bytes) -> str:
    """Japanese seven-bit mail with circled figures and the like, which the standard alphabet lacks: by way of Shift JIS."""
    shifted = KANA.sub(lambda kana: bytes(sign | 0x80 for sign in kana[1]), data)
    return nearly(NARROW.sub(b"", WIDE.sub(lambda run: shift_jis(run[1]), shifted)), "cp932")


def shift_jis(pairs: bytes) -> bytes:
    """JIS X 0208 pairs as Shift JIS (RFC 1468, JIS X 0208 appendix 1)."""
    made = bytearray()
    for row, cell in zip(pairs[::2], pairs[1::2], strict=False):
        lead = (row + 1) // 2 + (0x70 if row < 0x5F else 0xB0)
        trail = cell + (0x7E if row % 2 == 0 else 0x20 if cell > 0x5F else 0x1F)
        made += bytes((lead & 0xFF, trail & 0xFF))
    return bytes(made)


def western(data: bytes) -> str:
    """Every byte is some letter here: the last resort."""
    return strictly(data, "cp1252") or data.decode("latin-1")
