"""The frames of the chat page: a strict reading of what it sends, the exact form of what it is sent."""

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from channels.base import Address, Arrival, Hints, Inbound, Proof, Signal
from channels.chat.words import MAX_BYTES, clean, size

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_VISITOR = re.compile(r"[0-9a-z][0-9a-z._:-]{0,127}")
_MAX_NAME = 100
_MAX_SEQ = 2**53 - 1  # the largest whole number a browser counts exactly


class FrameRefused(ValueError):
    """A frame we do not take. Its text is a short code; ``limit`` and ``count`` are bytes where it was too long."""

    def __init__(self, code: str, limit: int = 0, count: int = 0) -> None:
        super().__init__(code)
        self.code, self.limit, self.count = code, limit, count


def hear(visitor: Address, name: Any, data: Any) -> Arrival | Signal:
    """Read one frame. Raises FrameRefused."""
    listener = _LISTENERS.get(name) if isinstance(name, str) else None
    if listener is None:
        raise FrameRefused("unknown_event")
    return listener(visitor, data)


def _send(visitor: Address, data: Any) -> Arrival:
    key, text = _fields(data, {"client_msg_id": str, "text": str})
    key = key.lower()
    if not _UUID.fullmatch(key):
        raise FrameRefused("bad_frame")
    if (count := size(text)) > MAX_BYTES:
        raise FrameRefused("too_long", MAX_BYTES, count)
    if not clean(text).strip():
        raise FrameRefused("empty")
    return Arrival(
        recipient="",
        source_key=f"{visitor.canonical}/{key}",
        envelope={"visitor": visitor.canonical, "name": visitor.name, "language": ""},
        body=json.dumps({"client_msg_id": key, "text": text}, sort_keys=True, separators=(",", ":")).encode(),
    )


def _typing(visitor: Address, data: Any) -> Signal:
    return _bare("typing", data)


def _leave(visitor: Address, data: Any) -> Signal:
    return _bare("left", data)


def _bare(name: Any, data: Any) -> Signal:
    if data is not None:
        _fields(data, {})
    return Signal(name)


def _seen(visitor: Address, data: Any) -> Signal:
    """A hidden tab has the message, a visible one shows it."""
    seq, visible = _fields(data, {"seq": int, "visible": bool})
    if not 0 <= seq <= _MAX_SEQ:
        raise FrameRefused("bad_frame")
    return Signal("read" if visible else "delivered", up_to=seq)


_LISTENERS: Mapping[str, Callable[[Address, Any], Arrival | Signal]] = {
    "send": _send,
    "typing": _typing,
    "seen": _seen,
    "leave": _leave,
}


def _fields(data: Any, schema: Mapping[str, type]) -> list[Any]:
    """The values in the order of ``schema``: exactly these keys, exactly these types (True is no number)."""
    if type(data) is not dict or data.keys() != schema.keys():
        raise FrameRefused("bad_frame")
    values = [data[key] for key in schema]
    if any(type(value) is not wanted for value, wanted in zip(values, schema.values(), strict=True)):
        raise FrameRefused("bad_frame")
    return values


def read(envelope: Mapping[str, Any], body: bytes) -> Inbound:
    """Read a stored ``send`` frame. Raises ValueError or RecursionError for anything else."""
    key, text = _fields(json.loads(body), {"client_msg_id": str, "text": str})
    key, text = UUID(key), clean(text)
    if not text.strip():
        raise FrameRefused("empty")
    visitor = visitor_key(_word(envelope, "visitor"))
    name = clean(_word(envelope, "name")).replace("\n", " ").replace("\t", " ").strip()[:_MAX_NAME]
    return Inbound(
        sender=Address("chat_visitor", raw=visitor, canonical=visitor, proof=Proof.CLAIMED, name=name),
        text=text,
        external_id=str(key),
        digest=sha256(text.encode()).digest(),
        hints=Hints(client_key=key, topic=_word(envelope, "topic"), language=_word(envelope, "language")),
        auth="none",
    )


def visitor_key(value: str) -> str:
    """The key of a visitor. Raises ValueError where it cannot be one."""
    key = value.strip().lower()
    if not _VISITOR.fullmatch(key):
        raise ValueError("not a visitor")
    return key


def _word(envelope: Mapping[str, Any], name: str) -> str:
    value = envelope.get(name, "")
    return value if isinstance(value, str) else ""


def spoken(message: Mapping[str, Any]) -> dict[str, Any]:
    """The ``message`` frame: what the page may know of a public message and nothing more.

    Raises KeyError where ``seq``, ``prev``, ``from``, ``text`` or ``at`` is missing.
    """
    sure = {name: message[name] for name in ("seq", "prev", "from", "text", "at")}
    maybe = {name: message.get(name) for name in ("name", "client_msg_id", "key", "params")}
    return {name: _plain(value) for name, value in (sure | maybe).items()}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return str(value) if isinstance(value, UUID) else value
