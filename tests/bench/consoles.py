"""From an event's time in the log to its frame on a console, beside one INSERT with NOTIFY and one emit to everybody."""

import asyncio
import json
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache

from tests.bench import load, stage
from tests.bench.figures import Figure, percentile
from tests.bench.sockets import Person, connected
from tests.bench.stage import Place, Stage
from tests.bench.texts import Citizens, rows

STAFF = ("ana", "ben", "lucia", "sam", "root")
MANY, CALM, BUSY = 100, 5, 100
ROUNDS = 3
BARE = "one INSERT whose transaction notifies, and one emit of a frame of like size by python-socketio to every socket"
Hear = Callable[[str], list[float]]
"""The event times (seconds since the epoch) in a frame's JSON."""


class Ears:
    """Collects the delays of all consoles."""

    def __init__(self, times: Hear) -> None:
        # Equal frames go to many sockets: read them once, so that the reading does not delay the next receive.
        self._times = lru_cache(256)(times)
        self.delays: list[float] = []

    def heard(self, at: float, frame: str) -> None:
        self.delays += [at - happened for happened in self._times(frame)]

    def taken(self) -> list[float]:
        taken, self.delays = self.delays, []
        if not taken:
            raise RuntimeError("no console received an event")
        return taken


def desk_times(frame: str) -> list[float]:
    return [datetime.fromisoformat(item["at"]).timestamp() for item in json.loads(frame)[1]["items"]]


def bare_times(frame: str) -> list[float]:
    return [item["epoch"] for item in json.loads(frame)[1]["items"]]


async def measure(place: Stage, *, quick: bool) -> list[Figure]:
    async with stage.bare(place) as bare, stage.desk(place, "web", "router") as desk:
        people = [Person(desk, username) for username in STAFF]
        for person in people:
            await person.sign_in()
        try:
            return await _calm(bare, desk, people, quick=quick) + await _busy(bare, desk, people, quick=quick)
        finally:
            for person in people:
                await person.close()


async def _calm(bare: Place, desk: Place, people: list[Person], *, quick: bool) -> list[Figure]:
    there, here = Ears(bare_times), Ears(desk_times)
    small = await connected(bare.port, there.heard)
    await people[0].open(here.heard)
    seconds = 4 if quick else 8
    took = await _rounds(bare, desk, there, here, CALM, seconds)
    small.close()
    return _figures("one console, calm", took, (10, 50), f"{CALM} texts a second; one event each, on tickets that wait")


async def _busy(bare: Place, desk: Place, people: list[Person], *, quick: bool) -> list[Figure]:
    there, here = Ears(bare_times), Ears(desk_times)
    for number in range(MANY - 1):
        await people[number % len(people)].open(here.heard)
    crowd = [await connected(bare.port, there.heard) for _ in range(MANY)]
    took = await _rounds(bare, desk, there, here, BUSY, 3 if quick else 5)
    for one in crowd:
        one.close()
    note = f"{BUSY} events a second by texts through the same web process; an event's time is that of its INSERT, before the commit"
    return _figures(f"{MANY} consoles, {BUSY} events/s", took, (30, 150), note)


Took = tuple[list[list[float]], list[list[float]]]


async def _rounds(bare: Place, desk: Place, there: Ears, here: Ears, rate: int, seconds: int) -> Took:
    """The delays of each round: (desk, bare)."""
    citizens = Citizens(desk, seed=rate)
    await load.closed(desk.port, citizens.texts(40, known=0), 4, 10)
    took: Took = [], []
    for _ in range(ROUNDS):
        await asyncio.sleep(0.5)
        there.delays.clear()
        (await load.steady(bare.port, rows(bare, "/told", rate * seconds), rate)).surely()
        await asyncio.sleep(0.5)
        took[1].append(there.taken())
        here.delays.clear()
        await load.steady(desk.port, citizens.texts(rate * seconds, known=1), rate)  # refused ones made no event
        await asyncio.sleep(0.5)
        took[0].append(here.taken())
    return took


def _figures(what: str, took: Took, targets: tuple[float, float], note: str) -> list[Figure]:
    return [
        Figure("console", f"Event to frame, {what}, p{share * 100:.0f}", "ms", [_ms(one, share) for one in took[0]], "less",
               target, [_ms(one, share) for one in took[1]], BARE, note=note if share == 0.5 else "")
        for share, target in zip((0.5, 0.99), targets, strict=True)
    ]  # fmt: skip


def _ms(delays: list[float], share: float) -> float:
    return percentile(delays, share) * 1000
