"""Who works, who comes and how long things take: worlds to simulate, and the citizens that chance sends.

All chance comes from generators that are handed in, one per purpose and name, so that two worlds with the same seed see
the same citizens (common random numbers).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from heapq import merge
from itertools import pairwise
from math import inf
from typing import NamedTuple, Protocol

from routing.events import Event
from routing.model import Agent, Plan, Policy, Ticket
from routing.ordering import is_primary
from routing.simulate.hands import Pace

MINUTE = 60_000
"""Milliseconds."""


class Chance(Protocol):
    """What is needed of `random.Random`."""

    def random(self) -> float: ...

    def expovariate(self, lambd: float) -> float: ...


Generators = Callable[[str], Chance]
"""An independent generator for each purpose."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of contact. Times in minutes, exponential; `rates` pairs from which minute and how many a minute.

    `patience` is the mean, None for endless. A `known` share names one of the agents, drawn evenly, who is waited for
    alone for `hold`; None waits for nobody and names nobody.
    """

    name: str
    plan: Plan
    rates: tuple[tuple[float, float], ...]
    work: float = 1.0
    patience: float | None = None
    priority: int = 0
    queue: int = 1
    known: float = 0.0
    hold: float = 0.0


@dataclass(frozen=True, slots=True)
class Answers:
    """How agents answer offers: after a mean of `seconds`; some are declined, some never answered."""

    seconds: float = 0.0
    declined: float = 0.0
    missed: float = 0.0


@dataclass(frozen=True, slots=True)
class World:
    """Who works, who comes, and by which rules. `groups` names sets of agents whose occupancy is told apart.

    `secondary_pace` is the speed at secondary work. `pace`, where agents do several things at once, gives the speed of one
    contact of each kind from how many of each kind the agent has in hand. `facts` are told at their minute: shifts, hours.
    """

    policy: Policy
    agents: tuple[Agent, ...]
    kinds: tuple[Kind, ...]
    groups: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    secondary_pace: float = 1.0
    pace: Pace | None = None
    answers: Answers | None = None
    facts: tuple[tuple[float, Event], ...] = ()


class Contact(NamedTuple):
    """A citizen comes at `at` (ms). `work` (ms) is how long they will take, None to draw it when service starts."""

    at: float
    kind: int
    patience: float | None = None
    known: int | None = None
    work: float | None = None


def poisson_contacts(world: World, chance: Generators, minutes: float) -> Iterator[Contact]:
    """Citizens of all kinds until `minutes`, in their order."""
    agents = [agent.id for agent in world.agents]
    streams = [_of_kind(number, kind, agents, chance, minutes) for number, kind in enumerate(world.kinds)]
    return iter(streams[0]) if len(streams) == 1 else merge(*streams)


def _of_kind(number: int, kind: Kind, agents: list[int], chance: Generators, minutes: float) -> Iterator[Contact]:
    """A Poisson process with piecewise constant rate: it has no memory, so it starts afresh with every step."""
    coming, patient, knowing = (chance(f"{kind.name} {what}") for what in ("arrival", "patience", "known"))
    for (since, rate), (until, _) in pairwise((*kind.rates, (inf, 0.0))):
        at = since
        while rate > 0 and (at := at + coming.expovariate(rate)) < min(until, minutes):
            patience = None if kind.patience is None else patient.expovariate(1 / kind.patience) * MINUTE
            known = None
            if kind.known and knowing.random() < kind.known:
                known = agents[int(knowing.random() * len(agents))]
            yield Contact(at * MINUTE, number, patience, known)


def mean_works(world: World) -> list[dict[int, float]]:
    """Per kind and agent, the mean minutes a contact takes."""
    means = []
    for kind in world.kinds:
        like = Ticket(0, kind.queue, kind.plan, 0, 0)
        paces = {agent.id: 1.0 if is_primary(like, agent) else world.secondary_pace for agent in world.agents}
        means.append({agent: kind.work / pace for agent, pace in paces.items()})
    return means
