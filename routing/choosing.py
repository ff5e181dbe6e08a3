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
"""No agent's key: whoever has room has a smaller one."""
LEAD_SHIFT = 52
"""Ten bits of load (or spare units, or items) lie above the rank and 51 bits: 6 of units, 4 of flexibility, 41 of an instant."""
RANK_SHIFT = 51
SECONDARY = 1 << RANK_SHIFT


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
    """The key, without the id, of a worker who has room, for primary work; for secondary work it is `SECONDARY` more.

    Instants are cut to 41 bits (2039).
    """
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
    """Packed keys by seat number, one for primary and one for secondary work, and the smallest of some of them."""

    def grow(self, seats: int) -> None: ...

    def write(self, seat: int, key: int) -> None: ...

    def of(self, primary: Sequence[int], secondary: Sequence[int]) -> Any:
        """The seats of both ranks in a form that `first` and `ranked` take; ties go to the seat that comes first in its rank."""
        ...

    def first(self, seats: Any) -> tuple[int, int]:
        """Key and seat of the smallest; `NO_ROOM` or more when nobody has any."""
        ...

    def ranked(self, seats: Any) -> list[tuple[int, int]]:
        """Key and seat of all who have room, smallest first."""
        ...


class Keys:
    """A flat array, both keys of a seat side by side; the smallest of a thousand takes about a microsecond.

    Single keys are written through a view of the same memory, in half the time.
    """

    __slots__ = ("_keys", "_view")

    def __init__(self) -> None:
        self._keys: NDArray[np.int64] = np.full(128, NO_ROOM, np.int64)
        self._view = self._keys.data

    def grow(self, seats: int) -> None:
        if 2 * seats > len(self._keys):
            more = np.full(max(2 * seats, 2 * len(self._keys)) - len(self._keys), NO_ROOM, np.int64)
            self._keys = np.concatenate([self._keys, more])
            self._view = self._keys.data

    def write(self, seat: int, key: int) -> None:
        self._view[2 * seat] = key
        self._view[2 * seat + 1] = key | SECONDARY

    def of(self, primary: Sequence[int], secondary: Sequence[int]) -> NDArray[np.intp]:
        return np.array(_places(primary, secondary), np.intp)

    def first(self, seats: NDArray[np.intp]) -> tuple[int, int]:
        taken = self._keys.take(seats)
        at = taken.argmin()
        return taken.item(at), seats.item(at) >> 1

    def ranked(self, seats: NDArray[np.intp]) -> list[tuple[int, int]]:
        taken = self._keys.take(seats)
        order = taken.argsort(kind="stable")
        return [(taken.item(at), seats.item(at) >> 1) for at in order if taken[at] < NO_ROOM]


class PlainKeys:
    """The same in plain Python, six to twelve times slower."""

    __slots__ = ("_keys",)

    def __init__(self) -> None:
        self._keys: list[int] = [NO_ROOM] * 128

    def grow(self, seats: int) -> None:
        self._keys.extend([NO_ROOM] * (2 * seats - len(self._keys)))

    def write(self, seat: int, key: int) -> None:
        self._keys[2 * seat : 2 * seat + 2] = key, key | SECONDARY

    def of(self, primary: Sequence[int], secondary: Sequence[int]) -> list[int]:
        return _places(primary, secondary)

    def first(self, seats: list[int]) -> tuple[int, int]:
        keys = self._keys
        key, at = min((keys[place], at) for at, place in enumerate(seats))
        return key, seats[at] >> 1

    def ranked(self, seats: list[int]) -> list[tuple[int, int]]:
        keys = sorted((self._keys[place], at, place >> 1) for at, place in enumerate(seats))
        return [(key, seat) for key, _at, seat in keys if key < NO_ROOM]


def _places(primary: Sequence[int], secondary: Sequence[int]) -> list[int]:
    """Where the keys lie."""
    return [2 * seat for seat in primary] + [2 * seat + 1 for seat in secondary]
