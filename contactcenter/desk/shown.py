"""How tickets, messages and people are shown to staff: plain values, the same for pages, lists and sockets."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Select,
    and_,
    any_,
    bindparam,
    exists,
    literal,
    or_,
    select,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from contactcenter.desk.access import Scope
from contactcenter.desk.board import iso
from contactcenter.desk.kit import Kit
from contactcenter.models import (
    Closure,
    Contact,
    Draft,
    Endpoint,
    Offer,
    Promise,
    Question,
    Queue,
    Staff,
    StaffChannel,
    Ticket,
)

FRESH = {"populate_existing": True}
Maybe = aliased(Ticket)
Linked = aliased(Ticket)


def moment(at: datetime | None) -> str | None:
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
    question = (
        select(Question.choices, Question.expires_at)
        .where(Question.ticket_id == Ticket.id, or_(Question.outcome.is_(None), Question.outcome == "late"))
        .order_by(Question.id.desc())
        .limit(1)
        .lateral("question_now")
    )
    mine = exists().where(Draft.ticket_id == Ticket.id, Draft.staff_id == bindparam("viewer", type_=BigInteger))
    draft = mine if drafts else literal(False)
    return (
        select(
            Ticket, Queue.slug, Queue.name, Contact.name.label("contact_name"), Endpoint.canonical, Staff.name.label("owner"),
            closure.c.reason, closure.c.sentence, closure.c.at.label("closed"), promise.c.due_at.label("promised"),
            draft.label("draft"), Maybe.reference.label("maybe"), Linked.reference.label("linked"),
            question.c.choices.label("choices"), question.c.expires_at.label("asked_until"),
        )
        .join(Queue, Queue.id == Ticket.queue_id)
        .join(Contact, Contact.id == Ticket.contact_id)
        .join(Endpoint, Endpoint.id == Ticket.endpoint_id)
        .outerjoin(Staff, Staff.id == Ticket.owner_id)
        .outerjoin(closure, literal(True))
        .outerjoin(promise, literal(True))
        .outerjoin(question, literal(True))
        .outerjoin(Maybe, Maybe.id == Ticket.maybe_id)
        .outerjoin(Linked, Linked.id == Ticket.linked_id)
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
        "waiting_since": moment(ticket.waiting_since),
        "due_at": moment(ticket.due_at),
        "next_action_at": moment(ticket.next_action_at),
        "promised_at": moment(row.promised),
        "last_seq": ticket.message_seq,
        "v": ticket.event_seq,
        "created_at": moment(ticket.created_at),
        "updated_at": moment(ticket.updated_at),
        "closure": {"reason": row.reason, "sentence": row.sentence, "at": moment(row.closed)}
        if row.reason and ticket.status == "closed"
        else None,
        "maybe": {"ref": row.maybe, "why": ticket.maybe_why} if row.maybe else None,
        "linked": row.linked,
        "quiet": ticket.quiet_since is not None,
        "question": {"choices": _choices(row), "expires_at": moment(row.asked_until)} if row.choices else None,
    }
    if scope is not None:
        shown["draft"] = bool(row.draft)
        shown["can"] = list(scope.can(ticket.status, ticket.owner_id))
    return shown


def _choices(row: Any) -> list[dict[str, Any]]:
    return [{"number": one["number"], "ref": one.get("ref"), "label": one["label"]} for one in row.choices]


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
