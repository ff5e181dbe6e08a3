"""Compares the providers' lists with what reached us, every few minutes, in whichever process comes first."""

import asyncio

import structlog

from contactcenter.db import Database
from contactcenter.desk import reconciling
from contactcenter.desk.kit import Kit
from contactcenter.errors import StoreAway

log = structlog.get_logger()
LOOK_S = 20.0
"""How often we look whether an inbox is due."""


async def keep_reconciling(database: Database, kit: Kit) -> None:
    """Until cancelled."""
    while True:
        try:
            for gap in await reconciling.run(database, kit):
                log.warning("inbound_gap", inbox=gap.inbox_id, number=len(gap.keys))
        except StoreAway:
            log.info("reconciling_postponed")
        except Exception:  # a bug here must not end the loop that finds lost messages
            log.exception("reconciling_broke")
        await asyncio.sleep(LOOK_S)
