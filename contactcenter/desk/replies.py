"""What staff write: answers that go out, and notes that stay in the house."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from channels.base import ChannelError, Outbound, TooLong
from contactcenter import events
from contactcenter.desk import consents, deliveries, promises, tickets, work
from contactcenter.desk.access import Scope
from contactcenter.desk.book import channel_inbox, open_book
from contactcenter.desk.kit import Kit
from contactcenter.errors import Conflict, Forbidden, Refused
from contactcenter.ids import uuid7
from contactcenter.models import Draft, Endpoint, Message, Staff, Ticket

JUST_NOW = timedelta(seconds=60)
NOTE_LIMIT = 20_000


@dataclass(frozen=True, slots=True)
class Letter:
    """What the agent sends. ``seen``: the last message number on their screen."""

    client_key: UUID
    text: str
    kind: str
    seen: int
    anyway: bool = False


@dataclass(frozen=True, slots=True)
class Written:
    message: Message
    repeated: bool


async def write(tx: AsyncSession, kit: Kit, scope: Scope, staff: Staff, reference: str, letter: Letter) -> Written:
    """Store a reply or note. The same ``client_key`` again gives the same message.

    Raises Conflict ``changed-meanwhile`` (with the messages the agent has not seen), ``cannot-reach`` or ``no-room``; Refused
    ``too-long`` with limit and count.
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
    colleague = [m for m in unseen if m.author_kind == "staff" and m.author_staff_id != staff.id]
    slow = kit.channels[ticket.channel].capabilities.pace == "later"
    fresh = [m for m in unseen if m.direction == "in" and slow and m.created_at > kit.now() - JUST_NOW]
    if colleague:
        raise Conflict("A colleague answered meanwhile.", why="colleague_replied", changes=[m.id for m in unseen])
    if fresh:
        raise Conflict("The citizen added a message just now.", why="citizen_wrote", changes=[m.id for m in unseen])


async def _reply(tx: AsyncSession, kit: Kit, ticket: Ticket, staff: Staff, letter: Letter) -> Message:
    endpoint = await tx.get_one(Endpoint, ticket.endpoint_id)
    reason = await consents.why_not(tx, endpoint)
    if reason is not None:
        raise Conflict(_CANNOT[reason], slug="cannot-reach", reason=reason)
    check_length(kit, await outbound_preview(tx, ticket, endpoint, letter.text), ticket.channel)
    await _own(tx, ticket, staff)
    message = await _add(tx, ticket, staff, letter, direction="out", visibility="public")
    inbox = (await open_book(tx)).inboxes[ticket.inbox_id]
    message.external_id = kit.channels[ticket.channel].mint_id(channel_inbox(inbox)) or None
    await _count_as_answer(tx, kit, ticket, letter.text, kit.now())
    await tx.flush()
    await deliveries.hand_over(tx, kit, ticket, message, endpoint.id)
    await events.record(
        tx, "message.written", ticket.id, events.Actor("staff", staff.id), message=message.id, channel=ticket.channel
    )
    return message


_CANNOT = {
    "opted_out": "This person asked us not to write to this address. Reach them another way.",
    "bad_address": "This address does not work. Ask the person for another one.",
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


async def unseen_by(tx: AsyncSession, ids: Sequence[UUID]) -> list[Message]:
    return list(await tx.scalars(select(Message).where(Message.id.in_(ids)).order_by(Message.seq)))
