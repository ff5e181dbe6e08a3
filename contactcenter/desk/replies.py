"""What staff write: answers that go out, and notes that stay in the house."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from channels.base import ChannelError, Outbound, TooLong
from contactcenter import events
from contactcenter.desk import (
    composing,
    consents,
    deliveries,
    enclosures,
    promises,
    recipients,
    senders,
    tickets,
    undo,
    work,
)
from contactcenter.desk.access import Scope
from contactcenter.desk.book import channel_inbox, open_book
from contactcenter.desk.kit import Kit
from contactcenter.errors import Conflict, Forbidden, NotFound, Refused
from contactcenter.ids import uuid7
from contactcenter.models import Draft, Endpoint, Inbox, Message, Staff, Ticket

JUST_NOW = timedelta(seconds=60)
NOTE_LIMIT = 20_000


@dataclass(frozen=True, slots=True)
class Letter:
    """What the agent sends. ``seen``: the last message number on their screen.

    ``endpoint_id``: another address of the person than the one they wrote from; its channel carries this answer. ``cc`` and ``bcc``
    are addresses, only those that the agent sees on the screen. ``resend_of``: the message whose words these are. ``uploads``: files
    put beside it.
    """

    client_key: UUID
    text: str
    kind: str
    seen: int
    anyway: bool = False
    endpoint_id: int | None = None
    cc: tuple[str, ...] = ()
    bcc: tuple[str, ...] = ()
    subject: str | None = None
    resend_of: UUID | None = None
    uploads: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Way:
    """How an answer goes: to which address, by which channel, from which address of ours."""

    endpoint: Endpoint
    channel: str
    inbox: Inbox


@dataclass(frozen=True, slots=True)
class Written:
    message: Message
    repeated: bool


async def write(tx: AsyncSession, kit: Kit, scope: Scope, staff: Staff, reference: str, letter: Letter) -> Written:
    """Store a reply or note. The same ``client_key`` again gives the same message.

    Raises Conflict ``changed-meanwhile`` (with the messages the agent has not seen), ``cannot-reach`` (with the reason and ``others``,
    addresses of the person that may be used) or ``no-room``; NotFound for an address of somebody else; Refused ``too-long`` with
    limit and count, ``bad-address`` or ``no-copies``.
    """
    letter = replace(letter, text=clean(letter.text))
    ticket = await tickets.find(tx, scope, reference, lock=True)
    before = await tx.scalar(
        select(Message).where(Message.ticket_id == ticket.id, Message.client_key == letter.client_key)
    )
    if before is not None:
        return Written(before, repeated=True)
    verb = "note:ticket" if letter.kind == "note" else "reply:ticket"
    if verb not in scope.can(ticket.status, ticket.owner_id):
        raise _may_not(ticket, verb)
    if letter.kind == "note":
        return Written(await _note(tx, ticket, staff, letter), repeated=False)
    if not letter.anyway:
        await _refuse_if_changed(tx, kit, ticket, staff, letter)
    return Written(await _reply(tx, kit, ticket, staff, letter), repeated=False)


def _may_not(ticket: Ticket, verb: str) -> Exception:
    if ticket.status in ("closed", "cancelled") and verb == "reply:ticket":
        return Conflict("This ticket was closed meanwhile. Reopen it to reply.", why="closed", changes=[])
    return Forbidden("You can read this ticket but not write on it.")


async def _note(tx: AsyncSession, ticket: Ticket, staff: Staff, letter: Letter) -> Message:
    if not letter.text:
        raise Refused("Write something first.", slug="empty")
    if len(letter.text) > NOTE_LIMIT:
        raise Refused("The note is too long.", slug="too-long", limit=NOTE_LIMIT, count=len(letter.text))
    message = await _add(tx, ticket, staff, letter, direction="internal", visibility="internal")
    ticket.preview, ticket.preview_from = " ".join(letter.text.split())[:140], "note"
    await tx.flush()
    await events.record(tx, "note.written", ticket.id, events.Actor("staff", staff.id), message=message.id)
    return message


async def _refuse_if_changed(tx: AsyncSession, kit: Kit, ticket: Ticket, staff: Staff, letter: Letter) -> None:
    """Compare what the agent saw with what happened since; a colleague's answer always stops, a citizen's on slow channels."""
    unseen = list(
        await tx.scalars(
            select(Message)
            .where(Message.ticket_id == ticket.id, Message.seq > letter.seen, Message.kind == "message")
            .order_by(Message.seq)
        )
    )
    colleague = [m for m in unseen if m.author_staff_id not in (None, staff.id) and m.visibility == "public"]
    slow = kit.channels[ticket.channel].capabilities.pace == "later"
    fresh = [m for m in unseen if m.direction == "in" and slow and m.created_at > kit.now() - JUST_NOW]
    if colleague:
        raise Conflict("A colleague answered meanwhile.", why="colleague_replied", changes=[m.id for m in unseen])
    if fresh:
        raise Conflict("The citizen added a message just now.", why="citizen_wrote", changes=[m.id for m in unseen])


async def _reply(tx: AsyncSession, kit: Kit, ticket: Ticket, staff: Staff, letter: Letter) -> Message:
    way = await _way(tx, kit, ticket, letter.endpoint_id)
    can = kit.channels[way.channel].capabilities
    await _refuse_if_barred(tx, kit, ticket, way)
    enclosed = await enclosures.gather(tx, kit, staff, letter.uploads, letter.resend_of)
    inbox = channel_inbox(way.inbox)
    preview = Outbound(uuid7(), inbox, way.endpoint.canonical, letter.text, files=enclosed.files)
    check_length(kit, preview, way.channel)
    copied = await recipients.resolve(tx, kit, ticket, way.endpoint, way.channel, letter.cc, letter.bcc)
    before = await undo.look(tx, ticket)
    await _own(tx, ticket, staff)
    message = await _add(tx, ticket, staff, letter, direction="out", visibility="public")
    message.channel, message.inbox_id = way.channel, way.inbox.id
    message.external_id = kit.channels[way.channel].mint_id(inbox) or None
    message.subject = ((letter.subject or "").strip()[:300] or None) if can.subjects else None
    message.recipients = await recipients.shown(tx, kit, way.channel, way.endpoint, copied)
    await _count_as_answer(tx, kit, ticket, letter.text, kit.now())
    await tx.flush()
    await enclosures.enclose(tx, enclosed, message.id)
    undo_s = await undo.seconds(tx, kit, ticket, way.channel)
    await deliveries.hand_over(tx, kit, ticket, message, way.endpoint.id, undo_s=undo_s, cc=copied.cc, bcc=copied.bcc)
    await recipients.take_part(tx, ticket, staff, way.endpoint, copied.cc)
    more: dict[str, Any] = {"before": before.as_json()} if undo_s else {}
    more |= {"resend_of": letter.resend_of} if letter.resend_of else {}
    await events.record(
        tx,
        "message.written",
        ticket.id,
        events.Actor("staff", staff.id),
        message=message.id,
        channel=way.channel,
        **more,
    )
    return message


async def _way(tx: AsyncSession, kit: Kit, ticket: Ticket, endpoint_id: int | None) -> Way:
    channel, endpoint = await composing.channel_of(tx, kit, ticket, endpoint_id)
    if endpoint.agency_id != ticket.agency_id:
        raise NotFound("There is no such address of this person.")
    return Way(endpoint, channel, await senders.of(tx, endpoint, ticket, channel))


async def _refuse_if_barred(tx: AsyncSession, kit: Kit, ticket: Ticket, way: Way) -> None:
    reason = await consents.why_not(tx, way.endpoint, now=kit.now(), kit=kit)
    if reason is not None:
        others = await consents.allowed_elsewhere(tx, kit, ticket.contact_id, way.endpoint.id)
        raise Conflict(
            _CANNOT.get(reason, _CANNOT["closed"]),
            slug="cannot-reach",
            reason=reason,
            others=[one.id for one in others],
        )


async def resend(
    tx: AsyncSession, kit: Kit, scope: Scope, staff: Staff, reference: str, message_id: UUID, endpoint_id: int,
    client_key: UUID | None = None,
) -> Written:  # fmt: skip
    """The same words once more, by another address or channel of the person; for what could not be delivered.

    Raises as ``write`` does; NotFound where the message is not an answer on this ticket, Conflict ``arrived`` where it did arrive.
    """
    ticket = await tickets.find(tx, scope, reference)
    message = await tx.get(Message, message_id)
    if message is None or message.ticket_id != ticket.id or message.direction != "out" or message.kind != "message":
        raise NotFound("There is no such message on this ticket.")
    if await deliveries.arrived(tx, message_id, endpoint_id):
        raise Conflict("This message did arrive there.", slug="arrived")
    letter = Letter(
        client_key or uuid7(), message.body_text, "reply", ticket.message_seq, anyway=True, endpoint_id=endpoint_id,
        subject=message.subject, resend_of=message_id,
    )  # fmt: skip
    return await write(tx, kit, scope, staff, reference, letter)


_CANNOT = {
    "opted_out": "This person asked us not to write to this address. Reach them another way.",
    "bad_address": "This address does not work. Ask the person for another one.",
    "window": "The time in which we may answer here is over. They have to write again first, or be reached another way.",
    "closed": "The time in which we may answer here is over.",
}


async def outbound_preview(tx: AsyncSession, ticket: Ticket, endpoint: Endpoint, words: str) -> Outbound:
    """What would leave if these words were sent now; only for counting and checking."""
    inbox = (await open_book(tx)).inboxes[ticket.inbox_id]
    return Outbound(message_id=uuid7(), inbox=channel_inbox(inbox), to=endpoint.canonical, text=words)


def check_length(kit: Kit, outbound: Outbound, channel: str) -> None:
    if not outbound.text.strip():
        raise Refused("Write something first.", slug="empty")
    try:
        kit.channels[channel].measure(outbound)
    except TooLong as error:
        raise Refused(
            f"The text has {error.count} {error.what}; the limit is {error.limit}.",
            slug="too-long", limit=error.limit, count=error.count,
        ) from error  # fmt: skip
    except ChannelError as error:
        raise Refused(str(error), slug="content") from error


async def _own(tx: AsyncSession, ticket: Ticket, staff: Staff) -> None:
    """Answering a waiting ticket takes it; answering a colleague's leaves it theirs."""
    if ticket.status in ("held", "queued"):
        agency, _queue = await tickets.entries(tx, ticket)
        await work.take(tx, ticket, staff.id, agency.policy.channels[ticket.channel])
        ticket.status = "assigned"
        ticket.version += 1
        await tx.flush()
        await tickets.close_stay(tx, ticket.id, "answered")
        await work.begin_assignment(tx, ticket, {"rule": "answered"}, events.Actor("staff", staff.id))


