"""Hostile mail in the guarded child: each with a clock, and an ordinary mail right after it."""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator
from types import MappingProxyType

import pytest

import channels._guard as guard_module
from channels._guard import Guard
from channels.base import Inbound, Unreadable
from channels.email import parse
from tests.channels.email.mails import INBOX, mail, only, raw

HEAD = b"From: ann@lake.example\nSubject: Bins\n"
NESTED = b"".join(b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n' % (n, n) for n in range(1000))
HTML = HEAD + b"Content-Type: text/html\n\n"
LONG = (b"From", b"To", b"Subject", b"Date", b"Content-Type", b"References", b"Authentication-Results", b"Message-ID")
REPORT = HEAD + (
    b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n"
    b"--b\n\nNot delivered\n--b\nContent-Type: message/delivery-status\n\n"
)
PHOTO = HEAD + b"Content-Type: image/jpeg\n\n\xff\xd8"
HOSTILE = {
    "59 KiB of quotation marks in From": b"From: " + b'"' * 59 * 1024 + b"\n\nhello",
    "16 KiB of quotation marks in To": HEAD + b"To: " + b'"a' * 8 * 1024 + b"\n\nhello",
    "2 KiB of parentheses": b"From: " + b"(" * 2048 + b"\n\nhello",
    "64 KiB of unclosed encoded words": HEAD + b"X: y\nSubject: " + b"=?utf-8?q?" * 6500 + b"\n\nhello",
    "64 KiB of everything in each header": b"".join(name + b": " + b'=?"(<;@' * 9300 + b"\n" for name in LONG) + b"\n",
    "200 KiB of quotation marks in Content-Type": HEAD + b"Content-Type: multipart/x; " + b'";' * 100_000 + b"\n\nx",
    "100,000 header lines": HEAD + b"a: b\n" * 100_000 + b"\nhello",
    "500 parts inside each other": HEAD + NESTED[: NESTED.index(b"--b500\n")] + b"\nhello",
    "1,000 parts inside each other": HEAD + NESTED + b"\nhello",
    "250 parts inside each other and a megabyte": HEAD + NESTED[: NESTED.index(b"--b250\n")] + b"\n" + b"x\n" * 500_000,
    "1,000 messages inside each other": HEAD + b"Content-Type: message/rfc822\n\n" * 1000,
    "100,000 empty parts": HEAD + b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\n" * 100_000,
    "200,000 open elements": HTML + b"<div>" * 200_000 + b"hello",
    "an endless tag": HTML + b"<a " * 500_000,
    "5 MB of paragraphs": HTML + b"<p>hello <b>you</b></p>\n" * 210_000,
    "100,000 parts with a word each": HEAD
    + b"Content-Type: multipart/mixed; boundary=b\n\n"
    + b"--b\nContent-Transfer-Encoding: base64\n\nYQ==\n" * 100_000,
    "100,000 parts cut by a coded boundary": HEAD
    + b"Content-Type: multipart/mixed; boundary*=us-ascii''b\n\n"
    + b"--b\nX: y\n\nz\n" * 100_000,
    "1,000 digests inside each other": HEAD + NESTED.replace(b"/mixed", b"/digest") + b"\nhello",
    "1,000 messages in parts in messages": HEAD
    + b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\nContent-Type: message/rfc822\n\n" % (n, n)
        for n in range(500)
    ),
    "1,000 messages inside each other in base64": HEAD
    + b"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n" * 1000,
    "a megabyte of blank lines in a delivery report": REPORT + b"\n" * 1_000_000,
    "a megabyte of blank lines in a report of a folded type": HEAD
    + b"Content-Type:\n message/Delivery-Status ; x=y\n\n"
    + b"\n" * 1_000_000,
    "330,000 recipients in a delivery report": REPORT + b"x\n\n" * 330_000,
    "16,000 failed recipients": REPORT
    + b"Final-Recipient: rfc822; a@b.example\nAction: failed\nStatus: 5.1.1\n\n" * 16_000,
    "a line of 5 MB": HEAD + b"\n" + b"word " * 1_000_000,
    "a line of 5 MB without a space": HEAD + b"\n" + b"x" * 5_000_000,
    "a coded line of 5 MB": HEAD + b"Content-Transfer-Encoding: quoted-printable\n\n" + b"=41" * 1_700_000,
    "a page of one line of 5 MB": HTML + b"x" * 5_000_000,
    "a header of 5 MB": HEAD + b"X: " + b"x" * 5_000_000 + b"\n\nhello",
    "a boundary of 60 KB": HEAD
    + b"Content-Type: multipart/mixed; boundary="
    + b"b" * 60_000
    + b"\n\n--"
    + b"b" * 60_000
    + b"\n\nhello",
    "a boundary of a megabyte and lines like it": HEAD
    + b"Content-Type: multipart/mixed; boundary="
    + b"b" * 1_000_000
    + b"\n\n"
    + (b"--" + b"b" * 1999 + b"\n\n") * 2000,
    "a photograph of a million empty segments": PHOTO + b"\xff\xe1\x00\x02" * 1_200_000,
    "a photograph of fill bytes": PHOTO + b"\xff\xda\x00\x04ab" + b"\xff" * 5_000_000,
    "5 MB of table cells": HTML + b"<table>" + b"<tr><td>x</td><td>y</td></tr>" * 170_000,
    "a million open cells": HTML + b"<table>" + b"<td>" * 1_000_000,
    "a megabyte of unknown bytes": HEAD + b"\n" + bytes(range(128, 256)) * 8000,
    "a megabyte of quotes": HEAD + b"\n" + b"> > x\nshe wrote:\n" * 60_000,
    "a megabyte of mail headers": HEAD + b"\n" + b"From: a\nSent: 1\nOn 1\n" * 50_000,
    "a broken uuencoding": HEAD + b"Content-Transfer-Encoding: x-uuencode\n\nbegin 666 a\n" + b"M\n" * 100_000,
}


