"""Taking mail from the mail server in front of us, by SMTP (RFC 5321) or LMTP (RFC 2033).

The server in front does TLS, spam and sender checks. 250 means: committed. Anything else and the mail stays with it.
"""

import asyncio
import logging
import re
from hashlib import sha256

from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope, Session

from channels.base import Accept, Arrival, Knows, UnknownRecipient
from channels.email.headers import without_token

SIZE = 25 * 1024 * 1024
LINE = 64 * 1024
RECIPIENTS = 100
CONNECTIONS = 50
SECONDS = 300
# A line end that is no CRLF around a lone dot: one server's end of mail, another's text, with a forged mail behind it.
SMUGGLED = re.compile(rb"^\.[\r\n]|[\r\n]\.(?:[\r\n]|$)")

TRY_AGAIN = "451 4.3.0 Could not store it now, try again"
UNKNOWN = "550 5.1.1 No such mailbox here"
log = logging.getLogger(__name__)


async def listen(host: str, port: int, is_lmtp: bool, accept: Accept, knows: Knows, seconds: float = SECONDS) -> None:
    """Serve until cancelled, then close the port and the connections."""
    doors: set[Door] = set()
    make = LmtpDoor if is_lmtp else Door
    desk = FrontDesk(accept, knows, one_recipient=is_lmtp)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: make(desk, doors, seconds), host, port)
    try:
        await loop.create_future()  # serve_forever would, once cancelled, wait for every client to leave (3.12)
    finally:
        server.close()
        for door in list(doors):
            door.shut()
        await server.wait_closed()


class FrontDesk:
    """Decides about recipients and mails; aiosmtpd calls the methods by these names."""

    def __init__(self, accept: Accept, knows: Knows, one_recipient: bool) -> None:
        self.accept, self.knows, self.one_recipient = accept, knows, one_recipient

    async def handle_MAIL(  # noqa: N802, RUF100 - the name aiosmtpd looks for
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if not is_text(address or ""):
            return "501 5.1.7 Cannot read the sender"
        envelope.mail_from = address or "<>"  # aiosmtpd takes an empty one for none at all
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(  # noqa: N802, RUF100 - the name aiosmtpd looks for
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        # RFC 2033 wants an answer for each recipient after the data, aiosmtpd gives one: so there is one recipient.
        if len(envelope.rcpt_tos) >= (1 if self.one_recipient else RECIPIENTS):
            return "452 4.5.3 Too many recipients, send the others separately"
        try:
            known = is_text(address) and await self.knows(without_token(address))
        except Exception:  # whatever the store says, the mail has to come again
            log.exception("could not look up a recipient")
            return TRY_AGAIN
        if not known:
            return UNKNOWN
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802, RUF100 - the name aiosmtpd looks for
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        body = envelope.content if isinstance(envelope.content, bytes) else b""
        unknown = 0
        for recipient in envelope.rcpt_tos:
            try:
                await self.accept(arrival((envelope.mail_from or "").strip("<>"), recipient, body))
            except UnknownRecipient:
                unknown += 1
            except Exception:  # whatever the store says, the mail has to come again
                log.exception("could not store a mail")
                return TRY_AGAIN
        if unknown:  # some were stored: the next try finds them stored, and the others refused at the door
            return UNKNOWN if unknown == len(envelope.rcpt_tos) else TRY_AGAIN
        return "250 2.0.0 Stored"


def arrival(sender: str, recipient: str, body: bytes) -> Arrival:
    """The same mail to the same recipient has the same key, however often it comes."""
    return Arrival(
        recipient=without_token(recipient),
        source_key=f"{sha256(body).hexdigest()} {sender} {recipient}",
        envelope={"from": sender, "to": [recipient]},
        body=body,
    )


def is_text(address: str) -> bool:
    """8-bit bytes that are no UTF-8 arrive as surrogates, which no store takes."""
    try:
        address.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in address


class Door(SMTP):
    """One connection, with limits aiosmtpd does not have: number of connections, bytes of a line that never ends."""

    line_length_limit = LINE

    def __init__(self, desk: FrontDesk, doors: set["Door"], seconds: float) -> None:
        self._doors = doors
        super().__init__(
            desk,
            data_size_limit=SIZE,
            enable_SMTPUTF8=True,
            hostname="mail",  # the default looks itself up in the DNS
            ident="ready",
            timeout=seconds,
            loop=asyncio.get_running_loop(),
        )

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        if len(self._doors) >= CONNECTIONS:
            transport.write(b"421 4.3.2 Too many connections\r\n")
            transport.close()
            return
        self._doors.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        if self in self._doors:
            self._doors.discard(self)
            super().connection_lost(error)

    def data_received(self, data: bytes) -> None:
        if self in self._doors:
            super().data_received(data)

    def eof_received(self) -> bool | None:
        return super().eof_received() if self in self._doors else False

    def shut(self) -> None:
        if self.transport is not None:
            self.transport.close()

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802, RUF100 - the name aiosmtpd looks for
        """As aiosmtpd, but refusing smuggled ends of mail and hanging up on more than twice the size allowed."""
        if await self.check_helo_needed():
            return
        if self.envelope is None or not self.envelope.rcpt_tos or arg:
            await self.push("503 5.5.1 Need RCPT command")
            return
        await self.push("354 End data with <CR><LF>.<CR><LF>")
        body, refusal = await self.taken()
        self.envelope.content = self.envelope.original_content = body
        answer = refusal or await self._call_handler_hook("DATA")
        self._set_post_data_state()  # type: ignore[no-untyped-call] # aiosmtpd types only part of itself
        await self.push(answer)

    async def taken(self) -> tuple[bytes, str]:
        """(the mail without transparency dots, the refusal or empty)."""
        lines: list[bytes] = []
        size, refusal, whole = 0, "", True
        while (line := await self.next_line()) != b".\r\n" or not whole:
            size += len(line)
            whole = line.endswith(b"\r\n")
            refusal = refusal or objection(line, size)
            if size > 2 * SIZE:
                await self.hang_up()
            if refusal:
                lines.clear()
            else:
                lines.append(line[1:] if line.startswith(b".") else line)
        return b"".join(lines), refusal

    async def hang_up(self) -> None:
        await self.push("552 5.3.4 Too much mail data")
        self.shut()
        await asyncio.get_running_loop().create_future()  # the lost connection cancels us

    async def next_line(self) -> bytes:
        """A line with its CRLF, or without it the first part of one that is too long."""
        try:
            line: bytes = await self._reader.readuntil(b"\r\n")
        except asyncio.LimitOverrunError as error:
            line = await self._reader.readexactly(max(1, error.consumed))
        return line


def objection(line: bytes, size: int) -> str:
    if size > SIZE:
        return "552 5.3.4 Too much mail data"
    if not line.endswith(b"\r\n"):
        return "500 5.6.0 Line too long"
    if SMUGGLED.search(line[:-2]):
        return "550 5.6.0 Line ends have to be CR LF"
    return ""


class LmtpDoor(Door, LMTP):
    """As ``Door``, greeted with LHLO."""
