"""The router in virtual time, full lengths: how far each figure is from what theory or the reference says."""

import os
import time

from contactcenter.simulate_routing import play_seeds
from routing.simulate import Estimate, Promise, Scenario, estimates
from routing.simulate.scenarios import named
from tests.bench.figures import Better, Figure
from tests.bench.stage import Stage

SEEDS, QUICK = 10, 0.02
BARE = "what theory gives, or long runs of the same rules gave"


async def measure(_place: Stage, *, quick: bool) -> list[Figure]:
    """Hours on two cores at full length; `--quick` shows the same table with wide intervals in minutes."""
    figures, contacts, began = [], 0, time.perf_counter()
    for scenario in named("all"):
        length = int(scenario.contacts * QUICK) if quick else None
        played = list(play_seeds(scenario, SEEDS, length, os.cpu_count() or 1))
        contacts += sum(one.contacts for one in played)
        found = estimates(one.figures for one in played)
        figures += [_figure(scenario, promise, found) for promise in scenario.promises if promise.figure in found]
    speed = contacts / (time.perf_counter() - began)
    return [*figures, Figure("scenarios", "Contacts simulated, all cores", "/s", [speed], "more")]


def _figure(scenario: Scenario, promise: Promise, all_found: dict[str, Estimate]) -> Figure:
    """Exact and near figures as the share by which they are off, the others as they are."""
    name = f"{scenario.name}: {promise.figure}"
    plain, found = all_found[promise.figure], promise.judged(all_found)
    note = f"{plain.value:.5g} ± {plain.half_width:.2g} for {promise.expected:g}: {promise.verdict(found) or 'shown'}"
    if found is not plain:
        off = found.value - promise.expected
        note += f", by the difference to the textbook queue, {off:+.2g} ± {found.half_width:.2g}"
    if promise.how in ("exact", "about"):
        allowed = 3.0 if promise.how == "exact" else 100 * promise.tolerance
        off = 100 * abs(found.value / promise.expected - 1)
        return Figure("scenarios", f"{name}, off by", "%", [off], "less", allowed, note=note)
    target = None if promise.how == "shown" else promise.expected
    better: Better = "more" if promise.how == "least" else "less"
    return Figure("scenarios", name, "", [found.value], better, target, [promise.expected], BARE, note=note)
