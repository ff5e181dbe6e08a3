"""Where messages come in: raw first, then threaded onto a ticket, all in one transaction that the provider waits for."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, Literal
from uuid import UUID

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from channels import base
from contactcenter import events
from contactcenter.db import Database
from contactcenter.desk import (
    commands,
    consents,
    filing,
    loops,
    media,
    opening,
    participants,
    people,
    questions,
    reopening,
    reports,
    threading,
    tickets,
)
from contactcenter.desk.filing import Sender
from contactcenter.desk.kit import Kit
from contactcenter.desk.threading import Match
from contactcenter.errors import DeskError
from contactcenter.ids import uuid7
from contactcenter.models import Attachment, Inbox

log = structlog.get_logger()
Visible = Literal["public", "held", "internal"]
BODY_IN_ROW = 64 * 1024
PREVIEW = 140

_STORE = text(
    """
    INSERT INTO raw_event (source, source_key, inbox_id, envelope, body, file_hash, sha256, state, correlation)
    VALUES (:source, :source_key, :inbox, CAST(:envelope AS jsonb), :body, :file, :sha256, :state, :correlation)
    ON CONFLICT (source, source_key) DO NOTHING
    RETURNING id
    """
)


def lock_of(inbox: Inbox, items: Sequence[base.Item]) -> int | None:
    """The lock of a lone message's sender, so that the transaction begins with it; None where there is more to do."""
    if len(items) == 1 and isinstance(items[0], base.Inbound):
        return people.lock_of(inbox.agency_id, items[0].sender.kind, items[0].sender.canonical)
    return None


async def take(tx: AsyncSession, kit: Kit, inbox: Inbox, raw: base.Raw, items: Sequence[base.Item]) -> bool:
    """Keep one raw event and do what its items say, in ``Database.straight(lock_of(...))``. False when we had it already."""
    match items:
        case [base.Inbound() as inbound]:
            found = await filing.keep_and_look(tx, inbox, inbound, kit.now(), await _raw_values(kit, raw, "done"))
            if found is not None:
                raw_id, sender = found
                await receive_message(tx, kit, inbox, raw_id, inbound, sender=sender)
            return found is not None
        case _:
            stored = await store(tx, kit, raw, "done")
            if stored is not None:
                await receive(tx, kit, inbox, stored, items)
            return stored is not None


async def take_stored(tx: AsyncSession, kit: Kit, inbox: Inbox, raw_id: int, items: Sequence[base.Item]) -> None:
    """File a lone message that was kept earlier, in ``Database.straight(lock_of(...))``, and mark its raw event as done; nothing
    when somebody else has done that meanwhile."""
    (inbound,) = items
    assert isinstance(inbound, base.Inbound)
    sender = await filing.done_and_look(tx, inbox, inbound, kit.now(), raw_id)
    if sender is None:
        return
    about = await reports.about(tx, kit, inbox, items, ())
    await receive_message(tx, kit, inbox, raw_id, inbound, sender=sender, about=about)


async def take_safely(
    database: Database, kit: Kit, inbox: Inbox, raw: base.Raw, items: Sequence[base.Item]
) -> Literal["accepted", "repeat", "unreadable"]:
    """``take`` in a transaction of its own. What cannot be filed is neither lost nor refused for ever: it is kept as unreadable.

    Raises StoreAway.
    """
    try:
        async with database.straight(lock_of(inbox, items)) as tx:
            new = await take(tx, kit, inbox, raw, items)
        return "accepted" if new else "repeat"
    except DeskError:
        raise
    except Exception as error:  # whatever broke, the provider has delivered, and somebody must see it
        log.exception("receive_broke", channel=inbox.channel)
        async with database.transaction() as tx:
            raw_id = await store(tx, kit, raw, "failed")
            if raw_id is not None:
                await mark_unreadable(tx, inbox, raw_id, f"could not be filed: {type(error).__name__}")
        return "unreadable"


