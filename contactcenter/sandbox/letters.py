"""Mail as a citizen's own program would read and write it. Text only: HTML is never shown."""

import base64
import mailbox
import quopri
import re
import time
import uuid
from collections.abc import Sequence
from html import unescape
from typing import Any

from contactcenter.sandbox.store import Row
from contactcenter.sandbox.world import World

ENCODED = re.compile(r"=\?([^?\s]{1,40})\?([bBqQ])\?([^?\s]*)\?=(?:\s+(?==\?))?")
ID = re.compile(r"<[^<>\s]+>")
MAX_TEXT = 100_000


def topic(address: str) -> str:
    return f"mailbox:{address}"


def receive(world: World, address: str, envelope_from: str, raw: bytes) -> None:
    """Put what came over SMTP into a mailbox."""
    read = mailbox.Message(raw)
    in_reply_to, references = _ids(read["In-Reply-To"]), _ids(read["References"])
    message_id = next(iter(_ids(read["Message-ID"])), "")
    address = address.lower()
    world.store.add_letter(
        {
            "mailbox": address,
            "direction": "in",
            "envelope_from": envelope_from,
            "sender": words(read["From"]),
            "recipient": words(read["To"]),
            "reply_to": words(read["Reply-To"]),
            "subject": words(read["Subject"]),
            "text": text_of(read),
            "message_id": message_id,
            "in_reply_to": " ".join(in_reply_to),
            "refs": " ".join(references),
            "thread": _thread(world, address, [*in_reply_to, *reversed(references)], message_id),
            "automatic": (words(read["Auto-Submitted"]) or "no").lower() != "no",
            "status": "received",
            "raw": raw,
        }
    )
    world.live.tell(topic(address))


def compose(
    world: World, address: str, to: str, subject: str, text: str, in_reply_to: str = "", references: Sequence[str] = ()
) -> int:
    """Write a mail from a mailbox; gives its number. It is not sent yet."""
    address = address.lower()
    message_id = f"<{uuid.uuid4().hex}@{address.rpartition('@')[2]}>"
    refs = list(dict.fromkeys([*references, in_reply_to] if in_reply_to else references))
    return world.store.add_letter(
        {
            "mailbox": address,
            "direction": "out",
            "envelope_from": address,
            "sender": address,
            "recipient": to,
            "reply_to": "",
            "subject": subject,
            "text": text,
            "message_id": message_id,
            "in_reply_to": in_reply_to,
            "refs": " ".join(refs),
            "thread": _thread(world, address, [in_reply_to, *reversed(refs)], message_id),
            "automatic": False,
            "status": "waiting",
            "raw": _wire(address, to, subject, text, message_id, in_reply_to, refs),
        }
    )


def _wire(
    sender: str, to: str, subject: str, text: str, message_id: str, in_reply_to: str, refs: Sequence[str]
) -> bytes:
    headers = [
        ("From", sender),
        ("To", to),
        ("Subject", _encoded(subject)),
        ("Date", time.strftime("%a, %d %b %Y %H:%M:%S +0000", time.gmtime())),
        ("Message-ID", message_id),
        ("In-Reply-To", in_reply_to),
        ("References", "\r\n ".join(refs)),
        ("MIME-Version", "1.0"),
        ("Content-Type", 'text/plain; charset="utf-8"'),
        ("Content-Transfer-Encoding", "base64"),
    ]
    head = "".join(f"{name}: {value}\r\n" for name, value in headers if value)
    body = base64.encodebytes(text.replace("\r\n", "\n").replace("\n", "\r\n").encode()).replace(b"\n", b"\r\n")
    return head.encode() + b"\r\n" + body


def _encoded(subject: str) -> str:
    """Plain where it is ASCII, else encoded words of at most 75 characters (RFC 2047)."""
    if subject.isascii():
        return subject
    pieces = [subject[at : at + 10] for at in range(0, len(subject), 10)]
    return "\r\n ".join(f"=?utf-8?B?{base64.b64encode(piece.encode()).decode()}?=" for piece in pieces)


def _thread(world: World, address: str, earlier: list[str], message_id: str) -> str:
    return world.store.thread_of(address, [one for one in earlier if one]) or message_id or uuid.uuid4().hex


def _ids(value: Any) -> list[str]:
    return ID.findall(str(value or ""))


def words(value: Any) -> str:
    """A header as people read it."""
    return " ".join(ENCODED.sub(_decoded, str(value or "")).split())


def _decoded(found: re.Match[str]) -> str:
    charset, how, data = found.groups()
    try:
        raw = base64.b64decode(data) if how in "bB" else quopri.decodestring(data.replace("_", " "), header=True)
        return raw.decode(charset, "replace")
    except (LookupError, ValueError):
        return found.group(0)


def text_of(read: Any) -> str:
    """The plain text parts, or what is left of the HTML when its tags are gone; files by their names."""
    parts = [part for part in read.walk() if not part.is_multipart()]
    plain = [part for part in parts if part.get_content_type() == "text/plain" and not part.get_filename()]
    html = [part for part in parts if part.get_content_type() == "text/html" and not part.get_filename()]
    texts = [_body(part).strip() for part in plain] or [_without_tags(_body(part)).strip() for part in html]
    files = [f"[file: {words(part.get_filename())}]" for part in parts if part.get_filename()]
    return "\n".join([*texts, *files]).replace("\r\n", "\n").strip()[:MAX_TEXT]


def _body(part: Any) -> str:
    raw = part.get_payload(decode=True) or b""
    try:
        return str(raw.decode(part.get_content_charset() or "utf-8", "replace"))
    except LookupError:
        return str(raw.decode("utf-8", "replace"))


def _without_tags(html: str) -> str:
    html = re.sub(r"(?is)<(style|script)\b.*?</\1>", "", html)
    html = re.sub(r"(?i)<(br|/p|/div|/tr|/li)\b[^>]*>", "\n", html)
    return unescape(re.sub(r"<[^>]*>", "", html))


def shape(row: Row) -> dict[str, Any]:
    """A mail for the page and for tests."""
    return {name: value for name, value in row.items() if name != "raw"} | {
        "refs": row["refs"].split(),
        "automatic": bool(row["automatic"]),
    }
