"""A sandbox on free ports of 127.0.0.1, beside a desk that only writes down what reaches it."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest
from aiosmtpd.smtp import SMTP

from channels.base import Form, WebhookRequest
from channels.sms import Sms
from contactcenter.sandbox import SandboxConfig, serve
from tests.channels.contract import TOOLS
from tests.channels.sms.recordings import ACCOUNT, INBOX, OURS, TOKEN


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Desk:
    """Takes webhooks and mail. ``open`` False: answers 503 and 451."""

    http_port: int
    smtp_port: int
    open: bool = True
    requests: list[WebhookRequest] = field(default_factory=list)
    mails: list[tuple[str, list[str], bytes]] = field(default_factory=list)
    news: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http_port}"

    async def until(self, enough: Callable[[], bool]) -> None:
        async with asyncio.timeout(10), self.news:
            await self.news.wait_for(enough)

    def statuses(self) -> list[str]:
        return [one.form.get("MessageStatus") for one in self.requests if one.rest == "status"]

    async def tell(self) -> None:
        async with self.news:
            self.news.notify_all()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request of HTTP/1.1, read by hand so that nothing stands between the wire and the adapter."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        method, target, _ = head[0].split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        if self.open:
            path, _, query = target.partition("?")
            form = Form(parse_qsl(body.decode(), keep_blank_values=True))
            self.requests.append(
                WebhookRequest(
                    INBOX,
                    method,
                    path.rpartition("/")[2],
                    self.url + target,
                    headers,
                    Form(parse_qsl(query)),
                    form,
                    body,
                )
            )
        status = b"200 OK" if self.open else b"503 Busy"
        writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        await self.tell()

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        if not self.open:
            return "451 Come again"
        self.mails.append((envelope.mail_from, envelope.rcpt_tos, envelope.original_content))
        await self.tell()
        return "250 OK"


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    made = Desk(free_port(), free_port())
    web = await asyncio.start_server(made.answer, "127.0.0.1", made.http_port)
    loop = asyncio.get_running_loop()
    mail = await loop.create_server(lambda: SMTP(made, hostname="desk.invalid"), "127.0.0.1", made.smtp_port)
    yield made
    for server in (web, mail):
        server.close()
        await server.wait_closed()


@pytest.fixture
def config(desk: Desk, tmp_path: Path) -> SandboxConfig:
    return SandboxConfig(
        host="127.0.0.1",
        http_port=free_port(),
        smtp_port=free_port(),
        data_file=tmp_path / "sandbox.sqlite",
        account_sid=ACCOUNT,
        auth_token=TOKEN,
        numbers={OURS: f"{desk.url}/channels/sms/main/messages"},
        desk_url=desk.url,
        desk_smtp_host="127.0.0.1",
        desk_smtp_port=desk.smtp_port,
        agency_name="Riverton City Services",
        agency_addresses=("help@riverton.example",),
        visitor_page_url=f"{desk.url}/chat/main",
        pace=0.02,
        retries=(0.1,) * 80,
    )


@asynccontextmanager
async def running(config: SandboxConfig) -> AsyncIterator[None]:
    ready = asyncio.Event()
    task = asyncio.create_task(serve(config, ready=ready, own_signals=False))
    opened = asyncio.create_task(ready.wait())
    try:
        await asyncio.wait((task, opened), timeout=10, return_when=asyncio.FIRST_COMPLETED)
        assert ready.is_set(), task
        yield
    finally:
        opened.cancel()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@pytest.fixture
async def sandbox(config: SandboxConfig) -> AsyncIterator[SandboxConfig]:
    async with running(config):
        yield config


@pytest.fixture
async def http(config: SandboxConfig) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=config.url, timeout=20) as made:
        yield made


@pytest.fixture
async def sms(config: SandboxConfig) -> AsyncIterator[Sms]:
    made = Sms.from_env(
        {"TWILIO_ACCOUNT_SID": ACCOUNT, "TWILIO_AUTH_TOKEN": TOKEN, "TWILIO_API_URL": config.url}, TOOLS
    )
    assert made is not None
    yield made
    await made.close()


Eventually = Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]


class News:
    """The sandbox's live events as a page gets them: the way to wait for a fact without polling."""

    def __init__(self, response: httpx.Response) -> None:
        self._lines = response.aiter_lines()

    async def opened(self) -> None:
        await self._until("event: open")

    async def until(self, topic: str) -> None:
        await self._until(f"data: {json.dumps(topic)}")

    async def _until(self, line: str) -> None:
        async with asyncio.timeout(10):
            async for got in self._lines:
                if got == line:
                    return


@asynccontextmanager
async def watching(http: httpx.AsyncClient) -> AsyncIterator[News]:
    async with http.stream("GET", "/sandbox/events") as response:
        news = News(response)
        await news.opened()
        yield news
