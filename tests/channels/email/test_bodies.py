"""Every way to pack a mail still shows the agent what the citizen wrote."""

import base64
import time

import pytest
from asn1crypto import cms, core  # type: ignore[import-untyped]  # ships no types

from channels.base import Inbound
from channels.email import parse
from tests.channels.email.mails import mail, multipart, raw, read

PLAIN = "Content-Type: text/plain\r\n\r\n"
HTML = "Content-Type: text/html\r\n\r\n"


def based(kind: str, data: bytes, more: str = "") -> str:
    coded = base64.encodebytes(data).decode()
    return f"Content-Type: {kind}\r\nContent-Transfer-Encoding: base64\r\n{more}\r\n{coded}"


def signed(inside: bytes) -> bytes:
    """An opaque signature as mail programs make it, with nobody's name under it: nothing here is verified."""
    content = {"content_type": "data", "content": core.OctetString(inside)}
    data = cms.SignedData({"version": "v1", "digest_algorithms": [], "encap_content_info": content, "signer_infos": []})
    made: bytes = cms.ContentInfo({"content_type": "signed_data", "content": data}).dump()
    return made


def enveloped() -> bytes:
    inside = {
        "content_type": "data",
        "content_encryption_algorithm": {"algorithm": "aes256_cbc", "parameters": core.OctetString(b"0" * 16)},
        "encrypted_content": b"secret",
    }
    data = cms.EnvelopedData({"version": "v0", "recipient_infos": [], "encrypted_content_info": inside})
    made: bytes = cms.ContentInfo({"content_type": "enveloped_data", "content": data}).dump()
    return made


def test_html_around_files_is_shown_as_a_whole_and_read_as_plain_text_once() -> None:
    inner_kind, inner = multipart(
        "mixed", HTML + "<p>Before</p>", "Content-Type: application/pdf; name=a.pdf\r\n\r\n%PDF", HTML + "<p>After</p>",
        boundary="inner",
    )  # fmt: skip
    kind, body = multipart("alternative", PLAIN + "Before and after", f"Content-Type: {inner_kind}\r\n\r\n{inner}")
    got = read(mail(body, content_type=kind))
    assert (got.text, got.html) == ("Before and after", "<p>Before</p><hr><p>After</p>")
    assert [one.name for one in got.files] == ["a.pdf"]


def test_the_same_words_for_watches_are_no_file() -> None:
    kind, body = multipart(
        "alternative", PLAIN + "one", "Content-Type: text/x-amp-html\r\n\r\n<html amp>", HTML + "one"
    )
    assert read(mail(body, content_type=kind)).files == ()


def test_a_mail_that_is_one_text_with_a_name_is_a_text() -> None:
    assert read(mail("My bin is full.", content_type='text/plain; name="body.txt"')).text == "My bin is full."


@pytest.mark.parametrize("order", ["utf-16", "utf-16-le", "utf-16-be"])
def test_two_byte_letters_are_read_with_and_without_a_mark(order: str) -> None:
    data = base64.b64encode("Straße gesperrt".encode(order)).decode()
    got = read(mail(data, content_type="text/plain; charset=utf-16", content_transfer_encoding="base64"))
    assert got.text == "Straße gesperrt"


def test_markup_hidden_in_seven_bits_stays_hidden() -> None:
    got = read(mail("+ADw-script+AD4-", content_type="text/html; charset=utf-7"))
    assert got.html == "+ADw-script+AD4-"
    assert read(mail(subject="=?utf-7?q?+ADw-b+AD4-?=")).subject == "+ADw-b+AD4-"


# --- forwarded --------------------------------------------------------------------------------------------------------


def test_a_forwarded_mail_without_own_words_is_told_so() -> None:
    inner = mail("The street lamp is dark", subject="Lamp")
    kind, body = multipart("mixed", PLAIN + " \r\n", based("message/rfc822", inner))
    got = read(mail(body, content_type=kind, subject="Lamp"))
    assert (got.text, got.forwarded, got.text_visible) == ("The street lamp is dark", True, None)
    assert got.files[0].body == inner
    with_words, body = multipart("mixed", PLAIN + "Please see to it", based("message/rfc822", inner))
    got = read(mail(body, content_type=with_words, subject="Lamp"))
    assert (got.text, got.forwarded) == ("Please see to it", False)


