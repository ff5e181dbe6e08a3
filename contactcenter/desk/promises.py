"""Dates given to citizens, kept as data."""

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from contactcenter.desk.book import AgencyEntry, QueueEntry
from contactcenter.desk.texts import say, say_date


def expected_by(queue: QueueEntry, now: datetime) -> datetime | None:
    """When a person will have replied, by the queue's own promise in opening time."""
    return queue.calendar.after(now, queue.row.reply_minutes)


def expectation(agency: AgencyEntry, language: str, by: datetime | None) -> str:
    """The honest sentence about when a person replies."""
    if by is None:
        return say(language, "expect_open")
    return say(language, "expect_by", by=say_date(language, by, agency.row.timezone))


async def settle(tx: AsyncSession, ticket_id: int, now: datetime) -> None:
    """A person replied or closed: open promises are kept, or were broken if their date has passed."""
    await tx.execute(
        text(
            "UPDATE promise SET state = CASE WHEN due_at >= :now THEN 'kept' ELSE 'broken' END "
            "WHERE ticket_id = :ticket AND state = 'open'"
        ),
        {"ticket": ticket_id, "now": now},
    )
