"""Leadership: a lease row whose epoch fences every claim, and a session lock that makes take-over fast.

The lock alone is no fence: a paused holder does not know that it is gone. Safety rests on the epoch.
"""

import asyncio
import time
from types import TracebackType
from typing import Self

import asyncpg

LOCK = 4_281
LIFE_S, RENEW_S = 5.0, 1.0
OWN_LIMIT = 0.6
"""The share of the lease's life after which the holder stops deciding, by its own monotonic clock."""


class Lease:
    """The router's lease on a direct connection. ``epoch`` is 0 while somebody else leads."""

    def __init__(self, url: str, holder: str) -> None:
        self._url = url.replace("postgresql+asyncpg://", "postgresql://")
        self._holder = holder
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None
        self._renewed = 0.0
        self.epoch = 0

    async def __aenter__(self) -> Self:
        self._connection = await asyncpg.connect(
            self._url, timeout=5, command_timeout=5, server_settings={"application_name": "contactcenter router lease"}
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.epoch = 0
        if self._connection is not None:
            await self._connection.close(timeout=1)

    async def acquire(self) -> bool:
        """Try to become leader: at once when the former holder's session is gone, else when its lease has run out."""
        assert self._connection is not None
        read = await self._connection.fetchval("SELECT epoch FROM lease WHERE name = 'router'")
        gone = await self._connection.fetchval("SELECT pg_try_advisory_lock($1::int, $2::int)", LOCK, read % 2**31)
        ours = await self._connection.fetchval(
            "SELECT pg_try_advisory_lock($1::int, $2::int)", LOCK, (read + 1) % 2**31
        )
        epoch = ours and await self._connection.fetchval(
            "UPDATE lease SET epoch = epoch + 1, holder = $1, expires = clock_timestamp() + make_interval(secs => $2) "
            "WHERE name = 'router' AND epoch = $3 AND (expires < clock_timestamp() OR $4) RETURNING epoch",
            self._holder, LIFE_S, read, gone,
        )  # fmt: skip
        if not epoch:
            await self._connection.execute("SELECT pg_advisory_unlock_all()")
            return False
        if gone:
            await self._connection.fetchval("SELECT pg_advisory_unlock($1::int, $2::int)", LOCK, read % 2**31)
        self.epoch, self._renewed = epoch, time.monotonic()
        return True

    async def keep_on(self) -> None:
        """Renew every second, beside whatever the leader is doing. Ends when somebody else leads."""
        while await self.renew():  # noqa: ASYNC110 - the lease lives in the database
            await asyncio.sleep(RENEW_S)

    async def renew(self) -> bool:
        """False when somebody else leads now."""
        assert self._connection is not None
        kept = await self._connection.fetchval(
            "UPDATE lease SET expires = clock_timestamp() + make_interval(secs => $1) "
            "WHERE name = 'router' AND epoch = $2 AND holder = $3 RETURNING true",
            LIFE_S, self.epoch, self._holder,
        )  # fmt: skip
        if kept:
            self._renewed = time.monotonic()
        return bool(kept)

    @property
    def fresh(self) -> bool:
        """Whether deciding is still allowed by our own clock."""
        return time.monotonic() - self._renewed < LIFE_S * OWN_LIMIT
