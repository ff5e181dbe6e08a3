"""Brings the database to the shape of this version."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from contactcenter.db import engine_url

if TYPE_CHECKING:  # heavy, and only needed while migrating
    from alembic.config import Config

FOLDER = Path(__file__).parent / "migrations"
LOCK = 4_281_907


def alembic_config(connection: Connection | None = None) -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    config.attributes["connection"] = connection
    return config


async def migrate(url: str) -> None:
    """Run what is missing. Several processes may start at once: one migrates, the others wait for it."""
    engine = create_async_engine(engine_url(url), poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            await connection.execute(text("SELECT pg_advisory_lock(:k)"), {"k": LOCK})
            await connection.commit()
            await connection.run_sync(_upgrade)
            await connection.commit()
            await connection.execute(text("SELECT pg_advisory_unlock(:k)"), {"k": LOCK})
            await connection.commit()
    finally:
        await engine.dispose()


def _upgrade(connection: Connection) -> None:
    from alembic import command

    connection.execute(text("SET lock_timeout = '5s'"))
    connection.commit()
    command.upgrade(alembic_config(connection), "head")


@cache
def latest() -> str:
    """The newest revision this version knows: the files are numbered."""
    return max(path.name.partition("_")[0] for path in (FOLDER / "versions").glob("[0-9]*.py"))
