"""Machines that answer machines: whom the desk answers by itself, and when it falls silent.

Sources: RFC 3834 on automatic answers. Nothing is lost to any of this: what comes in is kept, only our own words stop.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from channels.base import Inbound
from contactcenter import events
from contactcenter.desk import lines, tickets
from contactcenter.desk.book import open_book
from contactcenter.desk.filing import Sender, Statement
from contactcenter.desk.kit import Kit
from contactcenter.models import Inbox

A_DAY = 2
"""Acknowledgements to one endpoint within 24 hours."""
AN_HOUR = 5
"""What the desk sends to one endpoint by itself within an hour; and how often a ticket may come back within one."""
A_DOMAIN = 20
"""Acknowledgements an hour to all addresses of one domain; ``acks_a_domain`` of an inbox's configuration sets another number."""
AUTOMATIC_IN, WINDOW = 3, timedelta(minutes=10)
"""More automatic mail than this on one ticket within this time: two machines are talking."""

_COUNT = Statement(
    """
    INSERT INTO domain_pace (agency_id, domain, since, count) VALUES (:agency, :domain, :now, 1)
    ON CONFLICT (agency_id, domain) DO UPDATE SET
      count = CASE WHEN domain_pace.since < :hour_ago THEN 1 ELSE domain_pace.count + 1 END,
      since = CASE WHEN domain_pace.since < :hour_ago THEN :now ELSE domain_pace.since END
      WHERE domain_pace.since < :hour_ago OR domain_pace.count < :most
    RETURNING count
    """
)
_FALL_SILENT = text(
    """
    UPDATE ticket t SET quiet_since = clock_timestamp() WHERE t.id = :ticket AND t.quiet_since IS NULL AND :most <
      (SELECT count(*) FROM message m WHERE m.ticket_id = t.id AND m.direction = 'in' AND m.automation <> 'none'
        AND m.created_at > clock_timestamp() - CAST(:window AS interval))
    RETURNING t.id
    """
)
_COMES_BACK = text(
    """
    UPDATE ticket t SET quiet_since = clock_timestamp() WHERE t.id = :ticket AND t.quiet_since IS NULL AND :most <
      (SELECT count(*) FROM event e WHERE e.ticket_id = t.id AND e.type = 'ticket.reopened' AND e.actor_kind = 'citizen'
        AND e.at > clock_timestamp() - interval '1 hour')
    RETURNING t.id
    """
)


async def may_acknowledge(tx: AsyncSession, kit: Kit, box: Inbox, inbound: Inbound, sender: Sender) -> bool:
    """Whether the desk may answer this new matter by itself. It then speaks in its own words alone, never in the sender's.

    No to machines, to what the provider has answered, to ourselves, to what was not written to this inbox by name, and to whom
    (or whose domain) we have written often enough. Ask once for each message: a yes counts.
    """
    if inbound.automation != "none" or inbound.hints.answered or any("suppress" in one for one in inbound.signals):
        return False
    if not kit.channels[box.channel].capabilities.subjects:
        return True  # where no machine answers, a limit would only keep people waiting without a word
    if sender.acks >= A_DAY or sender.automatic >= AN_HOUR:
        return False
    if await _is_ours(tx, box, inbound) or not _by_name(box, inbound):
        return False
    return await _domain_has_room(tx, kit, box, inbound)


async def _is_ours(tx: AsyncSession, box: Inbox, inbound: Inbound) -> bool:
    """Whether an inbox of this agency wrote, or would get the answer."""
    book = await open_book(tx)
    ours = {
        name
        for row in book.inboxes.values()
        if row.agency_id == box.agency_id and row.channel == box.channel
        for name in names_of(row.address, row.config)
    }
    return any(_untagged(one.canonical) in ours for one in (inbound.sender, inbound.reply_to) if one is not None)


def _by_name(box: Inbox, inbound: Inbound) -> bool:
    """A hidden copy and a list's mail were not written to us."""
    ours = names_of(box.address, box.config)
    return any(_untagged(one.canonical) in ours for one in (*inbound.to, *inbound.cc))


def names_of(address: str, config: Mapping[str, Any]) -> set[str]:
    """The addresses under which an inbox is known: its own and, where mail is passed on to it, its ``aliases``."""
    aliases = str(config.get("aliases", "")).lower().replace(",", " ").split()
    return {_untagged(address.lower()), *map(_untagged, aliases)}


def _untagged(address: str) -> str:
    """``help+r.1.2.abc@city.example`` is still ``help@city.example``."""
    local, at, domain = address.rpartition("@")
    return f"{local.partition('+')[0]}{at}{domain}"


async def _domain_has_room(tx: AsyncSession, kit: Kit, box: Inbox, inbound: Inbound) -> bool:
    now = kit.now()
    most = int(box.config.get("acks_a_domain", A_DOMAIN))
    domain = inbound.sender.canonical.rpartition("@")[2][:255]
    values = {
        "agency": box.agency_id,
        "domain": domain,
        "now": now,
        "hour_ago": now - timedelta(hours=1),
        "most": most,
    }
    return most > 0 and await _COUNT.row(tx, values) is not None


async def note_automatic(tx: AsyncSession, ticket_id: int) -> bool:
    """After automatic mail on a ticket: when it comes too fast, the desk falls silent there, once, and says so. True then."""
    values = {"ticket": ticket_id, "most": AUTOMATIC_IN, "window": WINDOW}
    return await _silence(tx, ticket_id, await tx.scalar(_FALL_SILENT, values), "automatic_mail")


async def note_reopening(tx: AsyncSession, ticket_id: int) -> bool:
    """After a message reopened a ticket: one that comes back again and again may be answered by a machine that does not say so.

    It still reopens, since a person may have written; the desk itself falls silent.
    """
    values = {"ticket": ticket_id, "most": AN_HOUR}
    return await _silence(tx, ticket_id, await tx.scalar(_COMES_BACK, values), "reopened_often")


async def _silence(tx: AsyncSession, ticket_id: int, fallen: int | None, why: str) -> bool:
    if fallen is None:
        return False
    ticket = await tickets.lock(tx, ticket_id)
    await lines.add(tx, ticket, "loop_broken", visibility="internal", why=why)
    await events.record(tx, "loop.broken", ticket_id, events.DESK, why=why)
    return True
