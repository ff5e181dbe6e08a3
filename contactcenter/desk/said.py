"""How messages are shown to staff: what was said, by whom, to whom, how far it is believed and what became of it."""

import re
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Select, Uuid, and_, any_, bindparam, exists, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from contactcenter.desk.kit import Kit
from contactcenter.desk.shown import FRESH, moment
from contactcenter.models import Attachment, Contact, Delivery, Endpoint, Message, RawEvent, Staff, Ticket

PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp")
"""Types of files that a screen may show; every other one is only saved."""
AWAY = re.compile(r'<img\b(?=[^<>]*\sdata-remote="https://)')
"""A picture that lies with the sender, as the sanitiser left it."""
Copy = aliased(Delivery)


async def messages(
    tx: AsyncSession, kit: Kit, where: ColumnElement[bool], *, newest: int | None = None
) -> list[dict[str, Any]]:
    """Messages under a condition, in order; ``newest``: only the last so many."""
    query = _messages_query().where(where)
    query = (
        query.order_by(Message.seq.desc()).limit(newest) if newest else query.order_by(Message.ticket_id, Message.seq)
    )
    shown = await _whole(tx, kit, (await tx.execute(query, execution_options=FRESH)).all())
    return shown[::-1] if newest else shown


async def messages_told(tx: AsyncSession, kit: Kit, ids: Iterable[UUID]) -> dict[str, dict[str, Any]]:
    """By id: messages as the socket server tells them."""
    rows = await tx.execute(_messages_told_query(), {"ids": list(ids)}, execution_options=FRESH)
    return {message["id"]: message for message in await _whole(tx, kit, rows.all())}


@cache
def _messages_told_query() -> "Select[*tuple[Any, ...]]":
    return _messages_query().where(Message.id == any_(bindparam("ids", type_=ARRAY(Uuid))))


@cache  # to put such a query together takes longer than to run it
def _messages_query() -> "Select[*tuple[Any, ...]]":
    """One row for each message: its copies and files are asked for once, and only where there are some."""
    return (
        select(
            Message, Ticket.reference, Staff.name.label("staff"), Contact.name.label("citizen"), Endpoint.canonical, Delivery,
            exists().where(Attachment.message_id == Message.id).label("has_files"),
            exists().where(Copy.with_id == Delivery.id).label("has_copies"),
            RawEvent.envelope.label("envelope"),
        )
        .join(Ticket, Ticket.id == Message.ticket_id)
        .outerjoin(Staff, Staff.id == Message.author_staff_id)
        .outerjoin(Endpoint, Endpoint.id == Message.author_endpoint_id)
        .outerjoin(Contact, Contact.id == Endpoint.contact_id)
        .outerjoin(Delivery, and_(Delivery.message_id == Message.id, Delivery.with_id.is_(None)))
        .outerjoin(RawEvent, RawEvent.id == Message.raw_event_id)
    )  # fmt: skip


async def _whole(tx: AsyncSession, kit: Kit, rows: Sequence[Any]) -> list[dict[str, Any]]:
    files = await _files(tx, [row[0].id for row in rows if row.has_files])
    copies = await _copies(tx, kit, [row[5].id for row in rows if row.has_copies])
    return [_message(kit, row, files.get(row[0].id, []), copies.get(row[5].id if row[5] else 0, [])) for row in rows]


def _message(kit: Kit, row: Any, files: list[dict[str, Any]], copies: list[dict[str, Any]]) -> dict[str, Any]:
    message: Message = row[0]
    return {
        "id": str(message.id),
        "ref": row.reference,
        "seq": message.seq,
        "direction": message.direction,
        "kind": message.kind,
        "author": _author(kit, row),
        "channel": message.channel,
        "subject": message.subject,
        "text": message.body_text,
        "text_full": message.body_full,
        "trim_confidence": message.trim_confidence,
        "html": message.body_html is not None,
        "pictures": len(AWAY.findall(message.body_html or "")),
        "original": is_original(kit, message, row.envelope),
        "language": message.language,
        "at": moment(message.created_at),
        "visibility": message.visibility,
        "automation": message.automation,
        "auth": message.auth,
        "signals": list(message.signals),
        "forwarded": message.forwarded,
        "truncated": message.truncated,
        "moved_from": message.moved_from["ref"] if message.moved_from else None,
        "recipients": {role: message.recipients.get(role, []) for role in ("to", "cc", "bcc")},
        "files": files,
        "client_msg_id": str(message.client_key) if message.client_key else None,
        "line": message.line if message.kind == "line" else None,
        "delivery": delivery(kit, row[5], copies) if row[5] is not None else None,
        "v": message.version,
    }


