"""How fast the engine decides in the reference world, beside scanning everybody and beside agents pulling for themselves.

Measured in a process of its own, in processor time: `python -m tests.bench.engine [--quick]` prints the figures as JSON.
"""

import asyncio
import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from random import Random
from time import thread_time
from typing import Any

from routing import Engine, events
from routing.floor import Case
from routing.settling import give, grounds_of, pick, place
from tests.bench import adversaries, growth, naive, pulling, steps
from tests.bench.figures import Figure
from tests.bench.reference_world import NOW, World, standing, with_room
from tests.bench.stage import Stage
from tests.bench.timing import Took, each, mean_us, share_us, undisturbed

ROUNDS = 3
SCAN = "a scan: of all waiting tickets, their lines looked up in a table; of all agents, with their skills"
PULL = "eight connections on which agents pull their oldest ticket with SKIP LOCKED"


async def measure(place: Stage, *, quick: bool) -> list[Figure]:
    """The whole world takes some two minutes; quick is a tenth of its size."""
    command = [sys.executable, "-m", "tests.bench.engine", *(["--quick"] if quick else [])]
    child = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    said, _ = await child.communicate()
    if child.returncode:
        raise RuntimeError(f"the engine's process ended with {child.returncode}")
    figures = [Figure(**one) for one in json.loads(said)]
    loops = next(figure for figure in figures if figure.name == LOOPS)
    loops.bare, loops.bare_is = await pulling.rates(place, 0.1 if quick else 1.0, ROUNDS), PULL
    return figures


LOOPS = "Loops: a ticket comes, one is closed, its agent is given the next"


def all_figures(size: float) -> list[Figure]:
    world = World(size)
    figures = [
        *rebuilds(world),
        *picks(world),
        *placings(world),
        *loops(world),
        *operations(world),
        *steps.measure(world, ROUNDS),
    ]
    return [*figures, *adversaries.measure(size), *growth.measure(size, ROUNDS)]


# ---- an agent has room


def picks(world: World) -> list[Figure]:
    held, agents = world.busy()
    floor = world.engine([*world.waiting(), *held], agents).floor
    asked = with_room(floor)
    chosen = Random(1).choices(asked, k=20_000)
    scan = naive.picking(floor)
    naive.surely_the_same(floor, scan, chosen[:50])
    with undisturbed():
        each(partial(pick, floor), asked)
        rounds = [each(partial(pick, floor), chosen) for _ in range(ROUNDS)]
        scans = [each(scan, chosen[number:300:ROUNDS]) for number in range(ROUNDS)]
    return _timed("An agent has room, which ticket", rounds, (5, 15), scans, (1_000, 1_000))


# ---- a ticket waits


def placings(world: World) -> list[Figure]:
    """Agents of both ranks are searched at once: their keys carry the rank."""
    floor = world.engine((), world.half_busy()).floor
    cases = [case for case in standing(floor, world, 20_000) if place(floor, case)]
    scan, lookup = naive.placing(floor), naive.placing_by_table(floor)
    naive.surely_the_same_agent(floor, scan, cases[:50])
    naive.surely_the_same_agent(floor, lookup, cases[:50])
    with undisturbed():
        rounds = [each(partial(place, floor), cases) for _ in range(ROUNDS)]
        scans = [each(scan, cases[number:900:ROUNDS]) for number in range(ROUNDS)]
        lookups = [each(lookup, cases[number:900:ROUNDS]) for number in range(ROUNDS)]
    beside_table = [mean_us(by_table) / mean_us(here) for by_table, here in zip(lookups, rounds, strict=True)]
    return [
        *_timed("A ticket waits, which agent", rounds, (3, 10), scans, (365, 215)),
        Figure(
            "engine", "… mean: faster than a scan that has a table of who may serve what", "times", beside_table, "more"
        ),
    ]


# ---- everything together


def loops(world: World) -> list[Figure]:
    """Through `Engine.apply`, with all agents full and every effect, reasons included, kept."""
    held, agents = world.busy()
    engine = world.engine([*world.waiting(), *held], agents)
    count = len(held) // ROUNDS
    Random(2).shuffle(held)
    told = [events.TicketClosed(ticket.id) for ticket in held]
    news = [events.TicketCreated(ticket) for ticket in world.arrivals(count * ROUNDS, over_s=1)]
    for seat in engine.floor.seats.values():
        engine.floor.groups_of(seat)
    rates = []
    with undisturbed():
        for number in range(ROUNDS):
            part = slice(number * count, (number + 1) * count)
            rates.append(count / _seconds(engine, news[part], told[part]))
    return [Figure("engine", LOOPS, "/s", rates, "more", 100_000)]


