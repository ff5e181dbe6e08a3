"""Pictures without what they tell of the person who took them: place, camera, time, programs, comments.

Nothing is decoded: the segments of the file are followed, and those that tell are left out. The pixels, the colour profile and which
way is up stay as they were. What cannot be followed to its end is given back unchanged.
"""

import re
import struct
import zlib
from collections.abc import Callable, Iterator

ORIENTATION = 0x0112
SOI, EOI, SOS = 0xD8, 0xD9, 0xDA
# JPEG segments: EXIF and XMP in APP1, Photoshop's notes in APP13, comments; APP0, APP2 (colour profile) and APP14 (colours) are needed.
TELLING = {0xE1, 0xE3, 0xE4, 0xE5, 0xE6, 0xE7, 0xE8, 0xE9, 0xEA, 0xEB, 0xEC, 0xED, 0xEF, 0xFE}
MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]", re.S)
SEGMENTS = 20_000  # a file may be made of millions of empty ones
PNG = b"\x89PNG\r\n\x1a\n"
PNG_TELLING = {b"eXIf", b"tEXt", b"zTXt", b"iTXt", b"tIME"}
WEBP_TELLING = {b"EXIF", b"XMP "}
WEBP_FLAGS = 0b0000_1100  # in VP8X: there is EXIF, there is XMP
GIF_LOOPS = (b"NETSCAPE2.0", b"ANIMEXTS1.0")


class Broken(ValueError):
    """The file does not follow its own format."""


def without_traces(body: bytes, type: str) -> bytes:
    """``body`` without EXIF, XMP, place and comments, for JPEG, PNG, WebP and GIF; every other type as it is. Raises nothing."""
    clean = CLEANERS.get(type.lower())
    try:
        return clean(body) if clean else body
    except (Broken, IndexError, struct.error):
        return body


def jpeg(body: bytes) -> bytes:
    kept = [b"\xff\xd8"]
    orientation = 1
    for marker, segment in segments(body):
        if marker == 0xE1 and segment[4:10] == b"Exif\x00\x00":
            orientation = orientation_of(segment[10:]) or orientation
        elif marker == 0xE2 and segment[4:8] == b"MPF\x00":
            continue  # further pictures behind the end, which go
        if marker not in TELLING:
            kept.append(segment)
    if orientation != 1:
        kept.insert(1, upright(orientation))
    return b"".join(kept)


def segments(body: bytes) -> Iterator[tuple[int, bytes]]:
    """(marker, whole segment) from the second on; coded pixels come along with the segment before them. Ends at the first EOI."""
    if body[:2] != b"\xff\xd8":
        raise Broken
    at = 2
    for _ in range(SEGMENTS):
        if body[at] != 0xFF:
            raise Broken
        while body[at + 1] == 0xFF:  # fill bytes
            at += 1
        marker = body[at + 1]
        if marker == EOI:
            yield marker, b"\xff\xd9"
            return
        if marker == 0x01 or 0xD0 <= marker <= SOI:
            raise Broken
        end = at + 2 + int.from_bytes(body[at + 2 : at + 4], "big")
        if end < at + 4 or end > len(body):
            raise Broken
        if marker == SOS:
            end = end_of_pixels(body, end)
        yield marker, body[at:end]
        at = end
    raise Broken


def end_of_pixels(body: bytes, at: int) -> int:
    """Where the next real marker stands; 00 and the restart markers belong to the pixels."""
    found = MARKER.search(body, at)
    if found is None:
        raise Broken
    return found.start()


def orientation_of(tiff: bytes) -> int:
    """1 to 8 by the first directory of an EXIF block (EXIF 2.3 section 4.6.4), 0 where it does not tell."""
    order = {b"II*\x00": "<", b"MM\x00*": ">"}.get(tiff[:4])
    if order is None:
        return 0
    try:
        (start,) = struct.unpack_from(order + "I", tiff, 4)
        (count,) = struct.unpack_from(order + "H", tiff, start)
        for entry in range(min(count, 200)):
            tag, kind, number, value = struct.unpack_from(order + "HHIH", tiff, start + 2 + entry * 12)
            if tag == ORIENTATION and kind == 3 and number == 1 and 1 <= value <= 8:
                return int(value)
    except struct.error:
        pass
    return 0


