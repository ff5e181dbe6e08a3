"""What the head of a mail says: who was addressed, and what vouches for its author."""

from dataclasses import replace

import pytest

from channels.base import Address, Proof
from channels.email.auth import dkim_aligned
from channels.email.headers import Head
from channels.email.signing import Seal
from channels.email.structure import parsed
from tests.channels.email.keys import key_pair
from tests.channels.email.mails import INBOX, TOKEN, mail, read

EXCHANGE = (
    "spf=pass (sender IP is 192.0.2.1) smtp.mailfrom=lake.example; dkim=pass header.d=lake.example;"
    "dmarc=pass action=none header.from=lake.example;compauth=pass reason=100"
)
TOPMOST = replace(INBOX, config={"trusted_authserv_ids": "*topmost"})


def test_everybody_addressed_is_known_once_ourselves_too() -> None:
    got = read(
        mail(
            to="Help <HELP@riverton.example>, =?utf-8?q?J=C3=B6rg?= <j@lake.example>",
            cc='"Lake, Bob" <bob@lake.example>, j@lake.example, not an address, Office: a@x.example, b@x.example;',
        )
    )
    assert got.to == (
        Address("email", "HELP@riverton.example", "help@riverton.example", Proof.CLAIMED, "Help"),
        Address("email", "j@lake.example", "j@lake.example", Proof.CLAIMED, "Jörg"),
    )
    assert [(one.name, one.canonical) for one in got.cc] == [
        ("Lake, Bob", "bob@lake.example"), ("", "a@x.example"), ("", "b@x.example"),
    ]  # fmt: skip


def test_of_very_many_addressed_a_thousand_are_kept() -> None:
    many = ", ".join(f"{n}@x.example" for n in range(800))
    got = read(mail(to=many, cc=many.replace("@x", "@y")))
    assert (len(got.to), len(got.cc)) == (800, 200)


def test_a_mail_to_nobody_is_addressed_to_nobody() -> None:
    got = read(mail(to="undisclosed-recipients:;"))
    assert (got.to, got.cc) == ((), ())


@pytest.mark.parametrize(
    ("stamps", "auth"),
    [
        ([EXCHANGE], "pass_aligned"),
        (["mx.elsewhere.example; dmarc=pass header.from=lake.example"], "pass_aligned"),
        (["spf=pass", EXCHANGE], "none"),
        (["dmarc=bestguesspass action=none header.from=lake.example"], "unknown"),
        (["dmarc=fail action=none header.from=lake.example"], "fail"),
        (["spf=pass (dmarc=pass header.from=lake.example)"], "none"),
        ([], "unknown"),
    ],
)
def test_a_server_without_an_id_is_believed_at_the_top_only(stamps: list[str], auth: str) -> None:
    head = "".join(f"Authentication-Results: {stamp}\r\n" for stamp in stamps).encode()
    assert read(head + mail(), inbox=TOPMOST).auth == auth


# --- the sender's own signature -----------------------------------------------------------------------------------------

NAME = b"d1._domainkey.lake.example."


def signed(body: bytes = b"") -> bytes:
    return Seal(b"lake.example", b"d1", key_pair()[0]).sign(body or mail())


def asked(whole: bytes, domain: str = "lake.example", record: bytes | None = key_pair()[1]) -> str:
    return dkim_aligned(whole, domain, lambda name: record if name == NAME else None)


def test_a_good_signature_of_the_very_domain_vouches() -> None:
    assert asked(signed()) == "pass_aligned"
    assert asked(b"DKIM-Signature: v=1; a=rsa-sha256; d=lake.example\r\n" + signed()) == "pass_aligned"


@pytest.mark.parametrize(
    ("whole", "domain", "record"),
    [
        (signed(), "city.lake.example", key_pair()[1]),
        (signed(), "example", key_pair()[1]),
        (signed(), "", key_pair()[1]),
        (signed(), "lake.example", None),
        (signed(), "lake.example", b"v=DKIM1; p="),
        (signed(), "lake.example", b"\xff nonsense"),
        (signed() + b"more", "lake.example", key_pair()[1]),
        (signed().replace(b"Bins", b"Bans"), "lake.example", key_pair()[1]),
        (b"From: mayor@riverton.example\r\n" + signed(), "lake.example", key_pair()[1]),
        (signed().replace(b"d=lake.example", b"d=lake.example; l=0"), "lake.example", key_pair()[1]),
        (signed().replace(b"rsa-sha256", b"rsa-sha1"), "lake.example", key_pair()[1]),
        (mail(), "lake.example", key_pair()[1]),
    ],
    ids=["child domain", "parent domain", "no domain", "no key", "revoked key", "no record", "longer", "changed", "two authors",
         "only the beginning", "old digest", "not signed"],
)  # fmt: skip
def test_anything_less_does_not(whole: bytes, domain: str, record: bytes | None) -> None:
    assert asked(whole, domain, record) == "none"


@pytest.mark.parametrize("whole", [b"", b"\x00\xff", b"DKIM-Signature: " + b"a=b;" * 20_000, b"\n" * 9])
def test_any_bytes_prove_nothing(whole: bytes) -> None:
    assert asked(whole) in ("none", "unknown")


def test_where_nobody_answers_nothing_is_known() -> None:
    def silent(name: bytes) -> bytes | None:
        raise TimeoutError

    assert dkim_aligned(signed(), "lake.example", silent) == "unknown"


# --- tokens and ids -----------------------------------------------------------------------------------------------------


def test_references_are_told_once_and_long_ids_are_not_cut() -> None:
    long = f"<{'x' * 80}@mail.example>"
    got = read(mail(in_reply_to=f"{long} <2@a>", references=f"<1@a> <2@a>\r\n {long}"))
    assert got.hints.references == (long, "<2@a>", "<1@a>")


def test_headers_in_any_case_are_found() -> None:
    head = Head(parsed(b"TO: a@b.example\nsubject: Bins\nTo: c@d.example\n\n"))
    assert head.addresses("to") == [("", "a@b.example"), ("", "c@d.example")]
    assert head.text("subject") == "Bins"


def test_a_token_in_brackets_or_with_words_around_is_found() -> None:
    assert read(mail(to=f"<help+{TOKEN}@riverton.example> (Riverton)")).hints.reply_token == TOKEN
