"""How long a waiting citizen will probably wait still: told only where it has proved right.

Two estimates that need no model are averaged: tickets ahead over the rate at which their line was served of late, and how
long the first in line has waited already (Ibrahim and Whitt, Real-time delay estimation based on delay history, 2009).
How far such an estimate was off before gives the quantiles.
"""

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from math import exp
from typing import Any, Literal, NamedTuple

STARTS, OUTCOMES, ENOUGH_OUTCOMES, LAST_BUCKET = 40, 500, 100, 12
JUDGED, ENOUGH_JUDGED = 1_000, 200
TRUSTED = 0.88, 0.92
"""The share of waits that must stay below their P90, per channel and hour of the day, over the last `JUDGED`."""
STEP, STRETCH = 0.04, (0.25, 4.0)
"""How strongly one outcome stretches the P90 of its channel and hour, and how far it may go."""
HOUR = 3_600_000

Reason = Literal["closed", "unstaffed", "too_few_known", "unreliable", "not_waiting"]
Basis = Literal["starts", "staffing"]


class Expected(NamedTuple):
    """Half wait no longer than `p50`, nine of ten no longer than `p90` (ms, from now). `basis`: what the rate rests on."""

    p50: int
    p90: int
    basis: Basis


class Unknown(NamedTuple):
    """No answer is told, and why."""

    reason: Reason


Order = tuple[int, int, int]
"""Virtual arrival, arrival, id: the order inside a line."""


@dataclass(slots=True)
class _Waiting:
    line: "_Line"
    order: Order
    queued_at: int
    point: float | None
    bucket: int
    p90: float | None


class _Line:
    """One signature: who waits, when its last tickets started, and who serves it."""

    __slots__ = ("channel", "closed", "handling_ms", "order", "places", "starts")

    def __init__(self, channel: Hashable) -> None:
        self.channel = channel
        self.order: list[Order] = []
        self.starts: deque[int] = deque(maxlen=STARTS)
        self.closed = False
        self.places: float | None = None
        self.handling_ms = 0.0


