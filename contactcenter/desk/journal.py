"""The router's journal: states and facts in the order in which the engine took them, kept for a day."""

import json
import zlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, text
from sqlalchemy.ext.asyncio import AsyncSession

import routing
from contactcenter.models.journal import RouterEntry
from routing import journal
from routing.events import Effect, Event

KEEP_H = 24


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing to write down."""

    agency_id: int
    kind: str
    told_at: int
    body: bytes
    digest: str


def fact(agency_id: int, event: Event, now: int, effects: list[Effect]) -> Entry:
    return Entry(agency_id, "fact", now, _packed(event), journal.digest(effects))


def state(agency_id: int, engine: routing.Engine, *, start: bool = False) -> Entry:
    """Where the engine stands, with the policy in force and the engine's version: what follows can be repeated from here.
    ``start``: it is new.
    """
    snapshot = engine.snapshot()
    return Entry(
        agency_id,
        "start" if start else "state",
        snapshot.now,
        _packed((engine.floor.policy, snapshot, routing.VERSION)),
        engine.state_hash(),
    )


def _packed(value: Any) -> bytes:
    return zlib.compress(json.dumps(journal.plain(value), separators=(",", ":")).encode(), 1)


def unpacked(body: bytes) -> Any:
    return journal.told(json.loads(zlib.decompress(body)))


async def write(tx: AsyncSession, epoch: int, entries: Sequence[Entry]) -> None:
    await tx.execute(
        insert(RouterEntry),
        [
            {"agency_id": one.agency_id, "epoch": epoch, "kind": one.kind, "told_at": one.told_at, "body": one.body,
             "digest": one.digest}
            for one in entries
        ],
    )  # fmt: skip


async def forget_old(tx: AsyncSession) -> None:
    await tx.execute(
        text("DELETE FROM router_entry WHERE at < clock_timestamp() - make_interval(hours => :keep)"), {"keep": KEEP_H}
    )


async def since(tx: AsyncSession, agency_id: int, at: datetime) -> AsyncIterator[RouterEntry]:
    """The entries from the last state before `at` on (or the first state there is), oldest first."""
    start = await tx.scalar(
        text(
            "SELECT coalesce((SELECT max(id) FROM router_entry WHERE agency_id = :a AND kind <> 'fact' AND at <= :at), "
            "(SELECT min(id) FROM router_entry WHERE agency_id = :a AND kind <> 'fact'))"
        ),
        {"a": agency_id, "at": at},
    )
    last = (start or 0) - 1
    while True:
        query = (
            select(RouterEntry)
            .where(RouterEntry.agency_id == agency_id, RouterEntry.id > last)
            .order_by(RouterEntry.id)
            .limit(500)
        )
        rows = list(await tx.scalars(query))
        for row in rows:
            last = row.id
            tx.expunge(row)
            yield row
        if not rows:
            return
