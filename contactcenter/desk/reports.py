"""What others report on our sends: bounces, delays, complaints. A report belongs to the message it is about, never to a new matter.

Sources: RFC 3464 (delivery reports), RFC 5965 (complaints).
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from channels import base
from contactcenter import events
from contactcenter.desk import deliveries, tickets
from contactcenter.desk.kit import Kit
from contactcenter.desk.references import read_reply_token
from contactcenter.models import Inbox

_OF_SEND = text(
    """
    SELECT m.ticket_id FROM message m JOIN ticket t ON t.id = m.ticket_id
    WHERE (m.external_id = ANY(:ids) OR m.remote_id = ANY(:ids)) AND m.direction = 'out' AND t.agency_id = :agency LIMIT 1
    """
)
_OF_TOKEN = text("SELECT id FROM ticket WHERE id = :id AND agency_id = :agency AND status <> 'cancelled'")


async def about(
    tx: AsyncSession, kit: Kit, box: Inbox, items: Sequence[base.Item], receipts: Sequence[base.Receipt]
) -> int | None:
    """The ticket of the send that a report is about: by our id in it, else by the reply address it came to."""
    reports = [item for item in items if isinstance(item, base.Inbound) and item.automation == "bounce"]
    if not reports:
        return None
    ids = [one.own_id or one.provider_id for one in receipts if one.own_id or one.provider_id]
    ids += [one for report in reports for one in report.hints.references[:5]]
    if ids:
        found: int | None = await tx.scalar(_OF_SEND, {"ids": ids, "agency": box.agency_id})
        if found is not None:
            return found
    for report in reports:
        token = read_reply_token(kit.secret, report.hints.reply_token) if report.hints.reply_token else None
        if token is not None:
            by_token: int | None = await tx.scalar(_OF_TOKEN, {"id": token[0], "agency": box.agency_id})
            return by_token
    return None


async def apply(tx: AsyncSession, box: Inbox, receipts: Sequence[base.Receipt]) -> None:
    """Tell the deliveries what became of them."""
    for receipt in receipts:
        await deliveries.advance(tx, box.channel, receipt)


async def set_aside(tx: AsyncSession, ticket_id: int, now: datetime) -> None:
    """A report on mail that we never sent (somebody used our address): kept as a closed ticket, where nobody has to act and
    everybody can look."""
    ticket = await tickets.lock(tx, ticket_id)
    await tx.execute(text("DELETE FROM queue_stay WHERE ticket_id = :id AND leave IS NULL"), {"id": ticket_id})
    ticket.status, ticket.closed_at = "closed", now
    ticket.waiting_since = ticket.due_at = ticket.next_action_at = ticket.held_until = None
    ticket.version += 1
    await tx.flush()
    await events.record(tx, "ticket.closed", ticket_id, events.DESK, reason="no_action_needed", why="unknown_report")
