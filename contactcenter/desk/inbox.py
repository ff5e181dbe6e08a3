"""Where messages come in: raw first, then threaded onto a ticket, all in one transaction that the provider waits for."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from channels import base
from contactcenter import events
from contactcenter.desk import consents, deliveries, opening, people, reopening, threading, tickets
from contactcenter.desk.kit import Kit
from contactcenter.desk.threading import Match
from contactcenter.ids import uuid7
from contactcenter.models import Attachment, Endpoint, Inbox, Message, Ticket

log = structlog.get_logger()

BODY_IN_ROW = 64 * 1024
PREVIEW = 140

_STORE = text(
    """
    INSERT INTO raw_event (source, source_key, inbox_id, envelope, body, file_hash, sha256, state, correlation)
    VALUES (:source, :key, :inbox, CAST(:envelope AS jsonb), :body, :file, :sha256, :state, :correlation)
    ON CONFLICT (source, source_key) DO NOTHING RETURNING id
    """
)


async def store(tx: AsyncSession, kit: Kit, raw: base.Raw, state: str = "new") -> int | None:
    """Keep what was delivered. Gives the row's id, or None when we had it already."""
    file = await kit.files.put(raw.body) if len(raw.body) > BODY_IN_ROW else None
    stored: int | None = await tx.scalar(
        _STORE,
        {"source": raw.source, "key": raw.source_key[:500], "inbox": raw.inbox.id, "envelope": json.dumps(dict(raw.envelope)),
         "body": None if file else raw.body, "file": file, "sha256": raw.sha256, "state": state,
         "correlation": events.correlation.get()},
    )  # fmt: skip
    return stored


async def receive(tx: AsyncSession, kit: Kit, inbox: Inbox, raw_id: int, items: Sequence[base.Item]) -> list[Ticket]:
    """Do what the parsed items of one raw event say. Gives the tickets that got a message."""
    touched: list[Ticket] = []
    stopped = any(isinstance(item, base.ConsentChange) for item in items)
    for item in items:
        match item:
            case base.Inbound():
                ticket = await receive_message(tx, kit, inbox, raw_id, item, only_known=stopped)
                touched += [ticket] if ticket else []
            case base.Receipt():
                await deliveries.advance(tx, inbox.channel, item)
            case base.ConsentChange():
                await consents.change(tx, inbox.agency_id, item)
            case base.Signal():
                pass  # ephemeral; the socket server passes it on
            case base.Unreadable():
                await mark_unreadable(tx, inbox, raw_id, item.reason)
    return touched


async def mark_unreadable(tx: AsyncSession, inbox: Inbox, raw_id: int, reason: str) -> None:
    """Keep what could not be read where a supervisor sees it and can have it read again."""
    await tx.execute(
        text("UPDATE raw_event SET state = 'failed', error = :reason, lease_until = NULL WHERE id = :id"),
        {"reason": reason[:1000], "id": raw_id},
    )
    await events.record_beside(
        tx, "raw.unreadable", inbox.agency_id, events.DESK, raw=raw_id, channel=inbox.channel, why=reason[:300]
    )


async def receive_message(
    tx: AsyncSession, kit: Kit, inbox: Inbox, raw_id: int, inbound: base.Inbound, *, only_known: bool = False
) -> Ticket | None:
    """Thread one message of a person. None when we had it already, or when a bare STOP finds no open matter.

    Automatic mail is stored and flagged; it never reopens, never counts as waiting and gets no answer.
    """
    now = kit.now()
    await people.serialise(tx, inbox.agency_id, inbound.sender.kind, inbound.sender.canonical)
    if await _seen(tx, inbox, inbound):
        return None
    endpoint = await people.find_or_create(tx, inbox.agency_id, inbound.sender, inbound.hints.language or None)
    channel = kit.channels[inbox.channel]
    found = await threading.match(
        tx, inbox.agency_id, inbound, endpoint, secret=kit.secret, now=now, threads=channel.capabilities.subjects
    )
    if found.how in ("append", "held") and found.ticket_id is not None:
        return await _append(tx, kit, inbox, raw_id, inbound, endpoint, found, now)
    if only_known:
        return None
    linked = found.ticket_id if found.how == "linked" else None
    return await opening.open_ticket(tx, kit, inbox, raw_id, inbound, endpoint, linked_id=linked)


