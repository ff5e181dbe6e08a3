"""How tickets, messages and people are shown to staff: plain values, the same for pages, lists and sockets."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, ColumnElement, Select, Uuid, and_, any_, bindparam, exists, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from contactcenter.desk.access import Scope
from contactcenter.desk.board import iso
from contactcenter.desk.kit import Kit
from contactcenter.models import (
    Attachment,
    Closure,
    Contact,
    Delivery,
    Draft,
    Endpoint,
    Message,
    Offer,
    Promise,
    Queue,
    Staff,
    StaffChannel,
    Ticket,
)

FRESH = {"populate_existing": True}


def _iso(at: datetime | None) -> str | None:
    return iso(at) if at is not None else None


@cache  # to put such a query together takes longer than to run it
def _rows_query(*, drafts: bool) -> "Select[*tuple[Any, ...]]":
    """Everything a ticket's row shows; with ``drafts`` it wants to know the ``viewer``."""
    closure = (
        select(Closure.reason, Closure.sentence, Closure.at)
        .where(Closure.ticket_id == Ticket.id, Closure.undone_at.is_(None))
        .order_by(Closure.id.desc())
        .limit(1)
        .lateral("closure_now")
    )
    promise = (
        select(Promise.due_at)
        .where(Promise.ticket_id == Ticket.id, Promise.state == "open")
        .order_by(Promise.id.desc())
        .limit(1)
        .lateral("promise_now")
    )
    mine = exists().where(Draft.ticket_id == Ticket.id, Draft.staff_id == bindparam("viewer", type_=BigInteger))
    draft = mine if drafts else literal(False)
    return (
        select(
            Ticket, Queue.slug, Queue.name, Contact.name.label("contact_name"), Endpoint.canonical, Staff.name.label("owner"),
            closure.c.reason, closure.c.sentence, closure.c.at.label("closed"), promise.c.due_at.label("promised"),
            draft.label("draft"),
        )
        .join(Queue, Queue.id == Ticket.queue_id)
        .join(Contact, Contact.id == Ticket.contact_id)
        .join(Endpoint, Endpoint.id == Ticket.endpoint_id)
        .outerjoin(Staff, Staff.id == Ticket.owner_id)
        .outerjoin(closure, literal(True))
        .outerjoin(promise, literal(True))
    )  # fmt: skip


async def ticket_rows(
    tx: AsyncSession,
    kit: Kit,
    scope: Scope | None,
    where: ColumnElement[bool],
    *,
    order: Sequence[Any] = (),
    limit: int = 200,
) -> list[dict[str, Any]]:
    """Ticket rows under a condition, for one viewer; without a scope ``can`` and ``draft`` are left out."""
    condition = and_(scope.condition(), where) if scope else where
    query = _rows_query(drafts=scope is not None).where(condition).order_by(*(order or (Ticket.id,))).limit(limit)
    rows = await tx.execute(query, {"viewer": scope.staff_id} if scope else {}, execution_options=FRESH)
    return [_ticket(kit, row, scope) for row in rows.all()]


async def tickets_told(tx: AsyncSession, kit: Kit, ids: Iterable[int]) -> dict[int, tuple[Ticket, dict[str, Any]]]:
    """By id: tickets and their rows as the socket server tells them, the same for every viewer."""
    rows = await tx.execute(_told_query(), {"ids": list(ids)}, execution_options=FRESH)
    return {row[0].id: (row[0], _ticket(kit, row, None)) for row in rows.all()}


@cache
def _told_query() -> "Select[*tuple[Any, ...]]":
    return _rows_query(drafts=False).where(Ticket.id == any_(bindparam("ids", type_=ARRAY(BigInteger))))


def _ticket(kit: Kit, row: Any, scope: Scope | None) -> dict[str, Any]:
    ticket: Ticket = row[0]
    shown: dict[str, Any] = {
        "ref": ticket.reference,
        "subject": ticket.subject,
        "preview": ticket.preview,
        "preview_from": ticket.preview_from,
        "channel": ticket.channel,
        "language": ticket.language,
        "queue": {"slug": row.slug, "name": row.name},
        "contact": {"id": ticket.contact_id, "name": row.contact_name},
        "address": kit.shown(ticket.channel, row.canonical),
        "status": ticket.status,
        "owner": {"id": ticket.owner_id, "name": row.owner} if ticket.owner_id else None,
        "priority": ticket.priority,
        "vulnerable": ticket.vulnerable,
        "unservable": ticket.unservable,
        "waiting_since": _iso(ticket.waiting_since),
        "due_at": _iso(ticket.due_at),
        "next_action_at": _iso(ticket.next_action_at),
        "promised_at": _iso(row.promised),
        "last_seq": ticket.message_seq,
        "v": ticket.event_seq,
        "created_at": _iso(ticket.created_at),
        "updated_at": _iso(ticket.updated_at),
        "closure": {"reason": row.reason, "sentence": row.sentence, "at": _iso(row.closed)}
        if row.reason and ticket.status == "closed"
        else None,
    }
    if scope is not None:
        shown["draft"] = bool(row.draft)
        shown["can"] = list(scope.can(ticket.status, ticket.owner_id))
    return shown


async def messages(
    tx: AsyncSession, kit: Kit, where: ColumnElement[bool], *, newest: int | None = None
) -> list[dict[str, Any]]:
    """Messages under a condition, in order; ``newest``: only the last so many."""
    query = _messages_query().where(where)
    query = (
        query.order_by(Message.seq.desc()).limit(newest) if newest else query.order_by(Message.ticket_id, Message.seq)
    )
    shown = await _with_files(tx, kit, (await tx.execute(query, execution_options=FRESH)).all())
    return shown[::-1] if newest else shown


