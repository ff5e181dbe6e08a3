"""Handing a mail to our relay, and what its answer means for the desk."""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import aiosmtplib
from aiosmtplib.typing import Default

from channels.base import ErrorClass, Outbound, SendError, Sent, TryLater, Undeliverable, Unsure
from channels.email.domains import Domains
from channels.email.headers import deliverable
from channels.email.signing import Seal
from channels.email.statuses import BAD_ADDRESS, BY_STATUS, BY_SUBJECT
from channels.email.writing import envelope_sender

CONNECTIONS = 4
IDLE = 30.0  # seconds
SECONDS = 20.0
SECURITY = {"none": (False, False), "starttls": (False, True), "tls": (True, False)}  # (use_tls, start_tls)

FAILURES, AND_SUCCESS, NEVER = "NOTIFY=FAILURE,DELAY", "NOTIFY=SUCCESS,FAILURE,DELAY", "NOTIFY=NEVER"  # RFC 3461
OTHER_ID = re.compile(r"<([!-;=?-~]{1,200}@[!-;=?-~]{1,200})>")
SES_HOST = re.compile(r"email-smtp(?:-fips)?\.([a-z0-9-]+)\.amazonaws\.com")
SES_ID = re.compile(r"^(?:2\.\d\.\d )?Ok ([0-9a-f]{16}-[0-9a-f-]{20,60})\s*$", re.I)

ENHANCED = re.compile(r"^([245]\.\d{1,3}\.\d{1,3})\b\s*")
BY_REPLY = {530: ErrorClass.SENDER, 535: ErrorClass.SENDER, 552: ErrorClass.CONTENT}


class Line(aiosmtplib.SMTP):
    """A connection that knows whether the relay may have taken a mail it did not answer for."""

    in_doubt = False
    idle_since = 0.0

    async def data(
        self,
        message: str | bytes,
        /,
        *,
        timeout: float | Default | None = Default.token,  # noqa: ASYNC109 - the signature we override
    ) -> aiosmtplib.SMTPResponse:
        self.in_doubt = True
        try:
            response = await super().data(message, timeout=timeout)
        except aiosmtplib.SMTPResponseException:
            self.in_doubt = False
            raise
        self.in_doubt = False
        return response


