"""How fast work goes in an agent's hands: one thing at a time, or several that share their attention."""

from collections.abc import Callable, Sequence

Pace = Callable[[Sequence[int]], Sequence[float]]
"""From how many contacts of each kind an agent has in hand, the speed of one contact of each kind."""

Arm = Callable[[float, int], int]
"""Has `done` asked at an instant (ms) for a ticket or an agent; gives the number of that arming."""


class OneSpeed:
    """A contact takes as long as it takes."""

    def __init__(self, arm: Arm) -> None:
        self._arm = arm
        self._serving: dict[int, tuple[int, int]] = {}

    def start(self, ticket: int, _kind: int, agent: int, work: float, at: float) -> None:
        self._serving[ticket] = agent, self._arm(at + work, ticket)

    def done(self, ticket: int, arming: int) -> int | None:
        """The ticket that is done, unless it was taken away meanwhile."""
        serving = self._serving.get(ticket)
        return ticket if serving is not None and serving[1] == arming else None

    def stop(self, ticket: int, _at: float) -> int:
        """Out of the hands of the agent, who is told."""
        return self._serving.pop(ticket)[0]


class SharedSpeed:
    """Processor sharing: work goes at a pace that depends on all the agent has in hand, and changes with it."""

    def __init__(self, arm: Arm, pace: Pace, kinds: int) -> None:
        self._arm, self._pace, self._kinds = arm, pace, kinds
        self._agent_of: dict[int, int] = {}
        self._left: dict[int, dict[int, tuple[int, float]]] = {}
        self._since: dict[int, float] = {}
        self._next: dict[int, tuple[int, int]] = {}

    def start(self, ticket: int, kind: int, agent: int, work: float, at: float) -> None:
        self._advance(agent, at)
        self._agent_of[ticket] = agent
        self._left.setdefault(agent, {})[ticket] = kind, work
        self._rearm(agent, at)

    def done(self, agent: int, arming: int) -> int | None:
        ticket, armed = self._next.get(agent, (0, 0))
        return ticket if armed == arming else None

    def stop(self, ticket: int, at: float) -> int:
        agent = self._agent_of.pop(ticket)
        self._advance(agent, at)
        del self._left[agent][ticket]
        self._rearm(agent, at)
        return agent

    def _advance(self, agent: int, at: float) -> None:
        """Take off what was done since the last change."""
        held, speeds = self._left.get(agent, {}), self._speeds(agent)
        passed = at - self._since.get(agent, at)
        for ticket, (kind, left) in held.items():
            held[ticket] = kind, max(0.0, left - passed * speeds[kind])
        self._since[agent] = at

    def _rearm(self, agent: int, at: float) -> None:
        held, speeds = self._left[agent], self._speeds(agent)
        ends = [(left / speeds[kind], ticket) for ticket, (kind, left) in held.items() if speeds[kind] > 0]
        if ends:
            lasts, ticket = min(ends)
            self._next[agent] = ticket, self._arm(at + lasts, agent)
        else:
            self._next.pop(agent, None)

    def _speeds(self, agent: int) -> Sequence[float]:
        counts = [0] * self._kinds
        for kind, _left in self._left.get(agent, {}).values():
            counts[kind] += 1
        return self._pace(counts)
