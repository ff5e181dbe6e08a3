"""What never reached us: the provider's own list is compared with what we have, and asked what became of our sends.

Some providers tell a failed webhook to nobody but their log. What is missing comes in by the door it should have come by.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import text

from channels import base
from contactcenter import events
from contactcenter.db import Database
from contactcenter.desk import deliveries, health
from contactcenter.desk import inbox as desk_inbox
from contactcenter.desk.book import channel_inbox, kept_book, open_book
from contactcenter.desk.kit import Kit
from contactcenter.models import Inbox

log = structlog.get_logger()
EVERY_S, OVERLAP, FIRST_LOOK = 300, timedelta(hours=1), timedelta(hours=1)
ON_ITS_WAY = timedelta(seconds=60)
"""A message so young is left to its webhook, which may be on its way; the next list shows it again."""
AT_MOST = 500
IDS_TOLD = 50

# The claim is the lease: whoever moves ``next_list_at`` does the work, and a process that dies leaves it to the next round.
_CLAIM_LIST = text(
    """
    UPDATE inbox_health SET next_list_at = clock_timestamp() + make_interval(secs => :every)
    WHERE inbox_id = (SELECT inbox_id FROM inbox_health WHERE inbox_id = ANY(:inboxes) AND next_list_at <= clock_timestamp()
      ORDER BY next_list_at LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING inbox_id, listed_until
    """
)
_CLAIM_ASK = text(
    """
    UPDATE inbox_health SET asked_at = clock_timestamp()
    WHERE inbox_id = (SELECT inbox_id FROM inbox_health WHERE inbox_id = ANY(:inboxes)
      AND (asked_at IS NULL OR asked_at < clock_timestamp() - interval '1 day') LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING inbox_id
    """
)
_ROWS_FOR = text("INSERT INTO inbox_health (inbox_id) SELECT unnest(CAST(:inboxes AS bigint[])) ON CONFLICT DO NOTHING")
_KNOWN = text("SELECT source_key FROM raw_event WHERE source = :source AND source_key = ANY(:keys)")
_LISTED = text(
    "UPDATE inbox_health SET listed_until = greatest(listed_until, CAST(:until AS timestamptz)), gaps = gaps + :gaps "
    "WHERE inbox_id = :inbox"
)
_UNCONFIRMED = text(
    """
    SELECT d.provider_id FROM delivery d JOIN message m ON m.id = d.message_id WHERE d.channel = :channel AND d.state = 'sent'
      AND d.provider_id IS NOT NULL AND m.inbox_id = :inbox
      AND d.updated_at BETWEEN clock_timestamp() - interval '8 days' AND clock_timestamp() - interval '1 hour'
    ORDER BY d.updated_at DESC LIMIT :limit
    """
)


@dataclass(frozen=True, slots=True)
class Gap:
    """What a list showed that we did not have: keys of the messages, oldest first."""

    inbox_id: int
    keys: tuple[str, ...]


async def run(database: Database, kit: Kit) -> list[Gap]:
    """Compare every inbox that is due, and ask once a day about sends that nobody confirmed."""
    boxes = list((await kept_book(database)).inboxes.values())
    lists = [box.id for box in boxes if box.channel in kit.channels and kit.channels[box.channel].can_list]
    asks = [box.id for box in boxes if box.channel in kit.channels and kit.channels[box.channel].can_find]
    if not lists and not asks:
        return []
    async with database.transaction() as tx:
        await tx.execute(_ROWS_FOR, {"inboxes": sorted({*lists, *asks})})
    found = []
    while (claimed := await _claim_list(database, lists)) is not None:
        found.append(await _compare(database, kit, *claimed))
    while (box := await _claim_ask(database, asks)) is not None:
        await _ask(database, kit, box)
    return [gap for gap in found if gap.keys]


async def _claim_list(database: Database, inboxes: list[int]) -> tuple[Inbox, datetime | None] | None:
    async with database.transaction() as tx:
        row = (await tx.execute(_CLAIM_LIST, {"inboxes": inboxes, "every": EVERY_S})).one_or_none()
        return None if row is None else ((await open_book(tx)).inboxes[row.inbox_id], row.listed_until)


async def _claim_ask(database: Database, inboxes: list[int]) -> Inbox | None:
    async with database.transaction() as tx:
        row = (await tx.execute(_CLAIM_ASK, {"inboxes": inboxes})).one_or_none()
        return None if row is None else (await open_book(tx)).inboxes[row.inbox_id]


# --- what came in ---------------------------------------------------------------------------------------------------------


async def _compare(database: Database, kit: Kit, box: Inbox, listed_until: datetime | None) -> Gap:
    """One inbox: list, store what is missing, count it. A provider that cannot be asked is shown as a problem."""
    began = kit.now()
    since = began - FIRST_LOOK if listed_until is None else listed_until - OVERLAP
    try:
        listed = await kit.channels[box.channel].history(channel_inbox(box), since)
    except (
        Exception
    ) as error:  # the network's and the adapter's errors end alike: no list this time, and somebody is told
        log.warning("listing_broke", inbox=box.slug, error=type(error).__name__)
        await _report(database, box, base.Health(problem=f"The provider's list cannot be read: {error}"[:300]))
        return Gap(box.id, ())
    missing = []
    for arrival in await _unknown(database, box, listed):
        if await _bring_in(database, kit, box, arrival):
            missing.append(arrival.source_key)
    await _tell(database, box, began, missing)
    return Gap(box.id, tuple(missing))


async def _unknown(database: Database, box: Inbox, listed: list[base.Arrival]) -> list[base.Arrival]:
    keys = [arrival.source_key[:500] for arrival in listed]
    async with database.transaction() as tx:
        known = set(await tx.scalars(_KNOWN, {"source": f"{box.channel}:{box.slug}", "keys": keys}))
    return [arrival for arrival in listed if arrival.source_key[:500] not in known]


async def _bring_in(database: Database, kit: Kit, box: Inbox, arrival: base.Arrival) -> bool:
    """By the same path as a webhook, so that a webhook which comes after all is the repeat. True when it was missing."""
    channel = kit.channels[box.channel]
    raw = health.raw_of(kit, box, arrival)
    if channel.capabilities.child:
        async with database.transaction() as tx:
            return await desk_inbox.store(tx, kit, raw) is not None
    items = channel.parse(raw)
    if any(isinstance(one, base.Inbound) and _is_young(kit, one) for one in items):
        return False
    return await desk_inbox.take_safely(database, kit, box, raw, items) != "repeat"


def _is_young(kit: Kit, inbound: base.Inbound) -> bool:
    return inbound.sent_at_claimed is not None and inbound.sent_at_claimed > kit.now() - ON_ITS_WAY


async def _tell(database: Database, box: Inbox, began: datetime, missing: list[str]) -> None:
    async with database.transaction() as tx:
        await tx.execute(_LISTED, {"until": began, "gaps": len(missing), "inbox": box.id})
        await health.report(tx, box.id, base.Health())
        if missing:
            await events.record_beside(
                tx, "inbound.gap", box.agency_id, events.DESK, inbox=box.slug, channel=box.channel, number=len(missing),
                ids=missing[:IDS_TOLD],
            )  # fmt: skip


async def _report(database: Database, box: Inbox, state: base.Health) -> None:
    async with database.transaction() as tx:
        await health.report(tx, box.id, state)


# --- what became of our sends ---------------------------------------------------------------------------------------------


async def _ask(database: Database, kit: Kit, box: Inbox) -> None:
    """Sends of one hour to eight days ago without a last word."""
    channel = kit.channels[box.channel]
    async with database.transaction() as tx:
        values: dict[str, Any] = {"channel": box.channel, "inbox": box.id, "limit": AT_MOST}
        waiting = list(await tx.scalars(_UNCONFIRMED, values))
    for provider_id in waiting:
        try:
            receipt = await channel.outcome(channel_inbox(box), provider_id)
        except base.ChannelError:  # it cannot be asked now; tomorrow again
            return
        except Exception as error:  # one answer we cannot read must not keep the others from being asked
            log.warning("asking_broke", inbox=box.slug, error=type(error).__name__)
            continue
        if receipt is not None:
            async with database.transaction() as tx:
                await deliveries.advance(tx, box.channel, receipt, fetched=True)
