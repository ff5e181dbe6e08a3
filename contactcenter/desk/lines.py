"""System lines in a thread: what the desk did, as a key and its parameters; screens put it into words."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from contactcenter import events
from contactcenter.ids import uuid7
from contactcenter.models import Message, Ticket


async def add(
    tx: AsyncSession,
    ticket: Ticket,
    key: str,
    *,
    visibility: str = "public",
    actor: events.Actor = events.DESK,
    **params: Any,
) -> Message:
    """Add a line to a locked ticket."""
    ticket.message_seq += 1
    line = Message(
        id=uuid7(), ticket_id=ticket.id, seq=ticket.message_seq, direction="internal", kind="line", visibility=visibility,
        author_kind="system", channel=ticket.channel, inbox_id=ticket.inbox_id, body_text="", line={"key": key, "params": params},
    )  # fmt: skip
    tx.add(line)
    await tx.flush()
    await events.record(tx, "line.added", ticket.id, actor, message=line.id, key=key)
    return line
