"""Made by hand for these tests: a winmail.dat (MS-OXTNEF) and a mail inside a signature (RFC 5652)."""

import struct
from collections.abc import Sequence

from asn1crypto import algos, cms  # type: ignore[import-untyped]  # ships no types

BODY, CODEPAGE, PROPS, NEW_FILE, FILE_DATA, FILE_TITLE, FILE_PROPS = (
    0x800C,
    0x9007,
    0x9003,
    0x9002,
    0x800F,
    0x8010,
    0x9005,
)
STRING8, UNICODE, BINARY, OBJECT, LONG = 0x1E, 0x1F, 0x102, 0x0D, 0x03


def attribute(level: int, name: int, value: bytes) -> bytes:
    """Level, name, type, size, value, and the sum of its bytes."""
    return struct.pack("<BHHI", level, name, 6, len(value)) + value + struct.pack("<H", sum(value) & 0xFFFF)


def padded(value: bytes) -> bytes:
    return value + b"\0" * (-len(value) % 4)


def properties(*known: tuple[int, int, bytes]) -> bytes:
    """(type, id, value) of each; those of variable length say how many values and how long."""
    written = struct.pack("<I", len(known))
    for kind, key, value in known:
        written += struct.pack("<HH", kind, key)
        written += value if kind == LONG else struct.pack("<II", 1, len(value)) + padded(value)
    return written


def text16(text: str) -> bytes:
    return text.encode("utf-16-le") + b"\0\0"


def packed_file(
    name: str, body: bytes, short: str = "FILE~1.DAT", more: Sequence[tuple[int, int, bytes]] = ()
) -> bytes:
    known = properties((UNICODE, 0x3707, text16(name)), *more)
    return (
        attribute(2, NEW_FILE, b"\0" * 14)
        + attribute(2, FILE_TITLE, short.encode() + b"\0")
        + (attribute(2, FILE_DATA, body) if body else b"")
        + attribute(2, FILE_PROPS, known)
    )


def winmail(
    text: str = "", html: str = "", files: Sequence[bytes] = (), codepage: int = 1252, props: bytes = b""
) -> bytes:
    whole = b"\x78\x9f\x3e\x22\x01\x00" + attribute(1, CODEPAGE, struct.pack("<II", codepage, 0))
    if text:
        whole += attribute(1, BODY, text.encode(f"cp{codepage}") + b"\0")
    if html:
        whole += attribute(
            1, PROPS, properties((LONG, 0x3FDE, struct.pack("<I", 65001)), (BINARY, 0x1013, html.encode()))
        )
    if props:
        whole += attribute(1, PROPS, props)
    return whole + b"".join(files)


def signed(inside: bytes) -> bytes:
    """The mail is in there; nobody signed it, for what is to be shown does not depend on that."""
    content = cms.SignedData(
        {
            "version": "v1",
            "digest_algorithms": [algos.DigestAlgorithm({"algorithm": "sha256"})],
            "encap_content_info": {"content_type": "data", "content": inside},
            "signer_infos": [],
        }
    )
    whole: bytes = cms.ContentInfo({"content_type": "signed_data", "content": content}).dump()
    return whole