async def messages_told(tx: AsyncSession, kit: Kit, ids: Iterable[UUID]) -> dict[str, dict[str, Any]]:
    """By id: messages as the socket server tells them."""
    rows = await tx.execute(_messages_told_query(), {"ids": list(ids)}, execution_options=FRESH)
    return {message["id"]: message for message in await _with_files(tx, kit, rows.all())}


@cache
def _messages_told_query() -> "Select[*tuple[Any, ...]]":
    return _messages_query().where(Message.id == any_(bindparam("ids", type_=ARRAY(Uuid))))


@cache  # as above
def _messages_query() -> "Select[*tuple[Any, ...]]":
    return (
        select(
            Message, Ticket.reference, Staff.name.label("staff"), Contact.name.label("citizen"), Endpoint.canonical, Delivery,
            exists().where(Attachment.message_id == Message.id).label("has_files"),
        )
        .join(Ticket, Ticket.id == Message.ticket_id)
        .outerjoin(Staff, Staff.id == Message.author_staff_id)
        .outerjoin(Endpoint, Endpoint.id == Message.author_endpoint_id)
        .outerjoin(Contact, Contact.id == Endpoint.contact_id)
        .outerjoin(Delivery, Delivery.message_id == Message.id)
    )  # fmt: skip


async def _with_files(tx: AsyncSession, kit: Kit, rows: Sequence[Any]) -> list[dict[str, Any]]:
    files = await _files(tx, [row[0].id for row in rows if row.has_files])
    return [_message(kit, row, files.get(row[0].id, [])) for row in rows]


def _message(kit: Kit, row: Any, files: list[dict[str, Any]]) -> dict[str, Any]:
    message: Message = row[0]
    name = (
        row.staff if message.author_kind == "staff" else row.citizen or kit.shown(message.channel, row.canonical or "")
    )
    return {
        "id": str(message.id),
        "ref": row.reference,
        "seq": message.seq,
        "direction": message.direction,
        "kind": message.kind,
        "author": {
            "kind": message.author_kind,
            "id": message.author_staff_id,
            "name": name if message.author_kind != "system" else "",
        },
        "channel": message.channel,
        "subject": message.subject,
        "text": message.body_text,
        "text_full": message.body_full,
        "html": message.body_html is not None,
        "language": message.language,
        "at": _iso(message.created_at),
        "visibility": message.visibility,
        "automation": message.automation,
        "files": files,
        "client_msg_id": str(message.client_key) if message.client_key else None,
        "line": message.line if message.kind == "line" else None,
        "delivery": delivery(kit, row[5]) if row[5] is not None else None,
        "v": message.version,
    }


def delivery(kit: Kit, row: Delivery) -> dict[str, Any]:
    """The state of a delivery, and the word for it on this channel."""
    channel = kit.channels.get(row.channel)
    word = channel.capabilities.words.get(row.state, row.state) if channel else row.state
    error = {"kind": row.error_kind, "code": row.error_code, "text": row.error_text} if row.error_kind else None
    return {"state": row.state, "word": word, "error": error, "maybe_duplicate": row.maybe_duplicate}


async def _files(tx: AsyncSession, ids: Iterable[UUID]) -> dict[UUID, list[dict[str, Any]]]:
    wanted = list(ids)
    found: dict[UUID, list[dict[str, Any]]] = {}
    if wanted:
        rows = await tx.scalars(select(Attachment).where(Attachment.message_id.in_(wanted)).order_by(Attachment.id))
        for file in rows:
            found.setdefault(file.message_id, []).append(
                {"id": file.id, "name": file.name, "type": file.type, "size": file.size}
            )
    return found


async def live_offers(tx: AsyncSession, staff_id: int | None = None, ids: Sequence[int] = ()) -> list[Offer]:
    query = select(Offer).where(Offer.result.is_(None))
    query = query.where(Offer.staff_id == staff_id) if staff_id is not None else query.where(Offer.id.in_(ids))
    return list(await tx.scalars(query.order_by(Offer.id)))


async def me(tx: AsyncSession, staff: Staff) -> dict[str, Any]:
    """A member of staff as their own console shows them."""
    from contactcenter.desk.access import permissions, scope_of
    from contactcenter.desk.book import open_book

    scope = await scope_of(tx, staff)
    agency = (await open_book(tx)).agencies[staff.agency_id]
    channels = await tx.scalars(
        select(StaffChannel).where(StaffChannel.staff_id == staff.id).order_by(StaffChannel.channel),
        execution_options={"populate_existing": True},
    )
    return {
        "id": staff.id, "name": staff.name, "username": staff.username, "role": staff.role, "language": staff.language,
        "theme": staff.theme,
        "agency": {"name": agency.row.name, "timezone": agency.row.timezone, "languages": list(agency.row.languages)},
        "intent": staff.intent, "away_reason": staff.away_reason, "next_intent": staff.next_intent, "state": staff.state,
        "capacity": {
            "budget": staff.budget, "primary_units": staff.primary_units, "filler_units": staff.filler_units,
            "channels": [{"channel": c.channel, "items": c.items, "cap": c.cap} for c in channels],
        },
        "queues": [
            {"slug": q.row.slug, "name": q.row.name}
            for q in agency.queues.values()
            if scope.role == "admin" or q.id in scope.queue_ids
        ],
        "can": list(permissions(staff.role)), "v": staff.version,
    }  # fmt: skip
