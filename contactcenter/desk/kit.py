"""What the desk's functions are handed by the wiring: channels, clock, keys, files."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from channels.base import Channel
from contactcenter.files import FileStore


@dataclass(frozen=True)
class Kit:
    """``channels``: the configured adapters by name. ``ring``: called with delivery ids after they were committed."""

    channels: Mapping[str, Channel]
    now: Callable[[], datetime]
    secret: bytes
    base_url: str
    files: FileStore
    ring: Callable[[list[int]], None]
    scans: bool = False
    """A scanner is set: what comes with a message is *pending* until it was looked at."""

    def shown(self, channel: str, canonical: str) -> str:
        """An address as a person reads it."""
        adapter = self.channels.get(channel)
        return adapter.shown(canonical) if adapter else canonical
