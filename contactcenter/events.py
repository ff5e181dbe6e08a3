"""The event log: every change writes one fact, in the past tense, in the transaction of the change."""

import json
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

correlation: ContextVar[str] = ContextVar("correlation", default="")
"""One id from the webhook to the send; bound by the edges, written into every row on the way."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it. ``id``: a staff id or a contact id; None for the desk itself."""

    kind: Literal["staff", "citizen", "system"]
    id: int | None = None
    name: str = ""


DESK = Actor("system")

_ON_TICKET = text(
    """
    WITH t AS (UPDATE ticket SET event_seq = event_seq + 1, updated_at = clock_timestamp() WHERE id = :ticket
               RETURNING event_seq, agency_id)
    INSERT INTO event (agency_id, ticket_id, seq, type, actor_kind, actor_id, data, correlation)
    SELECT t.agency_id, :ticket, t.event_seq, :type, :actor_kind, :actor_id, :data, :correlation FROM t
    RETURNING seq
    """
).bindparams(bindparam("data", type_=JSONB))

_BESIDE = text(
    """
    INSERT INTO event (agency_id, ticket_id, type, actor_kind, actor_id, data, correlation)
    VALUES (:agency, :ticket, :type, :actor_kind, :actor_id, :data, :correlation)
    """
).bindparams(bindparam("data", type_=JSONB))


async def record(tx: AsyncSession, kind: str, ticket_id: int, actor: Actor, **data: Any) -> int:
    """Write a fact of a ticket's story and give its number in that story. Takes the ticket's row lock."""
    tx.info["wrote_events"] = True
    seq = await tx.scalar(
        _ON_TICKET,
        {"ticket": ticket_id, "type": kind, "actor_kind": actor.kind, "actor_id": actor.id,
         "data": plain(data), "correlation": correlation.get()},
    )  # fmt: skip
    assert isinstance(seq, int), f"no ticket {ticket_id}"
    return seq


async def record_beside(
    tx: AsyncSession, kind: str, agency_id: int, actor: Actor, *, ticket_id: int | None = None, **data: Any
) -> None:
    """Write a fact that belongs to no ticket's story: a sign-in, a view, an agent's state, a refused webhook."""
    tx.info["wrote_events"] = True
    await tx.execute(
        _BESIDE,
        {"agency": agency_id, "ticket": ticket_id, "type": kind, "actor_kind": actor.kind, "actor_id": actor.id,
         "data": plain(data), "correlation": correlation.get()},
    )  # fmt: skip


def plain(data: dict[str, Any]) -> dict[str, Any]:
    """The data as JSON holds it: ids and times become strings."""
    shaped: dict[str, Any] = json.loads(json.dumps(data, default=str))
    return shaped
