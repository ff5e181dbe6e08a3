"""Small pictures built by hand, with the traces that cameras and programs leave in them."""

import struct
import zlib

SECRET = b"GPS 48.1374N 11.5755E Ann's telephone"
PROFILE = b"ICC_PROFILE\x00\x01\x01" + b"colours" * 9


def exif(orientation: int = 1, order: str = "<") -> bytes:
    """A TIFF block with the camera's name, the orientation and a place."""
    entries = [(0x010F, 2, len(SECRET), 50), (0x0112, 3, 1, orientation)]
    head = (b"II*\x00" if order == "<" else b"MM\x00*") + struct.pack(order + "IH", 8, len(entries))
    for tag, kind, count, value in entries:
        if kind == 3:
            head += struct.pack(order + "HHIHH", tag, kind, count, value, 0)
        else:
            head += struct.pack(order + "HHII", tag, kind, count, value)
    return (head + b"\x00" * 4).ljust(50, b"\x00") + SECRET


def segment(marker: int, data: bytes) -> bytes:
    return bytes([0xFF, marker]) + (len(data) + 2).to_bytes(2, "big") + data


SCAN = segment(0xDA, b"\x01\x01\x00\x00\x3f\x00") + b"\x12\xff\x00\x34\xff\xd0\x56\xff\x00"
JFIF = segment(0xE0, b"JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00")
TABLES = segment(0xDB, b"\x00" + bytes(range(64))) + segment(0xC0, b"\x08\x00\x01\x00\x01\x01\x01\x11\x00")


def jpeg(orientation: int = 1, order: str = "<") -> bytes:
    traces = (
        segment(0xE1, b"Exif\x00\x00" + exif(orientation, order))
        + segment(0xE1, b"http://ns.adobe.com/xap/1.0/\x00" + SECRET)
        + segment(0xED, b"Photoshop 3.0\x00" + SECRET)
        + segment(0xFE, SECRET)
    )
    return b"\xff\xd8" + JFIF + traces + segment(0xE2, PROFILE) + TABLES + SCAN + b"\xff\xd9" + SECRET


def chunk(name: bytes, data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + name + data + zlib.crc32(name + data).to_bytes(4, "big")


def png(orientation: int = 1) -> bytes:
    head = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    traces = (
        chunk(b"eXIf", exif(orientation))
        + chunk(b"tEXt", b"Comment\x00" + SECRET)
        + chunk(b"zTXt", b"Comment\x00\x00" + zlib.compress(SECRET))
        + chunk(b"iTXt", b"XML:com.adobe.xmp\x00\x00\x00\x00\x00" + SECRET)
        + chunk(b"tIME", b"\x07\xea\x03\x02\x0c\x00\x00")
    )
    profile = chunk(b"iCCP", b"p\x00\x00" + zlib.compress(PROFILE))
    return head + profile + traces + chunk(b"IDAT", zlib.compress(b"\x00\x7f")) + chunk(b"IEND", b"") + SECRET


def riff(name: bytes, data: bytes) -> bytes:
    return name + len(data).to_bytes(4, "little") + data + b"\x00" * (len(data) % 2)


def webp(orientation: int = 1) -> bytes:
    inside = (
        riff(b"VP8X", bytes([0b0010_1100]) + b"\x00" * 9)
        + riff(b"ICCP", PROFILE)
        + riff(b"VP8L", b"\x2f\x00\x00\x00\x00")
        + riff(b"EXIF", exif(orientation))
        + riff(b"XMP ", SECRET)
    )
    return b"RIFF" + (len(inside) + 4).to_bytes(4, "little") + b"WEBP" + inside


def gif() -> bytes:
    head = b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0x80, 0, 0) + b"\x00" * 3 + b"\xff" * 3
    loop = b"\x21\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00"
    traces = b"\x21\xfe" + bytes([len(SECRET)]) + SECRET + b"\x00"
    traces += b"\x21\xff\x0bXMP DataXMP" + bytes([len(SECRET)]) + SECRET + b"\x00"
    picture = (
        b"\x21\xf9\x04\x00\x00\x00\x00\x00" + b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00"
    )
    return head + loop + traces + picture + b";" + SECRET
