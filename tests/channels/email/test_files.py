"""Files of citizens: what they are by their bytes, and pictures that keep nothing of who took them and where."""

import base64
import io
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels._files import safe_name, sniffed, without_traces
from tests.channels.email import pictures
from tests.channels.email.mails import mail, multipart, read
from tests.channels.email.pictures import PROFILE, SCAN, SECRET

UNKNOWN = "application/octet-stream"
WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


def archive(*names: str) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as made:
        for name in names:
            made.writestr(name, "x" * 50)
    return data.getvalue()


@pytest.mark.parametrize(
    ("body", "declared", "name", "kind"),
    [
        (b"%PDF-1.7", UNKNOWN, "bill", "application/pdf"),
        (pictures.png(), "image/jpeg", "a.jpg", "image/png"),
        (pictures.jpeg(), UNKNOWN, "", "image/jpeg"),
        (pictures.gif(), "text/plain", "a.txt", "image/gif"),
        (pictures.webp(), "", "", "image/webp"),
        (b"\x00\x00\x00\x18ftypheic\x00", UNKNOWN, "IMG_1.HEIC", "image/heic"),
        (b"\x00\x00\x00\x18ftypmp42\x00", UNKNOWN, "", "video/mp4"),
        (archive("[Content_Types].xml", "word/document.xml"), "application/zip", "letter.docx", WORD),
        (archive("a.txt"), WORD, "letter.docx", "application/zip"),
        (archive("META-INF/MANIFEST.MF"), "application/zip", "a.zip", "application/java-archive"),
        (archive("mimetype"), "application/zip", "a.zip", "application/zip"),
        (b"plain words", "text/plain; charset=utf-8", "a.txt", "text/plain"),
        (b"a;b\n1;2", "text/csv", "a.csv", "text/csv"),
        (b"plain words", "nonsense", "a", UNKNOWN),
        (b"no picture at all", "image/png", "a.png", UNKNOWN),
        (b"no letter at all", "application/pdf", "a.pdf", UNKNOWN),
        (b"<?xml version='1.0'?><a/>", "application/xml", "a.xml", "application/xml"),
        (b"", "application/pdf", "a.pdf", "application/pdf"),
        (b"MThd\x00\x00\x00\x06" + b"x" * 90, UNKNOWN, "a", "audio/x-midi"),
    ],
)
def test_a_file_is_what_its_bytes_say(body: bytes, declared: str, name: str, kind: str) -> None:
    assert sniffed(body, declared, name) == kind


HARMLESS = ("image/png", "text/plain", "application/pdf", "image/jpeg", WORD, "audio/mpeg", "text/csv", "")
HARMFUL = {
    "a Windows program": (b"MZ\x90\x00", "photo.jpg"),
    "a Linux program": (b"\x7fELF\x02", "photo.jpg"),
    "a shell script": (b"#!/bin/sh\nrm -r /", "notes.txt"),
    "Java": (b"\xca\xfe\xba\xbe\x00", "a.png"),
    "a page": (b"<!DOCTYPE html><script>x()</script>", "notes.txt"),
    "a page after a comment": (b"\xef\xbb\xbf <!-- x --><html >", "notes.txt"),
    "a page in two-byte letters": ("<html><script>".encode("utf-16"), "notes.txt"),
    "a drawing with a program in it": (b"<?xml version='1.0'?>\n<svg xmlns='x' onload='x()'>", "a.png"),
    "a script by name": (b"WScript.Echo 1", "invoice.pdf.vbs"),
    "a batch file": (b"del *.*", "INVOICE.BAT"),
    "a page by name": (b"words", "a.html"),
    "a shortcut": (b"L\x00\x00\x00\x01\x14\x02\x00", "a.png"),
}


