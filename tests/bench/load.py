"""A load generator that costs little: keep-alive connections, requests made beforehand, closed or open loop."""

import asyncio
import time
from collections.abc import Sequence
from typing import cast

from tests.bench.figures import percentile

GIVE_UP_S = 5.0
"""A steady load does not wait longer than this for a connection: a server that falls behind must not stretch the run."""
NEVER_ASKED = 0


class Line(asyncio.Protocol):
    """One keep-alive connection; one request at a time."""

    def __init__(self) -> None:
        self._buffer = b""
        self._answer: asyncio.Future[int] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but name

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, gap, rest = self._buffer.partition(b"\r\n\r\n")
        if not gap:
            return
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
        if len(rest) >= length and self._answer is not None and not self._answer.done():
            self._buffer = rest[length:]
            self._answer.set_result(int(head[9:12]))

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(exc or ConnectionResetError("the server hung up"))

    async def ask(self, request: bytes) -> int:
        """Send, wait, and give the status."""
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer

    def close(self) -> None:
        self._transport.close()


async def lines(port: int, count: int) -> list[Line]:
    loop = asyncio.get_running_loop()
    return [(await loop.create_connection(Line, "127.0.0.1", port))[1] for _ in range(count)]


class Outcome:
    """What a round saw: seconds of each answer, statuses other than 2xx, and the time it took."""

    def __init__(self) -> None:
        self.took: list[float] = []
        self.refused: list[int] = []
        self.seconds = 0.0

    @property
    def rate(self) -> float:
        return len(self.took) / self.seconds

    def ms(self, share: float) -> float:
        return percentile(self.took, share) * 1000

    def note(self, status: int, seconds: float) -> None:
        if 200 <= status < 300:
            self.took.append(seconds)
        else:
            self.refused.append(status)

    def surely(self) -> "Outcome":
        """A figure made of refusals would be no figure."""
        if self.refused or not self.took:
            raise RuntimeError(f"{len(self.refused)} requests were refused, the first with {self.refused[:1]}")
        return self


async def closed(port: int, requests: Sequence[bytes], concurrency: int, seconds: float) -> Outcome:
    """Each connection asks again as soon as it was answered, until the time or the requests are over."""
    outcome, waiting = Outcome(), iter(requests)
    opened = await lines(port, concurrency)
    began = time.perf_counter()

    async def ask_on(line: Line) -> None:
        for request in waiting:
            sent = time.perf_counter()
            outcome.note(await line.ask(request), time.perf_counter() - sent)
            if time.perf_counter() - began > seconds:
                return

    await asyncio.gather(*[ask_on(line) for line in opened])
    outcome.seconds = time.perf_counter() - began
    for line in opened:
        line.close()
    return outcome.surely()


async def steady(port: int, requests: Sequence[bytes], rate: float, connections: int = 64) -> Outcome:
    """One request every 1/``rate`` seconds whatever the answers do; time counts from when a request was due.

    Refusals are in the outcome: under a fixed load they are a result, and the caller has to show them.
    """
    outcome = Outcome()
    free: asyncio.Queue[Line] = asyncio.Queue()
    opened = await lines(port, connections)
    for line in opened:
        free.put_nowait(line)
    began = time.perf_counter()

    async def ask(request: bytes, due: float) -> None:
        line = await free.get()
        if time.perf_counter() - due > GIVE_UP_S:
            free.put_nowait(line)
            outcome.refused.append(NEVER_ASKED)
            return
        outcome.note(await line.ask(request), time.perf_counter() - due)
        free.put_nowait(line)

    async with asyncio.TaskGroup() as group:
        for number, request in enumerate(requests):
            due = began + number / rate
            if (early := due - time.perf_counter()) > 0:
                await asyncio.sleep(early)
            group.create_task(ask(request, due))
    outcome.seconds = time.perf_counter() - began
    for line in opened:
        line.close()
    return outcome
