"""Opening a ticket: the reference, the place in the queue, and the acknowledgement with an honest expectation."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from channels import base
from contactcenter.db import after_commit
from contactcenter.desk import deliveries, filing, inbox, lines, loops, promises, tickets, wordings
from contactcenter.desk.book import AgencyEntry, QueueEntry, channel_inbox, open_book
from contactcenter.desk.filing import Sender
from contactcenter.desk.kit import Kit
from contactcenter.desk.references import new_reference
from contactcenter.desk.texts import guess_language
from contactcenter.ids import uuid7
from contactcenter.models import Inbox


@dataclass(frozen=True, slots=True)
class Place:
    """Where a new matter belongs, and when a person will have replied."""

    agency: AgencyEntry
    queue: QueueEntry
    language: str
    due: datetime | None


async def open_ticket(
    tx: AsyncSession, kit: Kit, box: Inbox, raw_id: int, inbound: base.Inbound, sender: Sender, *, linked_id: int | None,
    maybe_id: int | None = None, maybe_why: str | None = None,
) -> int:  # fmt: skip
    """A new ticket for a message, queued (or held until the queue opens) and acknowledged on its own channel. Gives its id.

    ``maybe_id``: another open matter that it may belong to, and why; an agent decides.
    """
    now = kit.now()
    place = await _place(tx, box, inbound, sender, now)
    reference = new_reference(place.agency.row.prefix)
    ack = await _acknowledgement(tx, kit, place, box, inbound, sender, reference)
    values = _ticket(place, box, inbound, reference, now) | {"maybe_id": maybe_id, "maybe_why": maybe_why}
    ticket_id = await _file(tx, kit, box, raw_id, inbound, sender, values | ack, linked_id=linked_id)
    if sender.consent == "doubted":
        said = inbox.preview(inbound)
        await lines.add(tx, await tickets.lock(tx, ticket_id), "consent_doubted", visibility="internal", text=said)
    return ticket_id


async def hold(
    tx: AsyncSession, kit: Kit, box: Inbox, raw_id: int | None, inbound: base.Inbound, sender: Sender, language: str,
    question: str, until: datetime,
) -> int:  # fmt: skip
    """A ticket on which a message waits while its person is asked which matter it belongs to. No date is given on it yet."""
    place = replace(await _place(tx, box, inbound, sender, kit.now()), language=language)
    reference = new_reference(place.agency.row.prefix)
    values = _ticket(place, box, inbound, reference, kit.now()) | {
        "status": "held", "held_until": until, "due_at": None, "next_action_at": until,
    }  # fmt: skip
    asked = _words_out(kit, box, question, None, None)
    return await _file(tx, kit, box, raw_id, inbound, sender, values | asked, why="asked")


async def answer_only(
    tx: AsyncSession, kit: Kit, box: Inbox, raw_id: int | None, inbound: base.Inbound, sender: Sender,
    words: Callable[[str], Awaitable[str]] | None, mark: str,
) -> int:  # fmt: skip
    """A ticket for a stranger's text that the desk itself answers: cancelled from its first moment, so nobody waits and the next
    text is a new matter. ``words``: the answer in a language; None where the provider has given it."""
    place = await _place(tx, box, inbound, sender, kit.now())
    values = _ticket(place, box, inbound, new_reference(place.agency.row.prefix), kit.now()) | {
        "status": "cancelled", "held_until": None, "due_at": None, "next_action_at": None, "waiting_since": None,
    }  # fmt: skip
    said = NOTHING if words is None else _words_out(kit, box, await words(place.language), None, None)
    return await _file(tx, kit, box, raw_id, inbound, sender, values | said, why=mark)


async def _file(
    tx: AsyncSession, kit: Kit, box: Inbox, raw_id: int | None, inbound: base.Inbound, sender: Sender,
    values: dict[str, Any], *, linked_id: int | None = None, why: str = "acknowledged",
) -> int:  # fmt: skip
    """Ticket, message, the desk's own words and the story of both, in one statement; files beside it."""
    message_id = uuid7()
    usual = {"delivery_state": "queued", "deadline": kit.now(), "maybe_id": None, "maybe_why": None}
    whole = usual | filing.message_values(box, raw_id, inbound, message_id) | _address(inbound, sender) | values
    whole |= {"linked": linked_id, "message_seq": 2 if values["ack"] else 1}
    whole |= _story(whole, message_id, values["ack"], values["language"], why)
    ticket_id, delivery_id = await filing.open_whole(tx, whole)
    await inbox.keep_files(tx, kit, message_id, inbound)
    if delivery_id is not None and not kit.channels[box.channel].capabilities.live:
        after_commit(tx, lambda: kit.ring([delivery_id]))
    return ticket_id


