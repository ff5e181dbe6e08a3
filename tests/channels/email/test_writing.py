"""The mail a citizen gets."""

from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.base import File, TooLong
from channels.email.writing import measure, render
from tests.channels.email.mails import TOKEN, answer, read

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def wire(**changes: object) -> bytes:
    return render(answer(**changes), b"secret", NOW)


def test_a_citizen_sees_who_wrote_and_for_whom() -> None:
    message = message_from_bytes(wire(), policy=default)
    assert message["From"] == "Maria via Riverton <help@riverton.example>"
    assert message["To"] == "ann@lake.example"
    assert message["Reply-To"] == f"help+{TOKEN}@riverton.example"
    assert message["Message-ID"] == answer().own_id
    assert message["In-Reply-To"] == message["References"] == "<1@lake.example>"
    assert message["Date"].datetime == answer().written_at
    assert message["Bcc"] is None


def test_an_agents_answer_does_not_look_automatic() -> None:
    assert read(wire()).automation == "none"


def test_automatic_mail_says_so() -> None:
    message = message_from_bytes(wire(automatic=True), policy=default)
    assert message["Auto-Submitted"] == "auto-replied"
    assert message["X-Auto-Response-Suppress"] == "All"
    assert message["From"] == "Riverton <help@riverton.example>"
    assert read(wire(automatic=True)).automation == "auto_reply"
    assert message_from_bytes(wire(automatic=True, references=()), policy=default)["Auto-Submitted"] == "auto-generated"


def test_only_the_first_and_the_last_nine_references_are_kept() -> None:
    ids = tuple(f"<{n}@lake.example>" for n in range(30))
    message = message_from_bytes(wire(references=ids), policy=default)
    assert str(message["References"]).split() == [ids[0], *ids[-9:]]
    assert message["In-Reply-To"] == ids[-1]


def test_nothing_typed_becomes_a_header() -> None:
    trick = "Bins\r\nBcc: all@lake.example\n\nText"
    for changes in ({"subject": trick}, {"sender_name": trick}, {"language": trick}, {"references": (f"<{trick}>",)}):
        message = message_from_bytes(wire(**changes), policy=default)
        assert message["Bcc"] is None, changes
        plain = message.get_body(("plain",))
        assert plain is not None and plain.get_content().startswith("Dear Ann")


def test_a_long_reply_address_stays_in_one_piece() -> None:
    token = "r.4f2aaaaaaaaaaaa." + "q" * 40
    domain = "a-rather-long-name-of-an-agency." * 3 + "example"
    inbox = answer().inbox
    long = type(inbox)(**{**{f: getattr(inbox, f) for f in inbox.__slots__}, "address": f"help@{domain}"})
    assert f"\r\nReply-To: help+{token}@{domain}\r\n".encode() in wire(inbox=long, reply_token=token)


def test_files_travel_with_their_names() -> None:
    files = (
        File("Bescheid für Ann.pdf", "application/pdf", b"%PDF \x00\xff"),
        File("mail.eml", "message/rfc822", b"Subject: x\n\ny"),
        File("notes.txt", "text/plain", b"one\ntwo"),
        File("../../etc/passwd", "strange", b"x"),
    )
    got = read(wire(files=files))
    assert [(one.name, one.body) for one in got.files] == [
        ("Bescheid für Ann.pdf", b"%PDF \x00\xff"),
        ("mail.eml", b"Subject: x\n\ny"),
        ("notes.txt", b"one\ntwo"),
        ("____etc_passwd", b"x"),
    ]
    assert got.text.strip() == answer().text.strip()


def test_files_that_no_server_takes_are_too_long() -> None:
    with pytest.raises(TooLong) as caught:
        measure(answer(files=(File("film.mp4", "video/mp4", bytes(19_000_000)),)))
    assert caught.value.what == "bytes"


@settings(max_examples=100, deadline=None)
@given(text=st.text(max_size=600), subject=st.text(max_size=200), name=st.text(max_size=60))
def test_what_is_written_is_what_is_read(text: str, subject: str, name: str) -> None:
    written = wire(text=text, subject=subject, sender_name=name)
    assert b"\n" not in written.replace(b"\r\n", b"")
    assert max(map(len, written.split(b"\r\n"))) <= 998
    got = read(written)
    again = read(wire(text=got.text, subject=got.subject, sender_name=name))
    assert got.external_id == answer().own_id
    assert got.hints.references == ("<1@lake.example>",)
    assert (again.text, again.subject) == (got.text, got.subject)


@settings(max_examples=100, deadline=None)
@given(text=st.text(st.characters(blacklist_categories=["Cc", "Cs"]), max_size=600).filter(str.strip))
def test_no_letter_is_lost_on_the_way(text: str) -> None:
    assert read(wire(text=text)).text == text