@pytest.fixture(scope="module")
async def guard() -> AsyncIterator[Guard]:
    guard = Guard("email")
    yield guard
    await guard.close()


@pytest.mark.parametrize("name", HOSTILE)
async def test_hostile_mail_costs_little_and_the_next_one_is_read(guard: Guard, name: str) -> None:
    await guard.parse(raw(mail()))  # the child is up before the clock starts
    start = time.perf_counter()
    items = await guard.parse(raw(HOSTILE[name]))
    took = time.perf_counter() - start
    assert took < 8, f"{took:.1f} s"  # 2 s on a quiet machine
    assert only(items).sender.canonical == "ann@lake.example"
    assert only(await guard.parse(raw(mail("next")))).text == "next"


KINDS_OF_64_KIB = {
    "quotation marks": b'"',
    "parentheses": b"(",
    "unclosed words in q": b"=?utf-8?q?",
    "unclosed words in b": b"=?utf-8?B?",
    "commas": b",",
    "groups": b"a:;",
    "open groups": b"g:a@b,",
    "brackets": b"<",
    "ids": b"<a@b>",
    "square brackets": b"[",
    "semicolons": b";",
    "backslashes": b"\\",
    "half addresses": b"a@",
    "folds": b"\n ",
    "pieces of a parameter": b"; x*0*=a",
    "letters": "ü".encode(),
    "bytes": b"\xfc",
    "escapes": b"\x1b$B",
    "prefixes": b"Re: ",
    "words": b"=?utf-8?q?a?= ",
}
FIELDS = {
    "From": b"",
    "To": b"",
    "Subject": b"",
    "References": b"",
    "Content-Type": b"multipart/mixed; boundary=",
    "Content-Disposition": b"attachment; filename=",
    "Received": b"from ",
    "Reply-To": b"",
    "Authentication-Results": b"mx.riverton.example; ",
}


