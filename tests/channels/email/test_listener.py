"""The door for mail, spoken to by real SMTP and LMTP clients."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import aiosmtplib
import pytest

from channels.base import Arrival, StoreAway, UnknownRecipient
from channels.email import listener
from channels.email.adapter import where
from channels.email.listener import Door, FrontDesk, objection
from tests.channels.email.mails import TOKEN, mail

TO = "help@riverton.example"


@dataclass
class Store:
    """What the application does with arrivals; ``fails`` is raised instead of storing."""

    arrivals: list[Arrival] = field(default_factory=list)
    fails: Exception | None = None
    asked: list[str] = field(default_factory=list)

    async def accept(self, arrival: Arrival) -> None:
        if self.fails:
            raise self.fails
        self.arrivals.append(arrival)

    async def knows(self, address: str) -> bool:
        self.asked.append(address)
        return address in (TO, "permits@riverton.example")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@asynccontextmanager
async def open_door(store: Store, is_lmtp: bool = False, seconds: float = 10) -> AsyncIterator[int]:
    port = free_port()
    task = asyncio.create_task(listener.listen("127.0.0.1", port, is_lmtp, store.accept, store.knows, seconds))
    while True:
        with suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            break
        await asyncio.sleep(0.005)
    try:
        yield port
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@pytest.fixture
async def store() -> Store:
    return Store()


@pytest.fixture
async def port(store: Store) -> AsyncIterator[int]:
    async with open_door(store) as number:
        yield number


async def deliver(port: int, body: bytes, *to: str, sender: str = "ann@lake.example") -> None:
    client = aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=False, local_hostname="mx")
    async with client:
        await client.sendmail(sender, list(to) or [TO], body)


async def talk(port: int, *lines: bytes) -> str:
    """Say the lines, each after the answer to the one before; all answers, until the door closes or says no more."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    heard = await reader.readuntil(b"\r\n")
    for line in lines:
        writer.write(line)
        heard += await whole_answer(reader)
    writer.close()
    return heard.decode()


async def whole_answer(reader: asyncio.StreamReader) -> bytes:
    heard = b""
    while True:
        line = await asyncio.wait_for(reader.readline(), 5)
        heard += line
        if not line or re.match(rb"\d\d\d ", line):
            return heard


async def test_a_mail_is_stored_as_it_came(store: Store, port: int) -> None:
    body = mail("..dots\r\n.\x00\xe9 and 8-bit\r\n".encode("latin-1"))
    await deliver(port, body)
    (arrival,) = store.arrivals
    assert arrival.body == body
    assert arrival.recipient == TO
    assert arrival.envelope == {"from": "ann@lake.example", "to": [TO]}


async def test_the_same_mail_has_the_same_key_and_each_recipient_their_own(store: Store, port: int) -> None:
    await deliver(port, mail("one"))
    await deliver(port, mail("one"))
    await deliver(port, mail("one"), sender="bob@lake.example")
    await deliver(port, mail("two"))
    await deliver(port, mail("one"), "permits@riverton.example")
    keys = [arrival.source_key for arrival in store.arrivals]
    assert keys[0] == keys[1]
    assert len(set(keys)) == 4


async def test_an_answer_to_a_ticket_comes_to_its_inbox_with_the_token(store: Store, port: int) -> None:
    await deliver(port, mail(), f"Help+{TOKEN}@Riverton.example")
    assert store.asked == [TO]
    assert store.arrivals[0].recipient == TO
    assert store.arrivals[0].envelope["to"] == [f"Help+{TOKEN}@Riverton.example"]


async def test_a_bounce_keeps_its_empty_sender(store: Store, port: int) -> None:
    await deliver(port, mail(), sender="")
    assert store.arrivals[0].envelope["from"] == ""


async def test_every_recipient_gets_the_mail(store: Store, port: int) -> None:
    await deliver(port, mail(), TO, "permits@riverton.example")
    assert [arrival.recipient for arrival in store.arrivals] == [TO, "permits@riverton.example"]


