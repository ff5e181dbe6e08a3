"""The queue of the textbooks has the means of the theory, and the engine serves every citizen as it does."""

import random
from dataclasses import replace

import pytest

from routing.simulate import Estimate, Generators, Scenario, World, estimates, play, poisson_contacts, textbook
from routing.simulate.designs import classes, one_pool
from routing.simulate.measuring import of_contacts
from routing.simulate.promises import BESIDE
from routing.simulate.scenarios import suite
from routing.simulate.textbook import Textbook
from routing.theory import erlang_a, erlang_c, limited_queue, strict_priority

SEEDS, CONTACTS = 10, 12_000
BESIDE_ONE = [scenario for scenario in suite() if scenario.textbook is not None]


def generators(seed: object) -> Generators:
    return lambda purpose: random.Random(f"{seed}/{purpose}")


def measured(queue: Textbook, world: World) -> dict[str, Estimate]:
    rate = sum(kind.rates[0][1] for kind in world.kinds)
    since, until = 500 / rate, (500 + CONTACTS) / rate
    runs = []
    for seed in range(SEEDS):
        chance = generators(f"textbook/{seed}")
        contacts = poisson_contacts(world, chance, until)
        record = textbook.play(queue, world, contacts, chance("work"), since, until)
        runs.append(of_contacts(record, [kind.name for kind in world.kinds]))
    return estimates(runs)


def surely(found: Estimate, expected: float) -> None:
    assert abs(found.value - expected) <= 4 * found.error, f"{found} for {expected}"
    assert found.error < 0.1 * expected, "the runs are too short to say anything"


def test_with_endless_patience_it_waits_as_erlang_c_says() -> None:
    found, theory = measured(Textbook(12), one_pool(12, 4.2, 0.5)), erlang_c(12, 4.2, 0.5)
    surely(found["P(wait)"], theory.p_wait)
    surely(found["W"], theory.mean_wait)
    surely(found["W <= 20 s"], theory.served_within(1 / 3))


def test_with_impatience_it_loses_as_many_as_erlang_a_says() -> None:
    found, theory = measured(Textbook(12), one_pool(12, 6.6, 0.5, 1.0)), erlang_a(12, 6.6, 0.5, 1.0)
    surely(found["P(wait)"], theory.p_wait)
    surely(found["abandoned"], theory.p_abandon)
    surely(found["E[W] of all"], theory.mean_wait)


def test_with_few_places_it_turns_away_as_many_as_theory_says() -> None:
    found, theory = measured(Textbook(5, places=3), one_pool(5, 4.8, 1)), limited_queue(5, 3, 4.8, 1)
    surely(found["blocked"], theory.p_blocked)
    surely(found["W"], theory.mean_wait)


def test_with_strict_classes_each_waits_as_theory_says() -> None:
    theory = strict_priority(10, (3, 4, 1.5), 1)
    found = measured(Textbook(10, strict=True), classes((3, 4, 1.5)))
    for kind, wait in zip(("urgent", "normal", "low"), theory.mean_waits, strict=True):
        surely(found[f"W {kind}"], wait)


@pytest.mark.parametrize("scenario", BESIDE_ONE, ids=lambda one: one.name)
def test_the_engine_does_to_every_citizen_what_the_textbook_queue_does(scenario: Scenario) -> None:
    one = replace(scenario, warm_up=20.0)
    found = estimates(play(one, generators(f"{one.name}/{seed}"), 1_500).figures for seed in range(4))
    exact = [promise for promise in one.promises if promise.how == "exact" and promise.figure + BESIDE in found]
    assert exact
    for promise in exact:
        assert promise.verdict(promise.judged(found)) == "met", f"{promise.figure}: {found[promise.figure + BESIDE]}"


def test_a_router_that_lets_people_wait_longer_than_need_be_is_found_out_at_once() -> None:
    """Even in so short a run that its plain figures say nothing."""
    (scenario,) = [one for one in BESIDE_ONE if one.name == "S1 C7"]
    lazy = replace(scenario, world=lambda: one_pool(49, 45, 1), warm_up=20.0)
    found = estimates(play(lazy, generators(seed), 1_500).figures for seed in range(4))
    (wait,) = [promise for promise in scenario.promises if promise.figure == "W"]
    assert wait.verdict(found["W"]) != "missed"
    assert wait.verdict(wait.judged(found)) != "met"
