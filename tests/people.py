"""Agents and citizens as programs: they speak to the desk as browsers and phones do, and keep a ledger of what they saw."""

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx
import socketio

from tests.running_desk import WholeDesk

BEHIND_S = 5.0
"""How long a console may stay behind the head of the log before it asks for what it missed."""


@dataclass
class Console:
    """An agent's console: signs in, follows the log by the frame rule, and keeps every position it applied."""

    desk: WholeDesk
    username: str
    http: httpx.AsyncClient = field(init=False)
    last: int = 0
    positions: list[int] = field(default_factory=list)
    tickets: dict[str, dict[str, Any]] = field(default_factory=dict)
    offers: dict[int, dict[str, Any]] = field(default_factory=dict)
    boards: list[dict[str, Any]] = field(default_factory=list)
    gaps: int = 0
    reloads: int = 0
    _socket: socketio.AsyncClient | None = None
    _closing: bool = False
    _keeper: asyncio.Task[None] | None = None

    async def sign_in(self, password: str | None = None) -> None:
        self.http = httpx.AsyncClient(
            base_url=self.desk.url, headers={"Origin": self.desk.url}, timeout=10, trust_env=False
        )
        answer = await self.http.post(
            "/api/session", json={"username": self.username, "password": password or f"{self.username}-riverton-demo"}
        )
        assert answer.status_code == 200, answer.text
        await self.reload()

    async def reload(self) -> None:
        snapshot = (await self.http.get("/api/snapshot")).raise_for_status().json()
        self.tickets = {row["ref"]: row for row in snapshot["tickets"]}
        self.last = snapshot["pos"]
        self.positions.append(-self.last)

    async def follow(self) -> None:
        """Connect, and connect again whenever the line is lost, until `close`."""
        await self._connect()
        self._keeper = asyncio.create_task(self._keep())

    async def _keep(self) -> None:
        while not self._closing:
            with contextlib.suppress(Exception):
                if self._socket is None or not self._socket.connected:
                    await self._connect()
                else:
                    await self._socket.call("beat", {}, namespace="/console", timeout=4)
            await asyncio.sleep(0.5)

    async def _connect(self) -> None:
        await hang_up(self._socket)
        ticket = (await self.http.post("/api/socket-tickets", json={})).raise_for_status().json()["ticket"]
        line = socketio.AsyncClient(reconnection=False)
        line.on("events", self._events, namespace="/console")
        line.on("reload", self._reload, namespace="/console")
        line.on("head", self._head, namespace="/console")
        line.on("board", self.boards.append, namespace="/console")
        self._socket = line
        await line.connect(
            self.desk.url, headers={"Origin": self.desk.url}, auth={"ticket": ticket, "last": self.last},
            namespaces=["/console"], transports=["websocket"], wait_timeout=5,
        )  # fmt: skip
        await line.call("resume", {"last": self.last}, namespace="/console", timeout=10)

    async def watch_board(self) -> None:
        assert self._socket is not None
        await self._socket.emit("watch", {"board": True}, namespace="/console")

    async def _events(self, frame: dict[str, Any]) -> None:
        if frame["prev"] > self.last:
            self.gaps += 1
            await self._resume()
            return
        for item in frame["items"]:
            if item["pos"] <= self.last:
                continue
            self.positions.append(item["pos"])
            self._apply(item)
        self.last = max(self.last, frame["pos"])

    def _apply(self, item: dict[str, Any]) -> None:
        row = item["ticket"]
        if item["gone"]:
            self.tickets.pop(item["ref"], None)
        elif row is not None and row["v"] >= self.tickets.get(row["ref"], {"v": 0})["v"]:
            self.tickets[row["ref"]] = row
        if item["offer"]:
            self.offers[item["offer"]["id"]] = item["offer"]
        if item["offer_ended"]:
            self.offers.pop(item["offer_ended"]["id"], None)

    async def _head(self, head: dict[str, Any]) -> None:
        if self.last < head["tail"]:
            await asyncio.sleep(BEHIND_S)
            if self.last < head["tail"]:
                await self._resume()

    async def _reload(self, _data: Any = None) -> None:
        """A fresh start; while the desk cannot give one, the console asks again."""
        self.reloads += 1
        while not self._closing:
            with contextlib.suppress(httpx.HTTPError):
                await self.reload()
                break
            await asyncio.sleep(0.3)
        await self._resume()

    async def _resume(self) -> None:
        if self._socket is not None and self._socket.connected:
            await self._socket.emit("resume", {"last": self.last}, namespace="/console")

    async def available(self) -> None:
        answer = await self.http.put("/api/me/intent", json={"intent": "available"})
        assert answer.status_code == 200, answer.text

    async def reply(self, ref: str, words: str, *, key: str | None = None, kind: str = "reply") -> httpx.Response:
        page = (await self.http.get(f"/api/tickets/{ref}")).raise_for_status().json()
        return await self.http.post(
            f"/api/tickets/{ref}/messages",
            json={"client_msg_id": key or str(uuid4()), "kind": kind, "text": words,
                  "expected_last_seq": page["ticket"]["last_seq"]},
        )  # fmt: skip

    async def reply_surely(self, ref: str, words: str) -> None:
        """As a console does: the same message again with the same id until the desk answers."""
        key = str(uuid4())
        for _ in range(60):
            with contextlib.suppress(httpx.HTTPError):
                if (await self.reply(ref, words, key=key)).status_code in (200, 201):
                    return
            await asyncio.sleep(0.25)
        raise AssertionError(f"{ref} could not be answered")

    def in_order(self) -> bool:
        """Positions rose strictly since the last snapshot."""
        start = max((i for i, pos in enumerate(self.positions) if pos < 0), default=-1)
        seen = self.positions[start + 1 :]
        return seen == sorted(set(seen))

    async def close(self) -> None:
        self._closing = True
        if self._keeper is not None:
            self._keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._keeper
        await hang_up(self._socket)
        await self.http.aclose()


