"""To which ticket a message belongs. A hint is a proposal; whoever is no participant is never merged and gets no history."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import desc, select
from sqlalchemy.ext.asyncio import AsyncSession

from channels.base import Inbound
from contactcenter.desk.filing import Sender
from contactcenter.desk.references import read_reply_token
from contactcenter.models import Message, Ticket

MAX_REFERENCES = 30


@dataclass(frozen=True, slots=True)
class Match:
    """``how``: *append*; *held* (a stranger holds a valid token: an agent decides); *linked* (a stranger's forward: a new
    ticket that points here); *new*."""

    how: Literal["append", "held", "linked", "new"]
    ticket_id: int | None = None


NEW = Match("new")


async def match(
    tx: AsyncSession, agency_id: int, inbound: Inbound, sender: Sender, *, secret: bytes, now: datetime, threads: bool
) -> Match:
    """The first of: reply token, our message ids, ids of the person's earlier mails, the endpoint's own matter.

    ``threads``: the channel has threads of its own, so a message without one is a new matter. A sender that failed
    authentication is never a participant.
    """
    trusted = inbound.auth != "fail"
    token = read_reply_token(secret, inbound.hints.reply_token) if inbound.hints.reply_token else None
    if token is not None:
        ticket = await _ticket(tx, agency_id, token[0])
        if ticket is not None and not _expired(ticket, now):
            known = sender.endpoint_id is not None and token[1] == sender.endpoint_id
            known = known or (sender.contact_id is not None and sender.contact_id == ticket.contact_id)
            return Match("append" if known and trusted else "held", ticket.id)
    for reference in inbound.hints.references[:MAX_REFERENCES]:
        ticket_id = await _ticket_of_reference(tx, agency_id, reference)
        if ticket_id is not None:
            ticket = await _ticket(tx, agency_id, ticket_id)
            if ticket is not None and not _expired(ticket, now):
                mine = trusted and sender.contact_id is not None and sender.contact_id == ticket.contact_id
                return Match("append", ticket.id) if mine else Match("linked", ticket.id)
    if threads or sender.own_ticket is None:
        return NEW
    return Match("append", sender.own_ticket)


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
