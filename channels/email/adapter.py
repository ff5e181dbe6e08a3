"""E-mail as a channel of the desk."""

import asyncio
import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Self

from channels.base import (
    Accept,
    Capabilities,
    Channel,
    ErrorClass,
    Health,
    Inbound,
    Inbox,
    Item,
    Knows,
    Measure,
    Outbound,
    Post,
    Proof,
    Raw,
    SendError,
    Sent,
    Tools,
    TryLater,
    WebhookReply,
    WebhookRequest,
)
from channels.email import headers, opening, writing
from channels.email.records import text_record
from channels.email.shelf import Shelf

if TYPE_CHECKING:  # the child that reads mail imports this file, and must not pay for two network libraries
    from channels.email.sending import Relay

CHECK = 20.0  # seconds for looking up and checking a signature


class Email(Channel):
    """Mail in from a server in front of us (SMTP or LMTP), mail out to a relay.

    Settings: SMTP_RELAY and MAIL_LISTEN (``host:port``, the latter with ``lmtp:`` before it for LMTP), SMTP_USERNAME,
    SMTP_PASSWORD, SMTP_SECURITY (``none``, ``starttls`` (default) or ``tls``), SMTP_DSN=success for a report of each delivery,
    MAIL_DOMAIN for the ids of our mails, DKIM_DOMAIN, DKIM_SELECTOR and DKIM_KEY_FILE to sign them.
    """

    name: ClassVar[str] = "email"
    capabilities: ClassVar[Capabilities] = Capabilities(
        endpoint_kind="email",
        max_text=writing.TEXT,
        pace="later",
        html=True,
        files=True,
        subjects=True,
        child=True,
        copies=True,
    )
    listens: ClassVar[bool] = True

    def __init__(self, tools: Tools, relay: "Relay | None", door: tuple[str, int, bool] | None, domain: str) -> None:
        self._tools, self._relay, self._door, self._domain = tools, relay, door, domain
        self._shelf = Shelf()
        self._records = text_record

    @classmethod
    def from_env(cls, settings: Mapping[str, str], tools: Tools) -> Self | None:
        """None without relay and listener. Raises ValueError on a setting that makes no sense."""
        relay, door = settings.get("SMTP_RELAY", ""), settings.get("MAIL_LISTEN", "")
        if not relay and not door:
            return None
        return cls(tools, relay_of(settings) if relay else None, where(door) if door else None, domain_of(settings))

    # --- in -----------------------------------------------------------------------------------------------------------

    async def listen(self, accept: Accept, knows: Knows) -> None:
        """Without MAIL_LISTEN nothing can arrive, and this waits until it is cancelled."""
        if self._door is None:
            await asyncio.get_running_loop().create_future()
        else:
            from channels.email.listener import listen

            await listen(*self._door, accept, knows)

    def watches(self, inbox: Inbox) -> bool:
        return bool(inbox.config.get("imap_host"))

    async def watch(self, inbox: Inbox, post: Post) -> None:
        from channels.email import mailboxes

        await mailboxes.watch(inbox, post)

    async def test(self, inbox: Inbox) -> Health:
        from channels.email import mailboxes

        return await mailboxes.test(inbox) if self.watches(inbox) else Health()

    def verify(self, request: WebhookRequest) -> None:
        from channels.email import providers
        from channels.email.providers.kit import Desk

        providers.verify(request, Desk(self._tools.clock(), self._shelf.get))

    def key(self, request: WebhookRequest) -> str:
        from channels.email import providers

        try:
            return providers.key(request)
        except Exception:  # total by contract: whatever is odd about a request, its bytes give a key
            return super().key(request)

    def reply(self, request: WebhookRequest) -> WebhookReply:
        from channels.email import providers

        return providers.reply(request)

    def parse(self, raw: Raw) -> list[Item]:
        return opening.parse(raw)

    async def vouched(self, raw: Raw, item: Inbound) -> Inbound:
        """Check the sender's own signature where no server of ours has stamped the mail and the inbox wants it checked."""
        if item.auth != "unknown" or raw.inbox.config.get("verify_dkim") != "yes":
            return item
        from channels.email.auth import dkim_aligned

        domain = item.sender.canonical.rpartition("@")[2]
        try:
            async with asyncio.timeout(CHECK):
                auth = await asyncio.to_thread(dkim_aligned, opening.mail_in(raw), domain, self._records)
        except TimeoutError:
            return item
        proof = Proof.DMARC_ALIGNED if auth == "pass_aligned" else item.sender.proof
        return replace(item, auth=auth, sender=replace(item.sender, proof=proof))

    def bare_subject(self, subject: str) -> str:
        return headers.bare_subject(subject)

    def canonical(self, value: str) -> str:
        return headers.canonical(value)

    # --- out ----------------------------------------------------------------------------------------------------------

    def mint_id(self, inbox: Inbox) -> str:
        """128 random bits, so that nobody can guess an id that leads into a ticket."""
        domain = self._domain or inbox.address.rpartition("@")[2]
        return f"<c.{secrets.token_hex(16)}@{domain}>"

    def measure(self, outbound: Outbound) -> Measure:
        return writing.measure(outbound)

    def render(self, outbound: Outbound) -> bytes:
        return writing.render(outbound, self._tools.secret, self._tools.clock())

    async def send(self, outbound: Outbound, wire: bytes) -> Sent:
        if self._relay is None:
            raise TryLater(SendError(ErrorClass.SENDER, text="no mail relay is configured"))
        return await self._relay.send(outbound, wire)

    async def close(self) -> None:
        if self._relay is not None:
            await self._relay.close()


def relay_of(settings: Mapping[str, str]) -> "Relay":
    from channels.email.sending import SECURITY, Relay

    host, port, _ = where(settings["SMTP_RELAY"])
    security = settings.get("SMTP_SECURITY") or "starttls"
    if security not in SECURITY:
        raise ValueError(f"SMTP_SECURITY is one of {', '.join(SECURITY)}")
    from channels.email.signing import seal_of

    return Relay(
        host, port, security, settings.get("SMTP_USERNAME", ""), settings.get("SMTP_PASSWORD", ""), seal=seal_of(settings),
        wants_success=settings.get("SMTP_DSN", "") == "success",
    )  # fmt: skip


def where(setting: str) -> tuple[str, int, bool]:
    """(host, port, is LMTP) of ``[lmtp:]host:port``. Raises ValueError."""
    host, _, port = setting.removeprefix("lmtp:").rpartition(":")
    if not host or not port.isdigit():
        raise ValueError(f"not host:port: {setting!r}")
    return host.strip("[]"), int(port), setting.startswith("lmtp:")


def domain_of(settings: Mapping[str, str]) -> str:
    """MAIL_DOMAIN, checked: it stands in every Message-ID."""
    domain = settings.get("MAIL_DOMAIN", "")
    return headers.canonical(f"c@{domain}").removeprefix("c@") if domain else ""
