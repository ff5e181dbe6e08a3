"""Which ticket is served first: the virtual arrival, the score, and the lines in which tickets wait."""

from collections.abc import Iterator
from heapq import heapify, heappop, heappush
from typing import NamedTuple

from routing.model import Agent, Policy, Signature, Ticket


def virtual_arrival(
    *,
    arrived_at: int,
    priority: int,
    vulnerable: bool,
    channel: str,
    policy: Policy,
    sla_deadline: int | None = None,
    sla_reference_ms: int = 0,
) -> int:
    """The instant a ticket counts as having arrived.

    `max(arrived_at - max_head_start, min(arrived_at - bonus[priority] - flag_bonus, sla_deadline - sla_reference))`,
    in milliseconds; without a deadline its term is left out. `sla_reference_ms` is the laxest first-response target
    configured on the channel, so that a tighter target is a head start.

    The urgency numbers of Jackson, "Queues with dynamic priority discipline" (1961), bounded: a head start fixed at
    arrival lets urgent tickets pass without ever starving the others, and needs no re-sorting while they wait.
    Priority 4 has the head start of priority 3. Raises KeyError for a channel the policy does not know.
    """
    flag_bonus = policy.flag_bonus_ms if vulnerable else 0
    favoured = arrived_at - policy.bonus_ms[min(priority, 3)] - flag_bonus
    if sla_deadline is not None:
        favoured = min(favoured, sla_deadline - sla_reference_ms)
    return max(arrived_at - max_head_start_ms(channel, policy), favoured)


def max_head_start_ms(channel: str, policy: Policy) -> int:
    return policy.max_head_start_live_ms if policy.channels[channel].live else policy.max_head_start_filler_ms


def is_primary(ticket: Ticket, agent: Agent) -> bool:
    """Whether a ticket is the agent's own kind of work: in their home pool, all its skills among their primary ones."""
    return ticket.pool == agent.home_pool and all(req.skill in agent.primary for req in ticket.reqs)


def score(ticket: Ticket, agent: Agent, policy: Policy, now: int) -> int:
    """Weight (hundredths) times age since the virtual arrival (ms): of several tickets an agent takes the largest.

    The linear form of the generalised c-mu rule (Van Mieghem, 1995; for many-server pools Gurvich and Whitt, 2009).
    Plain first come, first served across skills is unstable when secondary work takes longer; a weight keeps agents
    with their own work under load. A ticket from the future counts as just arrived.
    """
    weight = policy.primary_weight if is_primary(ticket, agent) else policy.rule(ticket.pool).secondary_weight
    return weight * max(0, now - ticket.va)


def order_of(ticket: Ticket) -> tuple[int, int, int]:
    """Orders the tickets of one line and breaks ties between equal scores: virtual arrival, arrival, id."""
    return ticket.va, ticket.arrived_at, ticket.id


class Entry(NamedTuple):
    """A ticket's place in a line; `line` is the line's number."""

    va: int
    arrived_at: int
    ticket: int
    line: int


NOBODY = Entry(1 << 62, 0, 0, -1)
"""Heads an empty line: it comes after everybody."""


class Line:
    """The waiting tickets of one signature: a heap in which those who left stay as ghosts until they come to the top.

    `eligible` tells for each agent who may serve the line whether it is primary work for them; `staffed` counts those of
    them who are available.
    """

    __slots__ = ("eligible", "heap", "number", "places", "signature", "skills", "staffed", "waived")

    def __init__(self, number: int, signature: Signature) -> None:
        self.number, self.signature = number, signature
        self.skills = frozenset(req.skill for req in signature.reqs)
        self.heap: list[Entry] = []
        self.places: dict[int, Entry] = {}
        self.eligible: dict[int, bool] = {}
        self.staffed = 0
        self.waived = 0

    def __len__(self) -> int:
        return len(self.places)

    def in_order(self) -> Iterator[Entry]:
        """The waiting tickets from the head on, without disturbing the line: k of them cost O(k log k)."""
        if not self.heap:
            return
        heap = self.heap
        front = [(heap[0], 0)]
        while front:
            entry, at = heappop(front)
            if self.places.get(entry.ticket) is entry:
                yield entry
            for child in (2 * at + 1, 2 * at + 2):
                if child < len(heap):
                    heappush(front, (heap[child], child))


class Lines:
    """All lines, by number and by signature. `heads[number]` is the first entry of a line, or NOBODY."""

    __slots__ = ("_by_signature", "all", "heads", "scans")

    def __init__(self) -> None:
        self.all: list[Line] = []
        self.heads: list[Entry] = []
        self._by_signature: dict[Signature, Line] = {}
        self.scans = 0

    def find(self, signature: Signature) -> Line | None:
        return self._by_signature.get(signature)

    def open(self, signature: Signature) -> Line:
        """A new line for a signature that has none."""
        line = Line(len(self.all), signature)
        self.all.append(line)
        self.heads.append(NOBODY)
        self._by_signature[signature] = line
        return line

    def join(self, number: int, va: int, arrived_at: int, ticket: int) -> None:
        line = self.all[number]
        entry = Entry(va, arrived_at, ticket, number)
        line.places[ticket] = entry
        heappush(line.heap, entry)
        if line.heap[0] is entry:
            self.heads[number] = entry

    def leave(self, number: int, ticket: int) -> None:
        """Take a ticket out of a line it stands in."""
        line = self.all[number]
        entry = line.places.pop(ticket)
        heap, places = line.heap, line.places
        if heap[0] is entry:
            heappop(heap)
            while heap and places.get(heap[0].ticket) is not heap[0]:
                heappop(heap)
            self.heads[number] = heap[0] if heap else NOBODY
        elif len(heap) > 32 and len(heap) > 2 * len(places):
            line.heap = list(places.values())
            heapify(line.heap)
            self.heads[number] = line.heap[0]
