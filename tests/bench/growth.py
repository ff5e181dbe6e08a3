"""Whether a decision costs more on a larger floor: agents and tickets grow a hundredfold, the signatures stay."""

from functools import partial
from random import Random
from statistics import median

from routing.settling import pick, place
from tests.bench.figures import Figure
from tests.bench.reference_world import World, standing, with_room
from tests.bench.timing import each, mean_us, undisturbed

SHARES = (0.01, 0.03, 0.1, 0.3, 1.0)
PICKS, PLACES = "Growth of a pick", "Growth of a placing"


def measure(size: float, rounds: int) -> list[Figure]:
    """From a hundredth of the reference world up to ``size``."""
    shares = [share for share in SHARES if share <= size]
    points = {share: _point(World(share), rounds) for share in shares}
    picked = {share: median(point[0]) for share, point in points.items()}
    placed = {share: median(point[1]) for share, point in points.items()}
    times = f"{shares[-1] / shares[0]:.0f} times the size"
    return [
        _figure(f"{PICKS}, {times}", [points[share][0] for share in shares], picked),
        _figure(f"{PLACES}, {times}", [points[share][1] for share in shares], placed),
    ]


def _point(world: World, rounds: int) -> tuple[list[float], list[float]]:
    """Mean µs of a pick and of a placing."""
    held, agents = world.busy()
    floor = world.engine([*world.waiting(), *held], agents).floor
    seats = Random(1).choices(with_room(floor), k=6_000)
    other = world.engine((), world.half_busy()).floor
    cases = [case for case in standing(other, world, 6_000) if place(other, case)]
    with undisturbed():
        each(partial(pick, floor), seats)
        picks = [mean_us(each(partial(pick, floor), seats)) for _ in range(rounds)]
        places = [mean_us(each(partial(place, other), cases)) for _ in range(rounds)]
    return picks, places


def _figure(name: str, points: list[list[float]], means: dict[float, float]) -> Figure:
    grown = [last / first for first, last in zip(points[0], points[-1], strict=True)]
    return Figure("engine", name, "times", grown, "less", 2, note="\n" + drawn(means))


def drawn(means: dict[float, float]) -> str:
    """Size and mean on two logarithmic scales: a straight climb from corner to corner would be cost in proportion to size."""
    highest = max(means.values())
    rows = []
    for share, mean in means.items():
        bar = "#" * round(40 * mean / highest)
        rows.append(f"  {share * 100:5.0f} %  {mean:7.2f} µs  {bar}")
    return "\n".join(rows)