class ExpectedWaits:
    """Told what happens in the queues, answers what a waiting ticket may expect. Instants in ms UTC.

    A line is a signature. Its channel shares what is known about past errors; `hour_offset` (ms) turns UTC into local hours.
    """

    def __init__(self, hour_offset: int = 0) -> None:
        self._hour_offset = hour_offset
        self._lines: dict[Hashable, _Line] = {}
        self._waiting: dict[int, _Waiting] = {}
        self._ratios: dict[tuple[Hashable, int], deque[float]] = {}
        self._sorted: dict[tuple[Hashable, int], list[float]] = {}
        self._stretch: dict[tuple[Hashable, int], float] = {}
        self._judged: dict[tuple[Hashable, int], deque[bool]] = {}
        self.outcomes = 0
        """How many waits were learned from."""

    # ---- told

    def staffed(self, line: Hashable, channel: Hashable, slots: int, share: float, handling_ms: float) -> None:
        """Agents on duty have `slots` for the line, a `share` of which is its own; a contact takes `handling_ms`."""
        found = self._line(line, channel)
        found.places, found.handling_ms = slots * share, handling_ms

    def opened(self, line: Hashable, channel: Hashable) -> None:
        """The starts before it was closed say nothing about the pace of today."""
        found = self._line(line, channel)
        if found.closed:
            found.closed = False
            found.starts.clear()

    def closed(self, line: Hashable, channel: Hashable) -> None:
        self._line(line, channel).closed = True

    def queued(self, ticket: int, line: Hashable, channel: Hashable, order: Order, now: int) -> None:
        """Nobody was free: it waits. What is expected of it now is remembered and judged by what comes."""
        self.left(ticket)
        found = self._line(line, channel)
        insort(found.order, order)
        waiting = _Waiting(found, order, now, None, 0, None)
        self._waiting[ticket] = waiting
        waiting.point, waiting.bucket = self._point(waiting, now)
        if waiting.point:
            quantiles = self._quantiles(channel, waiting.bucket, now)
            waiting.p90 = None if quantiles is None else waiting.point * quantiles[1]

    def started(self, ticket: int, line: Hashable, channel: Hashable, now: int) -> None:
        """An agent has it, whether it waited or not."""
        found = self._line(line, channel)
        found.starts.append(now)
        waiting = self._waiting.pop(ticket, None)
        if waiting is not None:
            self._forget(waiting)
            self._learn(waiting, now)

    def left(self, ticket: int) -> None:
        """The citizen gave up, or it waits elsewhere: nothing is learned."""
        waiting = self._waiting.pop(ticket, None)
        if waiting is not None:
            self._forget(waiting)

    # ---- asked

    def expected_wait(self, ticket: int, now: int) -> Expected | Unknown:
        """What this waiting ticket may expect from now on, or why that is not told."""
        waiting = self._waiting.get(ticket)
        if waiting is None:
            return Unknown("not_waiting")
        line = waiting.line
        if line.closed:
            return Unknown("closed")
        if line.places == 0:
            return Unknown("unstaffed")
        point, bucket = self._point(waiting, now)
        quantiles = self._quantiles(line.channel, bucket, now)
        if point is None or quantiles is None:
            return Unknown("too_few_known")
        if not self.reliable(line.channel, now):
            return Unknown("unreliable")
        basis: Basis = "starts" if len(line.starts) == STARTS else "staffing"
        return Expected(round(point * quantiles[0]), round(point * quantiles[1]), basis)

    def reliable(self, channel: Hashable, now: int) -> bool:
        """Whether the P90 told at this hour of the day held as often as it should; while too little is known, yes."""
        judged = self._judged.get((channel, self._hour(now)), ())
        return len(judged) < ENOUGH_JUDGED or TRUSTED[0] <= sum(judged) / len(judged) <= TRUSTED[1]

    def coverage(self, channel: Hashable, hour: int) -> float | None:
        """The share of waits that stayed below the P90 told at that hour of the day; None before any."""
        judged = self._judged.get((channel, hour))
        return sum(judged) / len(judged) if judged else None

    # ---- handed on

    def learned(self, channel: Hashable) -> dict[str, Any]:
        """What is known about past errors, in plain lists and numbers for a JSON column."""
        return {
            "ratios": {
                str(at): [round(one, 4) for one in had] for (of, at), had in self._ratios.items() if of == channel
            },
            "judged": {str(at): [int(kept) for kept in had] for (of, at), had in self._judged.items() if of == channel},
            "stretch": {str(at): stretch for (of, at), stretch in self._stretch.items() if of == channel},
        }

    def recall(self, channel: Hashable, learned: Mapping[str, Any]) -> None:
        """Go on from what another has `learned`. Raises KeyError, TypeError or ValueError on anything else."""
        for bucket, ratios in learned["ratios"].items():
            of = channel, int(bucket)
            self._ratios[of] = deque(float(one) for one in ratios[-OUTCOMES:])
            self._sorted[of] = sorted(self._ratios[of])
        for hour, judged in learned["judged"].items():
            self._judged[channel, int(hour)] = deque((bool(kept) for kept in judged), maxlen=JUDGED)
        for hour, stretch in learned["stretch"].items():
            self._stretch[channel, int(hour)] = min(max(float(stretch), STRETCH[0]), STRETCH[1])

    # ---- estimates

    def _point(self, waiting: _Waiting, now: int) -> tuple[float | None, int]:
        """Expected wait from now (ms) and the bucket of the position."""
        line = waiting.line
        ahead = bisect_left(line.order, waiting.order)
        per_start = self._ms_per_start(line, now)
        head_waited = now - line.order[0][1]
        bucket = min(ahead + 1, LAST_BUCKET)
        if per_start is None:
            return None, bucket
        by_length = (ahead + 1) * per_start
        return (by_length + head_waited) / 2, bucket

    def _ms_per_start(self, line: _Line, now: int) -> float | None:
        starts = line.starts
        if len(starts) == STARTS:
            return (now - starts[0]) / STARTS
        if line.places and line.handling_ms:
            return line.handling_ms / line.places
        return None

    def _quantiles(self, channel: Hashable, bucket: int, now: int) -> tuple[float, float] | None:
        """Of actual over estimated: the empirical P50, and the P90 as stretched at this hour."""
        ratios = self._sorted.get((channel, bucket), [])
        if len(ratios) < ENOUGH_OUTCOMES:
            return None
        p90 = ratios[min(len(ratios) - 1, int(0.9 * (len(ratios) + 1)))]
        return ratios[len(ratios) // 2], p90 * self._stretch.get((channel, self._hour(now)), 1.0)

    def _learn(self, waiting: _Waiting, now: int) -> None:
        actual, channel = now - waiting.queued_at, waiting.line.channel
        if not waiting.point:
            return
        of = channel, waiting.bucket
        ratios, ordered = self._ratios.setdefault(of, deque()), self._sorted.setdefault(of, [])
        if len(ratios) == OUTCOMES:
            del ordered[bisect_left(ordered, ratios.popleft())]
        ratios.append(actual / waiting.point)
        insort(ordered, ratios[-1])
        self.outcomes += 1
        if waiting.p90 is not None:
            self._judge((channel, self._hour(waiting.queued_at)), actual <= waiting.p90)

    def _judge(self, of: tuple[Hashable, int], kept: bool) -> None:
        self._judged.setdefault(of, deque(maxlen=JUDGED)).append(kept)
        stretch = self._stretch.get(of, 1.0) * exp(STEP * (0.9 - kept))
        self._stretch[of] = min(max(stretch, STRETCH[0]), STRETCH[1])

    def _forget(self, waiting: _Waiting) -> None:
        order = waiting.line.order
        del order[bisect_left(order, waiting.order)]

    def _line(self, line: Hashable, channel: Hashable) -> _Line:
        found = self._lines.get(line)
        if found is None:
            found = self._lines[line] = _Line(channel)
        return found

    def _hour(self, now: int) -> int:
        return (now + self._hour_offset) // HOUR % 24