async def keep(database: Database, kit: Kit, raw: base.Raw) -> bool:
    """Keep what is read later, in a transaction of its own; False when we had it already. Raises StoreAway, and OSError where
    the folder of large bodies takes nothing."""
    values = await _raw_values(kit, raw, "new")
    async with database.alone() as driver:
        return await filing.keep(driver, values) is not None


async def store(tx: AsyncSession, kit: Kit, raw: base.Raw, state: str = "new") -> int | None:
    """Keep what was delivered. Gives the row's id, or None when we had it already."""
    stored: int | None = await tx.scalar(_STORE, await _raw_values(kit, raw, state))
    return stored


async def _raw_values(kit: Kit, raw: base.Raw, state: str) -> dict[str, Any]:
    file = await kit.files.put(raw.body) if len(raw.body) > BODY_IN_ROW else None
    return {
        "source": raw.source, "source_key": raw.source_key[:500], "inbox": raw.inbox.id,
        "envelope": json.dumps(dict(raw.envelope)), "body": None if file else raw.body, "file": file, "sha256": raw.sha256,
        "state": state, "correlation": events.correlation.get(),
    }  # fmt: skip


async def receive(tx: AsyncSession, kit: Kit, inbox: Inbox, raw_id: int, items: Sequence[base.Item]) -> list[int]:
    """Do what the parsed items of one raw event say. Gives the ids of the tickets that got a message."""
    touched: list[int] = []
    stopped = any(isinstance(item, base.ConsentChange) and item.state != "doubted" for item in items)
    receipts = [item for item in items if isinstance(item, base.Receipt)]
    about = await reports.about(tx, kit, inbox, items, receipts)
    for item in items:
        match item:
            case base.Inbound():
                ticket_id = await receive_message(
                    tx, kit, inbox, raw_id, item, only_known=stopped, about=about,
                    returned=about is None and item.automation == "bounce" and bool(receipts),
                )  # fmt: skip
                touched += [ticket_id] if ticket_id else []
            case base.ConsentChange():
                await consents.change(tx, inbox.agency_id, item, kit=kit, now=kit.now())
            case base.Signal():
                pass  # ephemeral; the socket server passes it on
            case base.Unreadable():
                await mark_unreadable(tx, inbox, raw_id, item.reason)
    await reports.apply(tx, inbox, receipts)
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
    tx: AsyncSession, kit: Kit, inbox: Inbox, raw_id: int, inbound: base.Inbound, *, only_known: bool = False,
    sender: Sender | None = None, about: int | None = None, returned: bool = False,
) -> int | None:  # fmt: skip
    """Thread one message of a person; gives the ticket's id. None when we had it already, when the desk itself answered it, or
    when a bare STOP finds no open matter. ``sender``: who wrote, where their lock is held and they were looked up.

    Automatic mail is stored and flagged; it never reopens, never counts as waiting and gets no answer. ``about``: the ticket of
    the send that it reports on; ``returned``: it reports on a send that we know nothing of.
    """
    now = kit.now()
    if sender is None:
        await people.serialise(tx, inbox.agency_id, inbound.sender.kind, inbound.sender.canonical)
        sender = await filing.look(tx, inbox, inbound, now)
    if sender.seen:
        return None
    if about is not None:
        await _append(tx, kit, inbox, raw_id, inbound, sender, about, "internal")
        await loops.note_automatic(tx, about)
        return about
    found = await _match(tx, kit, inbox, raw_id, inbound, sender, only_known=only_known)
    if found is None or found.how == "seen":
        return None
    if found.how in ("append", "held") and found.ticket_id is not None:
        visible: Visible = "held" if found.how == "held" else "public"
        await _append(tx, kit, inbox, raw_id, inbound, sender, found.ticket_id, visible, asks=not only_known)
        return found.ticket_id
    return None if only_known else await _open(tx, kit, inbox, raw_id, inbound, sender, found, returned=returned)


