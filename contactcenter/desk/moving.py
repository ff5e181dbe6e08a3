"""Messages that belong to another matter move there, whole: with their files and what became of their sending. It can be undone."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from contactcenter import events
from contactcenter.desk import lines, reopening, tickets, work
from contactcenter.desk.access import Scope
from contactcenter.desk.kit import Kit
from contactcenter.desk.references import new_reference
from contactcenter.errors import Conflict, Forbidden, NotFound, Refused
from contactcenter.models import Message, Staff, Ticket

GONE = "There is no such message on a ticket that you may see."


async def move(
    tx: AsyncSession, kit: Kit, scope: Scope | None, staff: Staff | None, message_ids: Sequence[UUID], to_ticket_id: int | None
) -> Ticket:  # fmt: skip
    """Put messages of one ticket at the end of another of the same person; gives that ticket. ``to_ticket_id`` None: a new one.

    Without scope and staff the person said themselves where it belongs. A ticket that has nothing of its person left is
    cancelled. Raises NotFound, Forbidden, Refused ``nothing-to-move``, Conflict ``another-person``.
    """
    chosen = await _messages(tx, message_ids)
    source_id = chosen[0].ticket_id
    if to_ticket_id == source_id:
        raise Refused("These messages are on this ticket already.", slug="nothing-to-move")
    locked = await _lock(tx, scope, source_id, to_ticket_id)
    source = locked[source_id]
    actor = _actor(source, staff)
    target = locked[to_ticket_id] if to_ticket_id is not None else await _new(tx, kit, source, actor)
    if target.contact_id != source.contact_id:
        raise Conflict("These tickets are of two different people.", slug="another-person")
    at = kit.now()
    for message in chosen:
        origin = {"ticket": source.id, "ref": source.reference, "seq": message.seq, "by": staff.id if staff else None,
                  "at": at.isoformat()}  # fmt: skip
        await _carry(tx, message, target, origin)
    await _tell(tx, actor, source, target, chosen)
    await _receive(tx, target, chosen, at)
    await _settle(tx, source, at)
    return target


async def undo(tx: AsyncSession, kit: Kit, scope: Scope, staff: Staff, message_id: UUID) -> Ticket:
    """Take a move back, with all messages that moved together; gives the ticket on which they are again.

    Raises Conflict ``not-moved`` for a message that did not move.
    """
    (message,) = await _messages(tx, [message_id])
    origin = message.moved_from
    if origin is None:
        raise Conflict("This message was not moved.", slug="not-moved")
    together = [
        one
        for one in await tx.scalars(select(Message).where(Message.ticket_id == message.ticket_id).order_by(Message.seq))
        if one.moved_from is not None and (one.moved_from["ticket"], one.moved_from["at"]) == (origin["ticket"], origin["at"])
    ]  # fmt: skip
    locked = await _lock(tx, scope, message.ticket_id, origin["ticket"])
    left, home = locked[message.ticket_id], locked[origin["ticket"]]
    for one in together:
        await _carry(tx, one, home, None, seq=one.moved_from["seq"] if one.moved_from else None)
    actor = events.Actor("staff", staff.id)
    count = len(together)
    await lines.add(tx, left, "move_undone", visibility="internal", actor=actor, count=count, ref=home.reference)
    await lines.add(tx, home, "move_undone", visibility="internal", actor=actor, count=count, ref=left.reference)
    ids = [one.id for one in together]
    await events.record(tx, "message.move_undone", left.id, actor, messages=ids, to=home.reference)
    await events.record(tx, "message.move_undone", home.id, actor, messages=ids, **{"from": left.reference})
    await _receive(tx, home, together, kit.now())
    await _settle(tx, left, kit.now())
    return home


async def _messages(tx: AsyncSession, ids: Sequence[UUID]) -> list[Message]:
    query = select(Message).where(Message.id.in_(ids), Message.kind == "message").order_by(Message.seq)
    found = list(await tx.scalars(query, execution_options={"populate_existing": True}))
    if not found or len(found) != len(set(ids)) or len({one.ticket_id for one in found}) != 1:
        raise NotFound(GONE)
    return found


async def _lock(tx: AsyncSession, scope: Scope | None, *ids: int | None) -> dict[int, Ticket]:
    """The tickets, locked in the order of their ids as everybody does, if the scope sees them all and may write on them."""
    locked = {}
    for ticket_id in sorted({one for one in ids if one is not None}):
        ticket = locked[ticket_id] = await tickets.lock(tx, ticket_id)
        if scope is None:
            continue
        if not scope.sees(ticket.agency_id, ticket.queue_id, ticket.owner_id):
            raise NotFound(GONE)
        if "note:ticket" not in scope.can(ticket.status, ticket.owner_id):
            raise Forbidden("You can read this ticket but not change what is on it.")
    return locked


def _actor(source: Ticket, staff: Staff | None) -> events.Actor:
    return events.Actor("staff", staff.id) if staff else events.Actor("citizen", source.contact_id)


async def _new(tx: AsyncSession, kit: Kit, source: Ticket, actor: events.Actor) -> Ticket:
    """Another matter of the same person, where the first one waits."""
    agency, _queue = await tickets.entries(tx, source)
    now = kit.now()
    ticket = Ticket(
        agency_id=source.agency_id, reference=new_reference(agency.row.prefix), queue_id=source.queue_id,
        contact_id=source.contact_id, endpoint_id=source.endpoint_id, inbox_id=source.inbox_id, channel=source.channel,
        subject=source.subject, language=source.language, status="held", skills=source.skills, arrived_at=now, va=now,
        next_action_at=now + timedelta(days=1), linked_id=source.id, message_seq=0, event_seq=0, version=1, priority=0,
        vulnerable=False,
    )  # fmt: skip
    tx.add(ticket)
    await tx.flush()
    await events.record(
        tx, "ticket.created", ticket.id, actor, queue=ticket.queue_id, channel=ticket.channel, why="split"
    )
    await tickets.into_queue(tx, ticket, now, "split", actor=actor, arrived=True)
    return ticket


async def _carry(
    tx: AsyncSession, message: Message, target: Ticket, origin: dict[str, Any] | None, *, seq: int | None = None
) -> None:
    """Give a message its number on another ticket. Files hang on the message; its deliveries name the ticket too."""
    if seq is None:
        target.message_seq += 1
        seq = target.message_seq
    message.ticket_id, message.seq, message.moved_from = target.id, seq, origin
    message.version += 1
    await tx.flush()
    await tx.execute(
        text("UPDATE delivery SET ticket_id = :ticket WHERE message_id = :message"),
        {"ticket": target.id, "message": message.id},
    )


async def _tell(
    tx: AsyncSession, actor: events.Actor, source: Ticket, target: Ticket, moved: Sequence[Message]
) -> None:
    count, ids = len(moved), [one.id for one in moved]
    await lines.add(tx, source, "moved_out", visibility="internal", actor=actor, count=count, ref=target.reference)
    await lines.add(tx, target, "moved_in", visibility="internal", actor=actor, count=count, ref=source.reference)
    await events.record(tx, "message.moved", source.id, actor, messages=ids, to=target.reference)
    await events.record(tx, "message.moved", target.id, actor, messages=ids, **{"from": source.reference})


async def _receive(tx: AsyncSession, target: Ticket, moved: Sequence[Message], now: datetime) -> None:
    """What a citizen wrote counts on the ticket where it now is: they wait there, and a ticket that slept wakes."""
    if target.status == "cancelled":
        target.closed_at = None
        target.next_action_at = now + timedelta(days=1)
        await tickets.into_queue(tx, target, now, "moved_back")
    said = [one for one in moved if one.direction == "in" and one.automation == "none" and one.visibility == "public"]
    if not said:
        return
    since = min(one.created_at for one in said)
    target.waiting_since = min(target.waiting_since or since, since)
    target.preview, target.preview_from = " ".join(said[-1].body_text.split())[:140], "citizen"
    target.next_action_at = min(target.next_action_at or now + timedelta(days=1), now + timedelta(days=1))
    await tx.flush()
    if target.status in reopening.ASLEEP:
        await reopening.wake(tx, target, now)


_LEFT = text(
    """
    SELECT count(*) FILTER (WHERE author_kind IN ('citizen', 'staff')) AS said,
      min(created_at) FILTER (WHERE direction = 'in' AND automation = 'none' AND visibility = 'public'
        AND seq > coalesce((SELECT max(seq) FROM message WHERE ticket_id = :id AND direction = 'out'
                            AND author_kind = 'staff' AND visibility = 'public'), 0)) AS waiting
    FROM message WHERE ticket_id = :id AND kind IN ('message', 'note')
    """
)


async def _settle(tx: AsyncSession, source: Ticket, now: datetime) -> None:
    """What is left on a ticket from which messages went: nobody may be waiting there any more, or nothing is left at all."""
    left = (await tx.execute(_LEFT, {"id": source.id})).one()
    if source.waiting_since is not None:
        source.waiting_since = left.waiting
        if left.waiting is None:
            source.due_at = None
    await tx.flush()
    if not left.said and source.status not in ("closed", "cancelled"):
        await cancel(tx, source, now, "moved_away")


async def cancel(tx: AsyncSession, ticket: Ticket, now: datetime, why: str) -> None:
    """End a locked ticket that never was a matter of its own. Dates given on it go with what moved."""
    former = await work.let_go(tx, ticket, why)
    await tickets.close_stay(tx, ticket.id, "converted")
    ticket.status, ticket.closed_at = "cancelled", now
    ticket.waiting_since = ticket.due_at = ticket.next_action_at = ticket.held_until = None
    ticket.version += 1
    await tx.flush()
    await tx.execute(
        text("UPDATE promise SET state = 'moved' WHERE ticket_id = :id AND state = 'open'"), {"id": ticket.id}
    )
    await tx.execute(
        text(
            "UPDATE question SET outcome = 'withdrawn', answered_at = :now WHERE ticket_id = :id AND answered_at IS NULL"
        ),
        {"id": ticket.id, "now": now},
    )
    await events.record(tx, "ticket.cancelled", ticket.id, events.DESK, why=why, staff=former)
