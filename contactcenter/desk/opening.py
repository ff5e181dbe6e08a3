"""Opening a ticket: the reference, the place in the queue, and the acknowledgement with an honest expectation."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from channels import base
from contactcenter import events
from contactcenter.desk import consents, deliveries, inbox, promises, tickets
from contactcenter.desk.book import AgencyEntry, QueueEntry, open_book
from contactcenter.desk.kit import Kit
from contactcenter.desk.references import new_reference
from contactcenter.desk.texts import guess_language, say
from contactcenter.ids import uuid7
from contactcenter.models import Endpoint, Inbox, Message, Promise, QueueStay, Ticket

MAX_ACKS_A_DAY = 2
"""Acknowledgements to one endpoint within 24 hours on channels where two machines could answer each other."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a new matter belongs."""

    agency: AgencyEntry
    queue: QueueEntry
    language: str


async def open_ticket(
    tx: AsyncSession,
    kit: Kit,
    box: Inbox,
    raw_id: int,
    inbound: base.Inbound,
    endpoint: Endpoint,
    *,
    linked_id: int | None,
) -> Ticket:
    """A new ticket for a message, queued (or held until the queue opens) and acknowledged on its own channel."""
    now = kit.now()
    place = await _place(tx, box, inbound)
    ticket = _ticket(place, box, inbound, endpoint, now)
    ticket.linked_id = linked_id
    opens = place.queue.calendar.next_opening(now)
    if opens is not None and opens > now:
        ticket.status, ticket.held_until = "held", opens
    tx.add(ticket)
    await tx.flush()
    message = inbox.incoming(ticket, box, raw_id, inbound, endpoint, seq=1)
    tx.add(message)
    if ticket.status == "queued":
        tx.add(
            QueueStay(ticket_id=ticket.id, queue_id=ticket.queue_id, channel=ticket.channel, priority=ticket.priority)
        )
    await tx.flush()
    await inbox.keep_files(tx, kit, message, inbound)
    citizen = events.Actor("citizen", endpoint.contact_id)
    await events.record(
        tx,
        "ticket.created",
        ticket.id,
        citizen,
        queue=ticket.queue_id,
        channel=ticket.channel,
        language=ticket.language,
    )
    await events.record(
        tx,
        "message.received",
        ticket.id,
        citizen,
        message=message.id,
        channel=box.channel,
        automation=inbound.automation,
    )
    if inbound.automation == "none":
        await _acknowledge(tx, kit, place, ticket, endpoint, box, now)
    kind = "ticket.queued" if ticket.status == "queued" else "ticket.held"
    await events.record(tx, kind, ticket.id, events.DESK, queue=ticket.queue_id, channel=ticket.channel, why="arrived")
    return ticket


async def _place(tx: AsyncSession, box: Inbox, inbound: base.Inbound) -> Place:
    agency = (await open_book(tx)).agencies[box.agency_id]
    queue = next((q for q in agency.queues.values() if q.row.slug == inbound.hints.topic), agency.queues[box.queue_id])
    spoken = [str(code) for code in agency.row.languages]
    if inbound.hints.language in spoken:
        return Place(agency, queue, inbound.hints.language)
    return Place(agency, queue, guess_language(f"{inbound.subject}\n{inbound.text}", spoken, box.language))


def _ticket(place: Place, box: Inbox, inbound: base.Inbound, endpoint: Endpoint, now: datetime) -> Ticket:
    due = promises.expected_by(place.queue, now)
    human = inbound.automation == "none"
    return Ticket(
        agency_id=box.agency_id, reference=new_reference(place.agency.row.prefix), queue_id=place.queue.id,
        contact_id=endpoint.contact_id, endpoint_id=endpoint.id, inbox_id=box.id, channel=box.channel,
        subject=inbound.subject[:300], language=place.language, status="queued",
        skills=tickets.needs(place.agency, place.queue, place.language), arrived_at=now,
        va=tickets.virtual_arrival(place.agency, box.channel, now), waiting_since=now if human else None,
        due_at=due if human else None, next_action_at=due or now + timedelta(days=1), message_seq=1,
        preview=inbox.preview(inbound), preview_from="citizen",
    )  # fmt: skip


async def _acknowledge(
    tx: AsyncSession, kit: Kit, place: Place, ticket: Ticket, endpoint: Endpoint, box: Inbox, now: datetime
) -> None:
    """Reference and honest date on the channel of the message; the date is a promise on the ticket."""
    if ticket.due_at is not None:
        tx.add(Promise(ticket_id=ticket.id, due_at=ticket.due_at, made_by="desk", basis="queue.reply_minutes"))
    channel = kit.channels[box.channel].capabilities
    if not channel.live and (await consents.why_not(tx, endpoint) or await _acknowledged_often(tx, endpoint, channel)):
        return
    expect = promises.expectation(place.agency, ticket.language, ticket.due_at)
    words = say(ticket.language, "ack", agency=place.agency.row.name, ref=ticket.reference, expect=expect)
    if channel.opt_out and await _first_text(tx, endpoint):
        words = f"{words} {say(ticket.language, 'stop_hint')}"
    ticket.message_seq += 1
    ack = Message(
        id=uuid7(), ticket_id=ticket.id, seq=ticket.message_seq, direction="out", kind="message", author_kind="system",
        channel=ticket.channel, inbox_id=box.id, body_text=words, automation="notification", language=ticket.language,
        line={"key": "received_ack", "params": {"ref": ticket.reference, "by": ticket.due_at and ticket.due_at.isoformat()}},
        subject=say(ticket.language, "ack_subject", ref=ticket.reference) if channel.subjects else None,
        external_id=kit.channels[box.channel].mint_id(_as_base(box)) or None,
    )  # fmt: skip
    tx.add(ack)
    await tx.flush()
    await deliveries.hand_over(tx, kit, ticket, ack, endpoint.id)
    await events.record(
        tx, "message.written", ticket.id, events.DESK, message=ack.id, channel=ticket.channel, why="acknowledged"
    )


def _as_base(box: Inbox) -> base.Inbox:
    return base.Inbox(box.id, box.slug, box.channel, box.address, box.name, {k: str(v) for k, v in box.config.items()})


async def _acknowledged_often(tx: AsyncSession, endpoint: Endpoint, channel: base.Capabilities) -> bool:
    """Two machines that thank each other must stop: at most two acknowledgements a day where mails have threads."""
    if not channel.subjects:
        return False
    sent: int = await tx.scalar(
        text(
            "SELECT count(*) FROM delivery d JOIN message m ON m.id = d.message_id WHERE d.endpoint_id = :endpoint "
            "AND m.automation = 'notification' AND m.created_at > clock_timestamp() - interval '24 hours'"
        ),
        {"endpoint": endpoint.id},
    )
    return sent >= MAX_ACKS_A_DAY


async def _first_text(tx: AsyncSession, endpoint: Endpoint) -> bool:
    return not await tx.scalar(
        text("SELECT true FROM delivery WHERE endpoint_id = :endpoint LIMIT 1"), {"endpoint": endpoint.id}
    )
