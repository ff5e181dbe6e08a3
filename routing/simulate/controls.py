"""Simpler routers, for comparison alone: what the engine's rules gain is told beside them.

They know one ring, no holds and no offers: scan the heads of the lines, take the first in some order, give it to an
agent by some key, at once or at the ticks of a clock.
"""

from collections.abc import Callable
from heapq import heappop, heappush
from typing import Any

from routing.events import AgentChanged, Given, Grounds, TicketCancelled, TicketClosed, TicketCreated
from routing.model import Agent, Policy, Signature, Ticket
from routing.simulate.worlds import Generators, World

Order = Callable[[Ticket, bool, int], Any]
"""From a ticket, whether it is primary, and now: the smallest goes first. Inside a line it must follow `in_line`."""


class Seat:
    def __init__(self, agent: Agent) -> None:
        self.agent, self.items, self.units = agent, 0, 0
        self.idle_since = self.last_assigned = 0
        self.skills = dict(agent.skills)


Key = Callable[[Seat, bool], Any]
"""From an agent with room and whether the ticket is primary for them: the smallest takes it."""


def first_come(ticket: Ticket, _primary: bool, _now: int) -> Any:
    return ticket.arrived_at, ticket.id


def weighted(secondary: float, guard_ms: int | None = None) -> Order:
    """Age times weight; with a guard that, unlike the engine's, knows no limit."""

    def order(ticket: Ticket, primary: bool, now: int) -> Any:
        guarded = guard_ms is not None and now - ticket.arrived_at >= guard_ms
        weight = 1.0 if primary or guarded else secondary
        return weight * (ticket.va - now), ticket.va, ticket.id

    return order


def longest_idle(seat: Seat, _primary: bool) -> Any:
    return seat.idle_since, seat.agent.id


def least_used(seat: Seat, _primary: bool) -> Any:
    """Round robin."""
    return seat.last_assigned, seat.agent.id


def specialists_first(seat: Seat, _primary: bool) -> Any:
    """The engine's own key without the rank: own work and helping out look alike."""
    return seat.units, len(seat.skills), seat.idle_since, seat.agent.id


def fullest(seat: Seat, _primary: bool) -> Any:
    return -seat.items, seat.idle_since, seat.agent.id


class Scan:
    """Takes the facts of a simulation. With `every_ms` it decides only then: at the ticks of a clock, or of a poll."""

    def __init__(self, policy: Policy, order: Order, key: Key, every_ms: int | None = None) -> None:
        self.policy, self.order, self.key, self.every_ms = policy, order, key, every_ms
        self.seats: dict[int, Seat] = {}
        self.lines: dict[Signature, list[tuple[Any, Ticket]]] = {}
        self.serves: dict[Signature, dict[int, bool]] = {}
        self.waiting: dict[int, Ticket] = {}
        self.held: dict[int, tuple[Ticket, Seat]] = {}
        self.now = 0

    def apply(self, event: Any, now: int) -> list[Given]:
        self.now = now
        if isinstance(event, TicketCreated):
            self._join(event.ticket)
            return [] if self.every_ms else self._place(event.ticket)
        if isinstance(event, TicketClosed):
            seat = self._free(event.ticket)
            return [] if self.every_ms else self._fill(seat)
        if isinstance(event, TicketCancelled):
            self.waiting.pop(event.ticket, None)
        elif isinstance(event, AgentChanged):
            self.seats[event.agent.id] = Seat(event.agent)
        elif self.waiting:
            return self._deal()
        return []

    def next_due(self) -> int | None:
        """The next tick of the clock, while anybody waits."""
        return (self.now // self.every_ms + 1) * self.every_ms if self.every_ms and self.waiting else None

    def _join(self, ticket: Ticket) -> None:
        self.waiting[ticket.id] = ticket
        heappush(self.lines.setdefault(ticket.signature, []), (self.order(ticket, True, ticket.arrived_at), ticket))

    def _place(self, ticket: Ticket) -> list[Given]:
        fits = self._who_serves(ticket.signature)
        free = [
            (self.key(self.seats[one], primary), one)
            for one, primary in fits.items()
            if self._room(self.seats[one], ticket)
        ]
        return [self._give(ticket, self.seats[min(free)[1]])] if free else []

    def _fill(self, seat: Seat) -> list[Given]:
        given = []
        while (ticket := self._next_for(seat)) is not None:
            given.append(self._give(ticket, seat))
        return given

    def _next_for(self, seat: Seat) -> Ticket | None:
        best: tuple[Any, Ticket] | None = None
        for signature, line in self.lines.items():
            while line and line[0][1].id not in self.waiting:
                heappop(line)
            primary = self._who_serves(signature).get(seat.agent.id)
            if line and primary is not None and self._room(seat, line[0][1]):
                rank = self.order(line[0][1], primary, self.now)
                if best is None or rank < best[0]:
                    best = rank, line[0][1]
        return best[1] if best else None

    def _deal(self) -> list[Given]:
        """All that wait, in their order, as long as anybody has room for the lightest of them."""
        lightest = min(rule.weight for rule in self.policy.channels.values())
        places = sum((seat.agent.budget - seat.units) // lightest for seat in self.seats.values())
        given: list[Given] = []
        for ticket in sorted(self.waiting.values(), key=lambda ticket: self.order(ticket, True, self.now)):
            if len(given) == places:
                break
            given += self._place(ticket)
        return given

    def _who_serves(self, signature: Signature) -> dict[int, bool]:
        if signature not in self.serves:
            self.serves[signature] = {
                seat.agent.id: signature.pool == seat.agent.home_pool and all(req.skill in seat.agent.primary for req in signature.reqs)
                for seat in self.seats.values()
                if signature.pool in seat.agent.pools and all(seat.skills.get(req.skill, 0) >= req.min_level for req in signature.reqs)
            }  # fmt: skip
        return self.serves[signature]

    def _room(self, seat: Seat, ticket: Ticket) -> bool:
        rule = self.policy.channels[ticket.channel]
        return seat.items < rule.cap and seat.units + rule.weight <= seat.agent.budget

    def _give(self, ticket: Ticket, seat: Seat) -> Given:
        rule = self.policy.channels[ticket.channel]
        del self.waiting[ticket.id]
        self.held[ticket.id] = ticket, seat
        seat.items += 1
        seat.units += rule.weight
        seat.idle_since = seat.last_assigned = self.now
        return Given(ticket.id, seat.agent.id, "direct", rule.weight, False, None, Grounds("control", 0, None, 0))

    def _free(self, number: int) -> Seat:
        ticket, seat = self.held.pop(number)
        seat.items -= 1
        seat.units -= self.policy.channels[ticket.channel].weight
        if not seat.items:
            seat.idle_since = self.now
        return seat


# ---- as the scenarios build them


def random_agent(world: World, chance: Generators) -> Scan:
    drawn = chance("control")
    return Scan(world.policy, first_come, lambda _seat, _primary: drawn.random())


def pulled(world: World, chance: Generators) -> Scan:
    """Whoever is free looks every two seconds, as with rows skipped while locked."""
    drawn = chance("control")
    return Scan(world.policy, first_come, lambda _seat, _primary: drawn.random(), every_ms=2_000)


def dealt_by_the_clock(world: World, _chance: Generators) -> Scan:
    """Round robin up to the cap, every five minutes."""
    return Scan(world.policy, first_come, least_used, every_ms=300_000)


def unlimited_guard(world: World, _chance: Generators) -> Scan:
    return Scan(world.policy, weighted(0.5, guard_ms=300_000), specialists_first)
