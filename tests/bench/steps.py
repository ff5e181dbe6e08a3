"""The small operations that every decision is made of."""

from functools import partial

from routing import queueing
from routing.choosing import packed_key
from routing.floor import Case, Seat
from routing.ordering import turn_of
from tests.bench.figures import Figure
from tests.bench.reference_world import NOW, POLICY, TEXT, World
from tests.bench.timing import Took, each, each_with, mean_us, undisturbed


def measure(world: World, turns: int) -> list[Figure]:
    """The small operations that everything is made of, and the whole of what a waiting ticket costs."""
    relaxing = World(world.size, relaxing=True)
    _held, agents = relaxing.busy()
    floor = relaxing.engine(relaxing.waiting(), agents).floor
    seats = list(floor.seats.values())
    keys = floor.keys(TEXT, POLICY.usual.strategy)
    fresh = [Case(ticket) for ticket in relaxing.arrivals(3_000 * turns, over_s=1)]
    first = [(floor.lines_of_plan(case.plan, False)[0], case) for case in fresh]
    last = [(floor.lines_of_plan(case.plan, False)[-1], case) for case in fresh]

    def join(number: int, case: Case) -> None:
        case.turn = turn_of(case.va, case.arrived_at, case.id)
        lines.join(number, case.turn)

    def leave(number: int, case: Case) -> None:
        lines.leave(number, case.turn)

    def rewrite(seat: Seat) -> None:
        keys.write(seat.number, packed_key(seat, TEXT, "spread", POLICY, len(seat.skills), seat.idle_since, NOW))

    rounds: dict[str, list[Took]] = {"join": [], "rewrite": [], "relax": [], "enter": []}
    lines = floor.lines
    with undisturbed():
        for number in range(turns):
            into, later = first[number::turns], last[number::turns]
            rounds["join"].append(each_with(join, into))
            left = each_with(leave, into)
            joined = each_with(join, later)
            rounds["relax"].append([one + other for one, other in zip(left, joined, strict=True)])
            each_with(leave, later)
            rounds["rewrite"].append(each(rewrite, seats))
            rounds["enter"].append(each(partial(queueing.enter, floor), fresh[number::turns]))
    return [
        _mean("Enqueue: a place in a line", rounds["join"], 0.4),
        _mean("Relax: from one line into another", rounds["relax"], 0.6),
        _mean("An agent's key rewritten", rounds["rewrite"], 0.7),
        _mean("A ticket enters its queue, timers and all", rounds["enter"], None),
    ]


def _mean(name: str, rounds: list[Took], target: float | None) -> Figure:
    return Figure("engine", name, "µs", [mean_us(took) for took in rounds], "less", target)
