"""What the desk gets to know of a mail: names, subjects, texts, files, ids."""

import base64
from datetime import UTC, datetime

import pytest

from channels.base import Proof, Unreadable
from channels.email import headers_only, parse
from channels.email.headers import canonical, key_of, without_token
from tests.channels.email.mails import INBOX, TOKEN, mail, multipart, only, raw, read


@pytest.mark.parametrize(
    ("sent", "name", "address"),
    [
        ("Ann Lake <Ann@LAKE.example>", "Ann Lake", "ann@lake.example"),
        ('"Lake, Ann" <ann@lake.example>', "Lake, Ann", "ann@lake.example"),
        ("=?utf-8?q?J=C3=B6rg?= =?utf-8?q?_M=C3=BCller?= <j@lake.example>", "Jörg Müller", "j@lake.example"),
        ('"=?utf-8?B?SsO2cmc=?=" <j@lake.example>', "Jörg", "j@lake.example"),
        ("=?utf-8?q?Ann_=3Cann=40lake=2Eexample=3E?=", "Ann", "ann@lake.example"),
        ("ann@lake.example (Ann Lake)", "Ann Lake", "ann@lake.example"),
        ("Jörg <j@lake.example>", "Jörg", "j@lake.example"),
        ("Ann [Lake] <ann@lake.example>", "Ann [Lake]", "ann@lake.example"),
        ("ann@lake.example <ann@lake.example>", "ann@lake.example", "ann@lake.example"),
        ("mayor@riverton.example <ann@lake.example>", "mayor@riverton.example", "ann@lake.example"),
        ('"<mayor@riverton.example>" <ann@lake.example>', "<mayor@riverton.example>", "ann@lake.example"),
        ("=?utf-8?q?mayor=40riverton=2Eexample?= <ann@lake.example>", "mayor@riverton.example", "ann@lake.example"),
        ("=?utf-8?q?Lake=2C_Ann?= <ann@lake.example>", "Lake, Ann", "ann@lake.example"),
        ("<ann+bins@lake.example>", "", "ann+bins@lake.example"),
        ("undisclosed: ann@lake.example;", "", "ann@lake.example"),
        ("ann@münchen.example", "", "ann@xn--mnchen-3ya.example"),
    ],
)
def test_the_agent_sees_who_wrote(sent: str, name: str, address: str) -> None:
    sender = read(mail(**{"from": sent})).sender
    assert (sender.canonical, sender.name) == (address, name)


def test_a_mail_without_from_is_by_who_stood_on_the_envelope() -> None:
    sender = read(mail(**{"from": ""})).sender
    assert (sender.canonical, sender.proof) == ("ann@lake.example", Proof.NONE)


def test_a_mail_of_nobody_is_shown_as_unreadable_with_its_words() -> None:
    (item,) = parse(raw(mail("Help me", **{"from": ""}), {"from": "", "to": []}))
    assert item == Unreadable("no sender", "Bins\n\nHelp me")


@pytest.mark.parametrize(
    ("sent", "subject"),
    [
        ("=?iso-8859-1?Q?Stra=DFe_=80?=", "Straße €"),
        ("=?gb2312?B?xOO6ww==?=", "你好"),
        ("=?utf-8?B?w7w=?= =?utf-8?B?w7w=?=", "üü"),
        ("=?utf-8?B?4o==?= =?utf-8?B?grw=?=", "₼"),
        ("a =?utf-8?q?=C3=BC?= b", "a ü b"),
        ("=?x-nothing?q?abc?=", "abc"),
        ("=?utf-8?q?one=0D=0ABcc:_all?=", "one  Bcc: all"),
        ("folded\r\n over\r\n\tlines", "folded over lines"),
        ("=?utf-8?q?unclosed", "=?utf-8?q?unclosed"),
        ("Grüße in UTF-8", "Grüße in UTF-8"),
        ("nul\x00 and\x07 bell", "nul and bell"),
    ],
)
def test_a_subject_is_one_clean_line(sent: str, subject: str) -> None:
    assert read(mail(subject=sent)).subject == subject


