"""Files inside a mail: what they are called, what they are, and which of them are pictures of the text."""

import re
from dataclasses import dataclass
from email.message import Message
from mimetypes import guess_extension
from urllib.parse import unquote

from channels._files import TYPE, UNKNOWN, safe_name, sniffed, without_traces
from channels.base import File
from channels.email.charsets import Decoder
from channels.email.structure import Leaf, children, content, is_base64, rebased, source
from channels.email.wording import decode_words, one_line, visible_marks

__all__ = ["TYPE", "Attached", "attached", "file_name", "file_of", "references", "safe_name"]

CID = re.compile(r"cid:([^\"'\s<>)]{1,300})", re.I)


@dataclass(slots=True)
class Attached:
    """A file as sent. ``title``: a name for one that came without."""

    body: bytes
    declared: str
    name: str = ""
    content_id: str = ""
    title: str = ""


def attached(leaf: Leaf, name: str) -> Attached:
    content_id = one_line(str(leaf.part.get("content-id", ""))).strip("<> ")
    return Attached(body_of(leaf), leaf.kind, name, content_id)


def file_of(one: Attached, number: int, referenced: frozenset[str]) -> File:
    """Inline is what the HTML refers to, whatever Content-Disposition says."""
    declared = one.declared if TYPE.fullmatch(one.declared) else UNKNOWN
    kind = declared if declared.startswith("message/") else sniffed(one.body, declared, one.name)
    return File(
        name=safe_name(one.name) or safe_name(one.title) or default_name(kind, number),
        type=kind,
        body=without_traces(one.body, kind),
        name_raw=visible_marks(one_line(one.name)),
        inline=bool(one.content_id) and one.content_id in referenced,
        content_id=one_line(one.content_id),
        type_declared=declared,
    )


def file_name(part: Message) -> str:
    """The name that was sent: RFC 2231, encoded words and plain 8-bit are all in use."""
    try:
        value = parameter(part, "content-disposition", "filename") or parameter(part, "content-type", "name")
        return one_line(coded_name(*value) if isinstance(value, tuple) else decode_words(str(value).strip()))
    except Exception:  # odd RFC 2231 parameters raise many things; the file matters more than its name
        return ""


def parameter(part: Message, header: str, name: str) -> str | tuple[str | None, str | None, str]:
    """The coded one where it stands beside a plain one, which is there for old programs (RFC 6266 section 4.3)."""
    values = [value for key, value in part.get_params([], header) if key.lower() == name]
    return next((value for value in values if isinstance(value, tuple)), next(iter(values), ""))


def coded_name(charset: str | None, _language: str | None, value: str) -> str:
    """An RFC 2231 value, which the parser left as one letter for each byte."""
    data = (
        value.encode("latin-1") if all(sign < "\u0100" for sign in value) else value.encode("utf-8", "surrogateescape")
    )
    return decode_words(Decoder(0).decode(data, charset or ""))


def default_name(kind: str, number: int) -> str:
    if kind == "text/calendar":
        return "invitation.ics"
    if kind.startswith("message/"):
        return f"message-{number}.eml"
    return f"file-{number}{guess_extension(kind) or ''}"


def body_of(leaf: Leaf) -> bytes:
    if not leaf.part.is_multipart():
        return content(leaf.part)
    parts = children(leaf.part)
    if leaf.kind == "message/rfc822" and len(parts) == 1 and is_base64(leaf.part):
        return rebased(parts[0])
    return b"\n".join(source(one) for one in parts)


def references(html: str) -> frozenset[str]:
    """The content ids a text refers to."""
    return frozenset(unquote(found) for found in CID.findall(html))
