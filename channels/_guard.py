"""Reading what strangers send in a child process that may be killed: 512 MB, 10 s of CPU and wall clock for each.

The parent (``Guard``) and the child (``python -m channels._guard NAME``) speak length-prefixed pickles over pipes. The
child uses two functions of the channel's module: ``parse(raw)`` and, where it has one, ``headers_only(raw)``.
"""

import asyncio
import importlib
import io
import logging
import os
import pickle
import struct
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from subprocess import PIPE, Popen
from threading import Event, Timer
from types import ModuleType
from typing import IO, Any

from channels.base import Item, Raw, Unreadable

MEMORY = 512 * 1024 * 1024
SECONDS = 10
START = 30  # seconds for the imports of a new child
ROOT = Path(__file__).resolve().parent.parent
HEAD = struct.Struct(">Q")
# The child gets none of our secrets: of the environment only what Python needs to start.
PASSED_ON = ("PATH", "PYTHONPATH", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "TZ")
# What may come out of the child: a parser that was taken over must not reach the parent through a pickle.
ALLOWED = {("datetime", "datetime"), ("datetime", "timezone"), ("datetime", "timedelta"), ("uuid", "UUID")}

log = logging.getLogger(__name__)


# --- the parent -------------------------------------------------------------------------------------------------------


class Guard:
    """Reads for one channel. One child, started at the first use, again after it died, and one question at a time.

    A thread of its own speaks to the child, so that the guard belongs to no event loop: some workers run one a job.
    """

    def __init__(self, channel: str, seconds: float = SECONDS) -> None:
        self.channel, self.seconds = channel, seconds
        self._child: Popen[bytes] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"guard-{channel}")

    async def parse(self, raw: Raw) -> list[Item]:
        """As the channel's ``parse``; after a kill or crash its headers alone, then ``Unreadable``.

        Raises ChildProcessError where no child can be started: no fault of the message, which must be read later.

        A cancelled call ends at once; what the child still has to say is awaited by the thread and thrown away.
        """
        return await asyncio.get_running_loop().run_in_executor(self._thread, self.read, raw)

    async def close(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, self._end)
        self._thread.shutdown(wait=False)

    def read(self, raw: Raw) -> list[Item]:
        """``parse`` for callers without an event loop, from one thread only."""
        for question in ("parse", "headers_only"):
            items = self._ask(question, raw)
            if items is not None:
                return items
        return [Unreadable("took too much time or memory to read")]

    def _ask(self, question: str, raw: Raw) -> list[Item] | None:
        """The answer, None if the child died over it."""
        child = self._ready()
        try:
            with killed_after(self.seconds, child):
                put(pipe(child.stdin), (question, plain(raw)))
                answer = received(pipe(child.stdout))
        except (OSError, EOFError, pickle.UnpicklingError) as error:
            log.warning("could not %s a message on %s: %s", question, raw.source, type(error).__name__)
            self._end()
            return None
        return answer if isinstance(answer, list) else None

    def _ready(self) -> "Popen[bytes]":
        if self._child is not None and self._child.poll() is None:
            return self._child
        self._end()
        self._child = Popen(  # noqa: S603 - our own interpreter with our own module
            [sys.executable, "-m", "channels._guard", self.channel],
            stdin=PIPE,
            stdout=PIPE,
            cwd=ROOT,
            env={name: os.environ[name] for name in PASSED_ON if name in os.environ},
        )
        try:
            with killed_after(START, self._child):
                received(pipe(self._child.stdout))
        except (OSError, EOFError, pickle.UnpicklingError) as error:
            self._end()
            raise ChildProcessError(f"the child that reads {self.channel} does not start") from error
        return self._child

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        with suppress(OSError):  # what could not be written any more
            pipe(child.stdin).close()
        pipe(child.stdout).close()
        child.wait()


@contextmanager
def killed_after(seconds: float, child: "Popen[bytes]") -> Iterator[None]:
    """Raises TimeoutError if the child had to be killed, be it in the moment it answered."""
    late = Event()

    def kill() -> None:
        late.set()
        child.kill()

    clock = Timer(seconds, kill)
    clock.start()
    try:
        yield
    finally:
        clock.cancel()
        clock.join()
        if late.is_set():
            raise TimeoutError


def pipe(end: IO[bytes] | None) -> IO[bytes]:
    assert end is not None
    return end


def plain(raw: Raw) -> Raw:
    """Mappings may be read-only views, which cannot be pickled."""
    inbox = replace(raw.inbox, config=dict(raw.inbox.config))
    return replace(raw, envelope=dict(raw.envelope), inbox=inbox)


def received(answers: IO[bytes]) -> Any:
    """Raises EOFError where the child died before the end of its answer."""
    data = taken(answers)
    if data is None:
        raise EOFError
    return Answer(io.BytesIO(data)).load()


class Answer(pickle.Unpickler):
    """Makes values of the border and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in ALLOWED or (module == "channels.base" and "." not in name):
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"{module}.{name} may not come from the child")


# --- the child --------------------------------------------------------------------------------------------------------


def main(channel: str) -> None:
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # a stray print must not end up in an answer
    limit_memory()
    module = importlib.import_module(f"channels.{channel}")
    put(answers, "ready")
    while (question := asked(sys.stdin.buffer)) is not None:
        limit_time()
        put(answers, answer(module, *question))


def limit_memory() -> None:
    import resource

    try:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    except (ValueError, OSError):  # macOS refuses
        print("this system does not limit the memory of a process: only time is limited", file=sys.stderr)


def limit_time() -> None:
    """CPU time counts from the start of the process, so each message gets its own limit."""
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + SECONDS + 1, hard))


def asked(questions: IO[bytes]) -> tuple[str, Raw] | None:
    """The next question, None when the parent is gone."""
    data = taken(questions)
    question: tuple[str, Raw] | None = pickle.loads(data) if data else None  # noqa: S301 - written by our own parent
    return question


def answer(module: ModuleType, question: str, raw: Raw) -> list[Item] | None:
    """The items, or None where the channel has no such function or no memory was left for it."""
    read: Callable[[Raw], list[Item]] | None = getattr(module, question, None)
    try:
        return read(raw) if read else None
    except MemoryError:
        return None


# --- the pipe between them --------------------------------------------------------------------------------------------


def put(to: IO[bytes], value: object) -> None:
    data = pickle.dumps(value)
    to.write(HEAD.pack(len(data)))
    to.write(data)
    to.flush()


def taken(source: IO[bytes]) -> bytes | None:
    """What the other side put, None if it ended before it was whole."""
    head = source.read(HEAD.size)
    if len(head) < HEAD.size:
        return None
    (size,) = HEAD.unpack(head)
    data = source.read(size) if size <= MEMORY else b""
    return data if len(data) == size else None


if __name__ == "__main__":
    main(sys.argv[1])
