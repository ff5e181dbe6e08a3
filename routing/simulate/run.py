"""A contact centre in virtual time: the same engine that runs the floor, fed by chance or by a recorded day.

Events are ordered by exact instants in fractions of a millisecond; the engine is told whole milliseconds, rounded to the
nearest. So rounding changes no order and shifts no mean.
"""

from collections.abc import Iterable, Sequence
from heapq import heappop, heappush
from math import inf
from typing import Any, Protocol

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
from routing.model import Ticket
from routing.ordering import virtual_arrival
from routing.simulate.hands import OneSpeed, SharedSpeed
from routing.simulate.record import ABANDONED, DIVERTED, Record
from routing.simulate.worlds import MINUTE, Answers, Contact, Generators, World, mean_works


class Router(Protocol):
    """The engine, or what it is compared with."""

    def apply(self, event: Any, now: int) -> Sequence[Any]: ...

    def next_due(self) -> int | None: ...


class Watch(Protocol):
    """Looks on: told when a contact waits, starts and gives up."""

    def waits(self, ticket: int, kind: int, now: int) -> None: ...

    def starts(self, ticket: int, kind: int, now: int) -> None: ...

    def leaves(self, ticket: int, kind: int, now: int) -> None: ...


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
        self.means = mean_works(world)
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
        if work is None:
            work = self.working.expovariate(1 / mean) * MINUTE
        else:
            work *= mean / self.world.kinds[kind].work
        self.waiting.discard(ticket)
        self.offered.pop(ticket, None)
        record.started(ticket, agent, int(at + 0.5))
        self.hands.start(ticket, kind, agent, work, at)
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
