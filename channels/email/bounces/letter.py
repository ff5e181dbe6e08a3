"""The pieces of a report: what it says, its machine-readable part, and the copy of our message inside it."""

import binascii
import re
from dataclasses import dataclass, field
from email.message import Message

from channels.email import html
from channels.email.charsets import Decoder
from channels.email.headers import HEADER, Head
from channels.email.structure import (
    Leaf,
    Tree,
    children,
    content,
    enclosed,
    is_base64,
    kind_of,
    leaves,
    parsed,
    rebased,
)
from channels.email.wording import clean, readable

TEXT = 256 * 1024
STATUS = {
    "message/delivery-status",
    "message/global-delivery-status",
    "message/delivery-report",
    "text/delivery-status",
}
FEEDBACK = {"message/feedback-report"}
WHOLE = {"message/rfc822", "message/global"}
HEADS = {"text/rfc822-headers", "message/rfc822-headers", "message/global-headers", "text/rfc822", "text/rfc822-header"}

HEADER_LINE = re.compile(r"[ \t>|]{0,8}[A-Za-z][A-Za-z0-9-]{1,60}[ \t]*:")
# Where the copy of our message begins in a report that is nothing but text.
COPY = re.compile(
    r"^[ \t]*(?:"
    r"(?:[-=_*#~>]{2,80}[ \t]*)(?:below this line is a copy|(?:this is|here is|included is|the following is"
    r"|following is) (?:a )?(?:copy|the)|(?:the |start of |begin |your )?(?:original|returned|unsent|undelivered"
    r"|rejected|failed|bounced|forwarded) (?:message|mail|e-?mail)|message (?:header|text|body|follows)|headers?\b"
    r"|copy of|(?:ursprüngliche|original)\S* nachricht|message (?:d'origine|original)|mensaje original"
    r"|mensagem original|messaggio originale|原始邮件|原邮件|オリジナル|원본)"
    r"|(?:original|returned|unsent|undelivered|rejected) (?:message|mail) (?:headers? )?(?:follows|below|is|attached"
    r"|header)"
    r"|(?:original message headers|message headers?(?: follow)?|the headers? of (?:the|your) (?:original )?(?:message"
    r"|mail)|(?:the )?(?:first|text of|header lines|body of|text of your)\b[^\n]{0,60}(?:message|mail"
    r"|follow)[^\n]{0,20}|ursprüngliche nachrichtenkopfzeilen|en-têtes de message d'origine"
    r"|encabezados de mensajes originales|cabeçalhos originais(?: da mensagem)?|original(?:ne|a)? ?(?:intestazioni"
    r"|berichtkoppen))[ \t]*[:.]?[ \t]*$"
    r"|[>|]?[ \t]{0,8}(?:received: (?:from|by|\()|return-path: ?<|dkim-signature: |mime-version: ?1)"
    r")",
    re.I | re.M,
)


@dataclass(slots=True)
class Letter:
    head: Head
    text: str = ""
    copy: str = ""
    status: list[str] = field(default_factory=list)
    feedback: list[str] = field(default_factory=list)
    returned: list[Head] = field(default_factory=list)
    small: bool = True
    """Neither so long nor so deep that a reader of another hand would take long over it."""


def opened(root: Message, head: Head) -> Letter:
    whole, letter, decoder = Tree(root), Letter(head), Decoder(2)
    plain: list[str] = []
    pages: list[str] = []
    room, seen = TEXT, 0
    for leaf in leaves(whole):
        seen += 1
        if leaf.kind in STATUS:
            letter.status.append(fields_text(leaf.part))
        elif leaf.kind in FEEDBACK:
            letter.feedback.append(fields_text(leaf.part))
        elif (inner := returned_head(leaf)) is not None:
            letter.returned.append(inner)
        elif leaf.kind.startswith("text/") and room > 0:
            text = text_of(leaf, decoder, room)
            room -= len(text)
            (pages if leaf.kind == "text/html" else plain).append(text)
    said = "\n".join(plain) if any(one.strip() for one in plain) else "\n".join(pages)
    letter.text, letter.copy = divided(clean(said)[:TEXT])
    if letter.copy and (inner := inline_head(letter.copy)) is not None:
        letter.returned.append(inner)
    letter.small = seen <= 50 and not whole.cut and size_of(root) <= TEXT
    return letter


