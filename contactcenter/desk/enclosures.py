"""Files that go with an answer: put beside it before, or those of the message that is sent once more."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from channels.base import File
from contactcenter.desk import uploads
from contactcenter.desk.kit import Kit
from contactcenter.models import Attachment, Staff, Upload


@dataclass(frozen=True, slots=True)
class Enclosed:
    """``files`` as the channel measures them."""

    uploads: Sequence[Upload]
    again: Sequence[Attachment]
    files: tuple[File, ...]


async def gather(tx: AsyncSession, kit: Kit, staff: Staff, wanted: Sequence[int], resend_of: UUID | None) -> Enclosed:
    """What is to go along. Raises Refused ``unknown-file`` for a file that is not this member of staff's."""
    new = await uploads.of(tx, staff, wanted)
    again: list[Attachment] = []
    if resend_of is not None:
        again = list(
            await tx.scalars(select(Attachment).where(Attachment.message_id == resend_of).order_by(Attachment.id))
        )
    named = [(one.name, one.type, one.sha256) for one in new] + [(one.name, one.type, one.sha256) for one in again]
    files = [File(name, kind, await kit.files.get(sha256)) for name, kind, sha256 in named]
    return Enclosed(new, again, tuple(files))


async def enclose(tx: AsyncSession, enclosed: Enclosed, message_id: UUID) -> None:
    """Make them files of the message."""
    await uploads.attach(tx, enclosed.uploads, message_id)
    for one in enclosed.again:
        tx.add(
            Attachment(
                message_id=message_id, sha256=one.sha256, size=one.size, type=one.type, type_declared=one.type_declared,
                name=one.name, name_raw=one.name_raw, scan=one.scan,
            )
        )  # fmt: skip
    await tx.flush()
