"""Wake-up hints over Redis: lost ones cost milliseconds, never a fact. Nothing here is awaited by a request."""

import asyncio
import contextlib
from collections.abc import Callable

import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

log = structlog.get_logger()
TIMEOUT_S, CONNECT_S = 1.0, 0.5
PAUSE_S = 0.01
"""Between two hints: the first goes out at once, what comes meanwhile is one more."""


def async_redis(url: str) -> "Redis":
    """A client that gives up quickly: a hung Redis must never hold a caller."""
    return Redis.from_url(
        url,
        socket_timeout=TIMEOUT_S,
        socket_connect_timeout=CONNECT_S,
        retry=Retry(NoBackoff(), 1),
        decode_responses=False,
    )


class Hints:
    """Publishes and hears one kind of hint: there is something new on the event log."""

    def __init__(self, url: str, prefix: str) -> None:
        self._redis = async_redis(url)
        self._topic = f"{prefix}:wake"
        self._task: asyncio.Task[None] | None = None
        self._due = False
        self.heard = False
        """Whether a listener is connected now."""

    def wake(self) -> None:
        """Hint that events were committed: at once, and then at most every ten milliseconds."""
        self._due = True
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._publish())

    async def _publish(self) -> None:
        while self._due:
            self._due = False
            with contextlib.suppress(RedisError, OSError, TimeoutError):
                await self._redis.publish(self._topic, b"1")
            await asyncio.sleep(PAUSE_S)

    async def listen(self, woken: Callable[[], None]) -> None:
        """Call ``woken`` for every hint, until cancelled; comes back by itself when Redis does."""
        while True:
            try:
                async with self._redis.pubsub(ignore_subscribe_messages=True) as channel:
                    await channel.subscribe(self._topic)
                    self.heard = True
                    while True:
                        if await channel.get_message(timeout=5.0) is not None:
                            woken()
            except (RedisError, OSError, TimeoutError):
                self.heard = False
                woken()
                await asyncio.sleep(0.5)

    async def close(self) -> None:
        if self._task is not None:
            await self._task
        with contextlib.suppress(RedisError, OSError, TimeoutError):
            await self._redis.aclose()
