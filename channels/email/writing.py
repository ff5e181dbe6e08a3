"""A mail as it stands on the wire: bytes that no later step may fold or encode again."""

import email.policy
import hmac
import re
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from hashlib import sha256
from html import escape
from typing import Any

from channels._files import TYPE, safe_name
from channels.base import File, Measure, Outbound, TooLong
from channels.email.headers import canonical, deliverable
from channels.email.wording import clean, one_line

TEXT = 100_000
FILES = 18_000_000  # bytes; a third more in base64, and most servers refuse mail over 25 MB
KEPT = 9
UNFOLDED = ("message-id", "in-reply-to", "references", "to", "cc", "reply-to")
ID = re.compile(r"<[!-;=?-~]{1,996}>")  # printable ASCII without angle brackets
LINK = re.compile(r"https?://[^\s<>\"']{1,2000}(?<![.,;:!?)\]])")
VIA = {"en": "via", "es": "vía"}


class WirePolicy(type(email.policy.SMTP)):  # type: ignore[misc] # the class has no public name of its own
    """Ids and addresses as they are: Python 3.6 to 3.13 fold long ones into encoded words, and threads are lost.

    Source: python/cpython issues 79986 and 100991.
    """

    def _fold(self, name: str, value: Any, refold_binary: bool = False) -> str:
        if name.lower() in UNFOLDED:
            lines: list[str] = str(value).split()
            return f"{name}: " + f"{self.linesep} ".join(lines) + str(self.linesep)
        folded: str = super()._fold(name, value, refold_binary)
        return folded


WIRE = WirePolicy(linesep="\r\n")


def measure(outbound: Outbound) -> Measure:
    if len(outbound.text) > TEXT:
        raise TooLong(TEXT, len(outbound.text))
    size = sum(len(one.body) for one in outbound.files)
    if size > FILES:
        raise TooLong(FILES, size, "bytes")
    return Measure(parts=1, units=len(outbound.text), encoding="utf-8", limit=TEXT)


def render(outbound: Outbound, secret: bytes, now: datetime) -> bytes:
    """Raises ValueError where the address is none. ``now`` is used only if nobody knows when the mail was written."""
    message = EmailMessage(policy=WIRE)
    address(message, outbound)
    message["Subject"] = one_line(outbound.subject)
    message["Date"] = format_datetime(outbound.written_at or now)
    thread(message, outbound)
    if outbound.automatic:
        say_it_is_automatic(message, outbound, secret)
    message["Content-Language"] = outbound.language if re.fullmatch(r"[a-zA-Z-]{2,20}", outbound.language) else "en"
    words = clean(outbound.text)
    message.set_content(words, subtype="plain", charset="utf-8", cte="quoted-printable")
    message.add_alternative(page(words, outbound.language), subtype="html", charset="utf-8", cte="quoted-printable")
    for one in outbound.files:
        attach(message, one)
    mark_borders(message, outbound)
    return message.as_bytes(policy=WIRE)


def page(words: str, language: str) -> str:
    """The same words as HTML, for programs that show plain text badly: paragraphs, lines and links, and nothing else."""
    lines = "<br>\n".join(LINK.sub(r'<a href="\g<0>">\g<0></a>', escape(line)) for line in words.split("\n"))
    code = language if re.fullmatch(r"[a-zA-Z-]{2,20}", language) else "en"
    return f'<!doctype html>\n<html lang="{code}"><body><p dir="auto">{lines}</p></body></html>\n'


def mark_borders(message: EmailMessage, outbound: Outbound) -> None:
    """Borders that depend on the message alone. "=_" stands in no quoted-printable and no base64 text (RFC 2045 section 6.7)."""
    seed = outbound.own_id.encode() + outbound.message_id.bytes
    for number, part in enumerate(part for part in message.walk() if part.is_multipart()):
        part.set_boundary("=_" + sha256(seed + bytes([number])).hexdigest()[:40])


def address(message: EmailMessage, outbound: Outbound) -> None:
    agency = one_line(outbound.inbox.name)
    person = one_line(outbound.sender_name)
    name = f"{person} {VIA.get(outbound.language, 'via')} {agency}" if person and not outbound.automatic else agency
    message["From"] = Address(display_name=name, addr_spec=canonical(outbound.inbox.address))
    message["To"] = deliverable(outbound.to)
    if outbound.cc:
        message["Cc"] = ", ".join(deliverable(one) for one in outbound.cc)
    if outbound.reply_token:
        message["Reply-To"] = answers_to(outbound)


def answers_to(outbound: Outbound) -> str:
    """The address an answer goes to: ours, with the token that leads it back to the ticket. Raises ValueError."""
    local, _, domain = canonical(outbound.inbox.address).rpartition("@")
    return canonical(f"{local}+{outbound.reply_token}@{domain}" if outbound.reply_token else f"{local}@{domain}")


def envelope_sender(outbound: Outbound) -> str:
    """Automatic mail must never be answered by a machine, nor by a bounce (RFC 3834 section 3.3)."""
    return "" if outbound.automatic else answers_to(outbound)


def thread(message: EmailMessage, outbound: Outbound) -> None:
    own = whole_ids((outbound.own_id,))
    if own:
        message["Message-ID"] = own[0]
    references = whole_ids(outbound.references)
    if references:
        message["In-Reply-To"] = references[-1]
        message["References"] = " ".join([*references[:1], *references[1:][-KEPT:]])


def whole_ids(ids: tuple[str, ...]) -> list[str]:
    """Ids as they were given, without those that could not stand in a header."""
    return [one for one in ids if ID.fullmatch(one)]


def say_it_is_automatic(message: EmailMessage, outbound: Outbound, secret: bytes) -> None:
    """RFC 3834, what Microsoft's servers heed, and a mark by which this desk knows its own mail."""
    message["Auto-Submitted"] = "auto-replied" if outbound.references else "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    message["X-Loop"] = hmac.new(secret, b"loop " + outbound.inbox.address.encode(), sha256).hexdigest()[:32]


def attach(message: EmailMessage, one: File) -> None:
    kind = one.type.lower() if TYPE.fullmatch(one.type.lower()) else "application/octet-stream"
    if kind.startswith(("multipart/", "message/")):  # these may not be coded in base64 (RFC 2046 section 5.2.1)
        kind = "application/octet-stream"
    main, _, sub = kind.partition("/")
    message.add_attachment(one.body, maintype=main, subtype=sub, filename=safe_name(one.name) or "file")
