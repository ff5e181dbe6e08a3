"""Files that lie with a provider: shown as pending at once, fetched by the worker, given up with a reason after the last try."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from channels.base import ChannelError, File, Media, TryLater, Undeliverable
from contactcenter import events
from contactcenter.db import Database
from contactcenter.desk.book import channel_inbox, open_book
from contactcenter.desk.kit import Kit
from contactcenter.models import Attachment, Inbox

log = structlog.get_logger()
PAUSES_S = (1, 5, 30, 120, 600, 3600)
"""Seconds before each further try. A provider may say "not there" for a moment after it told us of the file."""
LEASE_S = 120
MAX_BYTES = 40 * 1024 * 1024

_DUE = text(
    "SELECT id FROM attachment WHERE state = 'pending' AND due_at <= clock_timestamp() ORDER BY due_at LIMIT :limit"
)
_TAKE = text(
    """
    UPDATE attachment a SET attempts = a.attempts + 1, due_at = clock_timestamp() + make_interval(secs => :lease)
    FROM message m WHERE m.id = a.message_id AND a.id = (SELECT id FROM attachment WHERE id = :id AND state = 'pending'
      AND due_at <= clock_timestamp() FOR UPDATE SKIP LOCKED)
    RETURNING a.id, a.attempts, a.ref, a.type_declared, a.name_raw, a.message_id, m.inbox_id
    """
)
_STORED = text(
    """
    UPDATE attachment SET state = 'stored', sha256 = :sha, size = :size, type = :type, type_declared = :declared, name = :name,
      scan = :scan, error = NULL WHERE id = :id AND state = 'pending' RETURNING id
    """
)
_LATER = text(
    "UPDATE attachment SET due_at = clock_timestamp() + make_interval(secs => :after), error = :why "
    "WHERE id = :id AND state = 'pending'"
)
_FAILED = text("UPDATE attachment SET state = 'failed', error = :why WHERE id = :id AND state = 'pending' RETURNING id")
_NEWER = text("UPDATE message SET version = version + 1 WHERE id = :id RETURNING ticket_id")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file that is ours to fetch until the lease ends."""

    id: int
    attempts: int
    message_id: UUID
    box: Inbox
    media: Media


async def keep_pending(tx: AsyncSession, message_id: UUID, wanted: Sequence[Media]) -> None:
    """Rows for files that are still to be fetched."""
    for number, one in enumerate(wanted, start=1):
        tx.add(
            Attachment(
                message_id=message_id, sha256="", size=0, type=one.type or "application/octet-stream",
                type_declared=one.type[:200], name=one.name or f"file-{number}", name_raw=one.name[:500], state="pending",
                ref=one.ref,
            )
        )  # fmt: skip
    await tx.flush()


async def due(tx: AsyncSession, limit: int = 32) -> list[int]:
    """Files whose time has come."""
    return list(await tx.scalars(_DUE, {"limit": limit}))


async def fetch_one(database: Database, kit: Kit, attachment_id: int) -> bool:
    """Fetch a file that is due, with no transaction open meanwhile. False when it was not due, or somebody else has it."""
    async with database.transaction() as tx:
        wanted = await _take(tx, attachment_id)
    if wanted is None:
        return False
    channel = kit.channels.get(wanted.box.channel)
    try:
        if channel is None:
            raise ChannelError("this channel is not configured here")
        file = await channel.fetch(channel_inbox(wanted.box), wanted.media)
        if len(file.body) > MAX_BYTES:
            await _give_up(database, wanted, "the file is too large")
            return True
        stored = await kit.files.put(file.body)
    except Undeliverable as gone:
        await _give_up(database, wanted, str(gone))
    except (TryLater, ChannelError, OSError) as error:  # the provider, the network or our own store is away
        after = error.after if isinstance(error, TryLater) else None
        await _try_later(database, wanted, str(error) or type(error).__name__, after)
    except Exception as error:  # an adapter's bug must not end the loop; the tries run out and the reason is shown
        log.exception("fetching_broke", attachment=attachment_id)
        await _try_later(database, wanted, f"could not be fetched: {type(error).__name__}", None)
    else:
        await _keep(database, kit, wanted, file, stored)
    return True


async def _take(tx: AsyncSession, attachment_id: int) -> Wanted | None:
    row: Any = (await tx.execute(_TAKE, {"id": attachment_id, "lease": LEASE_S})).one_or_none()
    if row is None:
        return None
    box = (await open_book(tx)).inboxes[row.inbox_id]
    return Wanted(row.id, row.attempts, row.message_id, box, Media(row.ref or "", row.type_declared, row.name_raw))


async def _keep(database: Database, kit: Kit, wanted: Wanted, file: File, stored: str) -> None:
    values = {"id": wanted.id, "sha": stored, "size": len(file.body), "type": file.type, "name": file.name,
              "declared": file.type_declared or wanted.media.type, "scan": "pending" if kit.scans else "skipped"}  # fmt: skip
    async with database.transaction() as tx:
        if await tx.scalar(_STORED, values) is not None:
            await _tell(tx, wanted, "file.stored")


async def _try_later(database: Database, wanted: Wanted, why: str, after: float | None) -> None:
    if wanted.attempts > len(PAUSES_S):
        await _give_up(database, wanted, why)
        return
    pause = max(PAUSES_S[wanted.attempts - 1], after or 0)
    async with database.transaction() as tx:
        await tx.execute(_LATER, {"id": wanted.id, "after": pause, "why": why[:300]})


async def _give_up(database: Database, wanted: Wanted, why: str) -> None:
    async with database.transaction() as tx:
        if await tx.scalar(_FAILED, {"id": wanted.id, "why": why[:300]}) is not None:
            await _tell(tx, wanted, "file.failed", why=why[:300])


async def _tell(tx: AsyncSession, wanted: Wanted, kind: str, **more: Any) -> None:
    ticket_id = await tx.scalar(_NEWER, {"id": wanted.message_id})
    await events.record(tx, kind, ticket_id, events.DESK, message=wanted.message_id, file=wanted.id, **more)