@pytest.mark.parametrize(
    ("declared", "data", "text"),
    [
        ("iso-8859-1", "“quoted” … €".encode("cp1252"), "“quoted” … €"),
        ("gb2312", "鎔 你好".encode("gb18030"), "鎔 你好"),
        ("us-ascii", "naïve".encode(), "naïve"),
        ("", "Grüße".encode(), "Grüße"),
        ("utf-8", "\ufeffwith a mark".encode(), "with a mark"),
        ("koi8-r", "Привет".encode("koi8-r"), "Привет"),
        ("iso-2022-jp", "こんにちは".encode("iso-2022-jp"), "こんにちは"),
        ("windows-31j", "こんにちは".encode("cp932"), "こんにちは"),
        ("x-unknown", "Grüße".encode(), "Grüße"),
        ("utf-8", ("Straße " * 40).encode() + b"\xc3", "Straße " * 40 + "\ufffd"),
        ("zlib", b"plain", "plain"),
        ("rot13", b"plain", "plain"),
    ],
)
def test_letters_are_read_in_the_alphabet_they_were_meant_in(declared: str, data: bytes, text: str) -> None:
    kind = f"text/plain; charset={declared}" if declared else "text/plain"
    assert read(mail(data, content_type=kind)).text == text


def test_undeclared_letters_are_guessed() -> None:
    text = "Добрый день, во дворе не убирают мусор уже вторую неделю. Помогите, пожалуйста!"
    assert read(mail(text.encode("cp1251"), content_type="text/plain")).text == text


def test_text_around_a_picture_is_read_as_a_whole() -> None:
    kind, body = multipart(
        "mixed",
        "Content-Type: text/plain\r\n\r\nBefore",
        "Content-Type: image/png; name=bin.png\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw0KGgo=",
        "Content-Type: text/plain\r\n\r\nAfter",
    )
    got = read(mail(body, content_type=kind))
    assert got.text == "Before\n\nAfter"
    assert [(one.name, one.type, one.body, one.inline) for one in got.files] == [
        ("bin.png", "image/png", b"\x89PNG\r\n\x1a\n", False)
    ]


def test_of_an_alternative_the_plain_text_is_read_unless_it_is_blank() -> None:
    for plain, text in (("plain", "plain"), ("  ", "rich text")):
        kind, body = multipart(
            "alternative",
            f"Content-Type: text/plain\r\n\r\n{plain}",
            "Content-Type: text/html\r\n\r\n<p>rich <b>text</b></p>",
        )
        got = read(mail(body, content_type=kind))
        assert got.text == text
        assert got.html == "<p>rich <b>text</b></p>"


def test_a_picture_is_inline_where_the_text_shows_it() -> None:
    picture = "Content-Type: image/gif\r\nContent-ID: <{0}>\r\nContent-Disposition: {1}; filename={0}.gif\r\n\r\nGIF"
    kind, body = multipart(
        "related",
        "Content-Type: text/html\r\n\r\n<p>See <img src='cid:one'></p>",
        picture.format("one", "attachment"),
        picture.format("two", "inline"),
    )
    got = read(mail(body, content_type=kind))
    assert [(one.content_id, one.inline) for one in got.files] == [("one", True), ("two", False)]
    assert got.html == '<p>See <img src="cid:one"></p>'


@pytest.mark.parametrize(
    ("parameter", "name"),
    [
        ('filename="bill.pdf"', "bill.pdf"),
        ("filename*=UTF-8''Bescheid%20f%C3%BCr.pdf", "Bescheid für.pdf"),
        ('filename*0="very "; filename*1=long.pdf', "very long.pdf"),
        ('filename="=?utf-8?q?f=C3=BCr.pdf?="', "für.pdf"),
        ('filename="für.pdf"', "für.pdf"),
        ('filename="../../etc/passwd"', "____etc_passwd"),
        ('filename="C:\\\\con.txt"', "C__con.txt"),
        ('filename="con.txt"', "_con.txt"),
        ('filename="invoice\u202efdp.exe"', "invoicefdp.exe"),
        ('filename=""', "file-1.pdf"),
        (f'filename="{"ü" * 300}.pdf"', "ü" * 98 + ".pdf"),
    ],
)
def test_a_file_has_a_name_that_is_safe_to_show(parameter: str, name: str) -> None:
    kind, body = multipart(
        "mixed", f"Content-Type: application/pdf\r\nContent-Disposition: attachment; {parameter}\r\n\r\n%PDF"
    )
    (one,) = read(mail(body, content_type=kind)).files
    assert one.name == name
    assert len(one.name.encode()) <= 200


def test_a_text_with_a_file_name_is_a_file() -> None:
    kind, body = multipart(
        "mixed",
        "Content-Type: text/plain\r\n\r\nsee file",
        "Content-Type: text/plain; name=log.txt\r\nContent-Disposition: inline\r\n\r\nlog",
        "Content-Type: text/calendar; method=REQUEST\r\n\r\nBEGIN:VCALENDAR",
    )
    got = read(mail(body, content_type=kind))
    assert got.text == "see file"
    assert [one.name for one in got.files] == ["log.txt", "invitation.ics"]


