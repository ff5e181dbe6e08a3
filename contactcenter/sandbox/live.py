"""Tells open pages that something changed, by Server-Sent Events; the page then asks for what it shows."""

import asyncio
import json
from collections.abc import AsyncIterator

BEAT_SECONDS = 15.0
PATIENCE = 1000  # unread events after which a page is let go: it reconnects and asks anew


class Live:
    def __init__(self) -> None:
        self._pages: set[asyncio.Queue[str | None]] = set()
        self._closed = False

    def tell(self, topic: str) -> None:
        for page in list(self._pages):
            self._put(page, topic)

    def close(self) -> None:
        """End all streams, so that a stop does not wait for open pages."""
        self._closed = True
        for page in list(self._pages):
            self._put(page, None)

    async def stream(self) -> AsyncIterator[bytes]:
        page: asyncio.Queue[str | None] = asyncio.Queue(PATIENCE)
        self._pages.add(page)
        try:
            yield b"retry: 1000\n\nevent: open\ndata: {}\n\n"
            while not self._closed and page in self._pages:
                topic = await _next(page)
                if topic is None:
                    return
                yield f"event: changed\ndata: {json.dumps(topic)}\n\n".encode() if topic else b": beat\n\n"
        finally:
            self._pages.discard(page)

    def _put(self, page: asyncio.Queue[str | None], topic: str | None) -> None:
        try:
            page.put_nowait(topic)
        except asyncio.QueueFull:
            self._pages.discard(page)


async def _next(page: asyncio.Queue[str | None]) -> str | None:
    try:
        async with asyncio.timeout(BEAT_SECONDS):
            return await page.get()
    except TimeoutError:
        return ""