@pytest.mark.parametrize("declared", HARMLESS)
@pytest.mark.parametrize("what", HARMFUL)
def test_nothing_that_runs_passes_under_a_harmless_label(what: str, declared: str) -> None:
    body, name = HARMFUL[what]
    assert sniffed(body, declared, name) not in {*HARMLESS, UNKNOWN}


def test_a_macro_is_told_by_what_the_archive_holds() -> None:
    body = archive("[Content_Types].xml", "word/document.xml", "word/vbaProject.bin")
    assert "macroenabled" in sniffed(body, WORD, "letter.docx")


@given(st.binary(max_size=400), st.text(max_size=40), st.text(max_size=40))
@settings(max_examples=300, deadline=None)
def test_any_bytes_have_a_type_and_a_name(body: bytes, declared: str, name: str) -> None:
    kind = sniffed(body, declared, name)
    assert kind.isascii()
    assert kind.count("/") == 1
    assert len(safe_name(name).encode()) <= 200


# --- traces ---------------------------------------------------------------------------------------------------------

KINDS = {
    "image/jpeg": (pictures.jpeg, [PROFILE, pictures.TABLES, SCAN, pictures.JFIF]),
    "image/png": (pictures.png, [b"iCCP", b"IDAT", b"IEND"]),
    "image/webp": (pictures.webp, [PROFILE, b"VP8L"]),
}


WHOLE = {**{one: make() for one, (make, _) in KINDS.items()}, "image/gif": pictures.gif()}


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_no_longer_tells_where_it_was_taken_and_looks_the_same(kind: str) -> None:
    make, needed = KINDS[kind]
    clean = without_traces(make(), kind)
    assert SECRET not in clean
    assert b"GPS" not in clean
    assert all(part in clean for part in needed)
    assert b"EXIF" not in clean.upper()
    assert without_traces(clean, kind) == clean


def test_a_moving_picture_goes_on_moving_without_its_comments() -> None:
    clean = without_traces(pictures.gif(), "image/gif")
    assert SECRET not in clean
    assert b"NETSCAPE2.0" in clean
    assert clean.endswith(b"\x02\x02\x44\x01\x00;")


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("way", range(2, 9))
def test_a_picture_taken_sideways_stays_upright(kind: str, way: int, order: str) -> None:
    body = pictures.jpeg(way, order) if kind == "image/jpeg" else KINDS[kind][0](way)
    clean = without_traces(body, kind)
    assert SECRET not in clean
    assert b"\x01\x12\x00\x03\x00\x00\x00\x01\x00" + bytes([way]) in clean  # tag, SHORT, one value (EXIF 2.3)
    assert without_traces(clean, kind) == clean


@pytest.mark.parametrize("kind", [*KINDS, "image/gif"])
def test_a_picture_that_cannot_be_followed_is_left_as_it_is(kind: str) -> None:
    whole = WHOLE[kind]
    for end in range(0, 60, 7):
        assert without_traces(whole[:end], kind) == whole[:end]


@given(st.sampled_from([*KINDS, "image/gif"]), st.binary(max_size=300), st.integers(0, 400))
@settings(max_examples=300, deadline=None)
def test_any_bytes_go_through(kind: str, odd: bytes, place: int) -> None:
    whole = WHOLE[kind]
    for body in (odd, whole[:place] + odd, whole[:place] + odd + whole[place + len(odd) :]):
        assert len(without_traces(body, kind)) <= len(body) + 60


def test_the_desk_gets_the_clean_picture_and_both_types() -> None:
    coded = base64.encodebytes(pictures.jpeg(6)).decode()
    part = f"Content-Type: text/plain; name=photo.jpg\r\nContent-Transfer-Encoding: base64\r\n\r\n{coded}"
    kind, body = multipart("mixed", part)
    (one,) = read(mail(body, content_type=kind)).files
    assert (one.name, one.type, one.type_declared) == ("photo.jpg", "image/jpeg", "text/plain")
    assert one.body.startswith(b"\xff\xd8")
    assert SECRET not in one.body
