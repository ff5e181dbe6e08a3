"""Real stores for every test: one PostgreSQL and one Redis for the run, a database of its own for each test."""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest

from contactcenter.desk import book
from contactcenter.migrate import migrate
from contactcenter.stores import EmbeddedPostgres, EmbeddedRedis
from tests import desk_rig
from tests.desk_rig import Rig

os.environ.setdefault("CONTACTCENTER_LOG_LEVEL", "warning")


@pytest.fixture(scope="session")
def stores() -> Iterator[tuple[str, str]]:
    """(PostgreSQL URL of a server with a template in which the test agency has moved in, Redis URL)."""
    with tempfile.TemporaryDirectory(prefix="cc", ignore_cleanup_errors=True) as folder:
        postgres, redis = EmbeddedPostgres(Path(folder) / "pg"), EmbeddedRedis(Path(folder) / "redis")
        try:
            url, redis_url = postgres.start(), redis.start()
            asyncio.run(_make_template(url))
            yield url, redis_url
        finally:
            redis.stop()
            postgres.stop()


async def _make_template(url: str) -> None:
    connection = await asyncpg.connect(url)
    for setting in ("fsync", "full_page_writes", "synchronous_commit"):  # this server may forget; no test kills it
        await connection.execute(f"ALTER SYSTEM SET {setting} = off")
    await connection.execute("SELECT pg_reload_conf()")
    await connection.execute("CREATE DATABASE template_desk")
    await connection.close()
    await migrate(named(url, "template_desk"))
    await desk_rig.settle(named(url, "template_desk"))


def named(url: str, database: str) -> str:
    """The URL of another database on the same server."""
    return url.replace("/postgres?", f"/{database}?", 1)


_count = 0


@pytest.fixture
async def database_url(stores: tuple[str, str]) -> AsyncIterator[str]:
    """A fresh database with the test agency."""
    global _count
    _count += 1
    name = f"test_{_count}"
    connection = await asyncpg.connect(stores[0])
    try:
        await connection.execute(f"CREATE DATABASE {name} TEMPLATE template_desk STRATEGY FILE_COPY")
        yield named(stores[0], name)
        await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await connection.close()


@pytest.fixture
async def rig(database_url: str, stores: tuple[str, str], tmp_path: Path) -> AsyncIterator[Rig]:
    """A desk in hand with the test agency."""
    book.forget()
    made = await desk_rig.build(database_url, stores[1], tmp_path)
    yield made
    await made.house.close()
