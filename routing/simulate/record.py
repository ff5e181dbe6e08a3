"""What happened in a simulated or recorded period, contact by contact, and the time agents were idle."""

from array import array

WAITING, SERVED, ABANDONED, DIVERTED = range(4)


class Record:
    """Columns by contact number; instants and spans in ms. `since` and `until` bound what is measured."""

    def __init__(self, agents: tuple[int, ...], since: float, until: float) -> None:
        self.since, self.until = since, until
        self.arrived, self.waited, self.handled = array("q"), array("q"), array("q")
        self.agent, self.known = array("q"), array("q")
        self.kind, self.fate = bytearray(), bytearray()
        self.idle: dict[int, float] = dict.fromkeys(agents, 0.0)
        self._items: dict[int, int] = dict.fromkeys(agents, 0)
        self._idle_from: dict[int, float] = dict.fromkeys(agents, 0.0)

    def __len__(self) -> int:
        return len(self.kind)

    def came(self, now: int, kind: int, known: int | None) -> int:
        """A contact, by its number."""
        self.arrived.append(now)
        self.waited.append(-1)
        self.handled.append(-1)
        self.agent.append(0)
        self.known.append(known or 0)
        self.kind.append(kind)
        self.fate.append(WAITING)
        return len(self.kind) - 1

    def started(self, ticket: int, agent: int, now: int) -> None:
        """Only the first start ends the wait."""
        if self.fate[ticket] == WAITING:
            self.fate[ticket] = SERVED
            self.waited[ticket] = now - self.arrived[ticket]
            self.agent[ticket] = agent
        if not self._items[agent]:
            self._count_idle(agent, now)
        self._items[agent] += 1

    def ended(self, ticket: int, agent: int, now: int) -> None:
        self.handled[ticket] = now - self.arrived[ticket] - self.waited[ticket]
        self._items[agent] -= 1
        if not self._items[agent]:
            self._idle_from[agent] = now

    def left(self, ticket: int, now: int, fate: int) -> None:
        """Gave up or was turned away."""
        self.fate[ticket] = fate
        self.waited[ticket] = now - self.arrived[ticket]

    def finish(self, now: float) -> None:
        """The period is over: count who is still idle."""
        self.until = min(self.until, now)
        for agent, items in self._items.items():
            if not items:
                self._count_idle(agent, now)

    @property
    def measured(self) -> float:
        return self.until - self.since

    def _count_idle(self, agent: int, now: float) -> None:
        idle = min(now, self.until) - max(self._idle_from[agent], self.since)
        if idle > 0:
            self.idle[agent] += idle
