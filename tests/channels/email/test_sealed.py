"""Mail inside a signature or under a cipher: what can be read is read, and nobody is told that it was verified."""

import base64

import pytest
from asn1crypto import cms  # type: ignore[import-untyped]  # ships no types

from channels.email.sealed import opened, unarmoured
from tests.channels.email.mails import mail, multipart, read
from tests.channels.email.packed import signed

INSIDE = (
    b"Content-Type: multipart/mixed; boundary=in\r\n\r\n--in\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
    b"Die Stra\xc3\x9fe ist dunkel\r\n"
    b"--in\r\nContent-Type: application/pdf; name=plan.pdf\r\n\r\n%PDF-1.4\r\n--in--\r\n"
)


def sealed_mail(data: bytes, kind: str = "application/pkcs7-mime; smime-type=signed-data; name=smime.p7m") -> bytes:
    return mail(base64.encodebytes(data), content_type=kind, content_transfer_encoding="base64")


@pytest.mark.parametrize(
    "kind",
    [
        "application/pkcs7-mime; smime-type=signed-data",
        "application/x-pkcs7-mime; name=smime.p7m",
        "application/octet-stream; name=SMIME.P7M",
    ],
)
def test_a_mail_inside_a_signature_is_read_with_its_files(kind: str) -> None:
    got = read(sealed_mail(signed(INSIDE), kind))
    assert got.text == "Die Straße ist dunkel"
    assert [(one.name, one.type) for one in got.files] == [("plan.pdf", "application/pdf")]
    assert got.signals == ("signed_not_verified",)


def test_an_encrypted_mail_is_kept_and_told_as_such() -> None:
    enveloped = cms.ContentInfo(
        {
            "content_type": "enveloped_data",
            "content": {
                "version": "v0",
                "recipient_infos": [],
                "encrypted_content_info": {
                    "content_type": "data",
                    "content_encryption_algorithm": {"algorithm": "aes256_cbc", "parameters": b"\x00" * 16},
                    "encrypted_content": b"\x01" * 32,
                },
            },
        }
    ).dump()
    got = read(sealed_mail(enveloped))
    assert (got.text, got.signals) == ("", ("encrypted",))
    assert [one.body for one in got.files] == [enveloped]


def test_a_detached_signature_beside_the_text_does_not_hide_it() -> None:
    kind, body = multipart(
        "signed; protocol=application/pkcs7-signature",
        "Content-Type: text/plain\r\n\r\nThe lamp is dark",
        "Content-Type: application/pkcs7-signature; name=smime.p7s\r\nContent-Transfer-Encoding: base64\r\n\r\nMAA=",
    )
    got = read(mail(body, content_type=kind))
    assert (got.text, got.signals) == ("The lamp is dark", ("signed_not_verified",))


@pytest.mark.parametrize("length", [0, 1, 5, 20, 40, 70])
def test_a_signature_cut_off_on_its_way_is_kept_as_a_file(length: int) -> None:
    data = signed(INSIDE)[:length]
    assert opened(data, "application/pkcs7-mime; smime-type=signed-data") == (None, "signed_not_verified")
    got = read(sealed_mail(data))
    assert got.signals == ("signed_not_verified",)


def test_ten_thousand_wrappings_end_soon() -> None:
    nested = b"\x30\x80" * 10_000
    assert opened(nested, "application/pkcs7-mime") == (None, "encrypted")


def test_signed_text_is_shown_without_its_armour() -> None:
    text = (
        "-----BEGIN PGP SIGNED MESSAGE-----\r\nHash: SHA256\r\n\r\nThe lamp\r\n- --\r\nAnn\r\n"
        "-----BEGIN PGP SIGNATURE-----\r\n\r\niQ\r\n-----END PGP SIGNATURE-----\r\nPS: urgent\r\n"
    )
    assert unarmoured(text) == ("The lamp\n--\nAnn\n\nPS: urgent", "signed_not_verified")


@pytest.mark.parametrize(
    "text", ["-----BEGIN PGP PUBLIC KEY BLOCK-----\nx", "-----BEGIN PGP SIGNED MESSAGE-----\nno end", "plain"]
)
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert unarmoured(text) == (text, "")
