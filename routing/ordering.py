"""Which ticket is served first: the virtual arrival, the score, and the lines in which tickets wait."""

from collections.abc import Iterator
from heapq import heapify, heappop, heappush

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


Turn = int
"""A ticket's turn in a line as one number, the smaller the earlier: virtual arrival, arrival and id, 64 bits for each of the
last two. One comparison of two numbers, where three fields would be compared one by one.
"""

NOBODY: Turn = 1 << 255
"""Heads an empty line: it comes after everybody."""

_LAST_64 = (1 << 64) - 1


def turn_of(va: int, arrived_at: int, ticket: int) -> Turn:
    """Orders as `order_of` does. Arrivals and ids are not negative."""
    return (((va << 64) + arrived_at) << 64) + ticket


def ticket_of(turn: Turn) -> int:
    return turn & _LAST_64


def va_of(turn: Turn) -> int:
    """The virtual arrival, ms UTC."""
    return turn >> 128


class Line:
    """The waiting tickets of one signature: a heap in which those who left (`gone`) stay until they come to the top.

    `eligible` tells for each agent who may serve the line whether it is primary work for them; `staffed` counts those of
    them who are available.
    """

    __slots__ = ("eligible", "gone", "heap", "number", "signature", "skills", "staffed", "waived")

    def __init__(self, number: int, signature: Signature) -> None:
        self.number, self.signature = number, signature
        self.skills = frozenset(req.skill for req in signature.reqs)
        self.heap: list[Turn] = []
        self.gone: set[Turn] = set()
        self.eligible: dict[int, bool] = {}
        self.staffed = 0
        self.waived = 0

    def __len__(self) -> int:
        return len(self.heap) - len(self.gone)

    def tickets(self) -> Iterator[int]:
        """Who waits here, in no order."""
        return (ticket_of(turn) for turn in self.heap if turn not in self.gone)

    def in_order(self) -> Iterator[Turn]:
        """The waiting tickets from the head on, without disturbing the line: k of them cost O(k log k)."""
        heap, gone = self.heap, self.gone
        if not heap:
            return
        front = [(heap[0], 0)]
        while front:
            turn, at = heappop(front)
            if turn not in gone:
                yield turn
            for child in (2 * at + 1, 2 * at + 2):
                if child < len(heap):
                    heappush(front, (heap[child], child))


class Lines:
    """All lines, by number and by signature. `heads[number]` is the first turn of a line, or NOBODY."""

    __slots__ = ("_by_signature", "all", "heads")

    def __init__(self) -> None:
        self.all: list[Line] = []
        self.heads: list[Turn] = []
        self._by_signature: dict[Signature, Line] = {}

    def find(self, signature: Signature) -> Line | None:
        return self._by_signature.get(signature)

    def open(self, signature: Signature) -> Line:
        """A new line for a signature that has none."""
        line = Line(len(self.all), signature)
        self.all.append(line)
        self.heads.append(NOBODY)
        self._by_signature[signature] = line
        return line

    def join(self, number: int, turn: Turn) -> None:
        line = self.all[number]
        if line.gone and turn in line.gone:
            line.gone.remove(turn)
        else:
            heappush(line.heap, turn)
        if turn < self.heads[number]:
            self.heads[number] = turn

    def leave(self, number: int, turn: Turn) -> None:
        """Take a ticket out of a line it stands in."""
        line = self.all[number]
        heap, gone = line.heap, line.gone
        if turn == heap[0]:
            heappop(heap)
            while gone and heap and heap[0] in gone:
                gone.remove(heappop(heap))
            self.heads[number] = heap[0] if heap else NOBODY
        else:
            gone.add(turn)
            if len(gone) > 16 and 2 * len(gone) > len(heap):
                line.heap = [one for one in heap if one not in gone]
                heapify(line.heap)
                gone.clear()
