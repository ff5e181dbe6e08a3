"""Attachments and large raw events: files named by what they hold."""

import asyncio
import os
from hashlib import sha256
from pathlib import Path
from typing import Protocol


class FileStore(Protocol):
    """Keeps bytes under their SHA-256 (hex). ``put`` returns once they are safe on disk."""

    async def put(self, body: bytes) -> str: ...

    async def get(self, name: str) -> bytes: ...


class FolderStore:
    """A local folder, two levels deep."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def put(self, body: bytes) -> str:
        return await asyncio.to_thread(self._put, body)

    def _put(self, body: bytes) -> str:
        name = sha256(body).hexdigest()
        path = self._path(name)
        if path.exists():
            return name
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{name}.{os.getpid()}.{os.urandom(4).hex()}")
        with part.open("wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        return name

    async def get(self, name: str) -> bytes:
        """Raises FileNotFoundError when it is gone."""
        return await asyncio.to_thread(self._path(name).read_bytes)

    def _path(self, name: str) -> Path:
        if len(name) != 64 or not all(c in "0123456789abcdef" for c in name):
            raise FileNotFoundError(name)
        return self.folder / name[:2] / name[2:4] / name
