"""Several routers on a PostgreSQL of their own, a crowd on its rows, and hands that do harm to both."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg

from contactcenter.db import Database
from contactcenter.migrate import migrate
from contactcenter.settings import PREFIX
from contactcenter.stores import EmbeddedPostgres, EmbeddedRedis
from tests import crowd
from tests.crash import ledger
from tests.crash.faults import end_postgres, start_postgres, stop_postgres
from tests.running_desk import wait_for

GONE = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)
"""What a program may meet when the database goes away."""
LEADERS_LINES = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name IN ('contactcenter router', 'contactcenter router lease')
  AND (application_name = 'contactcenter router' OR pid IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND classid = 4281))
"""


class Routers:
    """``count`` router processes; whichever ends, by our hand or by itself, is replaced by the next ``keep_up``."""

    def __init__(self, folder: Path, count: int) -> None:
        self.folder, self.count = folder, count
        self._postgres = EmbeddedPostgres(folder / "data" / "postgres")
        self._redis = EmbeddedRedis(folder / "redis")
        self.processes: list[subprocess.Popen[bytes]] = []
        self.killed: set[int] = set()
        self.fallen: list[str] = []
        """What those said last who ended by themselves."""

    async def open(self, colleagues: int, offer_s: int = 5) -> None:
        """Stores, the demo agency with so many more agents, offers that run out soon, and the ledger."""
        url = self._postgres.start()
        redis = self._redis.start()
        self.url = url.replace("/postgres?", "/routed?", 1)
        connection = await asyncpg.connect(url)
        await connection.execute("CREATE DATABASE routed")
        await connection.close()
        await migrate(self.url)
        await crowd.move_in(self.url, colleagues)
        async with self.connection() as connection:
            await connection.execute(
                "UPDATE agency SET channels = jsonb_set(channels, '{chat,offer_s}', $1)", str(offer_s)
            )
            await connection.execute(ledger.TABLES)
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(PREFIX)},
            PREFIX + "DATA_DIR": str(self.folder / "data"), PREFIX + "DATABASE_URL": self.url,
            PREFIX + "REDIS_URL": redis, PREFIX + "LOG_LEVEL": "info", PREFIX + "PARENT": str(os.getpid()),
        }  # fmt: skip
        self.database = Database(self.url, pool=4, name="crowd")
        self.keep_up()

    async def close(self) -> None:
        await self.database.close()
        for process in self.processes:
            self.kill(process)
        self._redis.stop()
        end_postgres(self.folder)
        await asyncio.to_thread(
            wait_for, lambda: not (self.folder / "data/postgres/postmaster.pid").exists(), 10, "its end"
        )

    @contextlib.asynccontextmanager
    async def connection(self) -> AsyncIterator[Any]:
        connection = await asyncpg.connect(self.url, timeout=5, command_timeout=20)
        try:
            yield connection
        finally:
            with contextlib.suppress(*GONE):
                await connection.close(timeout=1)

    async def value(self, sql: str, *values: Any) -> Any:
        async with self.connection() as connection:
            return await connection.fetchval(sql, *values)

    # ---- processes

    def keep_up(self) -> int:
        """Replace the dead; gives how many there were."""
        dead = [one for one in self.processes if one.poll() is not None]
        for process in dead:
            self.processes.remove(process)
            if process.pid not in self.killed:
                self.fallen.append(self._last_words())
        while len(self.processes) < self.count:
            with (self.folder / "routers.log").open("ab") as log:
                command = [sys.executable, "-m", "contactcenter", "router"]
                self.processes.append(subprocess.Popen(command, env=self._environment, stdout=log, stderr=log))
        return len(dead)

    def _last_words(self) -> str:
        return (self.folder / "routers.log").read_text("utf-8", "replace")[-4_000:]

    async def leader(self) -> "subprocess.Popen[bytes] | None":
        """The process that holds the lease, unless it is dead already or the lease has run out."""
        holder = await self.value("SELECT holder FROM lease WHERE name = 'router' AND expires > clock_timestamp()")
        pid = int(holder.rpartition(":")[2]) if holder else 0
        return next((one for one in self.processes if one.pid == pid and one.poll() is None), None)

    def standby(self, leader: "subprocess.Popen[bytes]") -> "subprocess.Popen[bytes] | None":
        return next((one for one in self.processes if one is not leader and one.poll() is None), None)

    def kill(self, process: "subprocess.Popen[bytes]") -> None:
        self.killed.add(process.pid)
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)
            process.kill()
        process.wait(5)

    # ---- the database

    async def cut_the_leaders_lines(self) -> None:
        async with self.connection() as connection:
            await connection.execute(LEADERS_LINES)

    async def restart_postgres(self) -> None:
        """As when the power fails."""
        await asyncio.to_thread(stop_postgres, self)
        await asyncio.to_thread(start_postgres, self)
        until = time.monotonic() + 20
        while time.monotonic() < until:
            with contextlib.suppress(*GONE):
                await self.value("SELECT 1")
                return
            await asyncio.sleep(0.1)
        raise AssertionError("PostgreSQL did not come back")
