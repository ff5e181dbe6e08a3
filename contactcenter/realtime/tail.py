"""Follows the event log in this process: one reader, whatever the number of sockets."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from contactcenter import metrics
from contactcenter.db import Database
from contactcenter.errors import StoreAway
from contactcenter.listening import listen

log = structlog.get_logger()
PAGE = 500
POLL_S = 1.0
GATHER_S = 0.004
"""Pause between two pages: the first fact goes out at once, what comes within the pause travels in one frame."""

UNTOLD = ("ticket.viewed", "session.opened", "session.refused", "session.ended", "webhook.refused", "raw.unreadable")
"""For auditors, not for consoles."""


@dataclass(frozen=True, slots=True)
class Fact:
    """A row of the event log."""

    pos: int
    type: str
    at: datetime
    agency_id: int
    ticket_id: int | None
    actor_kind: str
    actor_id: int | None
    data: dict[str, Any]


# The limit is no parameter, so that a plan made once for all positions follows the index.
_READ = text(
    f"""
    SELECT pos, type, at, agency_id, ticket_id, actor_kind, actor_id, data FROM event
    WHERE pos > :after ORDER BY pos LIMIT {PAGE}
    """  # noqa: S608 - a constant
)


async def read(tx: AsyncSession, after: int) -> list[Fact]:
    """The next page of facts after a position."""
    rows = await tx.execute(_READ, {"after": after})
    return [Fact(*row) for row in rows]


Listener = Callable[[AsyncSession, list[Fact]], Awaitable[None]]


class Tail:
    """Calls every listener with each page of new facts, in order. ``pos``: all up to here has been or is being passed on."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._woken = asyncio.Event()
        self._listeners: list[Listener] = []
        self.pos = 0

    def listener(self, listener: Listener) -> None:
        self._listeners.append(listener)

    async def run(self) -> None:
        """Follow until cancelled. What happened before the start is history, read by those who resume."""
        ears = asyncio.create_task(listen(self._database.url, lambda _tail: self._woken.set()))
        try:
            await self._begin()
            while True:
                try:
                    await self._follow()
                except StoreAway:
                    await asyncio.sleep(0.3)
                except Exception:  # one event that cannot be shown must not stop the others for ever
                    log.exception("tail_broke", pos=self.pos)
                    await asyncio.sleep(0.3)
                await asyncio.sleep(GATHER_S)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._woken.wait(), POLL_S)
        finally:
            ears.cancel()

    async def _begin(self) -> None:
        while True:
            try:
                async with self._database.transaction() as tx:
                    self.pos = int(await tx.scalar(text("SELECT coalesce(max(pos), 0) FROM event")) or 0)
                return
            except StoreAway:
                await asyncio.sleep(0.3)

    async def _follow(self) -> None:
        while True:
            self._woken.clear()
            async with self._database.straight() as tx:
                facts = await read(tx, self.pos)
                if not facts:
                    return
                self.pos = facts[-1].pos  # first: a client that resumes now reads up to here by itself
                for listener in self._listeners:
                    await listener(tx, facts)
            metrics.tail.set(self.pos)
