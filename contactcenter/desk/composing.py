"""What the screen needs to know before somebody writes: to which addresses one may, by which rule, with what beside."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from channels.base import Channel
from contactcenter.desk import consents, undo
from contactcenter.desk.access import Scope
from contactcenter.desk.book import Book, open_book
from contactcenter.desk.kit import Kit
from contactcenter.errors import NotFound
from contactcenter.models import Consent, Endpoint, Message, Participant, Ticket

WAYS = 20
UNPROVEN = ("none", "claimed")


async def compose(tx: AsyncSession, kit: Kit, scope: Scope, ticket: Ticket) -> dict[str, Any]:
    """Whether an answer may be sent now, to where, and why not."""
    own = await tx.get_one(Endpoint, ticket.endpoint_id)
    channel = kit.channels.get(ticket.channel)
    ways = await _ways(tx, kit, ticket)
    mine = next((way for way in ways if way["is_reply_to"]), None)
    why = _why_not(scope, ticket, channel, ways, mine)
    can = channel.capabilities if channel else None
    return {
        "can_reply": why is None, "why_not": why, "channel": ticket.channel, "to": kit.shown(ticket.channel, own.canonical),
        "max_text": can.max_text if can else 0, "endpoints": ways, "copies": bool(can and can.copies),
        "subject": answering(ticket.subject) if can and can.subjects else None,
        "cc": await _copied(tx, kit, ticket, own) if can and can.copies else [], "metered": bool(can and can.metered),
        "undo_s": await _undo(tx, kit, ticket, channel), "warn": mine["warn"] if mine else None,
    }  # fmt: skip


def _why_not(
    scope: Scope, ticket: Ticket, channel: Channel | None, ways: Sequence[dict[str, Any]], mine: dict[str, Any] | None
) -> str | None:
    if channel is None:
        return "channel_off"
    if ticket.status in ("closed", "cancelled"):
        return "closed"
    if "reply:ticket" not in scope.can(ticket.status, ticket.owner_id):
        return "read_only"
    if any(way["may"] for way in ways):
        return None
    return mine["why"] if mine else "bad_address"


async def _ways(tx: AsyncSession, kit: Kit, ticket: Ticket) -> list[dict[str, Any]]:
    """The person's addresses that a channel of ours reaches, the one they wrote from first."""
    book = await open_book(tx)
    rows = await tx.execute(
        select(Endpoint, Consent.state)
        .outerjoin(Consent, (Consent.endpoint_id == Endpoint.id) & (Consent.purpose == "service"))
        .where((Endpoint.contact_id == ticket.contact_id) | (Endpoint.id == ticket.endpoint_id))
        .order_by((Endpoint.id == ticket.endpoint_id).desc(), Endpoint.id)
        .limit(WAYS)
    )
    ways = []
    for endpoint, consent in rows.all():
        name = channel_for(kit, book, ticket, endpoint)
        if name is not None:
            ways.append(await _way(tx, kit, ticket, endpoint, name, consent))
    return ways


def channel_for(kit: Kit, book: Book, ticket: Ticket, endpoint: Endpoint) -> str | None:
    """The channel by which an address of a person is written to; None where the agency has none."""
    if endpoint.id == ticket.endpoint_id:
        return ticket.channel if ticket.channel in kit.channels else None
    ours = {box.channel for box in book.inboxes.values() if box.agency_id == ticket.agency_id}
    fitting = [
        name
        for name, channel in kit.channels.items()
        if name in ours and channel.capabilities.endpoint_kind == endpoint.kind and not channel.capabilities.live
    ]
    return next((name for name in fitting if name == ticket.channel), next(iter(fitting), None))


async def _way(
    tx: AsyncSession, kit: Kit, ticket: Ticket, endpoint: Endpoint, channel: str, consent: str | None
) -> dict[str, Any]:
    why = await consents.why_not(tx, endpoint, kit=kit)
    broken = endpoint.bad_since is not None or endpoint.bad_events > 0
    return {
        "id": endpoint.id, "kind": endpoint.kind, "channel": channel, "shown": kit.shown(channel, endpoint.canonical),
        "may": why is None, "why": why,
        "warn": "doubted" if consent == "doubted" else "bad_address" if broken else None,
        "claimed": endpoint.proof in UNPROVEN and endpoint.level != "confirmed",
        "is_reply_to": endpoint.id == ticket.endpoint_id,
    }  # fmt: skip


async def channel_of(tx: AsyncSession, kit: Kit, ticket: Ticket, endpoint_id: int | None) -> tuple[str, Endpoint]:
    """The channel and address an answer would take. Raises NotFound for an address that is not the person's."""
    endpoint = await tx.get(Endpoint, endpoint_id or ticket.endpoint_id)
    if endpoint is None or (endpoint.contact_id != ticket.contact_id and endpoint.id != ticket.endpoint_id):
        raise NotFound("There is no such address of this person.")
    name = channel_for(kit, await open_book(tx), ticket, endpoint)
    if name is None:
        raise NotFound("There is no such address of this person.")
    return name, endpoint


def answering(subject: str) -> str:
    """The subject of an answer: the mark once, however often it was there before."""
    bare = subject.strip()
    while bare[:3].lower() == "re:":
        bare = bare[3:].strip()
    return f"Re: {bare}" if bare else ""


async def _copied(tx: AsyncSession, kit: Kit, ticket: Ticket, own: Endpoint) -> list[str]:
    """Who takes part beside the person who asked, and whom that person's last letter named; ourselves never."""
    channel = kit.channels[ticket.channel]
    rows = await tx.scalars(
        select(Endpoint.canonical)
        .join(Participant, Participant.endpoint_id == Endpoint.id)
        .where(Participant.ticket_id == ticket.id, Participant.role == "cc")
        .order_by(Participant.added_at)
    )
    last = await tx.scalar(
        select(Message.recipients)
        .where(Message.ticket_id == ticket.id, Message.direction == "in", Message.author_endpoint_id == own.id)
        .order_by(Message.seq.desc())
        .limit(1)
    )
    named = [one["address"] for role in ("to", "cc") for one in (last or {}).get(role, [])]
    ours = {box.address.lower() for box in (await open_book(tx)).inboxes.values() if box.channel == ticket.channel}
    everybody = dict.fromkeys([*rows, *named])
    return [channel.shown(one) for one in everybody if not _is_ours(one, ours) and one.lower() != own.canonical]


def _is_ours(address: str, ours: Collection[str]) -> bool:
    """An address of ours, or one of its plus-addresses: answers come to those."""
    local, _, domain = address.lower().rpartition("@")
    return address.lower() in ours or f"{local.partition('+')[0]}@{domain}" in ours


async def _undo(tx: AsyncSession, kit: Kit, ticket: Ticket, channel: Channel | None) -> int:
    return await undo.seconds(tx, kit, ticket, channel.name) if channel else 0
