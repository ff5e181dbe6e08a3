"""Files inside a mail: names that are safe to show and to save under, and which of them are pictures of the text."""

import re
import unicodedata
from email.message import Message
from mimetypes import guess_extension
from urllib.parse import unquote

from channels.base import File
from channels.email.structure import Leaf, children, content, is_base64, rebased
from channels.email.wording import decode_words, one_line

NAME_BYTES = 200
FORBIDDEN = re.compile(r'[/\\:*?"<>|]')
RESERVED = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?", re.I)  # device names of Windows
TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,60}/[a-z0-9!#$&^_.+-]{1,60}")
CID = re.compile(r"cid:([^\"'\s<>)]{1,300})", re.I)


def file_of(leaf: Leaf, number: int, referenced: frozenset[str]) -> File:
    """Inline is what the HTML refers to, whatever Content-Disposition says."""
    name_raw = file_name(leaf.part)
    content_id = one_line(str(leaf.part.get("content-id", ""))).strip("<> ")
    kind = leaf.kind if TYPE.fullmatch(leaf.kind) else "application/octet-stream"
    return File(
        name=safe_name(name_raw) or default_name(kind, number),
        type=kind,
        body=body_of(leaf),
        name_raw=name_raw,
        inline=bool(content_id) and content_id in referenced,
        content_id=content_id,
    )


def file_name(part: Message) -> str:
    """The name that was sent: RFC 2231, encoded words and plain 8-bit are all in use."""
    try:
        name = part.get_filename("")
    except Exception:  # odd RFC 2231 parameters raise many things; the file matters more than its name
        return ""
    return one_line(decode_words(str(name)))


def safe_name(name: str) -> str:
    """No separators, controls, direction marks or device names, at most 200 bytes; empty if nothing is left."""
    shown = "".join(sign for sign in unicodedata.normalize("NFC", name[:1000]) if is_shown(sign))
    shown = FORBIDDEN.sub("_", shown).replace("..", "_").strip(" .")
    if RESERVED.fullmatch(shown):
        shown = f"_{shown}"
    stem, dot, ending = shown.rpartition(".")
    if dot and stem and len(ending.encode()) <= 20:
        return cut(stem, NAME_BYTES - len(ending.encode()) - 1) + "." + ending
    return cut(shown, NAME_BYTES)


def is_shown(sign: str) -> bool:
    return unicodedata.category(sign) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


def cut(text: str, size: int) -> str:
    return text.encode()[:size].decode("utf-8", "ignore").rstrip(" .")


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
    return b"\n".join(one.as_bytes() for one in parts)


def references(html: str) -> frozenset[str]:
    """The content ids a text refers to."""
    return frozenset(unquote(found) for found in CID.findall(html))
