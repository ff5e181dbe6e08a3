"""What the engine is compared with: look at everybody, every time."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from routing.floor import Case, Floor, Seat
from routing.model import State
from routing.settling import pick as engine_pick
from routing.settling import place as engine_place
from tests.bench.reference_world import TEXT


class Row(NamedTuple):
    ticket: int
    line: int
    va: int


def picking(floor: Floor) -> Callable[[Seat], tuple[int, int]]:
    """Weight times age of every waiting ticket that the agent may serve; the largest, with its ticket."""
    waiting = [Row(case.id, case.lines[0], case.va) for case in floor.cases.values() if case.state is State.QUEUED]
    primary, secondary = floor.policy.primary_weight, floor.policy.usual.secondary_weight

    def pick(seat: Seat) -> tuple[int, int]:
        weights = {line: primary if first else secondary for line, first in seat.serves.items()}
        now, best, chosen = floor.now, -1, 0
        for ticket, line, va in waiting:
            weight = weights.get(line)
            if weight is not None and weight * (now - va) > best:
                best, chosen = weight * (now - va), ticket
        return best, chosen

    return pick


def placing(floor: Floor) -> Callable[[Case], tuple[int, ...] | None]:
    """The key of every agent who has room and the ticket's skills; the smallest."""
    seats, cap = list(floor.seats.values()), floor.policy.channels[TEXT].cap

    def place(case: Case) -> tuple[int, ...] | None:
        reqs = case.plan.rings[case.ring].signature.reqs
        best: tuple[int, ...] | None = None
        for seat in seats:
            if seat.items.get(TEXT, 0) >= cap or not seat.present:
                continue
            skills = seat.skills
            for skill, level in reqs:
                if skills.get(skill, 0) < level:
                    break
            else:
                primary = all(skill in seat.primary for skill, _level in reqs)
                best = _better(best, seat, primary)
        return best

    return place


def placing_by_table(floor: Floor) -> Callable[[Case], tuple[int, ...] | None]:
    """The same, but who may serve what was worked out before."""
    seats, cap = list(floor.seats.values()), floor.policy.channels[TEXT].cap

    def place(case: Case) -> tuple[int, ...] | None:
        eligible = floor.lines.all[case.lines[0]].eligible
        best: tuple[int, ...] | None = None
        for seat in seats:
            primary = eligible.get(seat.id)
            if primary is not None and seat.items.get(TEXT, 0) < cap and seat.present:
                best = _better(best, seat, primary)
        return best

    return place


def _better(best: tuple[int, ...] | None, seat: Seat, primary: bool) -> tuple[int, ...]:
    units = seat.primary_units
    load, coarse = units * 1000 // seat.budget, units * 64 // seat.budget
    key = load, not primary, coarse, len(seat.skills), seat.idle_since, seat.id
    return key if best is None or key < best else best


def surely_the_same(floor: Floor, scan: Callable[[Seat], tuple[int, int]], seats: Sequence[Seat]) -> None:
    """A ratio between different answers would be worth nothing. The guard overrules the score now and then."""
    for seat in seats:
        found, scanned = engine_pick(floor, seat), scan(seat)
        if found is None or (found.rule == "pick" and found.score != scanned[0]):
            raise RuntimeError(f"the engine picks {found} for agent {seat.id}, the scan {scanned}")


def surely_the_same_agent(floor: Floor, scan: Callable[[Case], tuple[int, ...] | None], cases: Sequence[Case]) -> None:
    for case in cases:
        found, scanned = engine_place(floor, case), scan(case)
        if found is None or scanned is None or found[0].id != scanned[-1]:
            raise RuntimeError(f"the engine places ticket {case.id} with {found and found[0].id}, the scan {scanned}")