async def _seen(tx: AsyncSession, inbox: Inbox, inbound: base.Inbound) -> bool:
    return bool(
        await tx.scalar(
            text(
                "SELECT true FROM message WHERE inbox_id = :inbox AND external_id = :id AND content_digest = :digest "
                "AND direction = 'in'"
            ),
            {"inbox": inbox.id, "id": inbound.external_id, "digest": inbound.digest},
        )
    )


async def _append(
    tx: AsyncSession, kit: Kit, inbox: Inbox, raw_id: int, inbound: base.Inbound, endpoint: Endpoint, found: Match,
    now: datetime,
) -> Ticket:  # fmt: skip
    assert found.ticket_id is not None
    ticket = await tickets.lock(tx, found.ticket_id)
    held = found.how == "held"
    human = inbound.automation == "none" and not held
    ticket.message_seq += 1
    message = incoming(ticket, inbox, raw_id, inbound, endpoint)
    message.visibility = "held" if held else "public"
    tx.add(message)
    if human:
        ticket.waiting_since = ticket.waiting_since or now
        ticket.preview, ticket.preview_from = preview(inbound), "citizen"
        ticket.next_action_at = min(ticket.next_action_at or now + timedelta(days=1), now + timedelta(days=1))
    await tx.flush()
    await keep_files(tx, kit, message, inbound)
    await events.record(
        tx, "message.received", ticket.id, events.Actor("citizen", endpoint.contact_id), message=message.id, held=held,
        channel=inbox.channel, automation=inbound.automation,
    )  # fmt: skip
    if human:
        await reopening.wake(tx, ticket, now)
    return ticket


def incoming(
    ticket: Ticket, inbox: Inbox, raw_id: int, inbound: base.Inbound, endpoint: Endpoint, seq: int | None = None
) -> Message:
    """The message row of something a person wrote."""
    visible = inbound.text if inbound.text_visible is None else inbound.text_visible
    return Message(
        id=uuid7(), ticket_id=ticket.id, seq=ticket.message_seq if seq is None else seq, direction="in", kind="message",
        visibility="public", author_kind="citizen", author_endpoint_id=endpoint.id, channel=inbox.channel, inbox_id=inbox.id,
        raw_event_id=raw_id, external_id=inbound.external_id or None, content_digest=inbound.digest,
        client_key=inbound.hints.client_key, subject=inbound.subject or None, body_text=visible,
        body_full=inbound.text if visible != inbound.text else None, body_html=inbound.html,
        automation=inbound.automation, signals=list(inbound.signals), auth=inbound.auth,
        sent_at_claimed=inbound.sent_at_claimed, language=inbound.hints.language or None,
    )  # fmt: skip


def preview(inbound: base.Inbound) -> str:
    visible = inbound.text if inbound.text_visible is None else inbound.text_visible
    return " ".join(visible.split())[:PREVIEW]


async def keep_files(tx: AsyncSession, kit: Kit, message: Message, inbound: base.Inbound) -> None:
    for file in inbound.files:
        tx.add(
            Attachment(
                message_id=message.id, sha256=await kit.files.put(file.body), size=len(file.body), type=file.type,
                name=file.name, name_raw=file.name_raw[:500], inline=file.inline, content_id=file.content_id,
            )
        )  # fmt: skip
    if inbound.files:
        await tx.flush()


def raw_of(kit: Kit, row: Any, inbox: Inbox, body: bytes) -> base.Raw:
    """A stored raw event as the adapters read it."""
    from contactcenter.desk.book import channel_inbox

    return base.Raw(row.source, row.source_key, channel_inbox(inbox), row.envelope, row.received_at, body)
