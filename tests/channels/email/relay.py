"""A mail relay on 127.0.0.1 that takes mail, refuses it, or breaks at a chosen moment."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiosmtpd.smtp import SMTP, Envelope, Session

from channels.email.sending import Relay
from channels.email.signing import Seal


@dataclass
class FakeRelay:
    """``says``: what is answered to RCPT or DATA, or the moment to break at; None takes everything."""

    port: int = 0
    says: str | None = None
    at: str = "RCPT"
    taken: list[Envelope] = field(default_factory=list)
    connections: list["Line"] = field(default_factory=list)
    silence: asyncio.Event = field(default_factory=asyncio.Event)
    refusals: dict[str, str] = field(default_factory=dict)
    thanks: str = "250 2.0.0 Ok: queued as 4F2"
    offers_reports: bool = False
    options: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def answer(self, at: str, says: str | None) -> None:
        self.at, self.says = at, says
        if at == "CUT AT CONNECT":  # also those the sender has kept
            self.hang_up()

    def hang_up(self) -> None:
        for one in self.connections:
            if isinstance(one.transport, asyncio.Transport):
                one.transport.abort()

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.asked.append(address)
        if address in self.refusals:
            return self.refusals[address]
        if self.at == "RCPT" and self.says:
            return self.says
        if self.at == "SECOND" and envelope.rcpt_tos:
            return self.says or "550 no"
        if self.at == "CUT AT RCPT":
            assert isinstance(server, Line)
            server.cut()
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        assert isinstance(server, Line)
        if self.at == "CUT AFTER DOT":
            server.cut()
        if self.at == "SILENT AFTER DOT":
            await self.silence.wait()
        if self.at == "DATA" and self.says:
            return self.says
        self.taken.append(envelope)
        return self.thanks

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        return [*responses[:-1], "250-DSN", *responses[-1:]] if self.offers_reports else responses


class Line(SMTP):
    relay: FakeRelay

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.relay.connections.append(self)
        super().connection_made(transport)
        if self.relay.at == "CUT AT CONNECT":
            self.cut()

    async def smtp_MAIL(self, arg: str) -> None:
        if self.relay.offers_reports:
            arg = arg.replace(" RET=HDRS", "")
        await super().smtp_MAIL(arg)

    async def smtp_RCPT(self, arg: str) -> None:
        address, space, option = arg.partition(" ")
        if self.relay.offers_reports and space:
            self.relay.options.append(option)
            arg = address
        await super().smtp_RCPT(arg)

    def cut(self) -> None:
        assert isinstance(self.transport, asyncio.Transport)
        self.transport.abort()

    async def smtp_DATA(self, arg: str) -> None:
        if self.relay.at != "CUT BEFORE DOT":
            await super().smtp_DATA(arg)
            return
        await self.push("354 go on")
        await self._reader.readuntil(b"\r\n")
        self.cut()


@asynccontextmanager
async def fake_relay() -> AsyncIterator[FakeRelay]:
    fake = FakeRelay()
    loop = asyncio.get_running_loop()

    def line() -> Line:
        made = Line(fake, hostname="relay", loop=loop, enable_SMTPUTF8=False)
        made.relay = fake
        return made

    server = await loop.create_server(line, "127.0.0.1", 0)
    fake.port = server.sockets[0].getsockname()[1]
    try:
        yield fake
    finally:
        fake.silence.set()
        server.close()
        fake.hang_up()
        await server.wait_closed()
        await asyncio.sleep(0)  # lets the lost connections end their tasks


@asynccontextmanager
async def sending_to(
    fake: FakeRelay, seconds: float = 5, seal: Seal | None = None, wants_success: bool = False
) -> AsyncIterator[Relay]:
    relay = Relay("127.0.0.1", fake.port, security="none", seconds=seconds, seal=seal, wants_success=wants_success)
    try:
        yield relay
    finally:
        await relay.close()