@dataclass
class Phone:
    """A citizen's phone in the sandbox."""

    desk: WholeDesk
    number: str
    http: httpx.AsyncClient

    async def text(self, words: str) -> str:
        answer = await self.http.post(
            f"{self.desk.sandbox}/sandbox/phone/{self.number}/texts", json={"to": "+12025550100", "body": words}
        )
        assert answer.status_code == 201, answer.text
        return str(answer.json()["sid"])

    async def texts(self) -> list[dict[str, Any]]:
        answer = (
            (await self.http.get(f"{self.desk.sandbox}/sandbox/phone/{self.number}/texts")).raise_for_status().json()
        )
        found: list[dict[str, Any]] = answer if isinstance(answer, list) else answer["texts"]
        return found

    async def received(self) -> list[str]:
        """What arrived on the phone, in order."""
        return [one["body"] for one in await self.texts() if not one["mine"]]


@dataclass
class Visitor:
    """A citizen in the live page, with an outbox: one message at a time, again with the same id until acknowledged."""

    desk: WholeDesk
    site: str = "city"
    token: str | None = None
    heard: list[dict[str, Any]] = field(default_factory=list)
    _socket: socketio.AsyncClient | None = None

    async def connect(self) -> None:
        line = socketio.AsyncClient(reconnection=False)
        greeted = asyncio.Event()

        async def session(data: dict[str, Any]) -> None:
            self.token = data["token"]
            greeted.set()

        line.on("session", session, namespace="/citizen")
        line.on("message", self.heard.append, namespace="/citizen")
        self._socket = line
        await line.connect(
            self.desk.url, headers={"Origin": self.desk.url}, auth={"site": self.site, "token": self.token, "language": "en"},
            namespaces=["/citizen"], transports=["websocket"], wait_timeout=5,
        )  # fmt: skip
        await asyncio.wait_for(greeted.wait(), 5)

    async def say(self, words: str) -> dict[str, Any]:
        """Send until acknowledged; every try carries the same id."""
        key = str(uuid4())
        for _ in range(60):
            try:
                if self._socket is None or not self._socket.connected:
                    await self.connect()
                assert self._socket is not None
                answer: dict[str, Any] = await self._socket.call(
                    "send", {"client_msg_id": key, "text": words}, namespace="/citizen", timeout=3
                )
                if answer.get("ok"):
                    return answer
            except Exception:  # the line broke in the middle: that is what this test is about
                await hang_up(self._socket)
                self._socket = None
            await asyncio.sleep(0.3)
        raise AssertionError("the message was never acknowledged")

    async def pull(self) -> list[dict[str, Any]]:
        assert self._socket is not None
        answer = await self._socket.call("pull", {"after": 0}, namespace="/citizen", timeout=5)
        found: list[dict[str, Any]] = answer["messages"]
        return found

    async def close(self) -> None:
        await hang_up(self._socket)


async def hang_up(line: socketio.AsyncClient | None) -> None:
    """Leave nothing open, whether the line ever stood or not: the library forgets its HTTP session when it did not."""
    if line is None:
        return
    with contextlib.suppress(Exception):  # a line that broke by itself has nothing to say good-bye to
        await line.disconnect()
    if line.eio.http is not None and not line.eio.http.closed:
        await line.eio.http.close()
