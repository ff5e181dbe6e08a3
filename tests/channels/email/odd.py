"""Odd mail, made at random: real-shaped mails damaged on their way, and mails put together by odd programs."""

import base64
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from tests.channels.email.mails import mail, multipart
from tests.channels.email.packed import packed_file, signed, winmail

# --- mail as it is -----------------------------------------------------------------------------------------------

REPORT = (
    "Content-Type: text/plain\r\n\r\nYour message could not be delivered.",
    "Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.lake.example\r\n\r\n"
    "Final-Recipient: rfc822; ann@lake.example\r\nAction: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1 no such user",
    "Content-Type: message/rfc822\r\n\r\nFrom: help@riverton.example\r\nSubject: Bins\r\n"
    "Message-ID: <c.1@riverton.example>\r\n\r\nHello",
)
INVITATION = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:REPLY\r\nBEGIN:VEVENT\r\nUID:1\r\nSUMMARY:Visit\r\n"
    "DTSTART;TZID=Europe/Berlin:20260304T100000\r\nDTEND;TZID=Europe/Berlin:20260304T110000\r\nLOCATION:Hall\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)
TNEF = winmail(text="Words inside", files=[packed_file("plan.pdf", b"%PDF-1.4")])
P7M = signed(b"Content-Type: text/plain\r\n\r\nSigned words")


def coded(kind: str, data: bytes, more: str = "") -> str:
    return f"Content-Type: {kind}\r\nContent-Transfer-Encoding: base64\r\n{more}\r\n{base64.encodebytes(data).decode()}"


def as_mail(kind: str, *parts: str, **headers: str) -> bytes:
    content_type, body = multipart(kind, *parts)
    return mail(body, content_type=content_type, **headers)


REAL = [
    mail(
        "Dear city,\r\n\r\nmy bin is full.\r\n\r\n-- \r\nAnn\r\n\r\nOn Mon, Maria wrote:\r\n> When?\r\n",
        in_reply_to="<c.1@riverton.example>",
    ),
    mail("Grüße".encode("cp1252"), content_type="text/plain; charset=iso-8859-1", subject="=?iso-8859-1?Q?Gr=FC=DFe?="),
    as_mail(
        "alternative",
        "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nStra=C3=9Fe",
        "Content-Type: text/html; charset=utf-8\r\n\r\n<p>Straße <img src='cid:a'></p><blockquote type=cite>old</blockquote>",
    ),
    as_mail(
        "related",
        "Content-Type: text/html\r\n\r\n<p><img src='cid:a'></p>",
        coded(
            "image/png",
            b"\x89PNG\r\n\x1a\n\x00\x00\x00\x00IEND\xaeB`\x82",
            "Content-ID: <a>\r\nContent-Disposition: inline\r\n",
        ),
    ),
    as_mail("mixed", "\r\nsee file", coded("application/ms-tnef; name=winmail.dat", TNEF)),
    as_mail(
        "mixed",
        "\r\nsee file",
        coded("application/pdf; name*=utf-8''f%C3%BCr.pdf", b"%PDF-1.4", "Content-Disposition: attachment\r\n"),
    ),
    as_mail("mixed", coded("text/calendar; method=REPLY; charset=utf-8", INVITATION.encode())),
    as_mail(
        "report; report-type=delivery-status", *REPORT, **{"from": "MAILER-DAEMON@lake.example", "return_path": "<>"}
    ),
    as_mail(
        "mixed",
        "Content-Type: message/rfc822\r\n\r\nFrom: bo@lake.example\r\nSubject: Lamp\r\n\r\nDark",
        subject="Fwd: Lamp",
    ),
    as_mail(
        "signed; protocol=application/pkcs7-signature", "\r\nsigned", coded("application/pkcs7-signature", b"0\x03")
    ),
    mail(
        base64.encodebytes(P7M),
        content_type="application/pkcs7-mime; name=smime.p7m",
        content_transfer_encoding="base64",
    ),
    mail(
        "-----BEGIN PGP SIGNED MESSAGE-----\r\nHash: SHA256\r\n\r\nHi\r\n"
        "-----BEGIN PGP SIGNATURE-----\r\n\r\nx\r\n-----END PGP SIGNATURE-----\r\n"
    ),
    mail("Away until Monday", auto_submitted="auto-replied", subject="Automatic reply: Bins", precedence="bulk"),
    mail(
        "x", authentication_results="mx.riverton.example; dmarc=pass header.from=lake.example", references="<1@a> <2@a>"
    ),
]
TOKENS = [
    b"\r\n",
    b"\n",
    b"\r",
    b"\n\n",
    b"\x00",
    b"\xff\xfe",
    b"\xc3",
    b"=?utf-8?b?",
    b"=?utf-8?q?=0A?=",
    b"?=",
    b'"',
    b"(",
    b"<",
    b">",
    b"@",
    b";",
    b",",
    b":",
    b"=",
    b"=0D=0A",
    b"--cut",
    b"--cut--",
    b"\r\nContent-Type: ",
    b"\r\nContent-Type: message/rfc822\r\n\r\n",
    b"\r\nContent-Transfer-Encoding: base64\r\n",
    b"\r\nContent-Transfer-Encoding: x-uuencode\r\n",
    b"begin 644 a\r\n",
    b"\x1b$B",
    b"%00",
    b"*0*=",
    b"charset=utf-16",
    b"charset=utf-7",
    b'charset="',
    b"\xe2\x80\xae",
    b"\xe2\x80\xa8",
    b"\xc2\x85",
    b"\xed\xa0\x80",
    b"From: ",
    b"\r\nSubject: ",
    b"\r\nFrom: =?utf-8?q?=00?= <a@b>\r\n",
    b"&#0;",
    b"&#xD800;",
    b"<table>",
    b"<!--",
    b"BEGIN:VEVENT\r\n",
    b"\xf0\x9f\x98\x80",
    b"\x78\x9f\x3e\x22",
    b"MIME-Version: 1.0",
    b"text/html",
    b"message/partial",
    b"multipart/alternative; boundary=cut",
]


