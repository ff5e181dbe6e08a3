"""The doorbell: RQ jobs that carry nothing but a row id. A lost ring costs two seconds; the sweep finds the row.

A thread of its own talks to Redis, so that a hung Redis holds nobody. The first ring goes out at once; what is rung for within
the pause after it is one job with the lowest id: whoever hears it looks at the rows from there on.
"""

import queue
import threading
import time

import structlog
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from rq import Queue
from rq.serializers import JSONSerializer

log = structlog.get_logger()
JOB = "contactcenter.jobs.worker.ring"
MAX_WAITING = 10_000
PAUSE_S = 0.03
"""Between two rings: to enqueue a job takes this process's time too, and thirty a second are plenty."""


def sync_redis(url: str, read_timeout: float | None = 1.0) -> "Redis":
    """A client that gives up quickly. Workers that block on purpose set a longer ``read_timeout``."""
    return Redis.from_url(url, socket_timeout=read_timeout, socket_connect_timeout=0.5, retry=Retry(NoBackoff(), 1))


def queue_name(prefix: str) -> str:
    return f"{prefix}-send"


class Bell:
    """``ring`` never blocks and never raises."""

    def __init__(self, url: str, prefix: str) -> None:
        self._queue = Queue(queue_name(prefix), connection=sync_redis(url), serializer=JSONSerializer)
        self._waiting: queue.Queue[int | None] = queue.Queue(MAX_WAITING)
        self.errors = 0
        self._thread = threading.Thread(target=self._work, name="bell", daemon=True)
        self._thread.start()

    def ring(self, delivery_ids: list[int]) -> None:
        for delivery_id in delivery_ids:
            try:
                self._waiting.put_nowait(delivery_id)
            except queue.Full:
                self.errors += 1

    def _work(self) -> None:
        while True:
            batch = [self._waiting.get()]
            while not self._waiting.empty():
                batch.append(self._waiting.get_nowait())
            ids = [one for one in batch if one is not None]
            if ids:
                self._enqueue(min(ids), len(ids))
            if None in batch:
                return
            time.sleep(PAUSE_S)

    def _enqueue(self, first: int, count: int) -> None:
        try:
            self._queue.enqueue_call(
                JOB, args=[first], timeout=30, result_ttl=0, failure_ttl=3600, description="ring",
                job_id=f"out-{first}-{time.time_ns() // 1_000_000}",
            )  # fmt: skip
        except (RedisError, OSError):
            self.errors += count
            log.warning("bell_unheard", count=count)

    def close(self) -> None:
        self._waiting.put(None)
        self._thread.join(2)
