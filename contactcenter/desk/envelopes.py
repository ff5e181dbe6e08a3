"""What the channel is handed: the words, signed where staff wrote them, and everybody whom this attempt is for."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from channels.base import Capabilities, File, Outbound
from contactcenter.desk import consents, copies, wordings
from contactcenter.desk.attempts import Claimed
from contactcenter.desk.book import channel_inbox, open_book
from contactcenter.desk.consents import WhyNot
from contactcenter.desk.kit import Kit
from contactcenter.desk.references import reply_token
from contactcenter.models import Attachment, Endpoint, Message, Staff, Ticket

SIGNATURE_MARK = "-- \n"
"""RFC 3676, section 4.3: mail programs show what follows in grey and leave it out of an answer."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """A message ready to go. ``to_whom``: the address of the delivery itself. ``barred``: why it may not leave now."""

    outbound: Outbound
    to_whom: str
    barred: WhyNot | None


async def seal(tx: AsyncSession, kit: Kit, claimed: Claimed) -> Envelope:
    message = await tx.get_one(Message, claimed.message_id)
    ticket = await tx.get_one(Ticket, claimed.ticket_id)
    endpoint = await tx.get_one(Endpoint, claimed.endpoint_id)
    automatic = message.author_kind != "staff"
    barred = await consents.why_not(
        tx, endpoint, automatic=automatic, proactive=claimed.proactive, now=kit.now(), kit=kit
    )
    to, cc, recipients = await _addressed(tx, kit, claimed)
    return Envelope(await _outbound(tx, kit, claimed, message, ticket, to, cc, recipients), endpoint.canonical, barred)


async def _addressed(tx: AsyncSession, kit: Kit, claimed: Claimed) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """(to, cc, recipients of this attempt). A copy that said stop meanwhile stays in the head and gets nothing."""
    head = await copies.head(tx, claimed.message_id)
    to = head[0].canonical
    if len(head) == 1:
        return to, (), ()
    cc = tuple(row.canonical for row in head if row.role == "cc")
    with_us = [row for row in head if row.with_id == claimed.id and row.state in ("queued", "unknown")]
    for row in list(with_us):
        if await consents.why_not(tx, await tx.get_one(Endpoint, row.endpoint_id), now=kit.now(), kit=kit):
            await copies.leave_out(tx, row)
            with_us.remove(row)
    mine = next(row.canonical for row in head if row.id == claimed.id)
    return to, cc, (mine, *(row.canonical for row in with_us))


async def _outbound(
    tx: AsyncSession, kit: Kit, claimed: Claimed, message: Message, ticket: Ticket, to: str, cc: Sequence[str],
    recipients: Sequence[str],
) -> Outbound:  # fmt: skip
    inbox = channel_inbox((await open_book(tx)).inboxes[message.inbox_id])
    can = kit.channels[claimed.channel].capabilities
    staff = await tx.get(Staff, message.author_staff_id) if message.author_staff_id else None
    return Outbound(
        message_id=message.id, inbox=inbox, to=to, text=await _signed(tx, can, ticket, message, staff),
        sender_name=staff.name if staff else "", subject=message.subject or _reply_subject(ticket.subject),
        own_id=message.external_id or "", reply_token=_token(kit, can, claimed),
        references=await _references(tx, message), files=await _files(tx, kit, message),
        callback_url=f"{kit.base_url}/channels/{claimed.channel}/{inbox.slug}/status?m={message.id}",
        automatic=message.author_kind == "system", language=message.language or ticket.language,
        written_at=message.created_at, cc=tuple(cc), recipients=tuple(recipients),
    )  # fmt: skip


async def _signed(tx: AsyncSession, can: Capabilities, ticket: Ticket, message: Message, staff: Staff | None) -> str:
    """The words with the signature below; without it where both together would be too long."""
    if not can.subjects or message.author_kind != "staff":
        return message.body_text
    signature = await wordings.signature(tx, ticket, staff)
    signed = f"{message.body_text.rstrip()}\n\n{SIGNATURE_MARK}{signature}\n"
    return signed if signature and len(signed) <= can.max_text else message.body_text


def _token(kit: Kit, can: Capabilities, claimed: Claimed) -> str:
    """What leads an answer back, on channels that carry it."""
    return reply_token(kit.secret, claimed.ticket_id, claimed.endpoint_id) if can.subjects else ""


def _reply_subject(subject: str) -> str:
    return subject if not subject or subject.lower().startswith("re:") else f"Re: {subject}"


async def _references(tx: AsyncSession, message: Message) -> tuple[str, ...]:
    """The ids of all that was said on this channel before, in order; where a relay gave one of ours another, both: people have
    the other."""
    rows: Sequence[Any] = (
        await tx.execute(
            select(Message.external_id, Message.remote_id)
            .where(Message.ticket_id == message.ticket_id, Message.seq < message.seq, Message.visibility == "public",
                   Message.external_id.is_not(None), Message.channel == message.channel)
            .order_by(Message.seq)
        )
    ).all()  # fmt: skip
    return tuple(dict.fromkeys(ref for row in rows for ref in row if ref))


async def _files(tx: AsyncSession, kit: Kit, message: Message) -> tuple[File, ...]:
    rows = await tx.scalars(select(Attachment).where(Attachment.message_id == message.id).order_by(Attachment.id))
    return tuple([File(row.name, row.type, await kit.files.get(row.sha256)) for row in rows])