def _author(kit: Kit, row: Any) -> dict[str, Any]:
    message: Message = row[0]
    address = kit.shown(message.channel, row.canonical) if row.canonical else None
    name = row.staff if message.author_kind == "staff" else row.citizen or address or ""
    return {
        "kind": message.author_kind, "id": message.author_staff_id,
        "name": name if message.author_kind != "system" else "", "address": address,
    }  # fmt: skip


def is_original(kit: Kit, message: Message, envelope: dict[str, Any] | None) -> bool:
    """Whether the bytes that came are the person's own letter, and no provider's form around it."""
    channel = kit.channels.get(message.channel)
    letters = channel is not None and channel.capabilities.subjects
    return letters and message.direction == "in" and envelope is not None and "content_type" not in envelope


def delivery(kit: Kit, row: Delivery, copies: list[dict[str, Any]]) -> dict[str, Any]:
    """The state of a delivery, and the word for it on this channel."""
    waits = row.state == "queued" and row.attempts > 0
    return {
        "state": row.state, "word": _word(kit, row), "error": _error(row), "maybe_duplicate": row.maybe_duplicate,
        "endpoint_id": row.endpoint_id, "undo_until": moment(row.undo_until) if row.state == "held" else None,
        "delayed_at": moment(row.delayed_at), "retry_at": moment(row.due_at) if waits else None, "until": moment(row.deadline),
        "copies": copies,
    }  # fmt: skip


def _word(kit: Kit, row: Delivery) -> str:
    channel = kit.channels.get(row.channel)
    return channel.capabilities.words.get(row.state, row.state) if channel else row.state


def _error(row: Delivery) -> dict[str, Any] | None:
    """What went wrong. What to try hangs on the kind alone: a provider's codes are not ours to interpret."""
    if not row.error_kind:
        return None
    return {"kind": row.error_kind, "code": row.error_code, "text": row.error_text, "advice": row.error_kind}


async def _copies(tx: AsyncSession, kit: Kit, ids: Sequence[int]) -> dict[int, list[dict[str, Any]]]:
    """By the delivery that carries them."""
    found: dict[int, list[dict[str, Any]]] = {}
    if ids:
        rows = await tx.execute(
            select(Delivery, Endpoint.canonical)
            .join(Endpoint, Endpoint.id == Delivery.endpoint_id)
            .where(Delivery.with_id.in_(ids))
            .order_by(Delivery.id),
            execution_options=FRESH,
        )
        for copy, canonical in rows:
            found.setdefault(copy.with_id or 0, []).append(
                {"address": kit.shown(copy.channel, canonical), "role": copy.role, "state": copy.state,
                 "word": _word(kit, copy), "error": _error(copy)}
            )  # fmt: skip
    return found


async def _files(tx: AsyncSession, ids: Sequence[UUID]) -> dict[UUID, list[dict[str, Any]]]:
    found: dict[UUID, list[dict[str, Any]]] = {}
    if ids:
        rows = await tx.scalars(
            select(Attachment).where(Attachment.message_id.in_(ids)).order_by(Attachment.id), execution_options=FRESH
        )
        for file in rows:
            found.setdefault(file.message_id, []).append(
                {"id": file.id, "name": file.name, "type": file.type, "size": file.size, "state": file.state,
                 "scan": file.scan, "inline": file.inline, "picture": is_open(file) and file.type in PICTURES}
            )  # fmt: skip
    return found


def is_open(file: Attachment) -> bool:
    """Whether the file may be handed out: it is here, and nothing was found in it."""
    return file.state == "stored" and file.scan in ("skipped", "clean")
