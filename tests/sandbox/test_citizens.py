"""Simulated citizens against a small desk of the test's own, which acknowledges or forgets."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from io import StringIO
from typing import Any
from urllib.parse import parse_qs

import aiosmtplib
import httpx
import pytest
import socketio
import uvicorn
from aiosmtpd.smtp import SMTP
from rich.console import Console

from contactcenter.sandbox import SandboxConfig
from contactcenter.sandbox.citizens import Doors, Report, simulate
from tests.channels.sms.recordings import ACCOUNT, OURS, TOKEN
from tests.sandbox.conftest import free_port, running

REFERENCE = "We have your message. Your reference is RV-K4M7-92TX."


@dataclass
class SmallDesk:
    sandbox: SandboxConfig
    forgets: int = 0  # acknowledges only every so many-th text
    texts: int = 0
    sites: list[Any] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    subjects: list[str] = field(default_factory=list)

    async def web(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        body = (await receive())["body"]
        if scope["path"].startswith("/channels/"):
            await self.acknowledge(parse_qs(body.decode()))
        answer = b'{"topics": [{"slug": "streets"}]}' if scope["path"].startswith("/api/") else b""
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    async def acknowledge(self, form: dict[str, list[str]]) -> None:
        if "Body" not in form:
            return
        self.texts += 1
        if self.forgets and self.texts % self.forgets:
            return
        async with httpx.AsyncClient(base_url=self.sandbox.url, auth=(ACCOUNT, TOKEN)) as api:
            for text in (REFERENCE, "A crew will look at it today."):
                fields = {"To": form["From"][0], "From": OURS, "Body": text}
                await api.post(f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json", data=fields)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        head = envelope.original_content.decode().split("\r\n\r\n")[0]
        self.subjects += [line for line in head.split("\r\n") if line.startswith("Subject:")]
        raw = f"From: help@riverton.example\r\nAuto-Submitted: auto-replied\r\nSubject: Yours\r\n\r\n{REFERENCE}\r\n"
        async with aiosmtplib.SMTP(hostname="127.0.0.1", port=self.sandbox.smtp_port) as relay:
            await relay.sendmail("", [envelope.mail_from], raw.encode())
        return "250 OK"


def visitors(desk: SmallDesk) -> socketio.AsyncServer:
    server = socketio.AsyncServer(async_mode="asgi", cors_allowed_origins="*")

    @server.on("connect", namespace="/citizen")
    async def connect(sid: str, _environ: Any, auth: Any) -> None:
        desk.sites.append(auth["site"])

    @server.on("start", namespace="/citizen")
    async def start(sid: str, data: Any) -> Any:
        return {"ok": data["topic"] == "streets"}

    @server.on("send", namespace="/citizen")
    async def said(sid: str, data: Any) -> Any:
        desk.lines.append(data["text"])
        line = {"seq": 2, "prev": 1, "from": "adviser", "name": "Mira", "text": "Hello", "at": ""}
        await server.emit("message", line, to=sid, namespace="/citizen")
        return {"ok": True, "seq": 1, "ref": "RV-K4M7-92TX", "at": ""}

    @server.on("leave", namespace="/citizen")
    async def leave(sid: str, data: Any) -> None:
        return None

    return server


class Web(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Any:
        yield


@pytest.fixture
async def small_desk(config: SandboxConfig) -> AsyncIterator[SmallDesk]:
    smtp_port, http_port = free_port(), free_port()
    url = f"http://127.0.0.1:{http_port}"
    sandbox = replace(
        config, desk_url=url, numbers={OURS: f"{url}/channels/x/main/messages"}, desk_smtp_port=smtp_port, pace=0.01
    )
    made = SmallDesk(sandbox)
    app = socketio.ASGIApp(visitors(made), made.web)
    server = Web(
        uvicorn.Config(
            app, host="127.0.0.1", port=http_port, lifespan="off", log_level="warning", ws="websockets-sansio"
        )
    )
    web = asyncio.create_task(server.serve())
    loop = asyncio.get_running_loop()
    mail = await loop.create_server(lambda: SMTP(made, hostname="desk.invalid"), "127.0.0.1", smtp_port)
    async with running(sandbox):
        yield made
    mail.close()
    server.should_exit = True
    await web


def doors(desk: SmallDesk) -> Doors:
    return Doors(desk.sandbox.url, desk.sandbox.desk_url, [OURS], ["help@riverton.example"], "main")


async def play(desk: SmallDesk, which: Doors, patience: float = 10, seed: int = 7) -> Report:
    return await simulate(600, 0.03, which, seed, patience=patience, console=Console(file=StringIO()))


async def test_everybody_is_heard_through_each_door(small_desk: SmallDesk) -> None:
    report = await play(small_desk, doors(small_desk))
    assert report.sent == 18
    assert report.lost == 0
    for name, door in report.doors.items():
        assert door.sent > 0, name
        assert door.sent == door.accepted == door.acknowledged, name
    assert 0 < report.doors["phone"].answered <= report.doors["phone"].sent
    assert report.doors["mail"].answered == 0, "an acknowledgement is no answer"
    assert report.doors["visitor"].answered == report.doors["visitor"].sent
    assert small_desk.sites == ["main"] * report.doors["visitor"].sent
    assert len(small_desk.subjects) == report.doors["mail"].sent
    assert report.table().row_count == 3


async def test_a_message_that_nobody_acknowledges_is_counted_as_lost(small_desk: SmallDesk) -> None:
    small_desk.forgets = 3
    report = await play(small_desk, replace(doors(small_desk), addresses=(), site=""), patience=1.5)
    assert list(report.doors) == ["phone"]
    assert (report.sent, report.doors["phone"].accepted) == (18, 18)
    assert report.lost == 12


async def test_the_same_seed_tells_the_same_story(small_desk: SmallDesk) -> None:
    only_visitors = replace(doors(small_desk), addresses=(), numbers=())
    await play(small_desk, only_visitors, seed=3)
    first, small_desk.lines = small_desk.lines, []
    await play(small_desk, only_visitors, seed=3)
    assert sorted(first) == sorted(small_desk.lines)
    assert len(set(first)) > 5


@pytest.mark.parametrize(("per_minute", "minutes"), [(0, 1), (601, 1), (10, 0), (10, 61), (-1, -1)])
async def test_a_play_is_bounded(per_minute: int, minutes: float) -> None:
    with pytest.raises(ValueError):
        await simulate(per_minute, minutes, Doors("http://127.0.0.1:1", "http://127.0.0.1:1", [OURS]))


async def test_with_every_door_shut_nobody_can_write() -> None:
    with pytest.raises(ValueError):
        await simulate(10, 1, Doors("http://127.0.0.1:1", "http://127.0.0.1:1"))