def operations(world: World) -> list[Figure]:
    """What a loop is made of, without the events around it: into a line, units back, picked and given, with the reasons."""
    held, agents = world.busy()
    floor = world.engine([*world.waiting(), *held], agents).floor
    count = len(held) // ROUNDS
    Random(2).shuffle(held)
    gone = [floor.cases[ticket.id] for ticket in held]
    news = [Case(ticket) for ticket in world.arrivals(count * ROUNDS, over_s=1)]
    for case in news:
        floor.cases[case.id] = case
    for seat in floor.seats.values():
        floor.groups_of(seat)
    rates = []
    with undisturbed():
        for number in range(ROUNDS):
            part = slice(number * count, (number + 1) * count)
            began = thread_time()
            for come, done in zip(news[part], gone[part], strict=True):
                floor.join(come, floor.lines_of_plan(come.plan, False))
                seat = floor.seats[done.agent or 0]
                floor.give_back(done)
                found = pick(floor, seat)
                if found is not None:
                    give(floor, floor.cases[found.ticket], seat, grounds_of(floor, found))
            rates.append(count / (thread_time() - began))
    return [Figure("engine", "Operations of a loop: enqueue, release, pick and give", "/s", rates, "more", 100_000)]


def _seconds(engine: Engine, news: list[events.TicketCreated], told: list[events.TicketClosed]) -> float:
    apply, kept = engine.apply, []
    began = thread_time()
    for come, gone in zip(news, told, strict=True):
        kept.append(apply(come, NOW))
        kept.append(apply(gone, NOW))
    took = thread_time() - began
    given = sum(type(effect) is events.Given for effects in kept for effect in effects)
    if given < 0.9 * len(told):
        raise RuntimeError(f"only {given} of {len(told)} agents were given a ticket")
    return took


# ---- from rows


def rebuilds(world: World) -> list[Figure]:
    """A second engine from a snapshot, and a new leader's engine from rows: 60 of 100 tickets wait, 40 are in hand."""
    held, agents = world.busy()
    tickets = [*world.waiting(int(60_000 * world.size)), *held]
    before = _resident()
    kept = world.engine(tickets, agents)
    memory = (_resident() - before) / 1_000_000
    del kept
    rows = events.Reconciled(tuple(tickets), tuple(agents))
    seconds, from_rows = [], []
    for _ in range(ROUNDS):
        with undisturbed():
            began = thread_time()
            made = [world.engine(tickets, agents)]
            seconds.append(thread_time() - began)
            made.append(world.engine((), ()))
            began = thread_time()
            made[1].apply(rows, NOW)
            from_rows.append(thread_time() - began)
        made.clear()
    what = f"{len(tickets):,} tickets and {len(agents):,} agents"
    return [
        Figure("engine", f"Rebuild: {what}, from a snapshot", "s", seconds, "less", 1),
        Figure("engine", "The same, from rows as a new leader reads them", "s", from_rows, "less", 1),
        Figure("engine", f"Memory of the engine with {what}", "MB", [memory], "less"),
    ]


def _resident() -> int:
    """Bytes (Linux)."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4_096


# ---- as figures


def _timed(
    name: str, rounds: list[Took], targets: tuple[float | None, float | None], scans: list[Took],
    ratios: tuple[float | None, float | None], note: str = "",
) -> list[Figure]:  # fmt: skip
    """Mean, p50, p99 and p99.9; in the mean and at p99 also how many times faster than the scan."""
    if not all(rounds):
        return []
    shares: dict[str, Callable[[Took], float]] = {"mean": mean_us}
    shares |= {f"p{share * 100:g}": partial(share_us, share=share) for share in (0.5, 0.99, 0.999)}
    figures = [
        Figure("engine", f"{name}, {what}", "µs", [of(took) for took in rounds], "less") for what, of in shares.items()
    ]
    figures[0].note = note
    for figure, of, target, ratio in zip(
        (figures[0], figures[2]), (mean_us, shares["p99"]), targets, ratios, strict=True
    ):
        figure.target, figure.bare, figure.bare_is = target, [of(took) for took in scans], SCAN
        times = [scan / here for scan, here in zip(figure.bare, figure.rounds, strict=True)]
        figures.append(Figure("engine", f"{figure.name}: faster than the scan", "times", times, "more", ratio))
    return figures


def main() -> None:
    figures: list[dict[str, Any]] = [asdict(one) for one in all_figures(0.1 if "--quick" in sys.argv else 1.0)]
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
