"""Opening a ticket: the reference, the place in the queue, and the acknowledgement with an honest expectation."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from channels import base
from contactcenter.db import after_commit
from contactcenter.desk import deliveries, filing, inbox, promises, tickets
from contactcenter.desk.book import AgencyEntry, QueueEntry, channel_inbox, open_book
from contactcenter.desk.filing import Sender
from contactcenter.desk.kit import Kit
from contactcenter.desk.references import new_reference
from contactcenter.desk.texts import guess_language, say
from contactcenter.ids import uuid7
from contactcenter.models import Inbox

MAX_ACKS_A_DAY = 2
"""Acknowledgements to one endpoint within 24 hours on channels where two machines could answer each other."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a new matter belongs, and when a person will have replied."""

    agency: AgencyEntry
    queue: QueueEntry
    language: str
    due: datetime | None


async def open_ticket(
    tx: AsyncSession, kit: Kit, box: Inbox, raw_id: int, inbound: base.Inbound, sender: Sender, *, linked_id: int | None
) -> int:
    """A new ticket for a message, queued (or held until the queue opens) and acknowledged on its own channel. Gives its id."""
    now = kit.now()
    place = await _place(tx, box, inbound, now)
    reference = new_reference(place.agency.row.prefix)
    ack = _acknowledgement(kit, place, box, inbound, sender, reference)
    message_id = uuid7()
    values = (
        _ticket(place, box, inbound, reference, now)
        | filing.message_values(box, raw_id, inbound, message_id)
        | _address(inbound, sender)
        | ack
    )
    values |= {"linked": linked_id, "message_seq": 2 if ack["ack"] else 1}
    values |= _story(values, message_id, ack["ack"], place.language)
    ticket_id, delivery_id = await filing.open_whole(tx, values)
    await inbox.keep_files(tx, kit, message_id, inbound)
    if delivery_id is not None and not kit.channels[box.channel].capabilities.live:
        after_commit(tx, lambda: kit.ring([delivery_id]))
    return ticket_id


async def _place(tx: AsyncSession, box: Inbox, inbound: base.Inbound, now: datetime) -> Place:
    agency = (await open_book(tx)).agencies[box.agency_id]
    queue = next((q for q in agency.queues.values() if q.row.slug == inbound.hints.topic), agency.queues[box.queue_id])
    due = promises.expected_by(queue, now)
    spoken = [str(code) for code in agency.row.languages]
    if inbound.hints.language in spoken:
        return Place(agency, queue, inbound.hints.language, due)
    return Place(agency, queue, guess_language(f"{inbound.subject}\n{inbound.text}", spoken, box.language), due)


def _ticket(place: Place, box: Inbox, inbound: base.Inbound, reference: str, now: datetime) -> dict[str, Any]:
    human = inbound.automation == "none"
    opens = tickets.opens_at(place.queue, now)
    held = opens is not None
    return {
        "agency": box.agency_id, "reference": reference, "queue": place.queue.id, "subject": inbound.subject[:300],
        "language": place.language, "status": "held" if held else "queued", "held_until": opens,
        "skills": tickets.needs(place.agency, place.queue, place.language), "now": now,
        "va": tickets.virtual_arrival(place.agency, box.channel, now), "waiting_since": now if human else None,
        "due_at": place.due if human else None, "next_action_at": place.due or now + timedelta(days=1),
        "preview": inbox.preview(inbound),
    }  # fmt: skip


def _address(inbound: base.Inbound, sender: Sender) -> dict[str, Any]:
    """Who wrote: an endpoint that we know, or what a new one is made of."""
    address = inbound.sender
    return {
        "endpoint": sender.endpoint_id, "contact": sender.contact_id, "name": address.name[:200],
        "address_kind": address.kind, "address_raw": address.raw[:500], "canonical": address.canonical,
        "proof": address.proof.value,
    }  # fmt: skip


def _acknowledgement(
    kit: Kit, place: Place, box: Inbox, inbound: base.Inbound, sender: Sender, reference: str
) -> dict[str, Any]:
    """Reference and honest date on the channel of the message; nothing to machines, to who said stop, or too often."""
    channel = kit.channels[box.channel]
    can = channel.capabilities
    often = can.subjects and sender.acks >= MAX_ACKS_A_DAY
    barred = not can.live and sender.consent == "revoked"
    if inbound.automation != "none" or often or barred:
        nothing = ("ack", "ack_text", "ack_line", "ack_subject", "ack_id")
        return dict.fromkeys(nothing) | {"delivery_state": "queued", "deadline": kit.now()}
    expect = promises.expectation(place.agency, place.language, place.due)
    words = say(place.language, "ack", agency=place.agency.row.name, ref=reference, expect=expect)
    if can.opt_out and not sender.written_to:
        words = f"{words} {say(place.language, 'stop_hint')}"
    return {
        "ack": uuid7(), "ack_text": words,
        "ack_line": {"key": "received_ack", "params": {"ref": reference, "by": place.due.isoformat() if place.due else None}},
        "ack_subject": say(place.language, "ack_subject", ref=reference) if can.subjects else None,
        "ack_id": channel.mint_id(channel_inbox(box)) or None,
        "delivery_state": "sent" if can.live else "queued", "deadline": kit.now() + deliveries.time_allowed(can),
    }  # fmt: skip


def _story(ticket: dict[str, Any], message_id: UUID, ack: UUID | None, language: str) -> dict[str, Any]:
    """The first facts of the ticket's story, in order."""
    where = {"queue": ticket["queue"], "channel": ticket["channel"]}
    facts: list[tuple[str, str, dict[str, Any]]] = [
        ("ticket.created", "citizen", where | {"language": language}),
        ("message.received", "citizen",
         {"message": str(message_id), "channel": ticket["channel"], "automation": ticket["automation"]}),
    ]  # fmt: skip
    if ack is not None:
        facts.append(
            ("message.written", "system", {"message": str(ack), "channel": ticket["channel"], "why": "acknowledged"})
        )
    facts.append((f"ticket.{ticket['status']}", "system", where | {"why": "arrived"}))
    story = [
        {"seq": seq, "type": kind, "actor_kind": actor, "data": data}
        for seq, (kind, actor, data) in enumerate(facts, start=1)
    ]
    return {"story": story, "event_seq": len(story)}
