"""The socket server: only listed event names get in, five bad frames end a socket, frames per second are bounded."""

import time
from typing import Any

import socketio
import structlog

log = structlog.get_logger()

ALLOWED = {
    "/console": frozenset({"resume", "beat", "watch"}),
    "/citizen": frozenset({"start", "send", "pull", "seen", "typing", "leave"}),
}
MAX_BAD_FRAMES = 5
FRAMES_PER_S, BURST = 20, 60
MAX_FRAME = 64 * 1024


class Server(socketio.AsyncServer):  # type: ignore[misc]  # the library ships no types
    """Passes on listed names only: reserved ones such as ``connect`` would otherwise run our own handlers.

    The hook is private to the library; a test holds it at upgrades.
    """

    def __init__(self, origins: list[str]) -> None:
        super().__init__(
            async_mode="asgi", async_handlers=False, transports=["websocket"], cors_allowed_origins=origins,
            ping_interval=10, ping_timeout=5, max_http_buffer_size=MAX_FRAME, allow_upgrades=False,
            namespaces=list(ALLOWED), http_compression=False, websocket_compression=False,
        )  # fmt: skip
        self._bad: dict[str, int] = {}
        self._budget: dict[str, tuple[float, float]] = {}

    async def _handle_event(self, eio_sid: str, namespace: str | None, id: int | None, data: Any) -> None:
        names = ALLOWED.get(namespace or "/", frozenset())
        if not (isinstance(data, list) and data and isinstance(data[0], str) and data[0] in names):
            await self._count_bad_frame(eio_sid, namespace)
            return
        if not self._within_budget(eio_sid):
            await self._count_bad_frame(eio_sid, namespace)
            return
        await super()._handle_event(eio_sid, namespace, id, data)

    async def _count_bad_frame(self, eio_sid: str, namespace: str | None) -> None:
        count = self._bad[eio_sid] = self._bad.get(eio_sid, 0) + 1
        if count >= MAX_BAD_FRAMES:
            log.warning("socket_cut", namespace=namespace, why="bad_frames")
            self.forget(eio_sid)
            await self.eio.disconnect(eio_sid)

    def _within_budget(self, eio_sid: str) -> bool:
        """A token bucket per connection."""
        left, at = self._budget.get(eio_sid, (float(BURST), time.monotonic()))
        now = time.monotonic()
        left = min(BURST, left + (now - at) * FRAMES_PER_S)
        self._budget[eio_sid] = (left - 1, now)
        return left >= 1

    def forget(self, eio_sid: str) -> None:
        self._bad.pop(eio_sid, None)
        self._budget.pop(eio_sid, None)

    async def bad_frame(self, sid: str, namespace: str) -> None:
        """A listed name with content that makes no sense counts too."""
        eio_sid = self.manager.eio_sid_from_sid(sid, namespace)
        if eio_sid is not None:
            await self._count_bad_frame(eio_sid, namespace)
