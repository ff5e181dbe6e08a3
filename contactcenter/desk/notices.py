"""What passes between the desk itself and a citizen: its own words going out, and texts to the desk that wake nobody."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from channels.base import Inbound
from contactcenter import events
from contactcenter.desk import consents, deliveries, filing, inbox, wordings
from contactcenter.desk.book import channel_inbox, open_book
from contactcenter.desk.filing import Sender
from contactcenter.desk.kit import Kit
from contactcenter.ids import uuid7
from contactcenter.models import Endpoint, Inbox, Message, Ticket


async def words(tx: AsyncSession, ticket: Ticket, key: str, **values: Any) -> str:
    """What the desk says on a ticket, in its language and in the agency's own words."""
    return await wordings.say(tx, ticket.agency_id, ticket.queue_id, ticket.language, key, **values)


async def write(
    tx: AsyncSession, kit: Kit, ticket: Ticket, text: str, why: str, *, mark: str = "", proactive: bool = False
) -> Message | None:
    """Send words of the desk to who wrote a locked ticket; None where the person, or the loop guard of the ticket, forbids it.

    ``mark`` stands among the message's signals. ``proactive``: nobody waits for it, so quiet hours hold.
    """
    endpoint = await tx.get_one(Endpoint, ticket.endpoint_id)
    barred = await consents.why_not(tx, endpoint, automatic=True, proactive=proactive, kit=kit)
    if barred is not None or ticket.quiet_since is not None:
        await events.record(tx, "notice.refused", ticket.id, events.DESK, notice=why, why=barred or "two_machines")
        return None
    channel = kit.channels[ticket.channel]
    box = (await open_book(tx)).inboxes[ticket.inbox_id]
    ticket.message_seq += 1
    message = Message(
        id=uuid7(), ticket_id=ticket.id, seq=ticket.message_seq, direction="out", author_kind="system", channel=ticket.channel,
        inbox_id=ticket.inbox_id, body_text=text, automation="notification", language=ticket.language,
        subject=(ticket.subject or None) if channel.capabilities.subjects else None, signals=[mark] if mark else [],
        external_id=channel.mint_id(channel_inbox(box)) or None,
    )  # fmt: skip
    tx.add(message)
    await tx.flush()
    await deliveries.hand_over(tx, kit, ticket, message, endpoint.id, lane=deliveries.OWN_WORDS, proactive=proactive)
    await events.record(
        tx, "message.written", ticket.id, events.DESK, message=message.id, channel=ticket.channel, why=why
    )
    return message


async def keep(
    tx: AsyncSession, kit: Kit, box: Inbox, raw_id: int | None, inbound: Inbound, sender: Sender, ticket_id: int, *,
    waiting: bool = False,
) -> UUID:  # fmt: skip
    """Store what a known person wrote to the desk itself. It reopens nothing, and nobody waits unless ``waiting``."""
    message_id = uuid7()
    now = kit.now()
    story = {"message": str(message_id), "held": False, "channel": box.channel, "automation": inbound.automation}
    await filing.append(
        tx,
        filing.message_values(box, raw_id, inbound, message_id)
        | {"ticket": ticket_id, "endpoint": sender.endpoint_id, "contact": sender.contact_id, "human": waiting, "now": now,
           "later": now + timedelta(days=1), "preview": inbox.preview(inbound), "story": story},
    )  # fmt: skip
    await inbox.keep_files(tx, kit, message_id, inbound)
    return message_id
