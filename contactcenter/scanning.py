"""The virus scanner: ClamAV's daemon, spoken to over its socket (``INSTREAM`` of clamd(8))."""

import asyncio
import struct
from typing import Literal

Verdict = Literal["clean", "infected"]
CHUNK = 64 * 1024
SECONDS = 60.0


class NoVerdict(Exception):
    """The scanner did not say; ask again later."""


class Scanner:
    """``where``: ``host:port`` or ``unix:/path``."""

    def __init__(self, where: str) -> None:
        self._where = where

    async def scan(self, body: bytes) -> tuple[Verdict, str]:
        """The verdict and the name of what was found. Raises NoVerdict."""
        try:
            async with asyncio.timeout(SECONDS):
                return _verdict(await self._asked(body))
        except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
            raise NoVerdict(f"no answer: {type(error).__name__}") from error

    async def _asked(self, body: bytes) -> str:
        reader, writer = await self._connected()
        try:
            writer.write(b"zINSTREAM\0")
            for start in range(0, len(body), CHUNK):
                piece = body[start : start + CHUNK]
                writer.write(struct.pack(">I", len(piece)) + piece)
                await writer.drain()
            writer.write(struct.pack(">I", 0))
            await writer.drain()
            return (await reader.readuntil(b"\0")).rstrip(b"\0").decode("utf-8", "replace")
        finally:
            writer.close()

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._where.startswith("unix:"):
            return await asyncio.open_unix_connection(self._where.removeprefix("unix:"))
        host, _, port = self._where.rpartition(":")
        return await asyncio.open_connection(host.strip("[]"), int(port))


def _verdict(said: str) -> tuple[Verdict, str]:
    if said.endswith(" OK"):
        return "clean", ""
    if said.endswith(" FOUND"):
        return "infected", said.removeprefix("stream: ").removesuffix(" FOUND")[:200]
    raise NoVerdict(said[:200])
