"""Offers, queues, people, files, the board, and what could not be read."""

from typing import Annotated, Any

from fastapi import APIRouter, Path
from sqlalchemy import select, text

from channels.base import Unreadable
from contactcenter.api import inboxes, mail, wordings
from contactcenter.api.deps import Auditor, HouseDep, Supervisor, Tx, Who
from contactcenter.api.tickets import PROBLEMS
from contactcenter.desk import board, consents, inbox, offers, pages, promises, replies, shown
from contactcenter.desk.board import iso
from contactcenter.desk.book import open_book
from contactcenter.errors import NotFound
from contactcenter.models import Endpoint, RawEvent, Ticket
from contactcenter.schemas import (
    Board,
    ConsentIn,
    ContactOut,
    History,
    QueueInfo,
    RefusalIn,
    Site,
    TicketRow,
    UnreadableOut,
)

router = APIRouter(prefix="/api", tags=["desk"], responses=PROBLEMS)
for _part in (mail, inboxes, wordings):
    router.include_router(_part.router)
Id = Annotated[int, Path(ge=1, le=2**53)]


@router.post("/offers/{offer_id}/acceptance", response_model=TicketRow)
async def accept(tx: Tx, who: Who, house: HouseDep, offer_id: Id) -> Any:
    """Take what was offered; repeating it is harmless."""
    ticket = await offers.accept(tx, who.staff, offer_id)
    await tx.flush()
    rows = await shown.ticket_rows(tx, house.kit, who.scope, Ticket.id == ticket.id)
    return rows[0]


@router.post("/offers/{offer_id}/refusal", status_code=204)
async def decline(tx: Tx, who: Who, house: HouseDep, offer_id: Id, wanted: RefusalIn) -> None:
    """Give it back with a reason; the citizen keeps their place."""
    await offers.decline(tx, who.staff, offer_id, wanted.reason, house.kit.now())


@router.get("/queues", response_model=list[QueueInfo])
async def queues(tx: Tx, who: Who, house: HouseDep) -> Any:
    return await pages.queues(tx, who.scope, house.kit.now())


@router.get("/contacts/{contact_id}", response_model=ContactOut)
async def contact(tx: Tx, who: Who, house: HouseDep, contact_id: Id) -> Any:
    return await pages.contact(tx, house.kit, who.scope, contact_id)


@router.post("/contacts/{contact_id}/consents", response_model=ContactOut)
async def decide(tx: Tx, who: Who, house: HouseDep, contact_id: Id, wanted: ConsentIn) -> Any:
    """Settle what a person's doubtful words meant: they want no more messages, or they meant something else."""
    endpoint = await tx.get(Endpoint, wanted.endpoint_id)
    if endpoint is None or endpoint.contact_id != contact_id:
        raise NotFound("There is no such address that you may see.")
    await consents.decide(tx, who.scope, who.staff, wanted.endpoint_id, wanted.state)
    await tx.flush()
    return await pages.contact(tx, house.kit, who.scope, contact_id)


@router.get("/board", response_model=Board)
async def show_board(tx: Tx, who: Supervisor) -> Any:
    """The queues as they are now; every figure is made from the facts on the log, and says how."""
    return await board.read(tx, who.scope)


@router.get("/unreadable", response_model=list[UnreadableOut])
async def unreadable(tx: Tx, who: Supervisor) -> Any:
    """What arrived and could not be read. Nothing is lost; each can be read again."""
    rows = await tx.execute(
        text(
            "SELECT r.id, r.received_at, r.error, r.source, i.channel, i.slug, coalesce(length(r.body), 0) AS size "
            "FROM raw_event r JOIN inbox i ON i.id = r.inbox_id WHERE r.state = 'failed' AND i.agency_id = :agency "
            "ORDER BY r.id DESC LIMIT 200"
        ),
        {"agency": who.scope.agency_id},
    )
    return [
        {
            "id": r.id,
            "at": iso(r.received_at),
            "channel": r.channel,
            "inbox": r.slug,
            "reason": r.error or "",
            "size": r.size,
        }
        for r in rows
    ]


@router.post("/unreadable/{raw_id}/replay", status_code=204)
async def replay(tx: Tx, who: Supervisor, house: HouseDep, raw_id: Id) -> None:
    """Read it again, with whatever has been repaired since."""
    row = await tx.scalar(select(RawEvent).where(RawEvent.id == raw_id, RawEvent.state == "failed").with_for_update())
    box = (await open_book(tx)).inboxes.get(row.inbox_id) if row else None
    if row is None or box is None or box.agency_id != who.scope.agency_id:
        raise NotFound("There is no such item to read again.")
    channel = house.kit.channels[box.channel]
    if channel.capabilities.child:
        row.state, row.attempts, row.lease_until = "new", 0, None  # the intake reads it, in a child that may be killed
        return
    body = row.body if row.body is not None else await house.kit.files.get(row.file_hash or "")
    items = channel.parse(inbox.raw_of(house.kit, row, box, body))
    row.state = "done" if not any(isinstance(item, Unreadable) for item in items) else "failed"
    row.error = None if row.state == "done" else row.error
    await tx.flush()
    await inbox.receive(tx, house.kit, box, row.id, items)


@router.get("/audit", response_model=History)
async def audit(tx: Tx, who: Auditor, before: int = 2**53, kind: str = "") -> Any:
    """The event log of the agency, newest first: sign-ins, refusals, views, changes."""
    rows = await tx.execute(
        text(
            "SELECT e.pos, e.at, e.type, e.actor_kind, s.name, e.data, t.reference FROM event e "
            "LEFT JOIN staff s ON e.actor_kind = 'staff' AND s.id = e.actor_id LEFT JOIN ticket t ON t.id = e.ticket_id "
            "WHERE e.agency_id = :agency AND e.pos < :before AND (:kind = '' OR e.type = :kind) ORDER BY e.pos DESC LIMIT 200"
        ),
        {"agency": who.scope.agency_id, "before": min(before, 2**53), "kind": replies.clean(kind)[:100]},
    )
    return {
        "events": [
            {"pos": r.pos, "at": iso(r.at), "type": r.type, "actor": {"kind": r.actor_kind, "name": r.name},
             "data": {**r.data, **({"ref": r.reference} if r.reference else {})}}
            for r in rows
        ]
    }  # fmt: skip


@router.get("/sites/{slug}", response_model=Site, tags=["citizens"])
async def site(tx: Tx, house: HouseDep, slug: Annotated[str, Path(max_length=100)]) -> Any:
    """What a live page shows before the first message. Public."""
    book = await open_book(tx)
    box = next((row for row in book.inboxes.values() if row.slug == slug), None)
    channel = house.kit.channels.get(box.channel) if box else None
    if box is None or channel is None or not channel.capabilities.live:
        raise NotFound("There is no such page.")
    agency = book.agencies[box.agency_id]
    queue = agency.queues[box.queue_id]
    now = house.kit.now()
    languages = [str(code) for code in agency.row.languages]
    topics = [
        {"slug": q.row.slug, "name": {code: str(q.row.topics.get(code, q.row.name)) for code in languages}}
        for q in agency.queues.values()
        if q.row.topics
    ]
    return {
        "agency": agency.row.name, "name": box.name, "languages": languages, "topics": topics,
        "open": queue.calendar.is_open(now),
        "reply_by": promises.expectation(agency, box.language, promises.expected_by(queue, now)),
        "max_text": channel.capabilities.max_text,
    }  # fmt: skip
