"""A contact centre in virtual time: the same engine that runs the floor, fed by chance or by a recorded day.

Events are ordered by exact instants in fractions of a millisecond; the engine is told whole milliseconds, rounded to the
nearest. So rounding changes no order and shifts no mean. All chance comes from generators that are handed in, one per
purpose and name, so that two worlds with the same seed see the same citizens (common random numbers).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush, merge
from itertools import pairwise
from math import inf
from typing import Any, NamedTuple, Protocol

from routing.engine import Engine
from routing.events import (
    AgentChanged,
    Anomaly,
    Diverted,
    Event,
    Given,
    OfferAccepted,
    OfferDeclined,
    Requeued,
    Tick,
    TicketCancelled,
    TicketClosed,
    TicketCreated,
)
from routing.hands import OneSpeed, Pace, SharedSpeed
from routing.model import Agent, Plan, Policy, Ticket
from routing.ordering import is_primary, virtual_arrival
from routing.record import ABANDONED, DIVERTED, Record

MINUTE = 60_000
"""Milliseconds."""


class Chance(Protocol):
    """What is needed of `random.Random`."""

    def random(self) -> float: ...

    def expovariate(self, lambd: float) -> float: ...


Generators = Callable[[str], Chance]
"""An independent generator for each purpose."""


class Router(Protocol):
    """The engine, or what it is compared with."""

    def apply(self, event: Any, now: int) -> Sequence[Any]: ...

    def next_due(self) -> int | None: ...


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


class Watch(Protocol):
    """Looks on: told when a contact waits, starts and gives up."""

    def waits(self, ticket: int, kind: int, now: int) -> None: ...

    def starts(self, ticket: int, kind: int, now: int) -> None: ...

    def leaves(self, ticket: int, kind: int, now: int) -> None: ...


# ---- who comes


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


# ---- what happens

FACT, ANSWER, DONE, GIVE_UP = range(4)
_TICK = Tick()


class Simulation:
    """One run. `window` (minutes) is what is measured: who came in it, and the agents' time in it."""

    def __init__(
        self, world: World, chance: Generators, window: tuple[float, float] = (0.0, inf),
        router: Router | None = None, watch: Watch | None = None,
    ) -> None:  # fmt: skip
        self.world, self.watch = world, watch
        self.router: Router = Engine(world.policy) if router is None else router
        self.working, self.answering = chance("work"), chance("answer")
        self.record = Record(tuple(agent.id for agent in world.agents), window[0] * MINUTE, window[1] * MINUTE)
        self.heap: list[tuple[float, int, int, int]] = []
        self.sequence = 0
        self.hands = SharedSpeed(self._done_at, world.pace, len(world.kinds)) if world.pace else OneSpeed(self._done_at)
        self.works: dict[int, float] = {}
        self.offered: dict[int, int] = {}
        self.answers: dict[int, OfferAccepted | OfferDeclined] = {}
        self.waiting: set[int] = set()
        self.means = _mean_works(world)
        for agent in world.agents:
            self._tell(AgentChanged(agent), 0.0)
        for number, (minute, _fact) in enumerate(world.facts):
            self._later(minute * MINUTE, FACT, number)

    def run(self, contacts: Iterable[Contact], until: float = inf) -> Record:
        """Let them come, and go on until nothing is left to happen or it is `until` (minutes)."""
        coming, heap, next_due = iter(contacts), self.heap, self.router.next_due
        upcoming, until = next(coming, None), until * MINUTE
        while True:
            arrival = upcoming is not None and (not heap or upcoming.at <= heap[0][0])
            at = upcoming.at if arrival and upcoming is not None else heap[0][0] if heap else inf
            due = next_due()
            if due is not None and due <= at:
                at = due
            if at > until or at == inf:
                break
            if at == due:
                self._tell(_TICK, at)
            elif arrival and upcoming is not None:
                self._arrive(upcoming)
                upcoming = next(coming, None)
            else:
                self._happen(*heappop(heap))
        self.record.finish(min(at, until))
        return self.record

    def _arrive(self, contact: Contact) -> None:
        kind, now = self.world.kinds[contact.kind], int(contact.at + 0.5)
        number = self.record.came(now, contact.kind, contact.known)
        va, known, until = now, contact.known, None
        if kind.priority:
            channel = kind.plan.rings[0].signature.channel
            va = virtual_arrival(
                arrived_at=now, priority=kind.priority, vulnerable=False, channel=channel, policy=self.world.policy
            )
        if known is not None:
            until = now + int(kind.hold * MINUTE)
        ticket = Ticket(
            number, kind.queue, kind.plan, now, va, 0, kind.priority, preferred_agent=known, sticky_until=until
        )
        if contact.work is not None:
            self.works[number] = contact.work
        self.waiting.add(number)
        self._tell(TicketCreated(ticket), contact.at)
        if number in self.waiting:
            if contact.patience is not None:
                self._later(contact.at + contact.patience, GIVE_UP, number)
            if self.watch is not None:
                self.watch.waits(number, contact.kind, now)

    def _happen(self, at: float, sequence: int, what: int, of: int) -> None:
        if what == DONE:
            done = self.hands.done(of, sequence)
            if done is not None:
                self.record.ended(done, self.hands.stop(done, at), int(at + 0.5))
                self._tell(TicketClosed(done), at)
        elif what == GIVE_UP:
            if of in self.waiting:
                self._left(of, at, ABANDONED)
                self._tell(TicketCancelled(of), at)
        elif what == FACT:
            self._tell(self.world.facts[of][1], at)
        else:
            self._answer(of, at, sequence)

    def _tell(self, event: Event, at: float) -> None:
        for effect in self.router.apply(event, int(at + 0.5)):
            kind = type(effect)
            if kind is Given:
                if effect.expires is None:
                    self._start(effect.ticket, effect.agent, at)
                else:
                    self._offer(effect.ticket, effect.agent, at)
            elif kind is Diverted:
                self._left(effect.ticket, at, DIVERTED)
            elif kind is Requeued:
                self._requeued(effect.ticket, at)
            elif kind is Anomaly:
                raise RuntimeError(f"The router cannot digest what the simulation tells it: {effect.sentence}")

    def _start(self, ticket: int, agent: int, at: float) -> None:
        """The work is drawn when it starts, so that no rule of precedence changes the draws (conservation law)."""
        record, kind = self.record, self.record.kind[ticket]
        mean = self.means[kind][agent]
        work = self.works.pop(ticket, None)
        work = self.working.expovariate(1 / mean) if work is None else work * mean / self.world.kinds[kind].work
        self.waiting.discard(ticket)
        self.offered.pop(ticket, None)
        record.started(ticket, agent, int(at + 0.5))
        self.hands.start(ticket, kind, agent, work * MINUTE, at)
        if self.watch is not None:
            self.watch.starts(ticket, kind, int(at + 0.5))

    def _left(self, ticket: int, at: float, fate: int) -> None:
        self.waiting.discard(ticket)
        self.record.left(ticket, int(at + 0.5), fate)
        if self.watch is not None:
            self.watch.leaves(ticket, self.record.kind[ticket], int(at + 0.5))

    def _offer(self, ticket: int, agent: int, at: float) -> None:
        """Draw what the agent will do; an offer nobody answers runs out by the router's own timer."""
        answers = self.world.answers or Answers()
        self.offered[ticket] = agent
        drawn = self.answering.random()
        if drawn < answers.missed:
            return
        delay = self.answering.expovariate(1 / answers.seconds) * 1000 if answers.seconds else 0.0
        answer = OfferDeclined if drawn < answers.missed + answers.declined else OfferAccepted
        self.answers[self._later(at + delay, ANSWER, ticket)] = answer(ticket, agent)

    def _answer(self, ticket: int, at: float, sequence: int) -> None:
        """An answer that comes too late gets "no longer yours" and changes nothing."""
        answer = self.answers.pop(sequence)
        if self.offered.get(ticket) == answer.agent:
            self._tell(answer, at)
            if isinstance(answer, OfferAccepted):
                self._start(ticket, answer.agent, at)

    def _requeued(self, ticket: int, at: float) -> None:
        """Declined, unanswered, or the line to the agent was lost in the middle of it."""
        if self.offered.pop(ticket, None) is None and ticket not in self.waiting:
            self.record.ended(ticket, self.hands.stop(ticket, at), int(at + 0.5))

    def _done_at(self, at: float, of: int) -> int:
        return self._later(at, DONE, of)

    def _later(self, at: float, what: int, of: int) -> int:
        self.sequence += 1
        heappush(self.heap, (at, self.sequence, what, of))
        return self.sequence


def _mean_works(world: World) -> list[dict[int, float]]:
    """Per kind and agent, the mean minutes a contact takes."""
    means = []
    for kind in world.kinds:
        like = Ticket(0, kind.queue, kind.plan, 0, 0)
        paces = {agent.id: 1.0 if is_primary(like, agent) else world.secondary_pace for agent in world.agents}
        means.append({agent: kind.work / pace for agent, pace in paces.items()})
    return means