async def test_an_unknown_address_is_refused_at_the_door(store: Store, port: int) -> None:
    with pytest.raises(aiosmtplib.SMTPRecipientsRefused) as caught:
        await deliver(port, mail(), "nobody@riverton.example")
    assert caught.value.recipients[0].code == 550
    assert not store.arrivals


@pytest.mark.parametrize(
    ("failure", "code"),
    [(StoreAway("down"), 451), (OSError("disk"), 451), (RuntimeError("bug"), 451), (UnknownRecipient("gone"), 550)],
)
async def test_what_is_not_stored_is_not_confirmed(store: Store, port: int, failure: Exception, code: int) -> None:
    store.fails = failure
    with pytest.raises(aiosmtplib.SMTPDataError) as caught:
        await deliver(port, mail())
    assert caught.value.code == code
    store.fails = None
    await deliver(port, mail())
    assert len(store.arrivals) == 1


async def test_the_answer_waits_for_the_commit() -> None:
    committed = asyncio.Event()

    class Slow(Store):
        async def accept(self, arrival: Arrival) -> None:
            await committed.wait()
            await super().accept(arrival)

    store = Slow()
    async with open_door(store) as port:
        sending = asyncio.create_task(deliver(port, mail()))
        done, _ = await asyncio.wait([sending], timeout=0.2)
        assert not done
        assert not store.arrivals
        committed.set()
        await sending
    assert len(store.arrivals) == 1