def fields_text(part: Message) -> str:
    """The fields of a report part as text: the parser splits some of these parts into messages, and leaves others whole."""
    inside = children(part)[:1000]
    if not inside:
        return content(part)[:TEXT].decode("utf-8", "replace")
    if is_base64(part):
        return rebased(inside[0])[:TEXT].decode("utf-8", "replace")
    text = "\n\n".join(block(child) for child in inside)[:TEXT]
    if "quoted-printable" in str(part.get("content-transfer-encoding", "")).lower():
        return binascii.a2b_qp(text.encode("utf-8", "replace")).decode("utf-8", "replace")
    return text


def block(child: Message) -> str:
    lines = [f"{name}: {readable(str(value))}" for name, value in child.raw_items()]
    rest = child.get_payload()
    return "\n".join(lines) + (f"\n\n{rest[:TEXT]}" if isinstance(rest, str) and rest.strip() else "")


def returned_head(leaf: Leaf) -> Head | None:
    """The headers of our message, where the report brings them as a part."""
    if leaf.kind in WHOLE:
        inner = enclosed(leaf)
        return Head(inner) if inner is not None else None
    if leaf.kind not in HEADS:
        return None
    inside = children(leaf.part)
    if inside and not is_base64(leaf.part):
        return Head(inside[0])
    data = rebased(inside[0]) if inside else content(leaf.part)
    return Head(parsed(data[:TEXT].lstrip(b"\r\n") + b"\n\n"))


def text_of(leaf: Leaf, decoder: Decoder, room: int) -> str:
    text = decoder.decode(content(leaf.part)[:room], charset_of(leaf.part))[:room]
    if leaf.kind != "text/html":
        return text
    return html.stripped(text) if html.is_too_deep(text) else html.as_text(text)


def charset_of(part: Message) -> str:
    try:
        return str(part.get_content_charset("") or "")
    except Exception:  # odd parameters raise many things; the text can be read without the name
        return ""


def divided(text: str) -> tuple[str, str]:
    """(what the server says, the copy of our message that follows)."""
    found = COPY.search(text)
    if found is None or not text[: found.start()].strip():
        return text, ""
    return text[: found.start()], text[found.start() :]


def inline_head(copy: str) -> Head | None:
    """The headers at the top of a copy, also where each line is set in or quoted."""
    lines: list[str] = []
    for line in copy[: 64 * 1024].split("\n"):
        if HEADER_LINE.match(line):
            lines.append(line.lstrip(" \t>|")[:HEADER])
        elif lines and line[:1] in (" ", "\t") and line.strip():
            lines.append(" " + line.strip()[:HEADER])
        elif lines and (len(lines) > 2 or not line.strip()):
            break
    return Head(parsed("\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape"))) if lines else None


def size_of(root: Message) -> int:
    """Characters of all parts, counted no further than the limit."""
    total, waiting, count = 0, [root], 0
    while waiting and total <= TEXT and count < 200:
        part = waiting.pop()
        count += 1
        payload = part.get_payload()
        total += len(payload) if isinstance(payload, str) else sum(len(name) for name in part.keys())  # noqa: SIM118 - a Message is no dict
        waiting.extend(children(part)[:200])
    return total if not waiting else TEXT + 1


def report_type(root: Message) -> str:
    try:
        return str(root.get_param("report-type", "") or "").lower() if kind_of(root) == "multipart/report" else ""
    except Exception:  # odd parameters raise many things; such a report is told by its parts
        return ""
