"""A figure, the bare limit beside it, and how several rounds become one number."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any, Literal

Better = Literal["more", "less"]


@dataclass
class Figure:
    """One line of the report. ``rounds``: what each round gave; the value is their median."""

    measure: str
    name: str
    unit: str
    rounds: list[float]
    better: Better
    target: float | None = None
    bare: list[float] = field(default_factory=list)
    bare_is: str = ""
    target_ratio: float | None = None
    note: str = ""

    @property
    def value(self) -> float:
        return median(self.rounds)

    @property
    def bare_value(self) -> float | None:
        return median(self.bare) if self.bare else None

    @property
    def ratio(self) -> float | None:
        return self.value / self.bare_value if self.bare_value else None

    @property
    def met(self) -> bool | None:
        """None where no target is set."""
        answers = []
        if self.target is not None:
            answers.append(self.value >= self.target if self.better == "more" else self.value <= self.target)
        if self.target_ratio is not None and self.ratio is not None:
            answers.append(self.ratio >= self.target_ratio)
        return all(answers) if answers else None

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"value": self.value, "bare_value": self.bare_value, "ratio": self.ratio, "met": self.met}


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest-rank percentile; ``share`` between 0 and 1."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