async def test_a_mail_over_the_size_is_refused_before_and_after_it_is_sent(
    store: Store, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = await talk(port, b"EHLO mx\r\n", b"MAIL FROM:<a@lake.example> SIZE=30000000\r\n")
    monkeypatch.setattr(listener, "SIZE", 2000)
    assert f"SIZE {25 * 1024 * 1024}" in heard
    assert "552" in heard
    reader, writer = await begun(port)
    writer.write(mail("\r\n" * 1500) + b"\r\n.\r\n")
    assert (await whole_answer(reader)).startswith(b"552")
    writer.close()
    assert not store.arrivals
    await deliver(port, mail("short"))
    assert len(store.arrivals) == 1


async def test_a_mail_without_end_is_cut_off(store: Store, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "SIZE", 100_000)
    reader, writer = await begun(port)
    writer.write(b"x" * 400_000)
    with suppress(ConnectionError):  # where the system drops what we had not read yet, and the 552 with it
        assert (await asyncio.wait_for(reader.read(), 5)).startswith(b"552")
    writer.close()
    assert not store.arrivals


async def begun(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection that has just been told to go on with the data."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    await whole_answer(reader)
    for line in (b"EHLO mx\r\n", b"MAIL FROM:<a@lake.example>\r\n", f"RCPT TO:<{TO}>\r\n".encode(), b"DATA\r\n"):
        writer.write(line)
        answer = await whole_answer(reader)
    assert answer.startswith(b"354")
    return reader, writer


@pytest.mark.parametrize("line", [b"x" * 70_000 + b".\r\n", b"x" * 70_000 + b"\r\n.\r\n", b"x" * 200_000])
async def test_a_line_longer_than_any_person_writes_is_refused(store: Store, port: int, line: bytes) -> None:
    reader, writer = await begun(port)
    writer.write(line)
    if not line.endswith(b"\r\n.\r\n"):
        writer.write(b"\r\n.\r\n")
    assert (await whole_answer(reader)).startswith(b"500")
    writer.close()
    assert not store.arrivals


async def test_the_end_of_a_line_too_long_is_not_taken_for_the_end_of_the_mail(store: Store) -> None:
    door = Door(FrontDesk(store.accept, store.knows, one_recipient=False), set(), 10)
    door._reader = asyncio.StreamReader(listener.LINE)
    door._reader.feed_data(b"x" * 70_000 + b".")
    taking = asyncio.create_task(door.taken())
    for rest in (b"\r\n", b".\r\n"):
        await asyncio.sleep(0)
        assert not taking.done()
        door._reader.feed_data(rest)
    body, refusal = await taking
    assert body == b""
    assert refusal.startswith("500")


@pytest.mark.parametrize("end", [b"\n.\n", b"\n.\r\n", b"\r.\r\n", b"\r\n.\n", b"\r\n.\r", b"\r.\r", b"\n.\r"])
async def test_no_second_mail_can_be_smuggled_behind_an_odd_line_end(store: Store, port: int, end: bytes) -> None:
    forged = b"MAIL FROM:<mayor@riverton.example>\r\nRCPT TO:<help@riverton.example>\r\nDATA\r\nFrom: x\r\n\r\nfire\r\n"
    reader, writer = await begun(port)
    writer.write(b"From: a@lake.example\r\n\r\nhello" + end + forged + b".\r\n")
    assert (await whole_answer(reader)).startswith(b"550")
    writer.write(b"NOOP\r\n")
    assert (await whole_answer(reader)).startswith(b"250")
    writer.close()
    assert not store.arrivals


def test_a_bare_line_feed_alone_is_no_crime() -> None:
    assert objection(b"one\ntwo. three\r\n", 20) == ""
    assert objection(b"..\r\n", 20) == ""


async def test_by_lmtp_each_transaction_has_one_recipient(store: Store) -> None:
    async with open_door(store, is_lmtp=True) as port:
        heard = await talk(
            port,
            b"LHLO mx\r\n",
            b"MAIL FROM:<a@lake.example>\r\n",
            f"RCPT TO:<{TO}>\r\n".encode(),
            b"RCPT TO:<permits@riverton.example>\r\n",
            b"DATA\r\n",
            b"From: a@lake.example\r\n\r\nhello\r\n.\r\n",
            b"MAIL FROM:<a@lake.example>\r\n",
            b"RCPT TO:<permits@riverton.example>\r\n",
            b"DATA\r\n",
            b"From: a@lake.example\r\n\r\nhello\r\n.\r\n",
        )
        greeted = await talk(port, b"EHLO mx\r\n")
    assert [line[:3] for line in heard.splitlines() if re.match(r"\d\d\d ", line)] == [
        "220", "250", "250", "250", "452", "354", "250", "250", "250", "354", "250",
    ]  # fmt: skip
    assert [arrival.recipient for arrival in store.arrivals] == [TO, "permits@riverton.example"]
    assert "500" in greeted


async def test_an_address_no_store_could_keep_is_refused(store: Store, port: int) -> None:
    assert "501" in await talk(port, b"EHLO mx\r\n", b"MAIL FROM:<a\xff@lake.example>\r\n")
    hello = (b"EHLO mx\r\n", b"MAIL FROM:<a@lake.example>\r\n")
    assert "550" in await talk(port, *hello, b"RCPT TO:<help\xff@riverton.example>\r\n")
    assert not store.asked


async def test_a_silent_client_is_shown_out(store: Store) -> None:
    async with open_door(store, seconds=0.2) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await reader.readline()
        assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()


async def test_too_many_connections_are_told_to_come_again(
    store: Store, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "CONNECTIONS", 2)
    held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
    for reader, _ in held:
        assert (await reader.readline()).startswith(b"220")
    assert (await talk(port)).startswith("421")
    for _, writer in held:
        writer.close()
        await writer.wait_closed()
    while True:  # the places are free again as soon as the door has seen them go
        if (await talk(port)).startswith("220"):
            break
        await asyncio.sleep(0.005)
    await deliver(port, mail())
    assert len(store.arrivals) == 1


async def test_closing_the_desk_closes_the_door(store: Store) -> None:
    async with open_door(store) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await reader.readline()
    with suppress(ConnectionError):
        assert await asyncio.wait_for(reader.read(), 5) == b""
    writer.close()
    with pytest.raises(OSError):
        await asyncio.open_connection("127.0.0.1", port)


def test_the_setting_tells_smtp_from_lmtp() -> None:
    assert where("127.0.0.1:25") == ("127.0.0.1", 25, False)
    assert where("lmtp:[::1]:24") == ("::1", 24, True)