def test_a_mail_is_kept_byte_for_byte_inside_another() -> None:
    kind, body = multipart("alternative", PLAIN + "one", HTML + "<p>one</p>", boundary="inner")
    inner = mail(f"before\r\n{body}after\r\n", content_type=kind, subject="folded\r\n over").replace(b"\r\n", b"\n")
    outer, body = multipart("mixed", "Content-Type: message/rfc822\r\n\r\n" + inner.decode())
    (one,) = read(mail(body, content_type=outer)).files
    assert one.body.rstrip(b"\n") == inner.rstrip(b"\n")


# --- signed and sealed ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["application/pkcs7-mime; smime-type=signed-data", "application/octet-stream"])
def test_a_signed_mail_is_opened_and_nobody_is_told_that_it_was_verified(kind: str) -> None:
    inner_kind, inner = multipart("mixed", PLAIN + "My bin is full", "Content-Type: text/csv; name=a.csv\r\n\r\na;b")
    data = signed(f"Content-Type: {inner_kind}\r\n\r\n{inner}".encode())
    whole = mail(base64.encodebytes(data), content_type=f"{kind}; name=smime.p7m", content_transfer_encoding="base64")
    got = read(whole)
    assert got.text == "My bin is full"
    assert [one.name for one in got.files] == ["a.csv"]
    assert got.signals == ("signed_not_verified",)


def test_a_signature_in_a_signature_is_opened_and_a_dozen_are_not() -> None:
    data = b"Content-Type: text/plain\r\n\r\nMy bin is full"
    for times in range(1, 13):
        data = based("application/pkcs7-mime; smime-type=signed-data", signed(data)).encode()
        if times == 2:
            assert read(mail()[: mail().index(b"\r\n\r\n") + 2] + data).text == "My bin is full"
    got = read(mail()[: mail().index(b"\r\n\r\n") + 2] + data)
    assert (got.text, got.signals) == ("", ("signed_not_verified",))
    assert len(got.files) == 1


def test_a_sealed_mail_is_told_as_such_and_kept() -> None:
    got = read(mail(base64.encodebytes(enveloped()), content_type="application/pkcs7-mime; name=smime.p7m",
                    content_transfer_encoding="base64"))  # fmt: skip
    assert (got.text, got.signals) == ("", ("encrypted",))
    assert [one.name for one in got.files] == ["smime.p7m"]


def test_a_clear_signed_mail_shows_its_text() -> None:
    kind, body = multipart("signed", PLAIN + "My bin is full", "Content-Type: application/pkcs7-signature\r\n\r\nabc")
    got = read(mail(body, content_type=kind))
    assert (got.text, got.signals) == ("My bin is full", ("signed_not_verified",))


def test_pgp_armour_is_taken_off_a_signed_text_and_told_of_a_sealed_one() -> None:
    armoured = (
        "-----BEGIN PGP SIGNED MESSAGE-----\r\nHash: SHA256\r\n\r\nMy bin\r\n- - is full\r\n"
        "-----BEGIN PGP SIGNATURE-----\r\n\r\niQ\r\n-----END PGP SIGNATURE-----\r\n"
    )
    got = read(mail(armoured))
    assert (got.text, got.signals) == ("My bin\n- is full", ("signed_not_verified",))
    sealed = read(mail("-----BEGIN PGP MESSAGE-----\r\n\r\nhQ\r\n-----END PGP MESSAGE-----\r\n"))
    assert sealed.signals == ("encrypted",)
    assert "BEGIN PGP MESSAGE" in sealed.text
    kind, body = multipart("encrypted", "Content-Type: application/pgp-encrypted\r\n\r\nVersion: 1")
    assert read(mail(body, content_type=kind)).signals == ("encrypted",)


def test_parts_of_a_mail_and_content_elsewhere_are_neither_joined_nor_fetched() -> None:
    for kind, signal in (
        ("message/partial; id=x; number=1; total=2", "incomplete"),
        ("message/external-body; access-type=URL; URL=http://127.0.0.1:1/", "content_elsewhere"),
    ):
        got = read(mail("From: x\r\n\r\nabc", content_type=kind))
        assert (got.text, got.signals) == ("", (signal,))


