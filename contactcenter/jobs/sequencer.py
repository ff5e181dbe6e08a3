"""Gives committed events a gapless global position, in commit order per ticket.

A serial id is handed out before the commit, so a reader that polls by id misses rows that commit late. One leader, under a
session advisory lock on the very connection that stamps: if the connection is lost, so is the right to stamp.
"""

import asyncio

import asyncpg
import structlog

from contactcenter.hints import Hints
from contactcenter.listening import CHANNEL

log = structlog.get_logger()
LOCK = 4_281_001
BATCH = 500
POLL_S, POLL_DEAF_S = 0.2, 0.03

_STAMP = f"""
WITH fresh AS (SELECT id FROM event WHERE pos IS NULL ORDER BY id LIMIT {BATCH}),
numbered AS (SELECT id, $1::bigint + row_number() OVER (ORDER BY id) AS pos FROM fresh),
stamped AS (UPDATE event e SET pos = n.pos FROM numbered n WHERE e.id = n.id RETURNING e.pos),
reached AS (SELECT count(*) AS n, max(pos) AS tail FROM stamped)
SELECT n, tail, CASE WHEN n > 0 THEN pg_notify('{CHANNEL}', tail::text) END FROM reached
"""  # noqa: S608 - constants


class Sequencer:
    """Runs until cancelled; stands by while another one leads."""

    def __init__(self, url: str, hints: Hints) -> None:
        self._url = url.replace("postgresql+asyncpg://", "postgresql://")
        self._hints = hints
        self._woken = asyncio.Event()
        self.leads = False

    async def run(self) -> None:
        ears = asyncio.create_task(self._hints.listen(self._woken.set))
        try:
            while True:
                try:
                    await self._lead()
                except (
                    OSError,
                    TimeoutError,
                    asyncpg.PostgresError,
                    asyncpg.InterfaceError,
                    asyncpg.InternalClientError,
                ):
                    log.warning("sequencer_lost_database")
                    await asyncio.sleep(0.3)
                finally:
                    self.leads = False
        finally:
            ears.cancel()

    async def _lead(self) -> None:
        connection = await asyncpg.connect(
            self._url, timeout=5, command_timeout=5, server_settings={"application_name": "contactcenter sequencer"}
        )
        try:
            while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", LOCK):  # noqa: ASYNC110 - held elsewhere
                await asyncio.sleep(0.2)
            self.leads = True
            log.info("sequencer_leads")
            tail: int = await connection.fetchval("SELECT coalesce(max(pos), 0) FROM event")
            while True:
                tail = await self._stamp(connection, tail)
                await self._rest()
        finally:
            await connection.close(timeout=1)

    async def _stamp(self, connection: "asyncpg.Connection[asyncpg.Record]", tail: int) -> int:
        self._woken.clear()
        while True:
            row = await connection.fetchrow(_STAMP, tail)
            assert row is not None
            tail = row["tail"] or tail
            if row["n"] < BATCH:
                return tail

    async def _rest(self) -> None:
        try:
            await asyncio.wait_for(self._woken.wait(), POLL_S if self._hints.heard else POLL_DEAF_S)
        except TimeoutError:
            return
