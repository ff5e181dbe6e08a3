"""The intake: listens where channels listen, keeps what comes before it is read, and reads it in killable children."""

import asyncio
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from channels._guard import Guard
from channels.base import Arrival, Channel, Raw, StoreAway, UnknownRecipient, Unreadable
from contactcenter import events, metrics
from contactcenter.desk import inbox as desk_inbox
from contactcenter.desk.book import Book, channel_inbox, open_book
from contactcenter.errors import StoreAway as DatabaseAway
from contactcenter.ids import uuid7
from contactcenter.models import Inbox
from contactcenter.wiring import House

log = structlog.get_logger()
BATCH, MAX_TRIES, LEASE_S, POLL_S = 8, 5, 30, 1.0

_TAKE = text(
    """
    UPDATE raw_event SET lease_until = clock_timestamp() + make_interval(secs => :lease), attempts = attempts + 1
    WHERE id IN (SELECT r.id FROM raw_event r JOIN inbox i ON i.id = r.inbox_id WHERE r.state = 'new'
      AND (r.lease_until IS NULL OR r.lease_until < clock_timestamp()) AND i.channel = ANY(:channels)
      ORDER BY r.id LIMIT :batch FOR UPDATE OF r SKIP LOCKED)
    RETURNING id, source, source_key, inbox_id, envelope, body, file_hash, received_at, attempts, correlation
    """
)


@dataclass(frozen=True)
class Taken:
    """A raw event that is ours to read until its lease ends."""

    row: Any
    inbox: Inbox


class Intake:
    """Runs until cancelled."""

    def __init__(self, house: House, guards: dict[str, Guard]) -> None:
        self._house, self._guards = house, guards
        self._woken = asyncio.Event()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for channel in self._house.kit.channels.values():
                if channel.listens:
                    group.create_task(self._listen(channel))
            for name in self._guards:
                group.create_task(self._read(name))

    # --- listening ------------------------------------------------------------------------------------------------------

    async def _listen(self, channel: Channel) -> None:
        async def knows(address: str) -> bool:
            return await self._inbox(channel.name, address) is not None

        async def accept(arrival: Arrival) -> None:
            await self._keep(channel, arrival)
            self._woken.set()

        await channel.listen(accept, knows)

    async def _inbox(self, name: str, address: str) -> Inbox | None:
        book = await self._book()
        return book.inbox_by_address(name, address.strip().lower())

    async def _book(self) -> Book:
        try:
            async with self._house.database.transaction() as tx:
                return await open_book(tx)
        except DatabaseAway as error:
            raise StoreAway(error.detail) from error

    async def _keep(self, channel: Channel, arrival: Arrival) -> None:
        """Store the raw bytes with their key; returns once committed. The other side may then forget them."""
        box = await self._inbox(channel.name, arrival.recipient)
        if box is None:
            raise UnknownRecipient(arrival.recipient)
        raw = Raw(
            f"{box.channel}:{box.slug}",
            arrival.source_key,
            channel_inbox(box),
            arrival.envelope,
            self._house.kit.now(),
            arrival.body,
        )
        token = events.correlation.set(uuid7().hex[:16])
        try:
            async with self._house.database.transaction() as tx:
                kept = await desk_inbox.store(tx, self._house.kit, raw)
        except DatabaseAway as error:
            raise StoreAway(error.detail) from error
        finally:
            events.correlation.reset(token)
        metrics.inbound.labels(channel=box.channel, result="accepted" if kept else "repeat").inc()

    # --- reading --------------------------------------------------------------------------------------------------------

    async def _read(self, name: str) -> None:
        while True:
            try:
                while await self._read_some(name):
                    continue
            except DatabaseAway:
                await asyncio.sleep(0.5)
            try:
                await asyncio.wait_for(self._woken.wait(), POLL_S)
            except TimeoutError:
                continue
            finally:
                self._woken.clear()

    async def _read_some(self, name: str) -> int:
        async with self._house.database.transaction() as tx:
            rows = (await tx.execute(_TAKE, {"lease": LEASE_S, "batch": BATCH, "channels": [name]})).all()
            boxes = (await open_book(tx)).inboxes
        for row in sorted(rows, key=lambda row: row.id):
            await self._read_one(self._guards[name], Taken(row, boxes[row.inbox_id]))
        return len(rows)

    async def _read_one(self, guard: Guard, taken: Taken) -> None:
        """Parse in the child, then file it. What breaks five times is set aside; it never stops the next one."""
        row = taken.row
        token = events.correlation.set(row.correlation)
        try:
            if row.attempts > MAX_TRIES:
                await self._set_aside(taken, "it could not be filed in five tries")
                return
            body = row.body if row.body is not None else await self._house.kit.files.get(row.file_hash)
            raw = desk_inbox.raw_of(self._house.kit, row, taken.inbox, body)
            items = await guard.parse(raw)
            async with self._house.database.transaction() as tx:
                if await self._still_ours(tx, row.id):
                    await desk_inbox.receive(tx, self._house.kit, taken.inbox, row.id, items)
                    if not any(isinstance(item, Unreadable) for item in items):
                        await tx.execute(
                            text(
                                "UPDATE raw_event SET state = 'done', error = NULL, lease_until = NULL WHERE id = :id"
                            ),
                            {"id": row.id},
                        )
        except DatabaseAway:
            raise
        except Exception as error:  # one mail that breaks us must not stop the others; its lease brings it back
            log.exception("reading_broke", raw=row.id)
            if row.attempts >= MAX_TRIES:
                await self._set_aside(taken, f"could not be filed: {type(error).__name__}")
        finally:
            events.correlation.reset(token)

    async def _still_ours(self, tx: AsyncSession, raw_id: int) -> bool:
        """Lock the row; another reader may have finished it while our child was thinking."""
        state = await tx.scalar(text("SELECT state FROM raw_event WHERE id = :id FOR UPDATE"), {"id": raw_id})
        return bool(state == "new")

    async def _set_aside(self, taken: Taken, reason: str) -> None:
        async with self._house.database.transaction() as tx:
            await desk_inbox.mark_unreadable(tx, taken.inbox, taken.row.id, reason)