@st.composite
def mutated(draw: Callable[..., Any]) -> bytes:
    """A mail as it is, with a few places cut, changed, doubled, or filled with what breaks readers."""
    body: bytes = draw(st.sampled_from(REAL))
    for _ in range(draw(st.integers(1, 8))):
        at = draw(st.integers(0, len(body)))
        end = min(len(body), at + draw(st.integers(0, 40)))
        change = draw(st.sampled_from(["cut", "put", "flip", "double", "join", "end"]))
        if change == "cut":
            body = body[:at] + body[end:]
        elif change == "put":
            body = body[:at] + draw(st.sampled_from(TOKENS)) * draw(st.integers(1, 3)) + body[at:]
        elif change == "flip":
            body = body[:at] + draw(st.binary(max_size=4)) + body[at + 1 :]
        elif change == "double":
            body = body[:end] + body[at:]
        elif change == "join":
            body = body[:at] + draw(st.sampled_from(REAL))[at:]
        elif draw(st.booleans()):
            body = body[:at]
    return body


# --- mail put together from parts ------------------------------------------------------------------------------------

CHARSETS = st.sampled_from(
    [
        "utf-8",
        "iso-8859-1",
        "utf-16",
        "utf-7",
        "gb2312",
        "iso-2022-jp",
        "hz-gb-2312",
        "koi8-r",
        "x-none",
        "zlib",
        "idna",
        "",
        "utf-8*en",
        "big5",
        "ks_c_5601-1987",
        "unicode_escape",
        "cp037",
        "'utf-8'",
        "ütf",
        "\x00",
        "a" * 200,
    ]
)
CODINGS = st.sampled_from(
    ["", "7bit", "8bit", "base64", "quoted-printable", "x-uuencode", "binary", "BASE64 ", "\xfc", "gzip"]
)
NAMES = st.sampled_from(
    [
        'filename="a.pdf"',
        "filename*=utf-8''%FF%00",
        "filename*0*=utf-16''%00; filename*1=x",
        "filename*9=x",
        'filename="',
        "name==?utf-8?q?=0A?=",
        "filename=../../x",
        "filename=\x00",
        "filename*=x",
        "filename*=''",
        'filename="winmail.dat"',
        "filename=smime.p7m",
        "filename*1*=%",
        'filename="a\u2028b"',
        "filename=con.txt",
        "filename=" + "a" * 3000,
    ]
)
KINDS = st.sampled_from(
    [
        "text/plain",
        "text/html",
        "text/calendar; method=REPLY",
        "application/ms-tnef",
        "application/pkcs7-mime",
        "message/rfc822",
        "message/delivery-status",
        "message/partial",
        "message/global",
        "message/feedback-report",
        "image/jpeg",
        "image/gif",
        "image/webp",
        "image/png",
        "multipart/mixed",
        "text",
        "/",
        "text/plain; charset",
        "application/octet-stream",
        "",
        "text/rfc822-headers",
        "TEXT/x;;;=",
        "text/plain; format=flowed",
        "text/watch-html",
        "application/pgp-encrypted",
        "text/enriched",
        "message/external-body",
    ]
)
CONTENTS = st.one_of(
    st.binary(max_size=200),
    st.text(max_size=120).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.sampled_from(
        [TNEF, P7M, INVITATION.encode(), REPORT[1].encode(), base64.encodebytes(TNEF), base64.encodebytes(P7M), *REAL]
    ),
    st.tuples(st.sampled_from([TNEF, P7M, INVITATION.encode()]), st.integers(0, 400), st.binary(max_size=6)).map(
        lambda parts: parts[0][: parts[1]] + parts[2] + parts[0][parts[1] + len(parts[2]) :]
    ),
)
HEADERS = st.sampled_from(
    [
        "From",
        "To",
        "Cc",
        "Subject",
        "Date",
        "Message-ID",
        "References",
        "In-Reply-To",
        "Reply-To",
        "Sender",
        "Received",
        "Return-Path",
        "Authentication-Results",
        "Auto-Submitted",
        "Content-ID",
        "List-Id",
        "X-Failed-Recipients",
        "Delivered-To",
        "Content-Language",
    ]
)
VALUES = st.one_of(
    st.text(max_size=60).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.binary(max_size=60),
    st.lists(st.sampled_from(TOKENS), max_size=6).map(b"".join),
    st.sampled_from(
        [
            b"ann@lake.example",
            b"Ann <ann@lake.example>",
            b"g: a@b, c@d;",
            b"<1@a>",
            b"=?x?y?z?=",
            b"Mon, 2 Mar 2026 10:15:00 +0100",
        ]
    ),
)
LEAVES = st.builds(
    lambda kind, charset, coding, name, data: (
        f"Content-Type: {kind}; charset={charset}\nContent-Disposition: attachment; {name}\n".encode()
        + (f"Content-Transfer-Encoding: {coding}\n".encode() if coding else b"")
        + b"\n"
        + (base64.encodebytes(data) if coding == "base64" else data)
    ),
    KINDS,
    CHARSETS,
    CODINGS,
    st.one_of(st.just(""), NAMES),
    CONTENTS,
)


