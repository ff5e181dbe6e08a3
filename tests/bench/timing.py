"""Nanoseconds of single calls, the clock's own cost taken off, without garbage collection in between.

Processor time of this thread: on a quiet machine the same as time on the wall, on a busy one what others took is left out, which
would otherwise be all that one call in a thousand shows.
"""

import contextlib
import gc
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from statistics import median
from typing import Any

from tests.bench.figures import percentile

Took = list[int]


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """What is there by now is never looked at by the collector, and nothing is collected inside."""
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.unfreeze()


def each(call: Callable[[Any], object], things: Iterable[Any]) -> Took:
    """The time of ``call(thing)`` for each of them, one after another."""
    clock, took = time.thread_time_ns, []
    for thing in things:
        began = clock()
        call(thing)
        took.append(clock() - began)
    return [max(0, one - COST) for one in took]


def each_with(call: Callable[..., object], arguments: Iterable[tuple[Any, ...]]) -> Took:
    """The time of ``call(*arguments)`` for each of them."""
    clock, took = time.thread_time_ns, []
    for given in arguments:
        began = clock()
        call(*given)
        took.append(clock() - began)
    return [max(0, one - COST) for one in took]


def mean_us(took: Sequence[int]) -> float:
    return sum(took) / len(took) / 1_000


def share_us(took: Sequence[int], share: float) -> float:
    return percentile(took, share) / 1_000


def _cost() -> int:
    """Of asking the clock twice."""
    clock = time.thread_time_ns
    pairs = []
    for _ in range(20_000):
        began = clock()
        pairs.append(clock() - began)
    return int(median(pairs))


COST = _cost()
