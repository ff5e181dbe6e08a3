"""Brings the database to the shape of this version."""

from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from contactcenter.db import engine_url

FOLDER = Path(__file__).parent / "migrations"
LOCK = 4_281_907


def alembic_config(connection: Connection | None = None) -> Config:
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
    connection.execute(text("SET lock_timeout = '5s'"))
    connection.commit()
    command.upgrade(alembic_config(connection), "head")


def latest() -> str:
    """The newest revision this version knows."""
    from alembic.script import ScriptDirectory

    head: Any = ScriptDirectory.from_config(alembic_config()).get_current_head()
    return str(head)
