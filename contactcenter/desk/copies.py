"""Copies of a message: one attempt carries them all, and each has an outcome of its own.

A copy's row points at the delivery that carries it (``with_id``). Whom the server asks us to try again goes on alone, with the
same message id and the same head.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from channels.base import SendError
from contactcenter.desk import refusals

UNSENT = "('held', 'queued', 'unknown')"

_OF = text(
    f"""
    SELECT d.id, d.ticket_id, d.message_id, d.endpoint_id, d.role, d.state, e.canonical FROM delivery d
    JOIN endpoint e ON e.id = d.endpoint_id JOIN delivery l ON l.id = d.with_id AND l.lease_token = :token
    WHERE d.with_id = :lead AND d.state IN {UNSENT} ORDER BY d.id FOR UPDATE OF d
    """  # noqa: S608 - a constant
)


async def of(tx: AsyncSession, lead: int, token: UUID) -> list[Any]:
    """The copies that still travel with a delivery whose lease is ours, locked; a late zombie finds none."""
    return list((await tx.execute(_OF, {"lead": lead, "token": token})).all())


async def settle(
    tx: AsyncSession,
    lead: int,
    token: UUID,
    refused: Mapping[str, SendError],
    later: Mapping[str, SendError],
    wait: timedelta,
) -> None:
    """The server took the message: write down what it said of each copy."""
    for row in await of(tx, lead, token):
        if row.canonical in refused:
            await _end(tx, row, "failed", refused[row.canonical])
        elif row.canonical in later:
            await _part(tx, row.id, later[row.canonical], wait)
        else:
            await _end(tx, row, "sent")


async def end_all(tx: AsyncSession, lead: int, token: UUID, state: str, error: SendError | None) -> None:
    """What became of the delivery became of its copies."""
    for row in await of(tx, lead, token):
        await _end(tx, row, state, error)


async def follow(tx: AsyncSession, lead: int, state: str) -> None:
    """The copies wait as their delivery does: *queued*, or *unknown* to all of them."""
    await tx.execute(
        text(
            f"UPDATE delivery SET state = :state, updated_at = clock_timestamp() WHERE with_id = :lead AND state IN {UNSENT}"  # noqa: S608 - a constant
        ),
        {"lead": lead, "state": state},
    )


async def leave_out(tx: AsyncSession, row: Any) -> None:
    """This person asked us not to write, after the message was written: it goes to the others only."""
    await tx.execute(
        text(
            "UPDATE delivery SET state = 'canceled', error_kind = 'opted_out', with_id = NULL, updated_at = clock_timestamp() "
            "WHERE id = :id"
        ),
        {"id": row.id},
    )
    await refusals.tell(tx, row.ticket_id, row.message_id, "canceled", "opted_out", copy_to=row.endpoint_id)


async def _end(tx: AsyncSession, row: Any, state: str, error: SendError | None = None) -> None:
    await tx.execute(
        text(
            "UPDATE delivery SET state = :state, error_kind = :kind, error_code = :code, error_text = :words, "
            "handed_at = clock_timestamp(), updated_at = clock_timestamp() WHERE id = :id"
        ),
        {"id": row.id, "state": state, "kind": error.kind.value if error else None, "code": error.code if error else None,
         "words": error.text[:500] if error else None},
    )  # fmt: skip
    await refusals.tell(tx, row.ticket_id, row.message_id, state, error.text if error else "", copy_to=row.endpoint_id)
    if error is not None:
        await refusals.learn(tx, row.ticket_id, row.message_id, row.endpoint_id, error, state, copy=True)


async def _part(tx: AsyncSession, copy_id: int, error: SendError, wait: timedelta) -> None:
    """From now on this copy is tried by itself."""
    await tx.execute(
        text(
            "UPDATE delivery SET with_id = NULL, state = 'queued', attempts = 1, error_kind = :kind, error_code = :code, "
            "error_text = :words, due_at = clock_timestamp() + CAST(:wait AS interval), updated_at = clock_timestamp() WHERE id = :id"
        ),
        {"id": copy_id, "kind": error.kind.value, "code": error.code, "words": error.text[:500], "wait": wait},
    )
    await tx.execute(
        text(
            "INSERT INTO delivery_attempt (delivery_id, token, ended_at, outcome, text) "
            "SELECT id, gen_random_uuid(), clock_timestamp(), 'put_back', :words FROM delivery WHERE id = :id"
        ),
        {"id": copy_id, "words": error.text[:500]},
    )


async def head(tx: AsyncSession, message_id: UUID) -> list[Any]:
    """Everybody a message goes to, the person themselves first: (id, with_id, role, state, endpoint_id, canonical)."""
    rows = await tx.execute(
        text(
            "SELECT d.id, d.ticket_id, d.message_id, d.with_id, d.role, d.state, d.endpoint_id, e.canonical FROM delivery d "
            "JOIN endpoint e ON e.id = d.endpoint_id WHERE d.message_id = :message ORDER BY (d.role = 'to') DESC, d.id"
        ),
        {"message": message_id},
    )
    return list(rows.all())
