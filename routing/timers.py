"""What time will bring: due instants as data."""

from heapq import heapify, heappop, heappush
from typing import NamedTuple

MOST_PER_TICK = 256

KINDS = (
    "offer", "wrap_up", "sticky", "relax", "overflow", "reserve", "exclusion", "closing", "surge", "sla", "grace",
)  # fmt: skip
"""In the order in which they fire at the same instant."""

WAITING_KINDS = ("sticky", "relax", "overflow", "reserve", "exclusion", "closing", "sla")
"""What is armed only while a ticket waits."""


class Due(NamedTuple):
    """Fires at `at` (ms UTC). `id` is a ticket or, by kind, a queue or an agent."""

    at: int
    kind: int
    id: int


class Timers:
    """Armed timers. Arming again what is armed moves it; one arming fires at most once; disarming is lazy."""

    __slots__ = ("_armed", "_heap")

    def __init__(self) -> None:
        self._heap: list[Due] = []
        self._armed: dict[tuple[int, int], Due] = {}

    def __len__(self) -> int:
        return len(self._armed)

    def arm(self, kind: str, of: int, at: int) -> None:
        due = Due(at, _NUMBER[kind], of)
        self._armed[due.kind, of] = due
        heappush(self._heap, due)
        if len(self._heap) > 64 and len(self._heap) > 2 * len(self._armed):
            self._heap = list(self._armed.values())
            heapify(self._heap)

    def disarm(self, kind: str, of: int) -> None:
        self._armed.pop((_NUMBER[kind], of), None)

    def disarm_all(self, of: int, kinds: tuple[str, ...]) -> None:
        for kind in kinds:
            self._armed.pop((_NUMBER[kind], of), None)

    def next_due(self) -> int | None:
        """The instant of the earliest armed timer."""
        while self._heap:
            due = self._heap[0]
            if self._armed.get((due.kind, due.id)) is due:
                return due.at
            heappop(self._heap)
        return None

    def pop_due(self, now: int) -> tuple[str, int] | None:
        """The next timer that is due, disarmed: its kind and what it is for."""
        at = self.next_due()
        if at is None or at > now:
            return None
        due = heappop(self._heap)
        del self._armed[due.kind, due.id]
        return KINDS[due.kind], due.id


_NUMBER = {kind: number for number, kind in enumerate(KINDS)}
