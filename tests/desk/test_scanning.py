"""Files are looked at by a scanner before anybody may open them."""

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from channels.base import File
from contactcenter.jobs.scanning import scan_due
from contactcenter.scanning import NoVerdict, Scanner
from tests.api.conftest import Open, browse  # noqa: F401 - a fixture used by name
from tests.desk_rig import Rig

ANN, HARM = "ann@lake.example", b"harmful " * 20_000  # more than one chunk


@dataclass
class Clamd:
    """Speaks as clamd does: ``zINSTREAM``, chunks with their length before them, a chunk of nothing, one answer."""

    says: bytes | None = None
    seen: list[bytes] = field(default_factory=list)
    where: str = ""

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            assert await reader.readuntil(b"\0") == b"zINSTREAM\0"
            body = b""
            while size := struct.unpack(">I", await reader.readexactly(4))[0]:
                body += await reader.readexactly(size)
            self.seen.append(body)
            verdict = b"stream: Harm.Test FOUND\0" if b"harmful" in body else b"stream: OK\0"
            writer.write(verdict if self.says is None else self.says)
            await writer.drain()
        finally:
            writer.close()
            await writer.wait_closed()


@asynccontextmanager
async def clamd(says: bytes | None = None) -> AsyncIterator[Clamd]:
    daemon = Clamd(says)
    server = await asyncio.start_server(daemon.connected, "127.0.0.1", 0)
    daemon.where = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield daemon
    finally:
        server.close()
        await server.wait_closed()


async def test_the_daemon_gets_every_byte_and_its_verdict_is_believed() -> None:
    async with clamd() as daemon:
        assert await Scanner(daemon.where).scan(HARM) == ("infected", "Harm.Test")
        assert await Scanner(daemon.where).scan(b"fine") == ("clean", "")
    assert daemon.seen == [HARM, b"fine"]


@pytest.mark.parametrize("says", [b"INSTREAM size limit exceeded. ERROR\0", b"", b"no end"])
async def test_anything_but_a_verdict_is_none(says: bytes) -> None:
    async with clamd(says) as daemon:
        with pytest.raises(NoVerdict):
            await Scanner(daemon.where).scan(b"fine")
    with pytest.raises(NoVerdict):
        await Scanner(daemon.where).scan(b"nobody listens any more")


async def test_a_file_opens_once_it_was_looked_at_and_a_harmful_one_never(rig: Rig, browse: Open) -> None:  # noqa: F811 - a fixture
    object.__setattr__(rig.house.kit, "scans", True)
    files = (File("plan.txt", "text/plain", b"fine"), File("bill.txt", "text/plain", HARM))
    ticket = await rig.write("mail", ANN, "See the files", files=files)
    assert ticket is not None
    ids = [row.id for row in await rig.rows("SELECT id FROM attachment ORDER BY id")]
    agent = await browse("ben")
    assert [(await agent.get(f"/api/attachments/{one}")).status_code for one in ids] == [409, 409]
    async with clamd() as daemon:
        assert await scan_due(rig.house.database, rig.house.kit, Scanner(daemon.where)) == 2
        assert await scan_due(rig.house.database, rig.house.kit, Scanner(daemon.where)) == 0
    good, harmful = [await agent.get(f"/api/attachments/{one}") for one in ids]
    assert (good.status_code, good.content, harmful.status_code) == (200, b"fine", 409)
    shown = (await agent.get(f"/api/tickets/{ticket.reference}")).json()["messages"]
    assert [one["line"]["key"] for one in shown if one["line"] and one["line"]["key"] == "file_infected"] == [
        "file_infected"
    ]


async def test_without_a_verdict_the_file_stays_closed_and_comes_again(rig: Rig) -> None:
    object.__setattr__(rig.house.kit, "scans", True)
    await rig.write("mail", ANN, "See the file", files=(File("plan.txt", "text/plain", b"fine"),))
    async with clamd(b"ERROR\0") as daemon:
        assert await scan_due(rig.house.database, rig.house.kit, Scanner(daemon.where)) == 0
    await rig.run("UPDATE attachment SET due_at = clock_timestamp()")
    async with clamd() as daemon:
        assert await scan_due(rig.house.database, rig.house.kit, Scanner(daemon.where)) == 1