async def _count_as_answer(tx: AsyncSession, kit: Kit, ticket: Ticket, words: str, now: datetime) -> None:
    """The citizen waits no more. On a channel without a person at the screen the agent's hands are free at once."""
    ticket.waiting_since = None
    ticket.due_at = None
    ticket.preview, ticket.preview_from = " ".join(words.split())[:140], "staff"
    ticket.next_action_at = now + timedelta(days=3)
    await promises.settle(tx, ticket.id, now)
    await tickets.answered(tx, ticket.id)
    if ticket.status == "assigned" and not kit.channels[ticket.channel].capabilities.live:
        await work.give_back(tx, ticket)
        ticket.status = "waiting_citizen"
        ticket.version += 1
        await tx.flush()
        if ticket.owner_id is not None:
            from contactcenter.desk import agents

            await agents.restate(tx, ticket.owner_id)


async def _add(
    tx: AsyncSession, ticket: Ticket, staff: Staff, letter: Letter, *, direction: str, visibility: str
) -> Message:
    ticket.message_seq += 1
    message = Message(
        id=uuid7(), ticket_id=ticket.id, seq=ticket.message_seq, direction=direction, visibility=visibility,
        kind="note" if letter.kind == "note" else "message", author_kind="staff", author_staff_id=staff.id,
        channel=ticket.channel, inbox_id=ticket.inbox_id, client_key=letter.client_key, body_text=letter.text,
        language=ticket.language,
    )  # fmt: skip
    tx.add(message)
    draft = await tx.get(Draft, (staff.id, ticket.id))
    if draft is not None:
        await tx.delete(draft)
    await tx.flush()
    return message


def clean(words: str) -> str:
    """Text as it may be stored: no NUL, no lone surrogates, no control characters but tab and newline."""
    kept = "".join(c for c in words if c in "\t\n" or (ord(c) >= 32 and ord(c) != 127))
    return kept.encode("utf-8", "ignore").decode("utf-8").strip()