@pytest.mark.parametrize("field", FIELDS)
async def test_64_kib_of_anything_in_a_header_cost_little(guard: Guard, field: str) -> None:
    await guard.parse(raw(mail()))
    for name, unit in KINDS_OF_64_KIB.items():
        start = time.perf_counter()
        value = FIELDS[field] + unit * (64 * 1024 // len(unit))
        author = b"" if field == "From" else b"From: ann@lake.example\n"
        (item,) = await guard.parse(raw(author + field.encode() + b": " + value + b"\n\nhello"))
        took = time.perf_counter() - start
        assert took < 4, f"{name}: {took:.1f} s"  # under half a second on a quiet machine
        assert isinstance(item, Inbound)
        assert "body_not_read" not in item.signals
        assert only(await guard.parse(raw(mail("next")))).text == "next"


@pytest.mark.parametrize(
    "unit", [b"x", b"x" * 76 + b"\n", b"\n", b"\x00", b"QUFB" * 19 + b"\n"], ids=["line", "lines", "blank", "nul", "base64"]
)  # fmt: skip
async def test_40_mb_end_in_time_and_the_next_mail_is_read(guard: Guard, unit: bytes) -> None:
    await guard.parse(raw(mail()))
    start = time.perf_counter()
    (item,) = await guard.parse(raw(HEAD + b"\n" + unit * (40 * 1024 * 1024 // len(unit))))
    assert time.perf_counter() - start < 10
    assert isinstance(item, Inbound)
    assert (item.subject, item.truncated) == ("Bins", True)
    assert only(await guard.parse(raw(mail("next")))).text == "next"


async def test_a_mail_as_large_as_servers_take_is_read_with_its_file(guard: Guard) -> None:
    coded = (b"QUFB" * 19 + b"\r\n") * (30 * 1024 * 1024 // 78)
    body = b"--cut\r\n\r\nsee plan\r\n--cut\r\nContent-Type: application/octet-stream; name=plan.dwg\r\n"
    body += b"Content-Transfer-Encoding: base64\r\n\r\n" + coded + b"--cut--\r\n"
    got = only(await guard.parse(raw(mail(body, content_type="multipart/mixed; boundary=cut"))))
    assert (got.text, got.truncated) == ("see plan", False)
    assert [(one.name, len(one.body)) for one in got.files] == [("plan.dwg", len(coded) // 78 * 57)]


async def test_the_child_reads_as_the_channel_does(guard: Guard) -> None:
    whole = raw(mail("Hello\r\n\r\nOn 1 March Ann wrote:\r\n> x\r\n", date="Mon, 2 Mar 2026 10:15:00 +0100"))
    assert await guard.parse(whole) == parse(whole)


async def test_many_ask_at_once_and_each_gets_its_own_answer(guard: Guard) -> None:
    answers = await asyncio.gather(*(guard.parse(raw(mail(f"number {n}"))) for n in range(40)))
    assert [only(items).text for items in answers] == [f"number {n}" for n in range(40)]


async def test_read_only_views_of_the_application_reach_the_child(guard: Guard) -> None:
    inbox = type(INBOX)(9, "help", "email", INBOX.address, "Riverton", MappingProxyType({"trusted_authserv_ids": "mx"}))
    stamped = mail(authentication_results="mx; dmarc=pass header.from=lake.example")
    assert only(await guard.parse(raw(stamped, MappingProxyType({"from": "", "to": []}), inbox))).auth == "pass_aligned"


async def test_one_child_serves_all(guard: Guard) -> None:
    await guard.parse(raw(mail()))
    first = guard._child
    await guard.parse(raw(mail()))
    assert guard._child is first


async def test_a_killed_child_is_replaced(guard: Guard) -> None:
    await guard.parse(raw(mail()))
    assert guard._child is not None
    guard._child.kill()
    guard._child.wait()
    assert only(await guard.parse(raw(mail("again")))).text == "again"


async def test_a_cancelled_reading_does_not_answer_the_next_question() -> None:
    guard = Guard("email")
    await guard.parse(raw(mail()))
    for _ in range(2):
        task = asyncio.create_task(guard.parse(raw(HOSTILE["100,000 empty parts"])))
        await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert only(await guard.parse(raw(mail("mine")))).text == "mine"
    await guard.close()


async def test_where_time_runs_out_the_headers_are_read() -> None:
    guard = Guard("email", seconds=0.15)
    await guard.parse(raw(mail()))
    (item,) = await guard.parse(raw(HOSTILE["5 MB of paragraphs"]))
    await guard.close()
    assert isinstance(item, Inbound)
    assert item.subject == "Bins"
    assert item.truncated
    assert "body_not_read" in item.signals


async def test_where_even_that_takes_too_long_the_mail_is_unreadable_but_seen() -> None:
    guard = Guard("email", seconds=0)
    (item,) = await guard.parse(raw(mail()))
    await guard.close()
    assert isinstance(item, Unreadable)


async def test_a_mail_larger_than_the_memory_allowed_is_still_told_of() -> None:
    guard = Guard("email")
    large = HEAD + b"\n" + b"\xfc" * 40_000_000  # two bytes of memory for each in the parser
    (item,) = await guard.parse(raw(large))
    assert only(await guard.parse(raw(mail("next")))).text == "next"
    await guard.close()
    assert isinstance(item, Inbound)
    assert "body_not_read" in item.signals


async def test_a_child_that_cannot_start_is_no_fault_of_the_mail() -> None:
    guard = Guard("nothing_like_it")
    with pytest.raises(ChildProcessError):
        await guard.parse(raw(mail()))
    await guard.close()


async def test_the_child_knows_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMTP_PASSWORD", "hunter2")
    own = Guard("email")
    await own.parse(raw(mail()))
    assert own._child is not None
    if sys.platform == "linux":
        with open(f"/proc/{own._child.pid}/environ", "rb") as environment:
            assert b"hunter2" not in environment.read()
    await own.close()


def test_a_guard_serves_workers_that_run_a_loop_for_each_job() -> None:
    guard = Guard("email")

    async def job(text: str) -> str:
        read = only(await guard.parse(raw(mail(text)))).text
        if text == "last":
            await guard.close()
        return read

    for text in ("first", "last"):
        with asyncio.Runner() as runner:
            assert runner.run(job(text)) == text


def test_nothing_but_values_of_the_border_comes_out_of_the_child() -> None:
    import io
    import pickle

    for foreign in (os.system, eval, guard_module.Guard):
        with pytest.raises(pickle.UnpicklingError):
            guard_module.Answer(io.BytesIO(pickle.dumps(foreign))).load()


def test_words_of_the_contract_come_back_from_the_child_by_value() -> None:
    from pickle import dumps, loads

    from channels.base import DeliveryState, ErrorClass, Proof

    for word in (*Proof, *ErrorClass, *DeliveryState):
        data = dumps(word)
        assert b"getattr" not in data
        assert loads(data) is word
