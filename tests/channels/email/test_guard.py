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
    assert took < 4, f"{took:.1f} s"  # 2 s on a quiet machine
    assert only(items).sender.canonical == "ann@lake.example"
    assert only(await guard.parse(raw(mail("next")))).text == "next"


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
    guard = Guard("email", seconds=0.25)
    await guard.parse(raw(mail()))
    (item,) = await guard.parse(raw(HOSTILE["100,000 empty parts"]))
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
    large = HEAD + b"\n" + b"x\n" * 12_000_000
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
