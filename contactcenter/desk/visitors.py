"""Live visitors: a browser with a token that is stored hashed, rotated at each resume, and never in a URL."""

import secrets
from datetime import timedelta

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from channels.base import Address, Proof
from contactcenter.desk.kit import Kit
from contactcenter.desk.sessions import digest
from contactcenter.errors import Forbidden
from contactcenter.models import Endpoint, Inbox, Message, Ticket, Visitor

LIFE = timedelta(days=30)
OVERLAP = timedelta(seconds=60)
"""How long the token before the last rotation stays good: the answer that carried the new one may have been lost."""


async def admit(
    tx: AsyncSession, kit: Kit, inbox: Inbox, token: str | None, language: str, origin: str
) -> tuple[Visitor, str]:
    """The visitor of a token, or a new one; with the token to use next time. Raises Forbidden for a token that is not ours."""
    fresh = secrets.token_urlsafe(32)
    now = kit.now()
    if token is None:
        visitor = Visitor(
            agency_id=inbox.agency_id, inbox_id=inbox.id, canonical=f"v-{secrets.token_hex(16)}", token_hash=digest(fresh),
            origin=origin, language=language, expires_at=now + LIFE,
        )  # fmt: skip
        tx.add(visitor)
        await tx.flush()
        return visitor, fresh
    old = digest(token)
    found = await tx.scalar(
        select(Visitor)
        .where((Visitor.token_hash == old) | ((Visitor.previous_hash == old) & (Visitor.previous_until > now)))
        .with_for_update()
    )
    if (
        found is None
        or found.inbox_id != inbox.id
        or found.ended_at
        or found.expires_at < now
        or found.origin != origin
    ):
        raise Forbidden("This conversation cannot be taken up again here.", slug="unknown_token")
    found.previous_hash, found.previous_until = found.token_hash, now + OVERLAP
    found.token_hash, found.expires_at = digest(fresh), now + LIFE
    found.language = language or found.language
    await tx.flush()
    return found, fresh


def address(visitor: Visitor, kind: str) -> Address:
    return Address(kind, visitor.canonical, visitor.canonical, Proof.CLAIMED, visitor.name)


async def set_out(tx: AsyncSession, visitor_id: int, name: str, topic: str, language: str) -> None:
    """What the visitor told us before the first message."""
    await tx.execute(
        text("UPDATE visitor SET name = :name, topic = :topic, language = :language WHERE id = :id"),
        {"id": visitor_id, "name": name[:100], "topic": topic[:100], "language": language},
    )


async def heartbeat(tx: AsyncSession, visitor_ids: list[int]) -> None:
    await tx.execute(text("UPDATE visitor SET seen_at = clock_timestamp() WHERE id = ANY(:ids)"), {"ids": visitor_ids})


async def ticket_of(tx: AsyncSession, canonical: str, agency_id: int) -> Ticket | None:
    """The visitor's matter: the latest ticket on their endpoint."""
    found: Ticket | None = await tx.scalar(
        select(Ticket)
        .join(Endpoint, Endpoint.id == Ticket.endpoint_id)
        .where(Endpoint.canonical == canonical, Endpoint.agency_id == agency_id)
        .order_by(text("(ticket.status <> 'closed') DESC"), Ticket.id.desc())
        .limit(1)
    )
    return found


async def public_messages(tx: AsyncSession, ticket_id: int, after: int, limit: int = 500) -> list[Message]:
    """What the citizen may see of a ticket, in order."""
    return list(
        await tx.scalars(
            select(Message)
            .where(Message.ticket_id == ticket_id, Message.seq > after, Message.visibility == "public")
            .order_by(Message.seq)
            .limit(limit)
        )
    )


async def position(tx: AsyncSession, ticket: Ticket) -> int | None:
    """The place in the queue, among tickets of the same queue and channel; None when it does not wait."""
    if ticket.status not in ("queued", "offered"):
        return None
    before: int = await tx.scalar(
        text(
            "SELECT count(*) FROM ticket WHERE queue_id = :queue AND channel = :channel AND status IN ('queued','offered') "
            "AND (va, id) < (:va, :id)"
        ),
        {"queue": ticket.queue_id, "channel": ticket.channel, "va": ticket.va, "id": ticket.id},
    )
    return before + 1
