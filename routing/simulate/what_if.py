"""A recorded day once more with other staff, skills, rules or hours: what would have been different, and how surely."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from routing.simulate.measuring import Estimate, batches, estimate
from routing.simulate.run import Simulation
from routing.simulate.worlds import Contact, Generators, World


class Difference(NamedTuple):
    """A figure as it was and as it would have been, and the difference with its paired interval."""

    before: float
    after: float
    change: Estimate


def what_if(
    day: World,
    contacts: Sequence[Contact],
    change: Callable[[World], World],
    chance: Callable[[], Generators],
    parts: int = 20,
) -> dict[str, Difference]:
    """The same citizens, with the same work and patience, in the day as it was and as `change` makes it.

    `contacts` are in order of arrival; their recorded `work` (ms) counts, whoever does it; what is not recorded is drawn
    from `chance()`, called once for each of the two runs: it must give the same generators. The day is cut into `parts`
    with equally many contacts; the differences of the parts, which common random numbers keep narrow, give the interval
    (Law, Simulation modeling and analysis, 5th ed. 2015).
    """
    names = [kind.name for kind in day.kinds]
    before, after = (batches(Simulation(world, chance()).run(contacts), names, parts) for world in (day, change(day)))
    shared = [name for name in before[0] if all(name in part for part in (*before, *after))]
    return {name: _difference([part[name] for part in before], [part[name] for part in after]) for name in shared}


def _difference(before: Sequence[float], after: Sequence[float]) -> Difference:
    change = estimate([now - then for then, now in zip(before, after, strict=True)])
    return Difference(sum(before) / len(before), sum(after) / len(after), change)
