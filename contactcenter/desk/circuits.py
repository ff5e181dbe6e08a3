"""Senders that the provider refuses: they stop, one delivery now and then tries, and success opens them again."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from channels.base import ErrorClass, SendError
from contactcenter import events
from contactcenter.desk.book import open_book

FAILURES = 10
"""Attempts in a row that met no answer before a sender stops; a refusal of the sender itself stops it sooner."""
PAUSE_S, LONGEST_S = 15, 300
PROBE_S = 40
"""How long the others wait for the outcome of the one that tries; longer than any attempt may take."""

_FAILED = text(
    """
    INSERT INTO sender_pace (inbox_id, tokens, day, failures) VALUES (:inbox, 1, CURRENT_DATE, 1)
    ON CONFLICT (inbox_id) DO UPDATE SET failures = sender_pace.failures + 1
    RETURNING failures, stopped_until IS NOT NULL AS stopped, coalesce(ok_at > clock_timestamp() - interval '60 seconds', false)
      AS worked_lately
    """
)
_STOP = text(
    """
    UPDATE sender_pace SET pause_s = CASE WHEN pause_s = 0 THEN CAST(:pause AS int) ELSE least(pause_s * 2, CAST(:longest AS int)) END,
      stopped_until = clock_timestamp() + make_interval(
        secs => CASE WHEN pause_s = 0 THEN CAST(:pause AS int) ELSE least(pause_s * 2, CAST(:longest AS int)) END)
    WHERE inbox_id = :inbox RETURNING pause_s
    """
)
_WORKS = text(
    """
    INSERT INTO sender_pace AS p (inbox_id, tokens, day, ok_at) VALUES (:inbox, 1, CURRENT_DATE, clock_timestamp())
    ON CONFLICT (inbox_id) DO UPDATE SET failures = 0, stopped_until = NULL, pause_s = 0, ok_at = clock_timestamp()
    WHERE p.failures > 0 OR p.stopped_until IS NOT NULL OR p.ok_at IS NULL OR p.ok_at < clock_timestamp() - interval '20 seconds'
    RETURNING (SELECT o.stopped_until IS NOT NULL FROM sender_pace o WHERE o.inbox_id = :inbox) AS was_stopped
    """
)


async def may_try(tx: AsyncSession, inbox_id: int) -> bool:
    """Whether this delivery is the one that finds out if a stopped sender works again; the others wait for it."""
    return bool(
        await tx.scalar(
            text(
                "UPDATE sender_pace SET stopped_until = clock_timestamp() + make_interval(secs => :probe) "
                "WHERE inbox_id = :inbox AND stopped_until <= clock_timestamp() RETURNING true"
            ),
            {"inbox": inbox_id, "probe": PROBE_S},
        )
    )


async def note_failure(tx: AsyncSession, inbox_id: int, error: SendError, *, probe: bool) -> bool:
    """An attempt failed whatever it carried: ``error`` of class *sender*, or no answer at all. True while the sender is stopped.

    A lone refusal of a sender that worked a minute ago may be about that one destination, and stops nobody.
    """
    row = (await tx.execute(_FAILED, {"inbox": inbox_id})).one()
    if row.stopped and not probe:
        return True
    ours = error.kind is ErrorClass.SENDER
    enough = row.failures >= 2 or not row.worked_lately if ours else row.failures >= FAILURES
    if not (probe or enough):
        return False
    pause = await tx.scalar(_STOP, {"inbox": inbox_id, "pause": PAUSE_S, "longest": LONGEST_S})
    if not row.stopped:
        inbox = (await open_book(tx)).inboxes[inbox_id]
        await events.record_beside(
            tx, "sender.stopped", inbox.agency_id, events.DESK, inbox=inbox_id, channel=inbox.channel, reason=error.kind.value,
            code=error.code, why=error.text[:300], pause_s=pause,
        )  # fmt: skip
    return True


async def note_success(tx: AsyncSession, inbox_id: int) -> None:
    """The provider took something, or refused it for what it carried: it does listen to this sender."""
    if await tx.scalar(_WORKS, {"inbox": inbox_id}):
        inbox = (await open_book(tx)).inboxes[inbox_id]
        await events.record_beside(
            tx, "sender.resumed", inbox.agency_id, events.DESK, inbox=inbox_id, channel=inbox.channel
        )


async def works(tx: AsyncSession, inbox_id: int) -> bool:
    """Whether the sender got something through within the last minutes: then a refusal is about the one message."""
    sql = "SELECT ok_at > clock_timestamp() - interval '5 minutes' FROM sender_pace WHERE inbox_id = :inbox"
    return bool(await tx.scalar(text(sql), {"inbox": inbox_id}))
