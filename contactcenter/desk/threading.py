"""To which ticket a message belongs. A hint is a proposal; whoever is no participant is never merged and gets no history."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import desc, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from channels.base import Inbound
from contactcenter.desk.references import read_reply_token
from contactcenter.models import Endpoint, Message, Ticket
from contactcenter.models.tickets import OPEN

MAX_REFERENCES = 30


@dataclass(frozen=True, slots=True)
class Match:
    """``how``: *append*; *held* (a stranger holds a valid token: an agent decides); *linked* (a stranger's forward: a new
    ticket that points here); *new*."""

    how: Literal["append", "held", "linked", "new"]
    ticket_id: int | None = None


NEW = Match("new")


async def match(
    tx: AsyncSession,
    agency_id: int,
    inbound: Inbound,
    endpoint: Endpoint,
    *,
    secret: bytes,
    now: datetime,
    threads: bool,
) -> Match:
    """The first of: reply token, our message ids, ids of the person's earlier mails, the endpoint's own matter.

    ``threads``: the channel has threads of its own, so a message without one is a new matter. A sender that failed
    authentication is never a participant.
    """
    trusted = inbound.auth != "fail"
    token = read_reply_token(secret, inbound.hints.reply_token)
    if token is not None:
        ticket = await _ticket(tx, agency_id, token[0])
        if ticket is not None and not _expired(ticket, now):
            known = trusted and (endpoint.id == token[1] or endpoint.contact_id == ticket.contact_id)
            return Match("append" if known else "held", ticket.id)
    for reference in inbound.hints.references[:MAX_REFERENCES]:
        ticket_id = await _ticket_of_reference(tx, agency_id, reference)
        if ticket_id is not None:
            ticket = await _ticket(tx, agency_id, ticket_id)
            if ticket is not None and not _expired(ticket, now):
                mine = trusted and endpoint.contact_id == ticket.contact_id
                return Match("append", ticket.id) if mine else Match("linked", ticket.id)
    return NEW if threads else await _own_matter(tx, endpoint, now)


async def _ticket(tx: AsyncSession, agency_id: int, ticket_id: int) -> Ticket | None:
    found: Ticket | None = await tx.scalar(select(Ticket).where(Ticket.id == ticket_id, Ticket.agency_id == agency_id))
    return found


def _expired(ticket: Ticket, now: datetime) -> bool:
    return ticket.closed_at is not None and ticket.closed_at < now - timedelta(days=90)


async def _ticket_of_reference(tx: AsyncSession, agency_id: int, reference: str) -> int | None:
    found: int | None = await tx.scalar(
        select(Message.ticket_id)
        .join(Ticket, Ticket.id == Message.ticket_id)
        .where(Message.external_id == reference, Ticket.agency_id == agency_id)
        .order_by(desc(Message.direction == "out"), Message.created_at)
        .limit(1)
    )
    return found


async def _own_matter(tx: AsyncSession, endpoint: Endpoint, now: datetime) -> Match:
    """The endpoint's open matter, the latest if there are several; else one closed so recently that this contests it."""
    found = await tx.scalar(
        select(Ticket.id)
        .where(
            Ticket.endpoint_id == endpoint.id,
            text(
                f"({OPEN} OR (status = 'closed' AND closed_at > CAST(:now AS timestamptz) - make_interval(days => "  # noqa: S608 - a constant
                "(SELECT reopen_days FROM queue WHERE queue.id = ticket.queue_id)::int)))"
            ).bindparams(now=now),
        )
        .order_by(text(f"({OPEN}) DESC"), Ticket.updated_at.desc())
        .limit(1)
    )
    return Match("append", found) if found is not None else NEW