async def _match(
    tx: AsyncSession, kit: Kit, inbox: Inbox, raw_id: int, inbound: base.Inbound, sender: Sender, *, only_known: bool
) -> Match | None:
    """Where the message belongs; None when the desk has answered or asked, and stored it by that."""
    if not only_known:
        if await commands.answer(tx, kit, inbox, inbound, sender, raw_id=raw_id):
            return None
        chosen = await questions.which(tx, kit, inbox, inbound, sender, raw_id=raw_id)
        if chosen is not None:
            return None if chosen == "asked" else chosen
    channel = kit.channels[inbox.channel]
    return await threading.match(tx, channel, inbox.agency_id, inbound, sender, secret=kit.secret, now=kit.now())


async def _open(
    tx: AsyncSession, kit: Kit, inbox: Inbox, raw_id: int, inbound: base.Inbound, sender: Sender, found: Match, *,
    returned: bool,
) -> int:  # fmt: skip
    ticket_id = await opening.open_ticket(
        tx, kit, inbox, raw_id, inbound, sender, linked_id=found.ticket_id if found.how == "linked" else None,
        maybe_id=found.maybe, maybe_why=found.why or None,
    )  # fmt: skip
    if returned:
        await reports.set_aside(tx, ticket_id, kit.now())
    return ticket_id


async def _append(
    tx: AsyncSession,
    kit: Kit,
    inbox: Inbox,
    raw_id: int | None,
    inbound: base.Inbound,
    sender: Sender,
    ticket_id: int,
    visibility: Visible,
    *,
    asks: bool = True,
) -> UUID:
    """``asks``: somebody waits for an answer; a bare STOP or START wants none."""
    now = kit.now()
    if sender.endpoint_id is None:
        endpoint = await people.find_or_create(tx, inbox.agency_id, inbound.sender, inbound.hints.language or None)
        sender = replace(sender, endpoint_id=endpoint.id, contact_id=endpoint.contact_id)
    held = visibility == "held"
    human = asks and inbound.automation == "none" and visibility == "public"
    message_id = uuid7()
    story = {"message": str(message_id), "held": held, "channel": inbox.channel, "automation": inbound.automation}
    status = await filing.append(
        tx,
        filing.message_values(inbox, raw_id, inbound, message_id, visibility)
        | {"ticket": ticket_id, "endpoint": sender.endpoint_id, "contact": sender.contact_id, "human": human, "now": now,
           "later": now + timedelta(days=1), "preview": preview(inbound), "story": story},
    )  # fmt: skip
    await keep_files(tx, kit, message_id, inbound)
    if held and sender.endpoint_id is not None:
        await participants.note(tx, ticket_id, sender.endpoint_id, "held")
    if human and status in reopening.ASLEEP:
        await reopening.wake(tx, await tickets.lock(tx, ticket_id), now)
        if status == "closed":
            await loops.note_reopening(tx, ticket_id)
    if inbound.automation != "none" and visibility != "internal":
        await loops.note_automatic(tx, ticket_id)
    return message_id


def preview(inbound: base.Inbound) -> str:
    visible = inbound.text if inbound.text_visible is None else inbound.text_visible
    return " ".join(visible.split())[:PREVIEW]


async def keep_files(tx: AsyncSession, kit: Kit, message_id: UUID, inbound: base.Inbound) -> None:
    """Files that came along, and those that are still to be fetched."""
    for file in inbound.files:
        tx.add(
            Attachment(
                message_id=message_id, sha256=await kit.files.put(file.body), size=len(file.body), type=file.type,
                name=file.name, name_raw=file.name_raw[:500], inline=file.inline, content_id=file.content_id,
                type_declared=file.type_declared[:200], scan="pending" if kit.scans else "skipped",
            )
        )  # fmt: skip
    if inbound.files:
        await tx.flush()
    if inbound.media:
        await media.keep_pending(tx, message_id, inbound.media)


def raw_of(kit: Kit, row: Any, inbox: Inbox, body: bytes) -> base.Raw:
    """A stored raw event as the adapters read it."""
    from contactcenter.desk.book import channel_inbox

    return base.Raw(row.source, row.source_key, channel_inbox(inbox), row.envelope, row.received_at, body)
