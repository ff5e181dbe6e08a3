"""Tickets: lists, the page of one, and everything done to it."""

from dataclasses import replace
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from contactcenter.api.deps import HouseDep, Person, Tx, Who
from contactcenter.desk import (
    closures,
    composing,
    deliveries,
    moving,
    pages,
    participants,
    picking,
    reopening,
    replies,
    said,
    shown,
    tickets,
    transfers,
)
from contactcenter.desk.kit import Kit
from contactcenter.errors import Conflict, NotFound, Refused
from contactcenter.models import Message, Ticket
from contactcenter.schemas import (
    ClosureIn,
    DraftIn,
    History,
    MeasureIn,
    MeasureOut,
    MessageIn,
    MessageList,
    Moved,
    MovesIn,
    Problem,
    ReopeningIn,
    ResendingIn,
    Snapshot,
    TakenBack,
    TicketList,
    TicketPage,
    TicketRow,
    TransferIn,
    WaitingOut,
)
from contactcenter.schemas import Message as MessageOut

PROBLEMS: dict[int | str, dict[str, Any]] = {
    401: {"model": Problem, "description": "Not signed in."},
    404: {"model": Problem, "description": "Unknown, or not yours to see: the same answer for both."},
    409: {"model": Problem, "description": "The world changed meanwhile; the extras say what."},
    422: {"model": Problem, "description": "The input cannot be taken; the sentence says what would be."},
}
router = APIRouter(prefix="/api", tags=["tickets"], responses=PROBLEMS)
Ref = Annotated[str, Path(min_length=5, max_length=30, pattern=r"^[A-Za-z0-9-]+$", examples=["RV-K4M7-92TX"])]


@router.get("/snapshot", response_model=Snapshot)
async def snapshot(tx: Tx, who: Who, house: HouseDep) -> Any:
    """Everything the console needs first. Live events continue from its ``pos``."""
    return await pages.snapshot(tx, house.kit, who.scope, who.staff)


@router.get("/tickets", response_model=TicketList)
async def list_tickets(
    tx: Tx, who: Who, house: HouseDep, view: pages.View = "mine",
    queue: Annotated[str | None, Query(max_length=100)] = None, after: Annotated[str | None, Query(max_length=20)] = None,
) -> Any:  # fmt: skip
    return await pages.listed(tx, house.kit, who.scope, view, queue, after)


@router.get("/tickets/{ref}", response_model=TicketPage)
async def show_ticket(tx: Tx, who: Who, house: HouseDep, ref: Ref) -> Any:
    """The whole of a ticket. Opening it is written to the log."""
    return await pages.ticket_page(tx, house.kit, who.scope, who.staff, ref)


@router.get("/tickets/{ref}/messages", response_model=MessageList)
async def earlier_messages(
    tx: Tx, who: Who, house: HouseDep, ref: Ref, before: Annotated[int, Query(ge=1, le=2**53)] = 2**53
) -> Any:
    return await pages.earlier(tx, house.kit, who.scope, ref, before)


@router.post("/tickets/{ref}/messages", response_model=MessageOut, status_code=201)
async def write_message(tx: Tx, who: Who, house: HouseDep, response: Response, ref: Ref, wanted: MessageIn) -> Any:
    """Reply or note. The same ``client_msg_id`` again gives the same message with 200."""
    letter = replies.Letter(
        wanted.client_msg_id, wanted.text, wanted.kind, wanted.expected_last_seq, wanted.send_anyway,
        endpoint_id=wanted.endpoint_id, cc=tuple(wanted.cc), bcc=tuple(wanted.bcc), subject=wanted.subject,
        uploads=tuple(wanted.uploads),
    )  # fmt: skip
    try:
        written = await replies.write(tx, house.kit, who.scope, who.staff, ref, letter)
    except Conflict as conflict:
        if ids := conflict.extras.get("changes"):
            conflict.extras["changes"] = await said.messages(tx, house.kit, Message.id.in_(ids))
        raise
    if written.repeated:
        response.status_code = 200
    await tx.flush()
    return (await said.messages(tx, house.kit, Message.id == written.message.id))[0]


