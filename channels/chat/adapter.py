"""The chat channel: visitors' frames in, the desk's messages out.

The application owns the socket and the tables. A message to a visitor is on its way once it stands in the desk's event
log: the socket and the visitor's next pull read it there, so ``send`` has nothing left to do.
"""

import json
from collections.abc import Mapping
from typing import Any, ClassVar, Self

from channels.base import (
    Address,
    Arrival,
    Capabilities,
    Channel,
    Item,
    Measure,
    Outbound,
    Raw,
    Sent,
    Signal,
    TooLong,
    Tools,
    Unreadable,
)
from channels.chat import frames
from channels.chat.words import MAX_BYTES, clean, size


class Chat(Channel):
    name: ClassVar[str] = "chat"
    capabilities: ClassVar[Capabilities] = Capabilities(
        endpoint_kind="chat_visitor",
        max_text=MAX_BYTES,
        pace="live",
        receipts=True,
        words={"queued": "sending", "undelivered": "failed"},
    )
    can_find: ClassVar[bool] = True

    @classmethod
    def from_env(cls, settings: Mapping[str, str], tools: Tools) -> Self | None:
        """Needs no setting; ``CHAT_ENABLED=false`` switches it off."""
        return None if settings.get("CHAT_ENABLED", "").strip().lower() == "false" else cls()

    def hear(self, visitor: Address, name: str, data: Any) -> Arrival | Signal:
        """Turn a page's frame into what the desk stores or shows.

        Raises ``frames.FrameRefused``, a ValueError whose text is ``bad_frame``, ``too_long``, ``empty`` or
        ``unknown_event``; for ``too_long`` it carries ``limit`` and ``count`` in bytes.
        """
        return frames.hear(visitor, name, data)

    def parse(self, raw: Raw) -> list[Item]:
        try:
            return [frames.read(raw.envelope, raw.body)]
        except (ValueError, RecursionError) as error:  # RecursionError: deeply nested JSON
            return [Unreadable(reason=f"not a chat message: {type(error).__name__}", seen=_seen(raw.body))]

    def say(self, message: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        return "message", frames.spoken(message)

    def measure(self, outbound: Outbound) -> Measure:
        """One part; ``units`` and ``limit`` are bytes of UTF-8."""
        count = size(clean(outbound.text))
        if count > MAX_BYTES:
            raise TooLong(MAX_BYTES, count, "bytes")
        return Measure(parts=1, units=count, encoding="UTF-8", limit=MAX_BYTES)

    def render(self, outbound: Outbound) -> bytes:
        """Canonical JSON of who says what to whom."""
        said = {"to": outbound.to, "name": outbound.sender_name, "text": clean(outbound.text)}
        return json.dumps(said, sort_keys=True, separators=(",", ":")).encode()

    async def send(self, outbound: Outbound, wire: Any) -> Sent:
        return Sent(provider_id=str(outbound.message_id))

    async def find(self, outbound: Outbound) -> Sent | None:
        """A stored message is a sent one: there is no provider that could have missed it."""
        return Sent(provider_id=str(outbound.message_id))

    def canonical(self, value: str) -> str:
        return frames.visitor_key(value)

    def shown(self, canonical: str) -> str:
        """The start of the key: a visitor has no address a person could use."""
        return canonical[:8]


def _seen(body: bytes) -> str:
    return clean(body[:500].decode("utf-8", "replace"))