@pytest.mark.parametrize("coding", ["7bit", "base64"])
def test_a_mail_forwarded_without_a_word_is_read_inside(coding: str) -> None:
    inner = mail("The street lamp is dark", subject="Lamp")
    packed = base64.encodebytes(inner).decode() if coding == "base64" else inner.decode()
    kind, body = multipart(
        "mixed", f"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: {coding}\r\n\r\n{packed}"
    )
    got = read(mail(body, content_type=kind, subject="Fwd"))
    assert (got.subject, got.text) == ("Fwd", "The street lamp is dark")
    assert [one.name for one in got.files] == ["message-1.eml"]
    assert b"Subject: Lamp" in got.files[0].body


@pytest.mark.parametrize(
    ("kind", "signal"),
    [
        ("application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m", "encrypted"),
        ("application/pkcs7-mime; smime-type=signed-data; name=smime.p7m", "signed_not_verified"),
        ("message/partial; id=x; number=1; total=2", "incomplete"),
        ("message/external-body; access-type=URL; URL=http://x.example", "content_elsewhere"),
    ],
)
def test_the_agent_is_told_of_what_nobody_here_can_open(kind: str, signal: str) -> None:
    assert signal in read(mail("From: x\r\n\r\nabc", content_type=kind)).signals


# --- ids, threads, repeats ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("<A.b@Lake.example>", "<A.b@Lake.example>"),
        (" <a@b> (comment)", "<a@b>"),
        ("\r\n <a@b>", "<a@b>"),
        ("a@b", "<a@b>"),
        ("<<a@b>>", "<<a@b>>"),
    ],
)
def test_the_id_is_what_stands_between_the_outermost_brackets(sent: str, kept: str) -> None:
    assert read(mail(message_id=sent)).external_id == kept


@pytest.mark.parametrize("sent", ["", "<>", "  ", "<" + "x" * 1200 + ">"])
def test_a_mail_without_an_id_gets_the_same_one_each_time(sent: str) -> None:
    body = mail(message_id=sent)
    assert read(body).external_id == f"<{raw(body).sha256.hex()}@no-id.invalid>"


def test_a_repeat_has_the_same_digest_and_another_mail_with_its_id_has_not() -> None:
    one = read(mail("one", date="Mon, 2 Mar 2026 10:00:00 +0000")).digest
    assert read(mail("one", date="Mon, 2 Mar 2026 10:00:00 +0000", received="by mx2")).digest == one
    changed = (mail("two"), mail("one", subject="x"), mail("one", **{"from": "b@lake.example"}), mail("one", date="x"))
    assert len({one, *(read(body).digest for body in changed)}) == 5


@pytest.mark.parametrize("field", ["to", "cc", "delivered_to", "x_original_to"])
def test_a_reply_token_is_found_wherever_a_server_left_it(field: str) -> None:
    assert (
        read(mail(**{field: f"x@y.example, Help <HELP+{TOKEN.upper()}@riverton.example>"})).hints.reply_token == TOKEN
    )


def test_the_token_on_the_envelope_comes_first() -> None:
    envelope = {"from": "", "to": [f"help+{TOKEN}@riverton.example"]}
    other = "help+r.999.aaaaaaaaaaaaaaaa@riverton.example"
    assert read(mail(to=other), envelope).hints.reply_token == TOKEN


def test_what_only_looks_like_a_token_is_none() -> None:
    for local in ("help+bins", "help+r.1.short", f"help+{'x' * 60}+{TOKEN}", "r.1.aaaaaaaaaaaaaaaa"):
        assert read(mail(to=f"{local}@riverton.example")).hints.reply_token == ""


def test_the_inbox_is_found_without_the_token() -> None:
    assert without_token(f"Help+{TOKEN}@Riverton.example") == "help@riverton.example"
    assert without_token("help+bins@riverton.example") == "help+bins@riverton.example"


def test_references_run_from_the_answered_mail_back_to_the_first() -> None:
    body = mail(in_reply_to="<3@a>", references="<1@a> <2@a>\r\n\t<3@a>")
    assert read(body).hints.references == ("<3@a>", "<2@a>", "<1@a>")


