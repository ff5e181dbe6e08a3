"""Scenarios, what they promise, and whether a run keeps it.

Each promise names a figure of `measuring.figures`, what is expected, and how near is near enough. Scenarios with a
`router` are controls: what simpler rules would do in the same world.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf
from typing import Literal, NamedTuple

from routing.simulate import textbook
from routing.simulate.controls import Key, Order, Scan
from routing.simulate.measuring import Estimate, figures, of_contacts, waiting_at, waits_by_length
from routing.simulate.run import Router, Simulation
from routing.simulate.textbook import Textbook
from routing.simulate.worlds import Generators, World, poisson_contacts

How = Literal["exact", "about", "most", "least", "shown"]
Verdict = Literal["met", "unsure", "missed", ""]
BESIDE = ", beside the textbook"
"""Names the difference to the textbook queue."""
PRINTED = 1e-5
"""Expectations are printed with five digits after the point, or six."""


@dataclass(frozen=True, slots=True)
class Promise:
    """`figure` is `expected`: inside a 95 % interval of half-width <= 3 % (exact), within a share `tolerance` of it
    (about), at most or at least that, or merely shown beside it."""

    figure: str
    expected: float
    how: How = "exact"
    tolerance: float = 0.0

    def verdict(self, found: Estimate) -> Verdict:
        """Unsure when four standard errors could tip it: run longer."""
        if self.how == "shown":
            return ""
        off, slack = self._off(found.value), 4 * found.error
        if self.how == "exact":
            inside = off <= found.half_width + PRINTED and found.half_width <= 0.03 * abs(self.expected)
            return "met" if inside else "unsure" if off <= slack else "missed"
        return "met" if off <= 0 else "unsure" if off <= slack else "missed"

    def _off(self, value: float) -> float:
        """How far beyond what is allowed; for exact, how far away."""
        signed = value - self.expected
        allowed = self.tolerance * abs(self.expected)
        return {"most": signed, "least": -signed, "about": abs(signed) - allowed, "exact": abs(signed)}[self.how]

    def judged(self, found: Mapping[str, Estimate]) -> Estimate:
        """What the verdict is about: where the textbook queue served the same citizens, what is expected and the difference."""
        beside = found.get(self.figure + BESIDE) if self.how == "exact" else None
        if beside is None:
            return found[self.figure]
        return Estimate(self.expected + beside.value, beside.error, beside.runs)


@dataclass(frozen=True, slots=True)
class Scenario:
    """`contacts` is the full length of one seed, after `warm_up` minutes; `until`, where set, ends it at that minute.

    `textbook` is the queue that theory is exact about, where there is one.
    """

    name: str
    about: str
    world: Callable[[], World]
    promises: tuple[Promise, ...]
    contacts: int = 200_000
    warm_up: float = 100.0
    router: Callable[[World, Generators], Router] | None = None
    until: float | None = None
    textbook: Textbook | None = None

    @property
    def control(self) -> bool:
        return self.router is not None


class Played(NamedTuple):
    """`waits` counts per kind how many were served after so long, by `measuring.LENGTHS_S`."""

    figures: dict[str, float]
    waits: dict[str, list[int]]
    contacts: int


def play(scenario: Scenario, chance: Generators, contacts: int | None = None, warm_up: float | None = None) -> Played:
    """One run with so many contacts after the warm-up, on average."""
    world = scenario.world()
    per_minute = sum(kind.rates[0][1] for kind in world.kinds)
    since = scenario.warm_up if warm_up is None else warm_up
    minutes = scenario.until or since + (contacts or scenario.contacts) / per_minute
    router = scenario.router(world, chance) if scenario.router else None
    run = Simulation(world, chance, (since, minutes), router)
    record = run.run(poisson_contacts(world, chance, minutes), scenario.until or inf)
    names = [kind.name for kind in world.kinds]
    found = figures(record, names, world.groups)
    if scenario.textbook is not None:
        contacts_again = poisson_contacts(world, chance, minutes)
        beside = textbook.play(scenario.textbook, world, contacts_again, chance("work"), since, minutes)
        theirs = of_contacts(beside, names)
        found |= {figure + BESIDE: found[figure] - value for figure, value in theirs.items() if figure in found}
    waits = {name: found[f"W {name}"] for name in names if f"W {name}" in found}
    if len(waits) > 1:
        found["spread"] = max(waits.values()) - min(waits.values())
        found["W last / W"] = waits[names[-1]] / found["W"] if found["W"] else 1.0
    if scenario.until:
        found["waiting at the end"] = waiting_at(record, scenario.until)
    if (patience := world.kinds[0].patience) and found["E[W] of all"]:
        found["abandoned / wait"] = found["abandoned"] * patience / found["E[W] of all"]
    return Played(found, waits_by_length(record, names), len(record))


def exact(**expected: float) -> tuple[Promise, ...]:
    return tuple(Promise(_NAMED[name], value) for name, value in expected.items())


def about(tolerance: float, **expected: float) -> tuple[Promise, ...]:
    return tuple(Promise(_NAMED[name], value, "about", tolerance) for name, value in expected.items())


def least(**limits: float) -> tuple[Promise, ...]:
    return tuple(Promise(_NAMED[name], limit, "least") for name, limit in limits.items())


def most(**limits: float) -> tuple[Promise, ...]:
    return tuple(Promise(_NAMED[name], limit, "most") for name, limit in limits.items())


def shown(**expected: float) -> tuple[Promise, ...]:
    return tuple(Promise(_NAMED[name], value, "shown") for name, value in expected.items())


_NAMED = {
    "w": "W", "delayed": "P(wait)", "in20": "W <= 20 s", "in30": "W <= 30 s", "lost": "abandoned", "blocked": "blocked",
    "wait": "E[W] of all", "ratio": "abandoned / wait", "occupancy": "occupancy", "jain": "Jain", "handling": "handling",
    "w1": "W type 1", "w2": "W type 2", "w3": "W type 3", "busy1": "occupancy 1", "busy2": "occupancy 2",
    "busy12": "occupancy 1+2", "urgent": "W urgent", "normal": "W normal", "low": "W low", "tail": "p99.9 low",
    "letters": "W letters", "talks": "W talks", "writing": "handling letters", "same": "same agent",
    "talks30": "W <= 30 s talks", "backlog": "waiting at the end", "apart": "spread", "worst": "W last / W",
}  # fmt: skip


def control(
    name: str,
    text: str,
    world: Callable[[], World],
    promises: tuple[Promise, ...],
    order: Order,
    key: Key,
    contacts: int = 400_000,
) -> Scenario:
    """A simpler router in the same world."""

    def router(world: World, _chance: Generators) -> Router:
        return Scan(world.policy, order, key)

    return Scenario(name, f"{text}; control", world, promises, contacts, router=router)
