"""Which agent takes a ticket, and what keeps the others from it.

The arrays below are the fast twin of `agent_key`: one packed number per agent, channel and strategy, no room being the
largest. `PlainKeys` gives the same answers without numpy; which of the two is in use changes speed alone.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from routing.capacity import Worker, has_room
from routing.model import Agent, AgentKey, Check, Policy, Signature, Strategy, Ticket
from routing.ordering import is_primary

NO_ROOM = 1 << 62
LEAD_SHIFT = 51
"""Ten bits of load (or spare units, or items) lie above 51 bits: 6 of units, 4 of flexibility, 41 of an instant in ms."""


def agent_key(agent: Agent, ticket: Ticket, policy: Policy, strategy: Strategy | None = None) -> AgentKey:
    """Of the agents who can take the ticket, the one with the smallest key does. Its fields are `KEY_FIELDS[strategy]`.

    Without a `strategy` it is that of the ticket's own pool.

    Load: for live work primary units per mille of the budget, for filler all units. Rank: 0 when the ticket is primary
    for the agent, else 1. Units: all units in 64ths of the budget. Flexibility: the number of skills, at most 15. Then
    idle since (ms) and the id. Values are capped so that they fit in 10, 1, 6, 4 and 41 bits.

    Our own rule: work spreads over the least loaded, and specialists go before generalists, who stay free for what only
    they can do. Among equals the longest idle goes first, which shares idle time fairly (Armony and Ward, "Fair dynamic
    routing in large-scale heterogeneous-server systems", 2010).
    """
    strategy = strategy or policy.rule(ticket.pool).strategy
    rank = 0 if is_primary(ticket, agent) else 1
    lead = _lead(agent, ticket.channel, strategy, policy)
    if strategy == "spread":
        units, flexibility = _units_and_flexibility(agent, len(agent.skills))
        return lead, rank, units, flexibility, agent.idle_since, agent.id
    if strategy == "round_robin":
        return rank, agent.last_assigned, agent.id
    if strategy == "manual":
        return (agent.id,)
    return lead, rank, agent.idle_since, agent.id


def packed_key(
    worker: Worker, channel: str, strategy: Strategy, policy: Policy, skills: int, idle_since: int, last_assigned: int
) -> int:
    """The key without rank and id as one number; NO_ROOM if the worker has none. Instants are cut to 41 bits (2039)."""
    if not has_room(worker, channel, policy):
        return NO_ROOM
    return key_with_room(worker, channel, strategy, policy, skills, idle_since, last_assigned)


def key_with_room(
    worker: Worker, channel: str, strategy: Strategy, policy: Policy, skills: int, idle_since: int, last_assigned: int
) -> int:
    """`packed_key` of a worker who is known to have room."""
    if strategy == "spread":
        primary, budget = worker.primary_units, worker.budget or 1
        units = primary + worker.filler_units
        lead = min(primary * 1000 // budget if policy.channels[channel].live else units, 1023)
        flexibility = skills if skills < 15 else 15
        return lead << LEAD_SHIFT | min(units * 64 // budget, 63) << 45 | flexibility << 41 | idle_since & _INSTANT
    if strategy == "round_robin":
        return last_assigned & _INSTANT
    return _lead(worker, channel, strategy, policy) << LEAD_SHIFT | idle_since & _INSTANT


_INSTANT = (1 << 41) - 1


def _lead(worker: Worker, channel: str, strategy: Strategy, policy: Policy) -> int:
    if strategy == "least_active":
        return min(sum(worker.items.values()), 1023)
    all_units = worker.primary_units + worker.filler_units
    if strategy == "most_spare":
        return min(max(0, 1023 - worker.budget + all_units), 1023)
    live = policy.channels[channel].live
    return min(worker.primary_units * 1000 // max(worker.budget, 1) if live else all_units, 1023)


def _units_and_flexibility(worker: Worker, skills: int) -> tuple[int, int]:
    return min((worker.primary_units + worker.filler_units) * 64 // max(worker.budget, 1), 63), min(skills, 15)


def first_failing_check(agent: Agent, ticket: Ticket, policy: Policy, now: int) -> Check | None:
    """The first thing that keeps the agent from taking the ticket now; None when nothing does."""
    if failing := absence(agent) or misfit(agent, ticket.signature, policy):
        return failing
    if is_excluded(agent, ticket, now):
        return "exclusion"
    return None if has_room(agent, ticket.channel, policy) else "room"


def absence(agent: Agent) -> Check | None:
    """Why the agent is given no new work at all; None when they are there for it."""
    if not agent.signed_in:
        return "signed_in"
    if not agent.available:
        return "available"
    return None if agent.connected else "connected"


def misfit(agent: Agent, signature: Signature, policy: Policy) -> Check | None:
    """Why the agent, signed in or not, is not one who can serve such a ticket; None when they are.

    More than the minimum level gives no advantage. A channel the policy does not know fits nobody: its tickets stay
    visible as ones that cannot be served, and stop nothing else.
    """
    if signature.channel not in agent.channels_on or signature.channel not in policy.channels:
        return "channel"
    if signature.pool not in agent.pools:
        return "pool"
    levels = dict(agent.skills)
    if any(req.skill not in levels for req in signature.reqs):
        return "skill"
    return "level" if any(levels[req.skill] < req.min_level for req in signature.reqs) else None


def is_excluded(agent: Agent, ticket: Ticket, now: int) -> bool:
    """Whether the ticket must not go to this agent for now. An exclusion has ended at its `until`."""
    named = ticket.plan.named_only
    return (bool(named) and agent.id not in named) or any(
        excluded == agent.id and now < until for excluded, until in ticket.excluded
    )


class Choice(Protocol):
    """Packed keys by seat number, and the smallest of some of them."""

    def grow(self, seats: int) -> None: ...

    def write(self, seat: int, key: int) -> None: ...

    def of(self, seats: Sequence[int]) -> Any:
        """The seats, in a form that `first` and `ranked` take; ties go to the seat that comes first in it."""
        ...

    def first(self, seats: Any) -> tuple[int, int]:
        """Key and seat of the smallest."""
        ...

    def ranked(self, seats: Any) -> list[tuple[int, int]]:
        """Key and seat of all who have room, smallest first."""
        ...


class Keys:
    """A flat array; the smallest of a thousand takes about two microseconds."""

    __slots__ = ("_keys",)

    def __init__(self) -> None:
        self._keys: NDArray[np.int64] = np.full(64, NO_ROOM, np.int64)

    def grow(self, seats: int) -> None:
        if seats > len(self._keys):
            more = np.full(max(seats, 2 * len(self._keys)) - len(self._keys), NO_ROOM, np.int64)
            self._keys = np.concatenate([self._keys, more])

    def write(self, seat: int, key: int) -> None:
        self._keys[seat] = key

    def of(self, seats: Sequence[int]) -> tuple[NDArray[np.intp], tuple[int, ...]]:
        return np.array(seats, np.intp), tuple(seats)

    def first(self, seats: tuple[NDArray[np.intp], tuple[int, ...]]) -> tuple[int, int]:
        taken = self._keys[seats[0]]
        at = taken.argmin()
        return taken.item(at), seats[1][at]

    def ranked(self, seats: tuple[NDArray[np.intp], tuple[int, ...]]) -> list[tuple[int, int]]:
        taken = self._keys[seats[0]]
        order = taken.argsort(kind="stable")
        return [(taken.item(at), seats[1][at]) for at in order if taken[at] != NO_ROOM]


class PlainKeys:
    """The same in plain Python, six to twelve times slower."""

    __slots__ = ("_keys",)

    def __init__(self) -> None:
        self._keys: list[int] = [NO_ROOM] * 64

    def grow(self, seats: int) -> None:
        self._keys.extend([NO_ROOM] * (seats - len(self._keys)))

    def write(self, seat: int, key: int) -> None:
        self._keys[seat] = key

    def of(self, seats: Sequence[int]) -> tuple[int, ...]:
        return tuple(seats)

    def first(self, seats: tuple[int, ...]) -> tuple[int, int]:
        at = min(range(len(seats)), key=lambda place: self._keys[seats[place]])
        return self._keys[seats[at]], seats[at]

    def ranked(self, seats: tuple[int, ...]) -> list[tuple[int, int]]:
        keys = [(self._keys[seat], place, seat) for place, seat in enumerate(seats)]
        return [(key, seat) for key, _place, seat in sorted(keys) if key != NO_ROOM]