@router.delete("/tickets/{ref}/messages/{message_id}/delivery", response_model=TakenBack)
async def take_back(tx: Tx, who: Who, ref: Ref, message_id: UUID) -> Any:
    """Undo: what has not left yet comes back as your draft. 409 ``already-on-its-way`` when it was too late."""
    await _on_ticket(tx, who, ref, message_id)
    return {"text": await deliveries.take_back(tx, who.scope, who.staff, message_id)}


@router.post("/tickets/{ref}/messages/{message_id}/resending", response_model=MessageOut, status_code=201)
async def resend(tx: Tx, who: Who, house: HouseDep, ref: Ref, message_id: UUID, wanted: ResendingIn) -> Any:
    """The same words to another address of the person."""
    written = await replies.resend(
        tx, house.kit, who.scope, who.staff, ref, message_id, wanted.endpoint_id, wanted.client_msg_id
    )
    await tx.flush()
    return (await said.messages(tx, house.kit, Message.id == written.message.id))[0]


@router.post("/tickets/{ref}/messages/{message_id}/acceptance", response_model=MessageOut)
async def accept(tx: Tx, who: Who, house: HouseDep, ref: Ref, message_id: UUID) -> Any:
    """Let a held sender in: what they wrote is part of the matter, and they may go on writing."""
    await participants.accept(tx, who.scope, who.staff, ref, message_id)
    await tx.flush()
    return (await said.messages(tx, house.kit, Message.id == message_id))[0]


@router.post("/tickets/{ref}/moves", response_model=Moved)
async def move(tx: Tx, who: Who, house: HouseDep, ref: Ref, wanted: MovesIn) -> Any:
    """Put messages on another ticket of the same person, or on one of their own."""
    for message_id in wanted.message_ids:
        await _on_ticket(tx, who, ref, message_id)
    to = await tickets.find(tx, who.scope, wanted.to_ref) if wanted.to_ref else None
    target = await moving.move(tx, house.kit, who.scope, who.staff, wanted.message_ids, to.id if to else None)
    return {"ref": target.reference, "message_ids": wanted.message_ids}


@router.delete("/tickets/{ref}/moves/{message_id}", response_model=Moved)
async def move_back(tx: Tx, who: Who, house: HouseDep, ref: Ref, message_id: UUID) -> Any:
    """Undo a move, with all that moved together."""
    await _on_ticket(tx, who, ref, message_id)
    home = await moving.undo(tx, house.kit, who.scope, who.staff, message_id)
    return {"ref": home.reference, "message_ids": [message_id]}


async def _on_ticket(tx: AsyncSession, who: Person, ref: str, message_id: UUID) -> Ticket:
    """A message is addressed with its ticket. Raises NotFound where it is not there, or not theirs to see."""
    ticket = await tickets.find(tx, who.scope, ref)
    if await tx.scalar(select(Message.id).where(Message.id == message_id, Message.ticket_id == ticket.id)) is None:
        raise NotFound("There is no such ticket that you may see.")
    return ticket


@router.post("/tickets/{ref}/measure", response_model=MeasureOut)
async def measure(tx: Tx, who: Who, house: HouseDep, ref: Ref, wanted: MeasureIn) -> Any:
    """What a text would cost on its way: parts, units, money, and how to say it cheaper."""
    ticket = await tickets.find(tx, who.scope, ref)
    name, endpoint = await composing.channel_of(tx, house.kit, ticket, wanted.endpoint_id)
    if not wanted.text:
        return {**NOTHING, "warnings": []}
    outbound = await replies.outbound_preview(tx, ticket, endpoint, wanted.text)
    replies.check_length(house.kit, outbound, name)
    channel = house.kit.channels[name]
    counted = channel.measure(outbound)
    plain = channel.measure(replace(outbound, text=counted.plain)) if counted.plain else None
    return {
        "parts": counted.parts, "units": counted.units, "encoding": counted.encoding, "limit": counted.limit,
        "warnings": list(counted.warnings), "cost": counted.cost, "currency": counted.currency, "dear": list(counted.dear),
        "plain": counted.plain, "plain_parts": plain.parts if plain else None,
    }  # fmt: skip