async def _place(tx: AsyncSession, box: Inbox, inbound: base.Inbound, sender: Sender, now: datetime) -> Place:
    agency = (await open_book(tx)).agencies[box.agency_id]
    queue = next((q for q in agency.queues.values() if q.row.slug == inbound.hints.topic), agency.queues[box.queue_id])
    due = promises.expected_by(queue, now)
    spoken = [str(code) for code in agency.row.languages]
    if inbound.hints.language in spoken:
        return Place(agency, queue, inbound.hints.language, due)
    usual = sender.language if sender.language in spoken else box.language
    return Place(agency, queue, guess_language(f"{inbound.subject}\n{inbound.text}", spoken, usual), due)


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


NOTHING: dict[str, Any] = dict.fromkeys(("ack", "ack_text", "ack_line", "ack_subject", "ack_id"))


async def _acknowledgement(
    tx: AsyncSession, kit: Kit, place: Place, box: Inbox, inbound: base.Inbound, sender: Sender, reference: str
) -> dict[str, Any]:
    """Reference and honest date on the channel of the message; nothing to machines, to who said stop, or too often."""
    can = kit.channels[box.channel].capabilities
    barred = not can.live and sender.consent in ("revoked", "doubted")
    if barred or not await loops.may_acknowledge(tx, kit, box, inbound, sender):
        return NOTHING
    where = (tx, place.agency.row.id, place.queue.id, place.language)
    expect = promises.expectation(place.agency, place.language, place.due)
    words = await wordings.say(*where, "ack", agency=place.agency.row.name, ref=reference, expect=expect)
    if can.opt_out and not sender.written_to:
        words = f"{words} {await wordings.say(*where, 'stop_hint')}"
    line = {"key": "received_ack", "params": {"ref": reference, "by": place.due.isoformat() if place.due else None}}
    subject = await wordings.say(*where, "ack_subject", ref=reference) if can.subjects else None
    return _words_out(kit, box, words, line, subject)


def _words_out(kit: Kit, box: Inbox, words: str, line: dict[str, Any] | None, subject: str | None) -> dict[str, Any]:
    """The desk's own message beside a new ticket's first one."""
    channel = kit.channels[box.channel]
    can = channel.capabilities
    return {
        "ack": uuid7(), "ack_text": words, "ack_line": line, "ack_subject": subject,
        "ack_id": channel.mint_id(channel_inbox(box)) or None, "delivery_state": "sent" if can.live else "queued",
        "deadline": kit.now() + deliveries.time_allowed(can),
    } | deliveries.paced(kit, box, words)  # fmt: skip


def _story(ticket: dict[str, Any], message_id: UUID, ack: UUID | None, language: str, why: str) -> dict[str, Any]:
    """The first facts of the ticket's story, in order."""
    where = {"queue": ticket["queue"], "channel": ticket["channel"]}
    facts: list[tuple[str, str, dict[str, Any]]] = [
        ("ticket.created", "citizen", where | {"language": language}),
        ("message.received", "citizen",
         {"message": str(message_id), "channel": ticket["channel"], "automation": ticket["automation"]}),
    ]  # fmt: skip
    if ack is not None:
        facts.append(("message.written", "system", {"message": str(ack), "channel": ticket["channel"], "why": why}))
    facts.append((f"ticket.{ticket['status']}", "system", where | {"why": "arrived"}))
    story = [
        {"seq": seq, "type": kind, "actor_kind": actor, "data": data}
        for seq, (kind, actor, data) in enumerate(facts, start=1)
    ]
    return {"story": story, "event_seq": len(story)}
