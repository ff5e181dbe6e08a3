"""Consoles as cheap as they can be: Engine.IO and Socket.IO spoken by hand over a raw WebSocket, so that a hundred cost little.

https://github.com/socketio/engine.io-protocol and https://github.com/socketio/socket.io-protocol; frames after RFC 6455.
"""

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any, cast

import httpx

from tests.bench.stage import Place

SPACE = "/console"
TEXT, PING, PONG = 1, 9, 10
Heard = Callable[[float, str], None]
"""(seconds since the epoch at which a frame of events came in, its JSON)"""


class Socket(asyncio.Protocol):
    """One console's line. Calls ``heard`` with each frame of events; the time is taken before anything is read."""

    def __init__(self, port: int, heard: Heard, auth: dict[str, Any] | None = None) -> None:
        self._port, self._heard, self._auth = port, heard, auth
        self._buffer = bytearray()
        self._upgraded = False
        self.live: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but name
        self._transport.write(
            f"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nOrigin: http://127.0.0.1:{self._port}\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        at = time.time()
        self._buffer += data
        if not self._upgraded:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            self._upgraded = True
            del self._buffer[: end + 4]
        while (frame := self._frame()) is not None:
            self._read(at, frame)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.live.done():
            self.live.set_exception(exc or ConnectionResetError("the socket was closed before it was live"))

    def _frame(self) -> str | None:
        """The text of the next whole frame, empty for a ping, which is answered; servers send unmasked."""
        have = self._buffer
        if len(have) < 2:
            return None
        length, start = have[1] & 127, 2
        if length >= 126:
            start = 4 if length == 126 else 10
            if len(have) < start:
                return None
            length = int.from_bytes(have[2:start], "big")
        if len(have) < start + length:
            return None
        kind, body = have[0] & 15, bytes(have[start : start + length])
        del have[: start + length]
        if kind == PING:
            self._send(PONG, body)
        return body.decode() if kind == TEXT else ""

    def _read(self, at: float, frame: str) -> None:
        if frame == "2":
            self.say("3")
        elif frame.startswith("0"):
            self.say(f"40{SPACE}," + (json.dumps(self._auth) if self._auth else ""))
        elif frame.startswith(f"40{SPACE}"):
            if self._auth is None:
                self.live.set_result(None)
            else:
                self.say(f"42{SPACE},1" + json.dumps(["resume", {"last": self._auth["last"]}]))
        elif frame.startswith(f"43{SPACE},1"):
            self.live.set_result(None)
        elif frame.startswith(f'42{SPACE},["events"'):
            self._heard(at, frame[3 + len(SPACE) :])

    def say(self, words: str) -> None:
        self._send(TEXT, words.encode())

    def _send(self, kind: int, body: bytes) -> None:
        """A frame with a mask of zeros, which leaves the bytes as they are."""
        size = bytes([128 | len(body)]) if len(body) < 126 else bytes([254]) + len(body).to_bytes(2, "big")
        self._transport.write(bytes([128 | kind]) + size + b"\0\0\0\0" + body)

    def close(self) -> None:
        self._transport.close()


class Person:
    """A member of the demo staff, signed in once, with any number of sockets that beat."""

    def __init__(self, desk: Place, username: str) -> None:
        self._desk, self.username = desk, username
        self.http = httpx.AsyncClient(base_url=desk.url, headers={"Origin": desk.url}, timeout=10, trust_env=False)
        self._sockets: list[Socket] = []
        self._beating: asyncio.Task[None] | None = None

    async def sign_in(self) -> None:
        form = {"username": self.username, "password": f"{self.username}-riverton-demo"}
        (await self.http.post("/api/session", json=form)).raise_for_status()
        self._beating = asyncio.create_task(self._beat())

    async def open(self, heard: Heard) -> None:
        ticket = (await self.http.post("/api/socket-tickets", json={})).raise_for_status().json()["ticket"]
        last = (await self.http.get("/api/snapshot")).raise_for_status().json()["pos"]
        self._sockets.append(await connected(self._desk.port, heard, {"ticket": ticket, "last": last}))

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(4)
            for one in self._sockets:
                one.say(f'42{SPACE},["beat",{{}}]')

    async def close(self) -> None:
        if self._beating is not None:
            self._beating.cancel()
        for one in self._sockets:
            one.close()
        await self.http.aclose()


async def connected(port: int, heard: Heard, auth: dict[str, Any] | None = None) -> Socket:
    """A socket that is live: whatever happens from now on is heard."""
    _, line = await asyncio.get_running_loop().create_connection(lambda: Socket(port, heard, auth), "127.0.0.1", port)
    await asyncio.wait_for(line.live, 10)
    return line
