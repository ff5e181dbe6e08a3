"""Brings in the files that lie with providers, a few at a time."""

import asyncio

import structlog

from contactcenter.db import Database
from contactcenter.desk import media
from contactcenter.desk.kit import Kit
from contactcenter.errors import StoreAway

log = structlog.get_logger()
AT_ONCE, PAUSE_S = 4, 1.0


async def keep_fetching(database: Database, kit: Kit) -> None:
    """Until cancelled."""
    while True:
        try:
            fetched = await fetch_due(database, kit)
        except StoreAway:
            fetched = 0
        if not fetched:
            await asyncio.sleep(PAUSE_S)


async def fetch_due(database: Database, kit: Kit) -> int:
    """Fetch what is due now; gives how many files were tried."""
    async with database.transaction() as tx:
        waiting = await media.due(tx)
    hands = asyncio.Semaphore(AT_ONCE)

    async def fetch(attachment_id: int) -> bool:
        async with hands:
            return await media.fetch_one(database, kit, attachment_id)

    return sum(await asyncio.gather(*[fetch(one) for one in waiting]))
