"""Queue figures from facts: a pure reducer. Facts and ``now`` in, counts out; no clock of its own, no database.

One stay in a queue is decided once, at a known moment: a hit when answered within T, a miss at enter + T, excluded when it
left for another reason before that. So the live figure and the history are the same number.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Stay:
    """A ticket's time in a queue. ``answered``: for directly assigned work the first human message, else ``leave``."""

    enter: datetime
    leave: datetime | None
    how: str | None
    direct: bool = False
    answered_at: datetime | None = None

    @property
    def answered(self) -> datetime | None:
        if self.how != "answered":
            return None
        return self.answered_at if self.direct else self.leave


@dataclass(frozen=True, slots=True)
class Target:
    """T in seconds, the wanted percentage, and the limit under which leaving does not count as abandoned."""

    threshold_s: int
    target_pct: int
    short_abandon_s: int = 10


@dataclass(slots=True)
class Counts:
    """Counts and sums only: totals add them up, ratios are made last."""

    waiting: int = 0
    offered: int = 0
    answered: int = 0
    abandoned: int = 0
    short_abandoned: int = 0
    flowed_out: int = 0
    converted: int = 0
    expired: int = 0
    closed_by_staff: int = 0
    hits: int = 0
    misses: int = 0
    sum_wait_s: float = 0.0
    waited: int = 0
    oldest: datetime | None = None

    def add(self, other: "Counts") -> None:
        for field in fields(self):
            if field.name != "oldest":
                setattr(self, field.name, getattr(self, field.name) + getattr(other, field.name))
        if other.oldest and (self.oldest is None or other.oldest < self.oldest):
            self.oldest = other.oldest

    @property
    def decisions(self) -> int:
        return self.hits + self.misses

    def service_level(self) -> float | None:
        """Percent of decisions that were hits; None when nothing was decided."""
        return 100 * self.hits / self.decisions if self.decisions else None

    def asa_s(self) -> float | None:
        """Average speed of answer in seconds over what was answered."""
        return self.sum_wait_s / self.waited if self.waited else None

    def abandonment(self) -> float | None:
        """Percent abandoned of answered + abandoned, both by the moment of leaving; short abandons left out."""
        total = self.answered + self.abandoned
        return 100 * self.abandoned / total if total else None


def decided(stay: Stay, target: Target) -> tuple[str, datetime] | None:
    """("hit" | "miss", when), or None when the stay is undecided or excluded. ``when`` may lie in the future."""
    limit = stay.enter + timedelta(seconds=target.threshold_s)
    answered = stay.answered
    if answered is not None and answered <= limit:
        return "hit", answered
    if stay.leave is not None and stay.how != "answered" and stay.leave < limit:
        return None
    return "miss", limit


def reduce(stays: Iterable[Stay], target: Target, since: datetime, now: datetime) -> Counts:
    """The counts of one queue and channel in [since, now). Waiting is what is open at ``now``."""
    counts = Counts()
    for stay in stays:
        _count(counts, stay, target, since, now)
    return counts


def _count(counts: Counts, stay: Stay, target: Target, since: datetime, now: datetime) -> None:
    if stay.enter >= since:
        counts.offered += 1
    if stay.leave is None or stay.leave > now:
        counts.waiting += 1
        if counts.oldest is None or stay.enter < counts.oldest:
            counts.oldest = stay.enter
    elif stay.leave >= since:
        _count_leave(counts, stay, target)
    answered = stay.answered
    if answered is not None and since <= answered <= now:
        counts.waited += 1
        counts.sum_wait_s += (answered - stay.enter).total_seconds()
    outcome = decided(stay, target)
    if outcome is not None and since <= outcome[1] <= now:
        if outcome[0] == "hit":
            counts.hits += 1
        else:
            counts.misses += 1


def _count_leave(counts: Counts, stay: Stay, target: Target) -> None:
    assert stay.leave is not None
    if stay.how == "abandoned" and (stay.leave - stay.enter).total_seconds() <= target.short_abandon_s:
        counts.short_abandoned += 1
        return
    name = str(stay.how)
    setattr(counts, name, getattr(counts, name) + 1)