class Relay:
    """A few connections to one relay, opened when needed and kept for half a minute."""

    def __init__(
        self,
        host: str,
        port: int,
        security: str = "starttls",
        username: str = "",
        password: str = "",
        seconds: float = SECONDS,
        seal: Seal | None = None,
        wants_success: bool = False,
    ) -> None:
        """``seal`` signs what leaves. ``wants_success``: ask for a report of each delivery too, where reports are offered."""
        use_tls, start_tls = SECURITY[security]
        self.seconds = seconds
        self._seal, self._wants_success = seal, wants_success
        self._where: dict[str, Any] = {
            "hostname": host,
            "port": port,
            "use_tls": use_tls,
            "start_tls": start_tls,
            "username": username or None,
            "password": password or None,
            "timeout": seconds,
            "local_hostname": "localhost",  # the default looks itself up in the DNS
        }
        self._free: list[Line] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._places = asyncio.Semaphore(CONNECTIONS)
        self._domains = Domains()

    async def send(self, outbound: Outbound, wire: bytes) -> Sent:
        """Raises TryLater, Undeliverable or Unsure; the last only if the relay fell silent after it had the mail.

        Of several recipients each has an outcome of its own: those refused are named in the answer, also if it was all of them.
        """
        try:
            sender, to = envelope_sender(outbound), recipients_of(outbound)
        except ValueError as error:
            raise Undeliverable(SendError(ErrorClass.BAD_ADDRESS, text=str(error))) from error
        self._belong_here()
        async with self._domains.turn(to[0]), self._line() as line:
            refused, said = await self._say(line, sender, to, self._signed(wire), self._reports(outbound))
        errors = {name: (code, send_error(code, text)) for name, (code, text) in refused.items()}
        return Sent(
            outbound.own_id,
            refused={name: error for name, (code, error) in errors.items() if code >= 500},
            later={name: error for name, (code, error) in errors.items() if code < 500},
            own_id=self._replaced_id(outbound.own_id, said),
        )

    def _signed(self, wire: bytes) -> bytes:
        return self._seal.sign(wire) if self._seal else wire

    def _reports(self, outbound: Outbound) -> str:
        """Which delivery reports we ask for: none for automatic mail, which has nobody to send them to."""
        if outbound.automatic:
            return NEVER
        return AND_SUCCESS if self._wants_success else FAILURES

    async def _say(
        self, line: Line, sender: str, to: Sequence[str], wire: bytes, reports: str
    ) -> tuple[Mapping[str, Any], str]:
        asked = line.supports_extension("dsn")  # an option that was not offered is answered with 555
        try:
            return await line.sendmail(
                sender, to, wire,
                mail_options=["RET=HDRS"] if asked else [], rcpt_options=[reports] if asked else [],
            )  # fmt: skip
        except aiosmtplib.SMTPRecipientsRefused as error:
            if len(to) > 1:
                return {one.recipient: (one.code, one.message) for one in error.recipients}, ""
            raise refusal(error.recipients[0].code, error.recipients[0].message) from error
        except aiosmtplib.SMTPResponseException as error:
            raise refusal(error.code, error.message) from error
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            if line.in_doubt:
                raise Unsure("the mail server fell silent after it had the mail") from error
            raise unreachable(error) from error

    def _replaced_id(self, own_id: str, said: str) -> str:
        """The id under which a relay sends the mail on, where its answer names another than ours."""
        if (ses := SES_HOST.fullmatch(str(self._where["hostname"]))) and (found := SES_ID.match(said)):
            region = "email" if ses[1] == "us-east-1" else ses[1]
            return f"<{found[1]}@{region}.amazonses.com>"
        found = OTHER_ID.search(said[:1000])
        return f"<{found[1]}>" if found and f"<{found[1]}>" != own_id else ""

    @asynccontextmanager
    async def _line(self) -> AsyncIterator[Line]:
        """A connection of our own; it is kept only if it answered to the end."""
        async with self._places:
            line = await self._kept() or await self._opened()
            try:
                yield line
            finally:
                if line.is_connected and not line.in_doubt:
                    line.idle_since = asyncio.get_running_loop().time()
                    self._free.append(line)
                else:
                    line.close()

    def _belong_here(self) -> None:
        """Connections belong to one event loop; workers that run a loop for each job open new ones."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._loop, self._free, self._places = loop, [], asyncio.Semaphore(CONNECTIONS)
            self._domains = Domains()

    async def _kept(self) -> Line | None:
        """A connection that still answers: relays hang up on idle clients without a word."""
        now = asyncio.get_running_loop().time()
        while self._free:
            line = self._free.pop()
            with suppress(aiosmtplib.SMTPException, OSError, TimeoutError):
                if now - line.idle_since < IDLE and (await line.noop()).code == 250:
                    return line
            line.close()
        return None

    async def _opened(self) -> Line:
        line = Line(**self._where)
        try:
            await asyncio.wait_for(line.connect(), self.seconds)
            if line.is_ehlo_or_helo_needed:  # what the relay offers is asked for before the first mail
                await line.ehlo()
        except aiosmtplib.SMTPAuthenticationError as error:
            line.close()
            raise refusal(error.code, error.message) from error
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            line.close()
            raise unreachable(error) from error
        return line

    async def close(self) -> None:
        while self._free:
            line = self._free.pop()
            try:
                await line.quit(timeout=1)
            except (aiosmtplib.SMTPException, OSError, TimeoutError):
                line.close()


def recipients_of(outbound: Outbound) -> list[str]:
    """Whom this attempt is for, each once. Raises ValueError."""
    wanted = outbound.recipients or (outbound.to, *outbound.cc)
    return list(dict.fromkeys(deliverable(one) for one in wanted))


def refusal(code: int, text: str) -> TryLater | Undeliverable:
    """4xx: nothing was taken, come again. 5xx: for good."""
    error = send_error(code, text)
    return Undeliverable(error) if 500 <= code < 600 else TryLater(error)


def unreachable(error: Exception) -> TryLater:
    return TryLater(SendError(ErrorClass.UNREACHABLE, text=str(error) or type(error).__name__))


def send_error(code: int, text: str) -> SendError:
    found = ENHANCED.match(text)
    status = found[1] if found else ""
    return SendError(error_class(code, status), f"{code} {status}".strip(), ENHANCED.sub("", text))


def error_class(code: int, status: str) -> ErrorClass:
    if code < 500:
        return ErrorClass.THROTTLED if code == 421 or status.startswith("4.7.") else ErrorClass.UNREACHABLE
    if status in BAD_ADDRESS:
        return ErrorClass.BAD_ADDRESS
    subject = status.rpartition(".")[0]
    by_subject = ErrorClass.UNREACHABLE if subject == "5.2" else BY_SUBJECT.get(subject)
    return BY_STATUS.get(status) or by_subject or BY_REPLY.get(code) or ErrorClass.UNKNOWN