@pytest.mark.parametrize(
    ("sent", "at"),
    [
        ("Mon, 2 Mar 2026 10:15:00 +0100", datetime(2026, 3, 2, 9, 15, tzinfo=UTC)),
        ("2 Mar 2026 10:15:00 -0000", datetime(2026, 3, 2, 10, 15, tzinfo=UTC)),
        ("yesterday", None),
        ("Mon, 99 Mar 2026 10:15:00 +9999", None),
        ("Fri, 31 Dec 9999 23:59:59 -2300", None),
    ],
)
def test_the_time_claimed_is_read_or_left_out(sent: str, at: datetime | None) -> None:
    assert read(mail(date=sent)).sent_at_claimed == at


def test_answers_go_to_reply_to_and_the_sender_stays_the_sender() -> None:
    got = read(mail(reply_to="Office <office@lake.example>"))
    assert got.reply_to is not None
    assert (got.sender.canonical, got.reply_to.canonical) == ("ann@lake.example", "office@lake.example")


def test_an_mbox_line_blank_lines_and_bare_returns_do_not_hide_the_headers() -> None:
    odd = b"\r\n\nFrom ann Mon Mar  2\n" + mail("one\r\ntwo").replace(b"\r\n", b"\r")
    got = read(odd)
    assert (got.subject, got.text) == ("Bins", "one\ntwo")


def test_headers_alone_tell_who_and_what() -> None:
    got = only(headers_only(raw(mail("long story", to=f"help+{TOKEN}@riverton.example"))))
    assert (got.sender.canonical, got.subject, got.text) == ("ann@lake.example", "Bins", "")
    assert got.hints.reply_token == TOKEN
    assert got.truncated


# --- addresses and proof --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        (" Ann.Lake+Bins@LAKE.Example ", "ann.lake+bins@lake.example"),
        ("a@bücher.example", "a@xn--bcher-kva.example"),
        ("o'neil@lake.example", "o'neil@lake.example"),
    ],
)
def test_one_person_has_one_address_however_it_is_typed(typed: str, kept: str) -> None:
    assert canonical(typed) == kept


@pytest.mark.parametrize(
    "typed",
    ["", "ann", "@lake.example", "ann@", "a@b@c", "a b@c", "a@-b.example", "a@b..c", "a@b\nc", "ä@b.example", "a\0@b"],
)
def test_what_is_no_address_is_refused(typed: str) -> None:
    with pytest.raises(ValueError):
        canonical(typed)


def test_a_sender_we_could_not_answer_still_is_somebody() -> None:
    assert key_of("ä@B.example") == "ä@b.example"


STAMP = "mx.riverton.example"


@pytest.mark.parametrize(
    ("stamps", "auth"),
    [
        ([f"{STAMP}; dmarc=pass (p=none) header.from=lake.example"], "pass_aligned"),
        ([f"{STAMP} 1; spf=fail; DMARC=Pass header.from=LAKE.example"], "pass_aligned"),
        ([f"{STAMP}; dmarc=pass header.from=other.example"], "unknown"),
        ([f"{STAMP}; dmarc=pass"], "unknown"),
        ([f"{STAMP}; spf=pass smtp.mailfrom=lake.example"], "none"),
        ([f"{STAMP}; dmarc=fail header.from=lake.example"], "fail"),
        ([f"{STAMP}; dmarc=none"], "none"),
        ([f"{STAMP}; dmarc=temperror"], "unknown"),
        ([f"{STAMP}; none"], "none"),
        (["evil.example; dmarc=pass header.from=lake.example"], "unknown"),
        ([f"{STAMP}; spf=fail", f"{STAMP}; dmarc=pass header.from=lake.example"], "none"),
        ([f'{STAMP}; spf=pass smtp.mailfrom="x; dmarc=pass header.from=lake.example"'], "none"),
        ([f"{STAMP}; spf=pass (x; dmarc=pass header.from=lake.example)"], "none"),
        ([], "unknown"),
    ],
)
def test_only_the_stamp_of_our_own_server_counts(stamps: list[str], auth: str) -> None:
    head = "".join(f"Authentication-Results: {stamp}\r\n" for stamp in stamps).encode()
    got = read(head + mail())
    assert got.auth == auth
    assert (got.sender.proof is Proof.DMARC_ALIGNED) == (auth == "pass_aligned")


def test_without_trusted_servers_no_stamp_counts() -> None:
    inbox = type(INBOX)(1, "help", "email", INBOX.address, "Riverton")
    body = mail(authentication_results=f"{STAMP}; dmarc=pass header.from=lake.example")
    assert read(body, inbox=inbox).auth == "unknown"


def test_two_authors_are_not_vouched_for() -> None:
    body = mail(
        authentication_results=f"{STAMP}; dmarc=pass header.from=lake.example",
        **{"from": "ann@lake.example, mayor@riverton.example"},
    )
    assert read(body).auth == "unknown"
