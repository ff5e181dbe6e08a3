"""Opening winmail.dat, into which some Outlook servers pack the files and the text of a mail (MS-OXTNEF).

An own small reader: it makes no promise the bytes do not keep, each loop ends with the data, and nesting is limited.
"""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from channels.email.charsets import Decoder
from channels.email.rich import plain_of, unpacked

SIGNATURE = 0x223E9F78
ATTACHMENT_LEVEL = 2
BODY, OEM_CODEPAGE, MESSAGE_PROPS = 0x800C, 0x9007, 0x9003
NEW_FILE, FILE_DATA, FILE_TITLE, FILE_PROPS = 0x9002, 0x800F, 0x8010, 0x9005
# MAPI properties (MS-OXPROPS)
TEXT, HTML, RTF, CODEPAGE = 0x1000, 0x1013, 0x1009, 0x3FDE
LONG_NAME, SHORT_NAME, DISPLAY_NAME, MIME, CONTENT_ID, DATA = 0x3707, 0x3704, 0x3001, 0x370E, 0x3712, 0x3701
FIXED = {0x01: 0, 0x02: 4, 0x03: 4, 0x04: 4, 0x05: 8, 0x06: 8, 0x07: 8, 0x0A: 4, 0x0B: 4, 0x14: 8, 0x40: 8, 0x48: 16}
STRING8, UNICODE, OBJECT, BINARY = 0x1E, 0x1F, 0x0D, 0x102
MULTIPLE, NAMED = 0x1000, 0x8000
FILES, DEPTH = 500, 3


@dataclass(slots=True)
class Packed:
    """A file inside. ``declared``: the type the sender's program gave it."""

    name: str = ""
    body: bytes = b""
    declared: str = ""
    content_id: str = ""
    title: str = ""


@dataclass(slots=True)
class Winmail:
    text: str = ""
    html: str = ""
    files: list[Packed] = field(default_factory=list)


def opened(data: bytes, depth: int = 0) -> Winmail | None:
    """What is inside, as far as it can be followed; None where it is no such file. Raises nothing."""
    if depth > DEPTH or len(data) < 6 or data[:4] != SIGNATURE.to_bytes(4, "little"):
        return None
    inside, codepage = Winmail(), "cp1252"
    for level, name, value in attributes(data):
        if name == OEM_CODEPAGE and len(value) >= 4:
            codepage = f"cp{int.from_bytes(value[:4], 'little')}"
        elif name == BODY:
            inside.text = inside.text or written(value, codepage)
        elif name == MESSAGE_PROPS:
            take_words(inside, dict(properties(value)), codepage)
        elif level == ATTACHMENT_LEVEL:
            take_file(inside, name, value, codepage, depth)
    inside.files = [one for one in inside.files if one.body or one.name]
    for one in inside.files:
        one.name = one.name or one.title
    return inside


def attributes(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """(level, name, value) of each; a cut-off last one is given as far as it goes."""
    at = 6
    while at + 9 <= len(data):
        level, name, _, size = struct.unpack_from("<BHHI", data, at)
        if level not in (1, 2):
            return
        yield level, name, data[at + 9 : at + 9 + size]
        at += size + 11


def take_words(inside: Winmail, found: dict[int, tuple[int, bytes]], codepage: str) -> None:
    if CODEPAGE in found:
        codepage = f"cp{int.from_bytes(found[CODEPAGE][1][:4], 'little')}"
    if TEXT in found:
        inside.text = string(found[TEXT], codepage)
    if HTML in found:
        inside.html = written(found[HTML][1], codepage)
    if RTF in found and not (inside.text or inside.html):
        inside.text = plain_of(unpacked(found[RTF][1]))


def take_file(inside: Winmail, name: int, value: bytes, codepage: str, depth: int) -> None:
    if name == NEW_FILE or not inside.files:
        if len(inside.files) >= FILES:
            return
        inside.files.append(Packed())
    one = inside.files[-1]
    if name == FILE_DATA:
        one.body = value
    elif name == FILE_TITLE:
        one.title = written(value, codepage)
    elif name == FILE_PROPS:
        take_properties(inside, one, dict(properties(value)), codepage, depth)


def take_properties(
    inside: Winmail, one: Packed, found: dict[int, tuple[int, bytes]], codepage: str, depth: int
) -> None:  # fmt: skip
    named = (string(found[key], codepage) for key in (LONG_NAME, SHORT_NAME, DISPLAY_NAME) if key in found)
    one.name = next((name for name in named if name), one.name)
    one.declared = string(found.get(MIME, (STRING8, b"")), codepage)
    one.content_id = string(found.get(CONTENT_ID, (STRING8, b"")), codepage).strip("<> ")
    kind, value = found.get(DATA, (0, b""))
    if kind != OBJECT:
        one.body = one.body or value
    elif (
        message := opened(value[16:], depth + 1)
    ) is not None:  # behind the 16 bytes that name the interface: a mail in this mail
        inside.files[-1:-1] = message.files[: FILES - len(inside.files)]  # before this one, about which more may follow
        if words := words_of(message):
            one.name, one.body, one.declared = f"{one.name or one.title or 'message'}.txt", words.encode(), "text/plain"
    else:
        one.body = one.body or value


def words_of(message: Winmail) -> str:
    return message.text or re.sub(r"<[^<>]*>?", " ", message.html)


def properties(data: bytes) -> Iterator[tuple[int, tuple[int, bytes]]]:
    """(id, (type, first value)); ends where the data does, or at a type nobody knows the size of."""
    (count,) = struct.unpack_from("<I", data) if len(data) >= 4 else (0,)
    at = 4
    while count > 0 and at + 4 <= len(data):
        count -= 1
        kind, key = struct.unpack_from("<HH", data, at)
        at = after_name(data, at + 4) if key >= NAMED else at + 4
        plain = kind & ~MULTIPLE
        values, at = sized_values(data, at, plain, bool(kind & MULTIPLE))
        if at < 0:
            return
        yield key, (plain, values)


def after_name(data: bytes, at: int) -> int:
    """Behind the GUID and the number or name of a named property."""
    if at + 24 > len(data):
        return len(data)
    by_name, size = struct.unpack_from("<II", data, at + 16)
    return at + 24 + (padded(size) if by_name else 0)


def sized_values(data: bytes, at: int, kind: int, multiple: bool) -> tuple[bytes, int]:
    """(the first value, where the next property begins); -1 where that cannot be told."""
    if kind in FIXED:
        count, at = count_of(data, at) if multiple else (1, at)
        return data[at : at + FIXED[kind]], at + max(FIXED[kind] * count, 0)
    if kind not in (STRING8, UNICODE, OBJECT, BINARY):
        return b"", -1
    count, at = count_of(data, at)
    first = b""
    for number in range(count):
        if at + 4 > len(data):
            return first, -1 if number == 0 else len(data)
        size, at = count_of(data, at)
        first = data[at : at + size] if number == 0 else first
        at += padded(size)
    return first, at


def count_of(data: bytes, at: int) -> tuple[int, int]:
    return int.from_bytes(data[at : at + 4], "little"), at + 4


def padded(size: int) -> int:
    return size + -size % 4


def string(found: tuple[int, bytes], codepage: str) -> str:
    kind, value = found
    if kind == UNICODE:
        return value.decode("utf-16-le", "replace").partition("\x00")[0].strip()
    return written(value, codepage)


def written(value: bytes, codepage: str) -> str:
    return Decoder(0).decode(value.rstrip(b"\x00"), codepage).replace("\x00", "").strip()
