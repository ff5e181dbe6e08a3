"""Reads what was kept: parsed in a killable child one after another, filed several at a time, but one person's in their order."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from channels._guard import Guard
from channels.base import Inbound, Item, Raw, Unreadable
from contactcenter import events
from contactcenter.db import Database
from contactcenter.desk import inbox as desk_inbox
from contactcenter.desk.book import open_book
from contactcenter.desk.kit import Kit
from contactcenter.errors import StoreAway
from contactcenter.models import Inbox

log = structlog.get_logger()
BATCH, AT_ONCE, MAX_TRIES, LEASE_S, POLL_S = 16, 4, 5, 60, 1.0

_TAKE = text(
    """
    UPDATE raw_event SET lease_until = clock_timestamp() + make_interval(secs => :lease), attempts = attempts + 1
    WHERE id IN (SELECT r.id FROM raw_event r JOIN inbox i ON i.id = r.inbox_id WHERE r.state = 'new'
      AND (r.lease_until IS NULL OR r.lease_until < clock_timestamp()) AND i.channel = :channel
      ORDER BY r.id LIMIT :batch FOR UPDATE OF r SKIP LOCKED)
    RETURNING id, source, source_key, inbox_id, envelope, body, file_hash, received_at, attempts, correlation
    """
)
_STATE = text("SELECT state FROM raw_event WHERE id = :id FOR UPDATE")
_DONE = text("UPDATE raw_event SET state = 'done', error = NULL, lease_until = NULL WHERE id = :id")
_NOT_TRIED = text(
    "UPDATE raw_event SET attempts = attempts - 1, lease_until = clock_timestamp() + interval '5 seconds' WHERE id = :id"
)


@dataclass(frozen=True)
class Taken:
    """A raw event that is ours to read until its lease ends."""

    row: Any
    inbox: Inbox


Turns = defaultdict[int | None, asyncio.Lock]
"""One person's messages are filed in the order in which they came."""


class Reading:
    """The reader of one channel, with one child. Runs until cancelled."""

    def __init__(self, database: Database, kit: Kit, guard: Guard) -> None:
        self._database, self._kit, self._guard = database, kit, guard
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Something new was kept."""
        self._woken.set()

    async def run(self) -> None:
        while True:
            try:
                while await self.read_some():
                    continue
            except StoreAway:
                await asyncio.sleep(0.5)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), POLL_S)
            self._woken.clear()

    async def read_some(self) -> int:
        """Read what waits, oldest first, up to a batch; gives how many were taken. Raises StoreAway."""
        taken = await self._take()
        turns: Turns = defaultdict(asyncio.Lock)
        hands = asyncio.Semaphore(AT_ONCE)
        done = await asyncio.gather(*[self._read(one, turns, hands) for one in taken], return_exceptions=True)
        for outcome in done:
            if isinstance(outcome, BaseException):
                raise outcome
        return len(taken)

    async def _take(self) -> list[Taken]:
        values = {"lease": LEASE_S, "batch": BATCH, "channel": self._guard.channel}
        async with self._database.transaction() as tx:
            rows = (await tx.execute(_TAKE, values)).all()
            boxes = (await open_book(tx)).inboxes
        return [Taken(row, boxes[row.inbox_id]) for row in sorted(rows, key=lambda row: row.id)]

    async def _parse(self, taken: Taken) -> list[Item]:
        row = taken.row
        if row.attempts > MAX_TRIES:
            return [Unreadable("it could not be filed in five tries")]
        body = row.body if row.body is not None else await self._kit.files.get(row.file_hash)
        raw = desk_inbox.raw_of(self._kit, row, taken.inbox, body)
        return [await self._vouched(raw, item) for item in await self._guard.parse(raw)]

    async def _vouched(self, raw: Raw, item: Item) -> Item:
        """What others can tell of the sender, on channels where somebody can be asked."""
        return await self._kit.channels[self._guard.channel].vouched(raw, item) if isinstance(item, Inbound) else item

    async def _read(self, taken: Taken, turns: Turns, hands: asyncio.Semaphore) -> None:
        """What breaks five times is set aside; it never stops the others."""
        row = taken.row
        token = events.correlation.set(row.correlation)
        try:
            items = await self._parse(taken)
            lock = desk_inbox.lock_of(taken.inbox, items)
            async with turns[lock], hands:
                await self._file(taken, items, lock)
        except StoreAway:
            raise
        except ChildProcessError as error:  # our own machine, not this mail: it is not held against it
            log.warning("reading_postponed", raw=row.id, error=str(error))
            await self._postpone(row.id)
        except Exception as error:  # one mail that breaks us must not stop the others; its lease brings it back
            log.exception("reading_broke", raw=row.id)
            if row.attempts >= MAX_TRIES:
                await self._set_aside(taken, f"could not be filed: {type(error).__name__}")
        finally:
            events.correlation.reset(token)

    async def _file(self, taken: Taken, items: Sequence[Item], lock: int | None) -> None:
        async with self._database.straight(lock) as tx:
            if lock is not None:
                await desk_inbox.take_stored(tx, self._kit, taken.inbox, taken.row.id, items)
            elif await self._still_ours(tx, taken.row.id):
                await desk_inbox.receive(tx, self._kit, taken.inbox, taken.row.id, items)
                if not any(isinstance(item, Unreadable) for item in items):
                    await tx.execute(_DONE, {"id": taken.row.id})

    async def _still_ours(self, tx: AsyncSession, raw_id: int) -> bool:
        """Lock the row; another reader may have finished it while our child was thinking."""
        return bool(await tx.scalar(_STATE, {"id": raw_id}) == "new")

    async def _postpone(self, raw_id: int) -> None:
        async with self._database.transaction() as tx:
            await tx.execute(_NOT_TRIED, {"id": raw_id})

    async def _set_aside(self, taken: Taken, reason: str) -> None:
        async with self._database.transaction() as tx:
            await desk_inbox.mark_unreadable(tx, taken.inbox, taken.row.id, reason)
