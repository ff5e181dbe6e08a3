"""winmail.dat, as some Outlook servers send it: its files come out with their names, and its words where there are no others."""

import base64
import struct
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.email.rich import plain_of, unpacked
from channels.email.winmail import opened
from tests.channels.email.mails import mail, multipart, read

HEAD = b"\x78\x9f\x3e\x22\x01\x00"
CODEPAGE = (1, 0x9007, struct.pack("<II", 1252, 0))
NEW_FILE = (2, 0x9002, b"\x00" * 14)


def attribute(level: int, name: int, value: bytes) -> bytes:
    return struct.pack("<BHHI", level, name, 0, len(value)) + value + struct.pack("<H", sum(value) & 0xFFFF)


def tnef(*attributes: tuple[int, int, bytes]) -> bytes:
    return HEAD + b"".join(attribute(*one) for one in (CODEPAGE, *attributes))


def prop(key: int, kind: int, value: bytes) -> bytes:
    return struct.pack("<HHII", kind, key, 1, len(value)) + value + b"\x00" * (-len(value) % 4)


def props(*made: bytes) -> bytes:
    return struct.pack("<I", len(made)) + b"".join(made)


def text(key: int, value: str) -> bytes:
    return prop(key, 0x1F, value.encode("utf-16-le") + b"\x00\x00")


def file(title: bytes, body: bytes, *made: bytes) -> list[tuple[int, int, bytes]]:
    return [NEW_FILE, (2, 0x8010, title + b"\x00"), (2, 0x800F, body), (2, 0x9005, props(*made))]


def sent(data: bytes, words: str = "") -> bytes:
    part = "Content-Type: application/ms-tnef; name=winmail.dat\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    kind, body = multipart(
        "mixed", f"Content-Type: text/plain\r\n\r\n{words}", part + base64.encodebytes(data).decode()
    )
    return mail(body, content_type=kind)


def test_files_come_out_with_their_long_names() -> None:
    inside = tnef(
        *file(b"LETTER~1.PDF", b"%PDF-1.7", text(0x3707, "Brief für Ann.pdf"), text(0x370E, "application/pdf")),
        *file("Straße.txt".encode("cp1252"), b"words"),
    )
    got = read(sent(inside, "See the files"))
    assert [(one.name, one.type, one.body) for one in got.files] == [
        ("Brief für Ann.pdf", "application/pdf", b"%PDF-1.7"),
        ("Straße.txt", "application/octet-stream", b"words"),
    ]
    assert got.text == "See the files"


def test_a_number_or_a_name_before_a_property_is_passed_over() -> None:
    named = (
        struct.pack("<HH", 0x1F, 0x8001)
        + b"g" * 16
        + struct.pack("<II", 1, 6)
        + "ab\x00".encode("utf-16-le")
        + b"\x00\x00"
    )
    named += struct.pack("<II", 1, 4) + b"x\x00\x00\x00"
    numbered = struct.pack("<HH", 0x03, 0x8002) + b"g" * 16 + struct.pack("<II", 0, 7) + b"\x01\x00\x00\x00"
    many = struct.pack("<HHI", 0x1003, 0x3000, 3) + b"\x00" * 12
    (one,) = (
        opened(tnef(*file(b"A~1.TXT", b"x", named, numbered, many, text(0x3707, "a long name.txt")))) or pytest.fail()
    ).files
    assert one.name == "a long name.txt"


def test_its_words_are_read_only_where_the_mail_has_none() -> None:
    page = tnef((1, 0x9003, props(prop(0x1013, 0x102, b"<p>My <b>bin</b> is full</p>"))))
    got = read(sent(page))
    assert (got.text, got.html) == ("My bin is full", "<p>My <b>bin</b> is full</p>")
    assert read(sent(page, "Other words")).text == "Other words"
    plain = tnef((1, 0x9003, props(text(0x1000, "Die Tonne in der Bahnhofstraße"))))
    assert read(sent(plain)).text == "Die Tonne in der Bahnhofstraße"


def test_rich_text_is_read_as_words() -> None:
    rtf = rb"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Arial;}}\pard My bin\'92s lid\par is \u8364?5 {\*\generator x;}gone\par}"
    stored = struct.pack("<IIII", len(rtf) + 12, len(rtf), 0x414C454D, 0) + rtf
    got = read(sent(tnef((1, 0x9003, props(prop(0x1009, 0x102, stored))))))
    assert got.text == "My bin\u2019s lid\nis €5 gone"


def test_packed_rich_text_is_unpacked() -> None:
    """The example of MS-OXRTFCP section 4.1.1."""
    data = bytes.fromhex(
        "2d0000002b0000004c5a4675f1c5c7a703000a007263706731323542320af32068656c090020627705b06c647d0a800fa0"
    )
    assert unpacked(data) == b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"


def test_a_mail_inside_gives_its_words_and_files() -> None:
    inner = tnef((1, 0x9003, props(text(0x1000, "The lamp is dark"))), *file(b"lamp.txt", b"dark"))
    obj = prop(0x3701, 0x0D, b"i" * 16 + inner)
    got = read(sent(tnef(*file(b"Lamp", b"", obj)), "Forwarded"))
    assert [(one.name, one.body) for one in got.files] == [("lamp.txt", b"dark"), ("Lamp.txt", b"The lamp is dark")]


@pytest.mark.parametrize("data", [b"", b"no such file", HEAD[:4]])
def test_what_is_no_such_file_is_kept_as_it_came(data: bytes) -> None:
    files = read(sent(data or b"x", "words")).files
    assert [(one.name, one.body) for one in files] == [("winmail.dat", data or b"x")]


@pytest.mark.parametrize(
    "inside",
    [
        HEAD + attribute(1, 0x8004, b"") * 400_000,
        tnef((1, 0x9003, b"\xff\xff\xff\x7f" + struct.pack("<HHI", 0x1002, 1, 0x7FFFFFFF))),
        tnef((1, 0x9003, b"\xff\xff\xff\x7f" + struct.pack("<HHI", 0x1E, 1, 0x7FFFFFFF) + b"\x00" * 2_000_000)),
        tnef(*[NEW_FILE] * 200_000),
        tnef(
            (
                1,
                0x9003,
                props(
                    prop(0x1009, 0x102, struct.pack("<IIII", 9, 2**31, 0x414C454D, 0) + b"{\\rtf1" + b"{" * 2_000_000)
                ),
            )
        ),
        tnef(
            (1, 0x9003, props(prop(0x1009, 0x102, struct.pack("<IIII", 9, 2**31, 0x75465A4C, 0) + b"\xff" * 2_000_000)))
        ),
    ],
    ids=["attributes", "values", "strings", "files", "groups", "copies"],
)
def test_hostile_files_cost_little(inside: bytes) -> None:
    start = time.perf_counter()
    opened(inside)
    assert time.perf_counter() - start < 4  # a second on a quiet machine


@given(st.binary(max_size=200), st.integers(0, 300), st.binary(max_size=20))
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_followed_as_far_as_they_go(odd: bytes, place: int, change: bytes) -> None:
    whole = tnef(*file(b"A~1.TXT", b"x", text(0x3707, "name.txt")), (1, 0x9003, props(text(0x1000, "words"))))
    opened(HEAD + odd)
    opened(whole[:place] + change + whole[place + len(change) :])
    assert "\x00" not in plain_of(b"{\\rtf1" + odd)
    unpacked(struct.pack("<IIII", 9, 5000, 0x75465A4C, 0) + odd)
