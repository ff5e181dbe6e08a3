"""The only place that constructs databases, clients, channels and socket servers."""

import importlib
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import channels
from channels.base import Channel, Tools
from contactcenter import failing, logs
from contactcenter.db import Database
from contactcenter.desk.kit import Kit
from contactcenter.files import FolderStore
from contactcenter.hints import Hints
from contactcenter.jobs.bell import Bell
from contactcenter.limits import Limits
from contactcenter.settings import Settings, channel_settings


@dataclass
class House:
    """Everything one process is made of."""

    settings: Settings
    database: Database
    kit: Kit
    bell: Bell
    hints: Hints
    limits: Limits

    async def close(self) -> None:
        await self.database.close()
        self.bell.close()
        await self.hints.close()
        await self.limits.close()
        for channel in self.kit.channels.values():
            await channel.close()


def build(role: str, settings: Settings | None = None, environment: Mapping[str, str] | None = None) -> House:
    """Construct a process of the given role from its settings. ``database_url`` and ``redis_url`` must be set by now."""
    chosen = settings or Settings()
    logs.configure(chosen.log_level, role)
    failing.arm(chosen.fail_point)
    if not chosen.database_url or not chosen.redis_url:
        raise SystemExit(
            "No database or Redis is configured. Start everything with `contactcenter up`, or set "
            "CONTACTCENTER_DATABASE_URL and CONTACTCENTER_REDIS_URL."
        )
    idle = 2 if role == "router" else 60
    database = Database(chosen.database_url, pool=chosen.db_pool, idle_timeout=idle, name=f"contactcenter {role}")
    bell = Bell(chosen.redis_url, chosen.redis_prefix)
    hints = Hints(chosen.redis_url, chosen.redis_prefix)
    database.wake = hints.wake
    tools = Tools(clock=now, public_url=chosen.base_url, secret=chosen.key())
    kit = Kit(
        channels=find_channels(channel_settings() if environment is None else environment, tools),
        now=now, secret=chosen.key(), base_url=chosen.base_url, files=FolderStore(chosen.data_dir / "files"), ring=bell.ring,
        scans=bool(chosen.clamd),
    )  # fmt: skip
    return House(chosen, database, kit, bell, hints, Limits(chosen.redis_url, chosen.redis_prefix))


def now() -> datetime:
    """The clock service."""
    return datetime.now(UTC)


def find_channels(environment: Mapping[str, str], tools: Tools) -> dict[str, Channel]:
    """Every configured channel by its name, found by listing the folder. Names with an underscore are shared code."""
    found: dict[str, Channel] = {}
    for name in channel_names():
        adapter: type[Channel] = importlib.import_module(f"channels.{name}").CHANNEL
        channel = adapter.from_env(environment, tools)
        if channel is not None:
            found[name] = channel
    return found


def channel_names() -> list[str]:
    hidden = {"base"}
    listed: list[Any] = list(pkgutil.iter_modules(channels.__path__))
    return sorted(entry.name for entry in listed if not entry.name.startswith("_") and entry.name not in hidden)