def around(kind: str, boundary: str, parts: list[bytes], closed: bool) -> bytes:
    cut = f"--{boundary}".encode()
    whole = b"".join(cut + b"\n" + part + b"\n" for part in parts)
    return f'Content-Type: {kind}; boundary="{boundary}"\n\n'.encode() + whole + (cut + b"--\n" if closed else b"")


MULTIPARTS = st.sampled_from(
    [
        "multipart/mixed",
        "multipart/alternative",
        "multipart/related",
        "multipart/signed",
        "multipart/report; report-type=delivery-status",
        "multipart/encrypted",
        "multipart/digest",
        "multipart/x",
        "multipart/report; report-type=feedback-report",
    ]
)
TREES = st.recursive(
    LEAVES,
    lambda inside: st.one_of(
        st.builds(
            around,
            MULTIPARTS,
            st.sampled_from(["b", "c", "", "b b", "ü", "x" * 90]),
            st.lists(inside, max_size=4),
            st.booleans(),
        ),
        inside.map(lambda part: b"Content-Type: message/rfc822\n\n" + b"From: bo@lake.example\n" + part),
    ),
    max_leaves=8,
)
TOPS = st.lists(st.tuples(HEADERS, VALUES), max_size=6).map(
    lambda pairs: b"".join(name.encode() + b": " + value + b"\n" for name, value in pairs)
)
BUILT = st.builds(lambda head, tree: b"From: Ann <ann@lake.example>\n" + head + tree, TOPS, TREES)
