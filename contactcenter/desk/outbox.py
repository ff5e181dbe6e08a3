"""What waits to go out: which delivery is next on its address, which is due, and which nobody was rung for."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from contactcenter.desk import receipts, refusals

BEFORE_IT = """SELECT 1 FROM delivery e WHERE e.endpoint_id = d.endpoint_id AND e.id < d.id AND e.channel = d.channel
  AND e.with_id IS NULL AND e.lane <= greatest(d.lane, 1) AND (d.proactive OR NOT e.proactive)
  AND e.state IN ('held', 'queued', 'sending', 'unknown')"""
"""What has to leave an address before the delivery ``d`` may: everything written earlier, but no answer waits for post that goes
to many or for what waits for the morning."""

_MAY_LEAVE = f"(d.inbox_id IS NULL OR d.released_at IS NOT NULL) AND d.with_id IS NULL AND NOT EXISTS ({BEFORE_IT})"


async def due(tx: AsyncSession, limit: int = 200) -> list[int]:
    """Deliveries that wait for somebody: due and not rung for in the last two seconds, or left by a dead process."""
    rows = await tx.scalars(
        text(
            f"""
            UPDATE delivery SET rung_at = clock_timestamp() WHERE id IN (
              SELECT d.id FROM delivery d WHERE d.state IN ('queued','sending','unknown') AND d.due_at <= clock_timestamp()
                AND d.rung_at < clock_timestamp() - interval '2 seconds'
                AND (d.state <> 'sending' OR d.lease_until < clock_timestamp())
                AND {_MAY_LEAVE}
              ORDER BY d.due_at LIMIT :limit FOR UPDATE SKIP LOCKED)
            RETURNING id
            """  # noqa: S608 - constants
        ),
        {"limit": limit},
    )
    return list(rows)


async def waiting_from(tx: AsyncSession, first_id: int, limit: int = 200) -> list[int]:
    """Queued and due deliveries from ``first_id`` on, the first on each address; marked as rung for."""
    rows = await tx.scalars(
        text(
            f"""
            UPDATE delivery SET rung_at = clock_timestamp() WHERE id IN (
              SELECT d.id FROM delivery d WHERE d.id >= :first AND d.state = 'queued' AND d.due_at <= clock_timestamp()
                AND {_MAY_LEAVE}
              ORDER BY d.id LIMIT :limit FOR UPDATE SKIP LOCKED)
            RETURNING id
            """  # noqa: S608 - constants
        ),
        {"first": first_id, "limit": limit},
    )
    return sorted(rows)


async def next_on_address(tx: AsyncSession, endpoint_id: int, after_id: int) -> int | None:
    """The delivery that may follow now that the one before it has left."""
    found: int | None = await tx.scalar(
        text(
            "SELECT id FROM delivery WHERE endpoint_id = :endpoint AND id > :after AND state = 'queued' AND with_id IS NULL "
            "AND due_at <= clock_timestamp() ORDER BY id LIMIT 1"
        ),
        {"endpoint": endpoint_id, "after": after_id},
    )
    return found


async def end_undo(tx: AsyncSession, limit: int = 50) -> list[int]:
    """What can no longer be taken back goes its way: the time is over, or the ticket was closed. Gives those that may leave."""
    rows = (
        await tx.execute(
            text(
                """
                UPDATE delivery SET state = 'queued', due_at = clock_timestamp(), rung_at = clock_timestamp(),
                  updated_at = clock_timestamp()
                WHERE id IN (SELECT d.id FROM delivery d JOIN ticket t ON t.id = d.ticket_id
                  WHERE d.state = 'held' AND d.with_id IS NULL AND (d.due_at <= clock_timestamp() OR t.status = 'closed')
                  ORDER BY d.id LIMIT :limit FOR UPDATE OF d SKIP LOCKED)
                RETURNING id, ticket_id, message_id
                """
            ),
            {"limit": limit},
        )
    ).all()
    if rows:
        await tx.execute(
            text("UPDATE delivery SET state = 'queued' WHERE with_id = ANY(:leads) AND state = 'held'"),
            {"leads": [row.id for row in rows]},
        )
    for row in sorted(rows, key=lambda one: (one.ticket_id, one.id)):
        await refusals.tell(tx, row.ticket_id, row.message_id, "queued")
    return sorted(row.id for row in rows)


async def note_delayed(tx: AsyncSession, limit: int = 50) -> None:
    """After half an hour of trying the agent sees that it is late, whether or not the next try is due."""
    rows = await tx.execute(
        text(
            """
            UPDATE delivery SET delayed_at = clock_timestamp() WHERE id IN (
              SELECT d.id FROM delivery d WHERE d.state IN ('queued', 'unknown') AND d.delayed_at IS NULL AND d.with_id IS NULL
                AND (SELECT min(a.started_at) FROM delivery_attempt a WHERE a.delivery_id = d.id)
                  < clock_timestamp() - interval '30 minutes'
              ORDER BY d.id LIMIT :limit FOR UPDATE SKIP LOCKED)
            RETURNING ticket_id, message_id, error_text
            """
        ),
        {"limit": limit},
    )
    for ticket_id, message_id, why in sorted(rows.all(), key=lambda row: (row[0], str(row[1]))):
        await receipts.say_delayed(tx, ticket_id, message_id, why or "")
