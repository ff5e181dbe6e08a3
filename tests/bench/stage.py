"""Embedded stores and real processes of the desk for a measure: each desk has a fresh database with the demo agency."""

import asyncio
import contextlib
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import psutil

from contactcenter.demo import world
from contactcenter.migrate import migrate
from contactcenter.settings import PREFIX, Settings
from contactcenter.stores import EmbeddedPostgres, EmbeddedRedis
from tests import crowd
from tests.running_desk import free_ports


@dataclass
class Place:
    """A running desk, or the bare server beside it."""

    url: str
    port: int
    database_url: str
    account: str = ""
    token: str = ""
    server: int = 0
    """Process id of the web server, or of the router where there is no web server."""
    redis_prefix: str = ""

    def cpu_s(self) -> float:
        """Processor seconds that the web server has used: says something on a busy machine too."""
        times = psutil.Process(self.server).cpu_times()
        return float(times.user + times.system)

    async def rows(self, sql: str, *values: Any) -> list[Any]:
        connection = await asyncpg.connect(self.database_url)
        try:
            return list(await connection.fetch(sql, *values))
        finally:
            await connection.close()


class Stage:
    """One PostgreSQL and one Redis, and whatever a measure starts on them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._postgres, self._redis = EmbeddedPostgres(folder / "pg"), EmbeddedRedis(folder / "redis")
        self._count = 0

    def open(self) -> None:
        self.database_url, self.redis_url = self._postgres.start(), self._redis.start()

    def close(self) -> None:
        self._redis.stop()
        self._postgres.stop()

    async def desk(self, *roles: str) -> AsyncIterator[Place]:
        """The demo agency on a database of its own, served by one process of each role."""
        url, port = await self._new_database(), free_ports()
        settings = Settings(data_dir=self.folder / f"data{self._count}", port=port)
        account, token = world.credentials(settings)
        environment = _clean_environment() | world.environment(settings) | {
            PREFIX + "DATA_DIR": str(settings.data_dir), PREFIX + "PORT": str(port), PREFIX + "DATABASE_URL": url,
            PREFIX + "REDIS_URL": self.redis_url, PREFIX + "REDIS_PREFIX": f"bench{self._count}",
            PREFIX + "LOG_LEVEL": "warning",
        }  # fmt: skip
        command = [sys.executable, "-m", "contactcenter"]
        _prepare([*command, "prepare", "--demo"], environment)
        with contextlib.ExitStack() as stack:
            pids = {
                role: stack.enter_context(
                    _running([*command, role], environment, self.folder / f"{role}{self._count}.log")
                )
                for role in roles
            }
            await _answers(f"http://127.0.0.1:{port}/{'readyz' if 'router' in roles else 'healthz'}")
            yield Place(f"http://127.0.0.1:{port}", port, url, account, token, pids["web"])

    async def crowd(self, colleagues: int) -> AsyncIterator[Place]:
        """The demo agency with so many agents who are all there, and a router; nothing else runs."""
        url = await self._new_database()
        await migrate(url)
        await crowd.move_in(url, colleagues)
        environment = _clean_environment() | {
            PREFIX + "DATA_DIR": str(self.folder / f"data{self._count}"), PREFIX + "DATABASE_URL": url,
            PREFIX + "REDIS_URL": self.redis_url, PREFIX + "REDIS_PREFIX": f"bench{self._count}",
            PREFIX + "LOG_LEVEL": "warning",
        }  # fmt: skip
        command = [sys.executable, "-m", "contactcenter", "router"]
        with _running(command, environment, self.folder / f"router{self._count}.log") as pid:
            yield Place("", 0, url, server=pid, redis_prefix=f"bench{self._count}")

    async def bare(self) -> AsyncIterator[Place]:
        """The smallest server that stores something: see ``bare.py``."""
        url, port = await self._new_database(), free_ports()
        command = [sys.executable, "-m", "tests.bench.bare", str(port)]
        environment = _clean_environment() | {"BARE_DATABASE_URL": url}
        with _running(command, environment, self.folder / f"bare{self._count}.log") as pid:
            await _answers(f"http://127.0.0.1:{port}/healthz")
            yield Place(f"http://127.0.0.1:{port}", port, url, server=pid)

    async def _new_database(self) -> str:
        self._count += 1
        connection = await asyncpg.connect(self.database_url)
        await connection.execute(f"CREATE DATABASE bench_{self._count}")
        await connection.close()
        return self.database_url.replace("/postgres?", f"/bench_{self._count}?", 1)


def _prepare(command: list[str], environment: dict[str, str]) -> None:
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the desk's database could not be prepared: {done.stderr[-1500:]}")


def _clean_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}


@contextlib.contextmanager
def _running(command: list[str], environment: dict[str, str], log: Path) -> Iterator[int]:
    with log.open("ab") as words:
        process = subprocess.Popen(command, env=environment, stdout=words, stderr=words, start_new_session=True)
    try:
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(8)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)


async def _answers(url: str, seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    async with httpx.AsyncClient(trust_env=False) as http:
        while time.monotonic() < until:
            with contextlib.suppress(httpx.HTTPError):
                if (await http.get(url, timeout=2)).status_code == 200:
                    return
            await asyncio.sleep(0.05)
    raise RuntimeError(f"{url} did not answer within {seconds} s")


desk = contextlib.asynccontextmanager(Stage.desk)
bare = contextlib.asynccontextmanager(Stage.bare)
crowded = contextlib.asynccontextmanager(Stage.crowd)
