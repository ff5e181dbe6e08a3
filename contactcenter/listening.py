"""Hears the sequencer's NOTIFY on a connection of its own, and comes back when the database does."""

import asyncio
from collections.abc import Callable
from typing import Any

import asyncpg
import structlog

log = structlog.get_logger()
CHANNEL = "events"


async def listen(url: str, woken: Callable[[int], None]) -> None:
    """Call ``woken(tail)`` whenever positions were stamped, until cancelled. After a gap it is called with 0."""

    def heard(_connection: Any, _pid: int, _channel: str, payload: str) -> None:
        woken(int(payload))

    while True:
        try:
            connection = await asyncpg.connect(url.replace("postgresql+asyncpg://", "postgresql://"), timeout=5)
            try:
                await connection.add_listener(CHANNEL, heard)
                woken(0)
                while not connection.is_closed():
                    await asyncio.sleep(5)
                    await connection.fetchval("SELECT 1", timeout=5)
            finally:
                await connection.close(timeout=1)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError):
            log.warning("listen_lost")
            await asyncio.sleep(0.5)
