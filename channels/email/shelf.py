"""Small files of a provider (its certificate), fetched on a thread while nobody waits, and kept for a day."""

import asyncio
import threading
from time import monotonic

from channels._egress import fetched

LONGEST = 86_400.0  # seconds
LARGEST = 100_000
MOST = 20


class Shelf:
    """``get`` never blocks: None until the file is here."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[float, bytes]] = {}
        self._asked: set[str] = set()
        self._lock = threading.Lock()

    def get(self, url: str) -> bytes | None:
        with self._lock:
            at, body = self._kept.get(url, (0.0, b""))
            if body and monotonic() - at < LONGEST:
                return body
            if url in self._asked or len(self._asked) >= MOST:
                return None
            self._asked.add(url)
        threading.Thread(target=self._fetch, args=(url,), name="shelf", daemon=True).start()
        return None

    def _fetch(self, url: str) -> None:
        try:
            body = asyncio.run(fetched(url, most=LARGEST)).body
        except Exception:  # whatever it was: the provider comes again, and then we try again
            body = b""
        with self._lock:
            self._asked.discard(url)
            while len(self._kept) >= MOST:
                self._kept.pop(next(iter(self._kept)))
            if body:
                self._kept[url] = (monotonic(), body)