NOTHING = {"parts": 0, "units": 0, "encoding": "", "limit": 0, "cost": None, "currency": "", "dear": [], "plain": "",
           "plain_parts": None}  # fmt: skip


@router.put("/tickets/{ref}/draft", status_code=204)
async def save_draft(tx: Tx, who: Who, ref: Ref, wanted: DraftIn) -> None:
    """Keep what you are writing; empty text forgets it."""
    ticket = await tickets.find(tx, who.scope, ref)
    values = {"staff": who.staff.id, "ticket": ticket.id, "kind": wanted.kind, "text": wanted.text}
    if not wanted.text:
        await tx.execute(text("DELETE FROM draft WHERE staff_id = :staff AND ticket_id = :ticket"), values)
        return
    await tx.execute(
        text(
            "INSERT INTO draft (staff_id, ticket_id, kind, text) VALUES (:staff, :ticket, :kind, :text) ON CONFLICT "
            "(staff_id, ticket_id) DO UPDATE SET kind = :kind, text = :text, saved_at = clock_timestamp()"
        ),
        values,
    )


@router.post("/tickets/{ref}/assignment", response_model=TicketRow)
async def take(tx: Tx, who: Who, house: HouseDep, ref: Ref) -> Any:
    """Take a waiting ticket yourself, out of turn; skills, exclusions and capacity hold."""
    ticket = await picking.take(tx, who.scope, who.staff, ref)
    return await row_of(tx, house.kit, who, ticket)


@router.post("/tickets/{ref}/transfers", response_model=TicketRow)
async def transfer(tx: Tx, who: Who, house: HouseDep, ref: Ref, wanted: TransferIn) -> Any:
    """Pass the ticket on to a queue or a person, with a note that only staff see."""
    now = house.kit.now()
    if (wanted.queue is None) == (wanted.staff_id is None):
        raise Refused("Name either a queue or a person.", slug="where-to")
    if wanted.queue is not None:
        ticket = await transfers.to_queue(tx, who.scope, who.staff, ref, wanted.queue, wanted.note, now)
    else:
        assert wanted.staff_id is not None
        ticket = await transfers.to_person(tx, who.scope, who.staff, ref, wanted.staff_id, wanted.note, now)
    return await row_of(tx, house.kit, who, ticket, after_leaving=True)


@router.post("/tickets/{ref}/closure", response_model=TicketRow)
async def close(tx: Tx, who: Who, house: HouseDep, ref: Ref, wanted: ClosureIn) -> Any:
    """Close with a reason and the sentence that the citizen reads."""
    ticket = await closures.close(tx, house.kit, who.scope, who.staff, ref, wanted.reason, wanted.sentence)
    return await row_of(tx, house.kit, who, ticket, after_leaving=True)


@router.post("/tickets/{ref}/reopening", response_model=TicketRow)
async def reopen(tx: Tx, who: Who, house: HouseDep, ref: Ref, wanted: ReopeningIn) -> Any:
    ticket = await reopening.reopen(tx, who.scope, who.staff, ref, wanted.why, house.kit.now())
    return await row_of(tx, house.kit, who, ticket)


@router.get("/tickets/{ref}/waiting", response_model=WaitingOut)
async def why_waiting(tx: Tx, who: Who, ref: Ref) -> Any:
    """Why the ticket still waits, in a sentence of your language."""
    return await pages.why_waiting(tx, who.scope, who.staff, ref)


@router.get("/tickets/{ref}/history", response_model=History)
async def history(tx: Tx, who: Who, ref: Ref) -> Any:
    """The ticket's events in order: who did what, before and after, and why."""
    return await pages.history(tx, who.scope, ref)


async def row_of(tx: Tx, kit: Kit, who: Person, ticket: Ticket, *, after_leaving: bool = False) -> dict[str, Any]:
    """The row after a change; a ticket that left the caller's sight by their own act is shown to them once more."""
    await tx.flush()
    rows = await shown.ticket_rows(tx, kit, None if after_leaving else who.scope, Ticket.id == ticket.id)
    row = rows[0]
    if after_leaving:
        row |= {"can": list(who.scope.can(ticket.status, ticket.owner_id)), "draft": False}
    return row
