"""The worker: an RQ worker that is rung for, and beside it one loop that sends, sweeps, and works on without Redis."""

import asyncio
import contextlib
import signal
import threading
import time
from collections.abc import Coroutine, Iterable
from types import FrameType
from typing import Any

import structlog
from redis.exceptions import RedisError
from rq import Queue, SimpleWorker
from rq.serializers import JSONSerializer

from contactcenter.db import Database
from contactcenter.desk import outbox, pacing
from contactcenter.desk.kit import Kit
from contactcenter.errors import StoreAway
from contactcenter.jobs import sender
from contactcenter.jobs.bell import queue_name, sync_redis
from contactcenter.jobs.fetching import keep_fetching
from contactcenter.jobs.reconciling import keep_reconciling

log = structlog.get_logger()
AT_ONCE = 16
SWEEP_S = 0.5
LOOK_FOR_LATE_S = 10.0
MOST_OPEN = 400
"""Deliveries that wait for a hand; what is beyond stays in the database until the next sweep."""

_desk: "SendingLoop | None" = None


def ring(first_id: int) -> None:
    """The RQ job: tells the loop that rows wait from this one on. Blocks only while all hands are full."""
    if _desk is None:
        raise RuntimeError("this job runs inside `contactcenter worker` only")
    _desk.submit(first_id)


class SendingLoop:
    """Sends up to 16 deliveries at a time on a thread of its own."""

    def __init__(self, loop: asyncio.AbstractEventLoop, database: Database, kit: Kit) -> None:
        self.loop = loop
        self._database, self._kit = database, kit
        self._hands = asyncio.Semaphore(AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()
        self._open: set[int] = set()

    def submit(self, first_id: int) -> None:
        """Look at what waits from ``first_id`` on, and send it."""
        asyncio.run_coroutine_threadsafe(self._look(first_id), self.loop).result(timeout=5)

    async def _look(self, first_id: int) -> None:
        with contextlib.suppress(StoreAway):
            async with self._database.transaction() as tx:
                released = await pacing.release_waiting(tx)
                waiting = await outbox.waiting_from(tx, first_id)
            self._begin([*released, *waiting])

    def _begin(self, delivery_ids: Iterable[int]) -> None:
        for delivery_id in delivery_ids:
            if delivery_id in self._open or len(self._open) >= MOST_OPEN:
                continue
            self._open.add(delivery_id)
            task = asyncio.ensure_future(self._in_turn(delivery_id))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _in_turn(self, delivery_id: int) -> None:
        try:
            async with self._hands:
                await self._deliver(delivery_id)
        finally:
            self._open.discard(delivery_id)

    async def _deliver(self, delivery_id: int) -> None:
        try:
            await sender.deliver(self._database, self._kit, delivery_id)
        except StoreAway:
            log.warning("delivery_postponed", delivery=delivery_id)
        except Exception:  # one broken row must not end the loop; its lease runs out and the sweep shows it again
            log.exception("delivery_broke", delivery=delivery_id)

    async def sweep(self) -> None:
        """Let go of what was held or paced, find what nobody was rung for, or what a dead process left.

        It waits for no provider: while one is slow the others' post goes on.
        """
        late_at = 0.0
        while True:
            try:
                await self._sweep_once()
                if time.monotonic() >= late_at:
                    late_at = time.monotonic() + LOOK_FOR_LATE_S
                    async with self._database.transaction() as tx:
                        await outbox.note_delayed(tx)
            except StoreAway:
                pass
            except Exception:  # the sweep is what finds the rest: it must not end of one bad round
                log.exception("sweep_broke")
            await asyncio.sleep(SWEEP_S)

    def errands(self) -> list[Coroutine[Any, Any, None]]:
        """What goes on beside the ringing: the sweep, fetching files, comparing with the providers' lists."""
        return [
            self.sweep(),
            keep_fetching(self._database, self._kit),
            keep_reconciling(self._database, self._kit),
        ]

    async def _sweep_once(self) -> None:
        async with self._database.transaction() as tx:
            ended = await outbox.end_undo(tx)
        async with self._database.transaction() as tx:
            released = await pacing.release_waiting(tx, wait=False)
            waiting = await outbox.due(tx)
        self._begin([*ended, *released, *waiting])


class Worker:
    """Owns the loop's thread and the RQ worker in the main thread."""

    def __init__(self, redis_url: str, prefix: str) -> None:
        self._redis_url, self._prefix = redis_url, prefix
        self._stopping = threading.Event()
        self._rq: SimpleWorker | None = None

    def run(self, desk: SendingLoop) -> None:
        """Work until SIGTERM or SIGINT. Call from the main thread; ``desk``'s loop runs elsewhere."""
        global _desk
        _desk = desk
        errands = [asyncio.run_coroutine_threadsafe(one, desk.loop) for one in desk.errands()]
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        try:
            while not self._stopping.is_set():
                try:
                    self._work()
                except (RedisError, OSError):
                    log.warning("worker_without_redis")
                    self._stopping.wait(0.5)
        finally:
            for one in errands:
                one.cancel()

    def _work(self) -> None:
        connection = sync_redis(self._redis_url, read_timeout=None)
        queue = Queue(queue_name(self._prefix), connection=connection, serializer=JSONSerializer)
        connection.ping()
        self._rq = _QuietWorker(
            [queue], connection=connection, serializer=JSONSerializer, maintenance_interval=60, default_worker_ttl=30,
            name=f"{self._prefix}-{time.time_ns()}",
        )  # fmt: skip
        self._rq.work(logging_level="WARNING", with_scheduler=False, max_idle_time=None)
        if not self._stopping.is_set():
            self._stopping.wait(0.2)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self._stopping.set()
        raise SystemExit(0)


class _QuietWorker(SimpleWorker):
    """Signals belong to the process, not to RQ."""

    def _install_signal_handlers(self) -> None:
        return
