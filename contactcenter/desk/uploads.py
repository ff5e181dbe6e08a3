"""Files that staff put beside an answer before it is sent."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from contactcenter.desk.kit import Kit
from contactcenter.errors import Refused
from contactcenter.models import Attachment, Staff, Upload

MOST, KEPT_HOURS = 20, 24


async def keep(tx: AsyncSession, kit: Kit, staff: Staff, name: str, type: str, body: bytes) -> Upload:
    """Store a file for an answer that is being written; it is forgotten after a day unless it was sent."""
    if not body:
        raise Refused("The file is empty.", slug="empty")
    upload = Upload(
        agency_id=staff.agency_id, staff_id=staff.id, sha256=await kit.files.put(body), size=len(body), type=type, name=name,
    )  # fmt: skip
    tx.add(upload)
    await tx.flush()
    return upload


async def of(tx: AsyncSession, staff: Staff, ids: Sequence[int]) -> list[Upload]:
    """The staff member's own unsent uploads, in the order named. Raises Refused ``unknown-file`` for any other."""
    if len(ids) > MOST:
        raise Refused(f"No more than {MOST} files go with one answer.", slug="too-many", limit=MOST, count=len(ids))
    found = {
        one.id: one
        for one in await tx.scalars(
            select(Upload)
            .where(Upload.id.in_(ids), Upload.staff_id == staff.id, Upload.used_at.is_(None))
            .with_for_update()
        )
    }
    if any(one not in found for one in ids):
        raise Refused("A file is no longer there. Add it again.", slug="unknown-file")
    return [found[one] for one in dict.fromkeys(ids)]


async def attach(tx: AsyncSession, uploads: Sequence[Upload], message_id: UUID) -> None:
    """Make them files of a message."""
    for one in uploads:
        tx.add(
            Attachment(
                message_id=message_id, sha256=one.sha256, size=one.size, type=one.type, type_declared=one.type, name=one.name,
                name_raw=one.name,
            )
        )  # fmt: skip
    await tx.execute(
        text("UPDATE upload SET used_at = clock_timestamp() WHERE id = ANY(:ids)"), {"ids": [one.id for one in uploads]}
    )
    await tx.flush()


async def forget(tx: AsyncSession, staff: Staff, upload_id: int) -> None:
    """Take a file away again; repeating it is harmless."""
    await tx.execute(
        text("DELETE FROM upload WHERE id = :id AND staff_id = :staff AND used_at IS NULL"),
        {"id": upload_id, "staff": staff.id},
    )


async def forget_unsent(tx: AsyncSession) -> None:
    """A chore: files of answers that were never sent."""
    await tx.execute(
        text("DELETE FROM upload WHERE created_at < clock_timestamp() - make_interval(hours => :hours)"),
        {"hours": KEPT_HOURS},
    )
