"""Rate limits at the public doors. Counted in Redis; without it every process counts for itself."""

import contextlib
import time

from redis.asyncio import Redis
from redis.exceptions import RedisError

from contactcenter.hints import async_redis

GIVE_UP_S = 5.0


class Limits:
    """Fixed windows. ``allow`` never takes longer than Redis's own time limit, and once Redis failed, no time at all."""

    def __init__(self, url: str, prefix: str) -> None:
        self._redis: Redis = async_redis(url)
        self._prefix = prefix
        self._local: dict[str, int] = {}
        self._away_until = 0.0

    async def allow(self, key: str, limit: int, window_s: int) -> bool:
        """Count one more for ``key``; False when there were more than ``limit`` in this window."""
        slot = f"{self._prefix}:limit:{key}:{int(time.time()) // window_s}"
        if time.monotonic() >= self._away_until:
            try:
                async with self._redis.pipeline(transaction=False) as batch:
                    batch.incr(slot)
                    batch.expire(slot, window_s * 2)
                    count = (await batch.execute())[0]
                return int(count) <= limit
            except (RedisError, OSError, TimeoutError):
                self._away_until = time.monotonic() + GIVE_UP_S
        if len(self._local) > 50_000:
            self._local.clear()
        self._local[slot] = self._local.get(slot, 0) + 1
        return self._local[slot] <= limit

    async def close(self) -> None:
        with contextlib.suppress(RedisError, OSError, TimeoutError):
            await self._redis.aclose()
