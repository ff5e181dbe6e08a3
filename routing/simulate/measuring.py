"""What a record says: waits, service levels, losses, occupancy, fairness, and how sure that is.

Waits are in minutes; W, the average speed of answer, is over all who were served, those who did not wait included.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import fsum, inf, sqrt

from routing.simulate.record import ABANDONED, DIVERTED, SERVED, Record

MINUTE = 60_000
WITHIN_S = (20, 30)
LENGTHS_S = (0, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1_800, 3_600)
"""Waits are drawn in bars of at most so many seconds, and one for all beyond."""
T_975 = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120,
    2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
)  # fmt: skip
"""The 97.5 % quantiles of Student's t for 1 to 30 degrees of freedom."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean of independent runs or of batches, and its standard error; `error` is infinite for a single run."""

    value: float
    error: float
    runs: int

    @property
    def half_width(self) -> float:
        """Of the 95 % interval (Student, The probable error of a mean, 1908)."""
        return inf if self.runs < 2 else self.error * (T_975[self.runs - 2] if self.runs <= 31 else 1.96)


def estimate(values: Sequence[float]) -> Estimate:
    runs = len(values)
    mean = fsum(values) / runs
    if runs < 2:
        return Estimate(mean, inf, runs)
    return Estimate(mean, sqrt(fsum((value - mean) ** 2 for value in values) / (runs - 1) / runs), runs)


def estimates(runs: Iterable[Mapping[str, float]]) -> dict[str, Estimate]:
    """One estimate per figure that every run has."""
    runs = list(runs)
    return {name: estimate([run[name] for run in runs]) for name in runs[0] if all(name in run for run in runs)}


def figures(record: Record, kinds: Sequence[str], groups: Mapping[str, tuple[int, ...]]) -> dict[str, float]:
    """Every figure by its name, over those who came in the record's window."""
    found = of_contacts(record, kinds)
    return found | _of_agents(record, groups) if found else {}


def of_contacts(record: Record, kinds: Sequence[str]) -> dict[str, float]:
    """The figures of those who came, together and by kind."""
    within = [number for number, at in enumerate(record.arrived) if record.since <= at < record.until]
    if not within:
        return {}
    found = _of_some(record, within, "")
    if len(kinds) > 1:
        for kind, name in enumerate(kinds):
            found |= _of_some(record, [number for number in within if record.kind[number] == kind], f" {name}")
    return found


def batches(record: Record, kinds: Sequence[str], count: int = 20) -> list[dict[str, float]]:
    """The figures of contacts in equal batches by arrival (Conway, Some tactical problems in digital simulation, 1963)."""
    within = [number for number, at in enumerate(record.arrived) if record.since <= at < record.until]
    size = len(within) // count
    return [_of_some(record, within[at * size : (at + 1) * size], "") for at in range(count)]


def _of_some(record: Record, numbers: Sequence[int], of: str) -> dict[str, float]:
    if not numbers:
        return {}
    fate, waited, came = record.fate, record.waited, len(numbers)
    served = [number for number in numbers if fate[number] == SERVED]
    lost = [number for number in numbers if fate[number] == ABANDONED]
    waits = sorted(waited[number] for number in served)
    turned_away = sum(fate[number] == DIVERTED for number in numbers)
    delayed = sum(wait > 0 for wait in waits) + len(lost)
    found = {
        f"P(wait){of}": delayed / max(1, len(served) + len(lost)),
        f"abandoned{of}": len(lost) / came,
        f"blocked{of}": turned_away / came,
        f"E[W] of all{of}": (sum(waits) + sum(waited[number] for number in lost)) / came / MINUTE,
    }
    return found | _of_served(record, served, waits, of) if served else found


def _of_served(record: Record, served: Sequence[int], waits: Sequence[int], of: str) -> dict[str, float]:
    handled = [record.handled[number] for number in served if record.handled[number] >= 0]
    known = [number for number in served if record.known[number]]
    found = {f"W{of}": sum(waits) / len(waits) / MINUTE}
    for seconds in WITHIN_S:
        found[f"W <= {seconds} s{of}"] = _rank(waits, seconds * 1000) / len(waits)
    found |= {
        f"p99{of}": _quantile(waits, 0.99),
        f"p99.9{of}": _quantile(waits, 0.999),
        f"longest{of}": waits[-1] / MINUTE,
    }
    found[f"handling{of}"] = sum(handled) / max(1, len(handled)) / MINUTE
    if known:
        found[f"same agent{of}"] = sum(record.agent[number] == record.known[number] for number in known) / len(known)
    return found


def _of_agents(record: Record, groups: Mapping[str, tuple[int, ...]]) -> dict[str, float]:
    idle, span = record.idle, record.measured
    found = {
        f"occupancy{_of(name)}": 1 - fsum(idle[agent] for agent in agents) / span / len(agents)
        for name, agents in groups.items()
    }
    found["occupancy"] = 1 - fsum(idle.values()) / span / len(idle)
    found["Jain"] = jain(list(idle.values()))
    return found


def jain(shares: Sequence[float]) -> float:
    """1 when all are equal, 1/n when one has everything (Jain, Chiu and Hawe, A quantitative measure of fairness, 1984)."""
    squares = fsum(share * share for share in shares)
    return 1.0 if not squares else fsum(shares) ** 2 / (len(shares) * squares)


def _of(name: str) -> str:
    return f" {name}" if name else ""


def _rank(ordered: Sequence[int], value: int) -> int:
    """How many are not above the value."""
    return bisect_right(ordered, value)


def _quantile(ordered: Sequence[int], share: float) -> float:
    """Nearest rank, in minutes."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] / MINUTE


def waiting_at(record: Record, minute: float) -> int:
    """How many waited at an instant."""
    at = minute * MINUTE
    return sum(
        arrived <= at and (waited < 0 or arrived + waited > at)
        for arrived, waited in zip(record.arrived, record.waited, strict=True)
    )


def waits_by_length(record: Record, kinds: Sequence[str]) -> dict[str, list[int]]:
    """How many of each kind were served after a wait of at most each of `LENGTHS_S`, and longer than all."""
    counts = {name: [0] * (len(LENGTHS_S) + 1) for name in kinds}
    for kind, fate, waited, arrived in zip(record.kind, record.fate, record.waited, record.arrived, strict=True):
        if fate == SERVED and record.since <= arrived < record.until:
            counts[kinds[kind]][bisect_left(LENGTHS_S, waited / 1000)] += 1
    return counts