# --- invitations ------------------------------------------------------------------------------------------------------

EVENT = (
    "BEGIN:VCALENDAR\r\nMETHOD:{}\r\nBEGIN:VTIMEZONE\r\nTZID:Europe/Berlin\r\nEND:VTIMEZONE\r\nBEGIN:VEVENT\r\n"
    "SUMMARY:Visit to the\\, \r\n tip\r\nDTSTART;TZID=Europe/Berlin:20260304T100000\r\n"
    "DTEND;TZID=Europe/Berlin:20260304T110000\r\nLOCATION:Gate 2\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)


def test_an_invitation_without_words_tells_what_and_when() -> None:
    kind, body = multipart("mixed", "Content-Type: text/calendar; charset=utf-8\r\n\r\n" + EVENT.format("REQUEST"))
    got = read(mail(body, content_type=kind))
    assert got.text == "Visit to the, tip · 2026-03-04 10:00-11:00 Europe/Berlin · Gate 2"
    assert [(one.name, one.type) for one in got.files] == [("Visit to the, tip.ics", "text/calendar")]
    assert got.automation == "none"


@pytest.mark.parametrize(
    ("start", "shown"),
    [
        ("DTSTART:20260304T100000Z", "2026-03-04 10:00 UTC"),
        ("DTSTART;VALUE=DATE:20260304", "2026-03-04"),
        ("DTSTART;TZID=W. Europe Standard Time:20260304T100000", "2026-03-04 10:00 W. Europe Standard Time"),
        ("DTSTART:nonsense", ""),
        ("", ""),
    ],
)
def test_the_time_of_an_invitation_is_told_as_it_was_written(start: str, shown: str) -> None:
    event = f"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nSUMMARY:Visit\r\n{start}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    got = read(mail(event, content_type="text/calendar"))
    assert got.text == " · ".join(filter(None, ["Visit", shown]))


def test_an_answer_of_a_calendar_is_automatic() -> None:
    answer = "Content-Type: text/calendar; method=REPLY\r\n\r\n" + EVENT.format("REPLY")
    kind, body = multipart("alternative", PLAIN + "Ann has accepted", answer)
    got = read(mail(body, content_type=kind))
    assert got.automation == "auto_reply"
    assert "calendar_reply" in got.signals
    assert got.text == "Ann has accepted"


# --- reports ----------------------------------------------------------------------------------------------------------


def test_a_report_comes_before_what_it_says_of_our_mails() -> None:
    kind, body = multipart(
        "report; report-type=delivery-status",
        PLAIN + "Not delivered.",
        "Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.lake.example\r\n\r\n"
        "Final-Recipient: rfc822; ann@lake.example\r\nAction: failed\r\nStatus: 5.1.1\r\n",
        "Content-Type: text/rfc822-headers\r\n\r\nMessage-ID: <c.2@riverton.example>\r\n",
    )
    whole = mail(body, content_type=kind, subject="Undelivered", **{"from": "mailer-daemon@lake.example"})
    first, *receipts = parse(raw(whole, {"from": "", "to": ["help@riverton.example"]}))
    assert isinstance(first, Inbound)
    assert first.automation == "bounce"
    assert [(getattr(one, "recipient", ""), getattr(one, "own_id", "")) for one in receipts] == [
        ("ann@lake.example", "<c.2@riverton.example>")
    ]


def test_of_a_thousand_invitations_the_first_are_read_and_all_are_kept() -> None:
    event = "BEGIN:VEVENT\r\nSUMMARY:Visit\r\n" + "X-A:1\r\n" * 500 + "END:VEVENT\r\n"
    kind, body = multipart("mixed", *[f"Content-Type: text/calendar\r\n\r\n{event}"] * 900)
    start = time.process_time()
    files = read(mail(body, content_type=kind)).files
    assert time.process_time() - start < 4  # half a second on a quiet machine
    assert (len(files), files[0].name, files[-1].name) == (900, "Visit.ics", "invitation.ics")
