"""The queue of the textbooks: so many equal servers, one line, first come, first served; it knows nothing of the engine.

Where theory is exact about a world, the engine must do to every single citizen what this queue does. So their difference is
measured, with the same citizens and the same draws: it has none of the noise that makes a plain mean at 95 % load take
millions of contacts (a control variate: Lavenberg and Welch, "A perspective on the use of control variables", 1981). That this
queue has the means of the theory is shown by its own long runs.
"""

from collections.abc import Iterable
from heapq import heappop, heappush
from math import inf
from typing import NamedTuple

from routing.simulate.record import ABANDONED, DIVERTED, SERVED, Record
from routing.simulate.worlds import MINUTE, Chance, Contact, World


class Textbook(NamedTuple):
    """`servers` serve one contact each; `places` may wait at most, where nobody is impatient; `strict`: earlier kinds go before
    later ones.
    """

    servers: int
    places: float = inf
    strict: bool = False


def play(
    queue: Textbook, world: World, contacts: Iterable[Contact], working: Chance, since: float, until: float
) -> Record:
    """What becomes of the contacts; the record measures from `since` until `until` (minutes).

    Work is drawn when service starts, as in the simulation, so equal orders of service make equal draws.
    """
    record = Record((), since * MINUTE, until * MINUTE)
    means = [kind.work for kind in world.kinds]
    ends: list[float] = []
    line: list[tuple[int, int]] = []
    gives_up: dict[int, float] = {}

    def start(number: int, at: float) -> None:
        now = int(at + 0.5)
        record.fate[number], record.waited[number] = SERVED, now - record.arrived[number]
        work = working.expovariate(1 / means[record.kind[number]]) * MINUTE
        record.handled[number] = int(at + work + 0.5) - now
        heappush(ends, at + work)

    def serve_until(at: float) -> None:
        """Whoever is done by then takes the next, if there is one left."""
        while ends and ends[0] <= at:
            free_at = heappop(ends)
            while line:
                number = heappop(line)[1]
                patient_until = gives_up.pop(number, inf)
                if patient_until > free_at:
                    start(number, free_at)
                    break
                record.left(number, int(patient_until + 0.5), ABANDONED)

    for contact in contacts:
        serve_until(contact.at)
        number = record.came(int(contact.at + 0.5), contact.kind, contact.known)
        if len(ends) < queue.servers:
            start(number, contact.at)
        elif len(line) >= queue.places:
            record.left(number, int(contact.at + 0.5), DIVERTED)
        else:
            heappush(line, (contact.kind if queue.strict else 0, number))
            if contact.patience is not None:
                gives_up[number] = contact.at + contact.patience
    serve_until(inf)
    return record
