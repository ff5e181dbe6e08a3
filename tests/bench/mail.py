"""How fast mail is taken at the door, beside aiosmtpd alone, and read into tickets, beside the parse and one INSERT alone."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import aiosmtplib
from aiosmtpd.smtp import SMTP, Envelope, Session
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from channels._guard import Guard
from channels.base import Arrival, Raw
from channels.email.listener import listen
from contactcenter import wiring
from contactcenter.db import engine_url
from contactcenter.desk import inbox as desk_inbox
from contactcenter.desk.book import channel_inbox, kept_book
from contactcenter.jobs.intake import Intake
from contactcenter.jobs.reading import AT_ONCE, Reading
from contactcenter.models import Inbox
from contactcenter.settings import Settings
from tests.bench import archive, stage
from tests.bench.bare import table
from tests.bench.figures import Figure
from tests.bench.stage import Stage
from tests.running_desk import free_ports

CHANNEL = "email"
_WAITING = text("SELECT count(*) FROM raw_event WHERE inbox_id = :inbox AND state = 'new'")
CONNECTIONS, A_YEAR = 8, 600
DOOR_NOTE = f"{CONNECTIONS} connections; the sending side runs in the same process, for both alike"
READ_NOTE = (
    "one reader with its child; half are answers of people who wrote before; each is parsed, deduped, threaded, filed"
)
BARE_READ = f"the same mails parsed in the same child and stored by one INSERT each, {AT_ONCE} at a time"


async def measure(place: Stage, *, quick: bool) -> list[Figure]:
    count = 300 if quick else 1_000
    async with stage.desk(place, "web") as desk:
        # As the intake does: the listener wants the standard library's loop, and the benchmark runs another.
        return await asyncio.to_thread(asyncio.run, _measured(desk, count, quick=quick))


async def _measured(desk: stage.Place, count: int, *, quick: bool) -> list[Figure]:
    with TemporaryDirectory() as folder:
        house = wiring.build("bench", _settings(desk, Path(folder)), {"MAIL_LISTEN": f"127.0.0.1:{free_ports()}"})
        try:
            return [await _door(house, count), *[figure async for figure in _read(house, count, quick=quick)]]
        finally:
            await house.close()


def _settings(desk: stage.Place, folder: Path) -> Settings:
    return Settings(
        data_dir=folder, database_url=desk.database_url, redis_url="redis://127.0.0.1:9", redis_prefix="bench-mail",
        log_level="error",
    )  # fmt: skip


async def _box(house: wiring.House) -> Inbox:
    boxes = (await kept_book(house.database)).inboxes.values()
    return next(box for box in boxes if box.channel == CHANNEL)


def mail(number: int, to: str, answers: int | None = None) -> bytes:
    """An ordinary mail with both bodies. ``answers``: the number of an earlier mail of the same person."""
    who = number if answers is None else answers
    head = (
        ""
        if answers is None
        else f"In-Reply-To: <m{answers}@lake.example>\r\nReferences: <m{answers}@lake.example>\r\n"
    )
    return (
        f"From: Ann {who} <ann{who}@lake{who % 200}.example>\r\nTo: {to}\r\nSubject: My bins {who}\r\n"
        f"Message-ID: <m{number}@lake.example>\r\nDate: Tue, 24 Nov 2026 10:00:00 +0000\r\n{head}MIME-Version: 1.0\r\n"
        "Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
        "Hello,\r\nour bins were not emptied this week. Please tell me when somebody comes.\r\n\r\nRegards\r\nAnn\r\n"
        "--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>Hello,<br>our bins were not emptied this week. "
        "Please tell me when somebody comes.</p><p>Regards<br>Ann</p>\r\n--b--\r\n"
    ).encode()


# --- at the door ------------------------------------------------------------------------------------------------------------


async def _door(house: wiring.House, count: int) -> Figure:
    intake, box = Intake(house, {}), await _box(house)

    async def accept(arrival: Arrival) -> None:
        await intake._keep(house.kit.channels[CHANNEL], arrival)

    async def knows(address: str) -> bool:
        return address == box.address

    here, there = [], []
    for round_ in range(3):
        async with _listening(accept, knows) as port:
            here.append(await _send(port, box.address, count, round_))
        async with _bare_server() as port:
            there.append(await _send(port, box.address, count, round_))
    async with house.database.transaction() as tx:
        kept = await tx.scalar(_WAITING, {"inbox": box.id})
    if kept != 3 * count:
        raise RuntimeError(f"{kept} of {3 * count} mails were kept")
    return Figure("mail", "Mails taken at the door and committed", "/s", here, "more", None, there,
                  "aiosmtpd alone, which answers 250 and keeps nothing", 0.5, DOOR_NOTE)  # fmt: skip


@asynccontextmanager
async def _listening(
    accept: Callable[[Arrival], Awaitable[None]], knows: Callable[[str], Awaitable[bool]]
) -> AsyncIterator[int]:
    port = free_ports()
    task = asyncio.create_task(listen("127.0.0.1", port, False, accept, knows))
    await asyncio.sleep(0.1)
    try:
        yield port
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


class Nobody:
    """Says yes to everything."""

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        return "250 OK"


@asynccontextmanager
async def _bare_server() -> AsyncIterator[int]:
    port = free_ports()
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(Nobody(), loop=asyncio.get_running_loop()), "127.0.0.1", port
    )
    try:
        yield port
    finally:
        server.close()


async def _send(port: int, to: str, count: int, round_: int) -> float:
    """Mails a second over some connections at once."""
    numbers = iter(range(count))

    async def connection() -> None:
        client = aiosmtplib.SMTP(hostname="127.0.0.1", port=port, use_tls=False, start_tls=False)
        async with client:
            for number in numbers:
                await client.sendmail("ann@lake.example", [to], mail(number + round_ * 10_000_000, to))

    began = time.perf_counter()
    await asyncio.gather(*[connection() for _ in range(CONNECTIONS)])
    return count / (time.perf_counter() - began)


# --- from kept to ticket ------------------------------------------------------------------------------------------------------


@dataclass
class Reader:
    """The reader of the intake with its child, and the bare limit beside it."""

    house: wiring.House
    box: Inbox
    guard: Guard
    engine: AsyncEngine

    async def rounds(self, count: int, first: int) -> tuple[list[float], list[float]]:
        """Mails a second of three rounds, here and at the bare limit. ``first``: the number of the first round."""
        here, there = [], []
        for round_ in range(first, first + 3):
            raws = [_raw(self.house, self.box, number) for number in _numbers(count, round_)]
            await _store(self.house, raws)
            began = time.perf_counter()
            await self.read_all()
            here.append(count / (time.perf_counter() - began))
            there.append(await _bare_read(self.engine, self.guard, raws))
        await _all_filed(self.house, self.box)
        return here, there

    async def read_all(self) -> None:
        reading = Reading(self.house.database, self.house.kit, self.guard)
        while await reading.read_some():
            continue


@asynccontextmanager
async def _reader(house: wiring.House) -> AsyncIterator[Reader]:
    guard = Guard(CHANNEL)
    engine = create_async_engine(engine_url(house.database.url), pool_size=6, max_overflow=0)
    try:
        yield Reader(house, await _box(house), guard, engine)
    finally:
        await guard.close()
        await engine.dispose()


async def _read(house: wiring.House, count: int, *, quick: bool) -> AsyncIterator[Figure]:
    """With what the door has kept, and then with ever more messages stored."""
    async with _reader(house) as reader:
        await reader.read_all()  # what the door kept; it also warms up
        yield _read_figure("Kept mails read into tickets", *await reader.rounds(count, 1))
        for place, size in enumerate((10_000, 30_000) if quick else (10_000, 100_000, 1_000_000), start=1):
            stored = await archive.grow(house.database.url, size)
            rates = await reader.rounds(A_YEAR, 10 * place)
            yield _read_figure(f"Kept mails read with {stored:,} messages stored", *rates)


def _read_figure(name: str, here: list[float], there: list[float]) -> Figure:
    return Figure("mail", name, "/s", here, "more", 300, there, BARE_READ, None, READ_NOTE)


def _numbers(count: int, round_: int) -> list[tuple[int, int | None]]:
    first = round_ * 1_000_000
    half = count // 2
    return [(first + n, None) for n in range(half)] + [(first + half + n, first + n) for n in range(count - half)]


def _raw(house: wiring.House, box: Inbox, number: tuple[int, int | None]) -> Raw:
    envelope = {"from": "ann@lake.example", "to": [box.address]}
    body = mail(number[0], box.address, number[1])
    return Raw(f"{box.channel}:{box.slug}", str(uuid4()), channel_inbox(box), envelope, house.kit.now(), body)


async def _store(house: wiring.House, raws: list[Raw]) -> None:
    for start in range(0, len(raws), 200):
        async with house.database.transaction() as tx:
            for raw in raws[start : start + 200]:
                await desk_inbox.store(tx, house.kit, raw)


async def _bare_read(engine: AsyncEngine, guard: Guard, raws: list[Raw]) -> float:
    async with engine.begin() as connection:
        await connection.run_sync(table.metadata.create_all)
    hands = asyncio.Semaphore(AT_ONCE)

    async def one(raw: Raw) -> None:
        async with hands:
            await guard.parse(raw)
            async with engine.begin() as connection:
                await connection.execute(table.insert().values(body=raw.body))

    began = time.perf_counter()
    await asyncio.gather(*[one(raw) for raw in raws])
    return len(raws) / (time.perf_counter() - began)


async def _all_filed(house: wiring.House, box: Inbox) -> None:
    """A rate of mails that were not filed would be worth nothing."""
    async with house.database.transaction() as tx:
        left = await tx.scalar(_WAITING, {"inbox": box.id})
    if left:
        raise RuntimeError(f"{left} mails were not read")
