"""Mails made for these tests, and the event they arrive in."""

from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from channels.base import Inbound, Inbox, Item, Outbound, Raw, Receipt
from channels.email import parse

INBOX = Inbox(
    id=1,
    slug="help",
    channel="email",
    address="help@riverton.example",
    name="Riverton",
    config={"trusted_authserv_ids": "mx.riverton.example, backup.riverton.example"},
)
TOKEN = "r.4f2.k3jq7xv2mzp5aaaa"


def raw(body: bytes, envelope: Mapping[str, Any] | None = None, inbox: Inbox = INBOX) -> Raw:
    if envelope is None:
        envelope = {"from": "ann@lake.example", "to": ["help@riverton.example"]}
    return Raw("email:help", sha256(body).hexdigest(), inbox, envelope, datetime(2026, 3, 2, 12, tzinfo=UTC), body)


def mail(body: str | bytes = "Hello", **headers: str) -> bytes:
    """A mail of Ann's; ``in_reply_to="..."`` becomes In-Reply-To, None-like empty values leave a header out."""
    fields = {"From": "Ann Lake <ann@lake.example>", "To": "help@riverton.example", "Subject": "Bins"}
    fields["Message-ID"] = "<1@lake.example>"
    fields |= {"-".join(word.capitalize() for word in name.split("_")): value for name, value in headers.items()}
    fields["Message-ID"] = fields.pop("Message-Id", fields["Message-ID"])
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items() if value)
    return head.encode() + b"\r\n" + (body.encode() if isinstance(body, str) else body)


def multipart(kind: str, *parts: str, boundary: str = "cut") -> tuple[str, str]:
    """(Content-Type, body)."""
    body = "".join(f"--{boundary}\r\n{part}\r\n" for part in parts) + f"--{boundary}--\r\n"
    return f'multipart/{kind}; boundary="{boundary}"', body


def only(items: list[Item]) -> Inbound:
    """The mail itself; what it reports of mails of ours stands behind it."""
    item, *receipts = items
    assert isinstance(item, Inbound)
    assert all(isinstance(one, Receipt) for one in receipts)
    return item


def read(body: bytes, envelope: Mapping[str, Any] | None = None, inbox: Inbox = INBOX) -> Inbound:
    return only(parse(raw(body, envelope, inbox)))


def answer(**changes: Any) -> Outbound:
    values: dict[str, Any] = {
        "message_id": UUID(int=7),
        "inbox": INBOX,
        "to": "ann@lake.example",
        "text": "Dear Ann,\n\nyour bins are emptied on Tuesday.\n",
        "sender_name": "Maria",
        "subject": "Re: Bins",
        "own_id": "<c.00112233445566778899aabbccddeeff@riverton.example>",
        "reply_token": TOKEN,
        "references": ("<1@lake.example>",),
        "written_at": datetime(2026, 3, 2, 12, 30, tzinfo=UTC),
    }
    return Outbound(**(values | changes))
