"""A line to PostgreSQL that can be cut at the worst moment: after it committed, before it could say so."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

COMMIT = b"COMMIT"


class Line:
    """Passes everything on. While ``armed``, the next COMMIT reaches the server and its answer reaches nobody."""

    def __init__(self, url: str, folder: Path) -> None:
        self._there = f"{parse_qs(urlsplit(url).query)['host'][0]}/.s.PGSQL.5432"
        self._folder = folder
        self.url = url.replace(url.partition("host=")[2], str(folder))
        self.armed = False
        self.severed = 0
        self._open: set[asyncio.Task[None]] = set()

    @contextlib.asynccontextmanager
    async def laid(self) -> AsyncIterator["Line"]:
        server = await asyncio.start_unix_server(self._connected, self._folder / ".s.PGSQL.5432")
        try:
            yield self
        finally:
            server.close()
            for task in self._open:
                task.cancel()
            await asyncio.gather(*self._open, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        there = await asyncio.open_unix_connection(self._there)
        pair = [asyncio.create_task(self._ask(reader, there)), asyncio.create_task(_pass(there[0], writer))]
        try:
            await asyncio.wait(pair, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in pair:
                one.cancel()
            await asyncio.gather(*pair, return_exceptions=True)
            for end in (writer, there[1]):
                end.close()
            self._open.discard(task)

    async def _ask(self, here: asyncio.StreamReader, there: tuple[asyncio.StreamReader, asyncio.StreamWriter]) -> None:
        while data := await here.read(65_536):
            last = self.armed and COMMIT in data
            there[1].write(data)
            await there[1].drain()
            if last:
                self.armed = False
                self.severed += 1
                return


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
        await writer.drain()