def tiff_of(orientation: int) -> bytes:
    """The smallest EXIF block that says which way is up."""
    return b"MM\x00*" + struct.pack(">IHHHIHHI", 8, 1, ORIENTATION, 3, 1, orientation, 0, 0)


def upright(orientation: int) -> bytes:
    data = b"Exif\x00\x00" + tiff_of(orientation)
    return b"\xff\xe1" + (len(data) + 2).to_bytes(2, "big") + data


def png(body: bytes) -> bytes:
    if not body.startswith(PNG):
        raise Broken
    kept, at, name = [PNG], len(PNG), b""
    while name != b"IEND":
        size, name = int.from_bytes(body[at : at + 4], "big"), body[at + 4 : at + 8]
        end = at + 12 + size
        if len(name) < 4 or end > len(body):
            raise Broken
        if name == b"eXIf" and (turned := orientation_of(body[at + 8 : end - 4])) > 1:
            kept.append(chunk(b"eXIf", tiff_of(turned)))
        elif name not in PNG_TELLING:
            kept.append(body[at:end])
        at = end
    return b"".join(kept)


def chunk(name: bytes, data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + name + data + zlib.crc32(name + data).to_bytes(4, "big")


def webp(body: bytes) -> bytes:
    if body[:4] != b"RIFF" or body[8:12] != b"WEBP":
        raise Broken
    kept, turned, at = [], 0, 12
    whole = min(len(body), 8 + int.from_bytes(body[4:8], "little"))
    while at < whole:
        name, size = body[at : at + 4], int.from_bytes(body[at + 4 : at + 8], "little")
        end = at + 8 + size + size % 2
        if len(name) < 4 or at + 8 + size > whole:
            raise Broken
        if name == b"EXIF":
            turned = orientation_of(body[at + 8 : end].removeprefix(b"Exif\x00\x00"))
        if name not in WEBP_TELLING:
            kept.append(body[at:end])
        at = end
    if turned > 1:
        tiff = tiff_of(turned)
        kept.append(b"EXIF" + len(tiff).to_bytes(4, "little") + tiff)
    inside = b"WEBP" + b"".join(extended(part, turned > 1) for part in kept)
    return b"RIFF" + len(inside).to_bytes(4, "little") + inside


def extended(part: bytes, has_exif: bool) -> bytes:
    """The header that lists what a WebP holds, with the list corrected."""
    if part[:4] != b"VP8X" or len(part) < 9:
        return part
    return part[:8] + bytes([part[8] & ~WEBP_FLAGS & 0xFF | (0b1000 if has_exif else 0)]) + part[9:]


def gif(body: bytes) -> bytes:
    if body[:6] not in (b"GIF87a", b"GIF89a"):
        raise Broken
    at = 13 + (3 << (body[10] & 7) + 1 if body[10] & 0x80 else 0)
    kept = [body[:at]]
    while body[at] != 0x3B:
        start = at
        if body[at] == 0x2C:
            at += 10 + (3 << (body[at + 9] & 7) + 1 if body[at + 9] & 0x80 else 0) + 1
            tells = False
        elif body[at] == 0x21:
            label = body[at + 1]
            tells = label == 0xFE or (label == 0xFF and body[at + 3 : at + 14] not in GIF_LOOPS)
            at += 2
        else:
            raise Broken
        at = after_blocks(body, at)
        if not tells:
            kept.append(body[start:at])
    return b"".join([*kept, b";"])


def after_blocks(body: bytes, at: int) -> int:
    while body[at]:
        at += body[at] + 1
    return at + 1


CLEANERS: dict[str, Callable[[bytes], bytes]] = {
    "image/jpeg": jpeg, "image/jpg": jpeg, "image/pjpeg": jpeg, "image/png": png, "image/webp": webp, "image/gif": gif,
}  # fmt: skip
