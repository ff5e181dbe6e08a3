"""The engine in virtual time: what theory says must come out, short runs at fixed seeds; `make bench` has the full lengths."""

import random
import re
from dataclasses import replace
from math import inf
from pathlib import Path
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

from contactcenter.cli import app
from routing import events
from routing.model import ChannelRule, PoolRule
from routing.simulate import (
    Answers,
    Contact,
    Generators,
    Kind,
    Record,
    Simulation,
    World,
    estimate,
    estimates,
    figures,
    play,
    poisson_contacts,
    what_if,
)
from routing.simulate.designs import STRICTLY, classes, n_design, one_pool, x_design
from routing.simulate.record import ABANDONED, SERVED
from routing.simulate.scenarios import named

SEEDS = 10
SHORT = (
    "S2 A1", "S3 8.25/2", "S4 reserve", "S6", "S6 reserve", "S6 at 21", "S7", "S7 reserve", "S9 4 min", "S10 1.2", "S11 8",
    "S12 0.25", "S12 1",
)  # fmt: skip
"""What theory is exact about is also held against the textbook queue, in `test_textbook.py`."""


def generators(seed: object) -> Generators:
    return lambda purpose: random.Random(f"{seed}/{purpose}")


def run(world: World, minutes: float, seed: object = 1, since: float = 0.0) -> Record:
    chance = generators(seed)
    return Simulation(world, chance, (since, minutes)).run(poisson_contacts(world, chance, minutes))


@pytest.mark.parametrize("name", SHORT)
def test_a_short_run_lies_within_four_standard_errors_of_what_is_promised(name: str) -> None:
    (scenario,) = [one for one in named("all") if one.name == name]
    rate = sum(kind.rates[0][1] for kind in scenario.world().kinds)
    warm_up = min(scenario.warm_up, 1_500 / rate)
    runs = [play(scenario, generators(f"{name}/{seed}"), 3_000, warm_up).figures for seed in range(SEEDS)]
    found = estimates(runs)
    for promise in scenario.promises:
        one = found[promise.figure]
        assert promise.verdict(one) != "missed", f"{promise.figure}: {one} for {promise.expected}"
        if promise.figure == "W" and promise.how in ("exact", "about"):
            assert one.error < 0.5 * promise.expected, "the run is too short to say anything"


def test_helpers_who_are_slow_need_weights_or_the_queue_grows_without_end() -> None:
    weighted, first_come = x_design(22.5, 0.8), x_design(22.5, 0.8, PoolRule(secondary_weight=100))
    waits = [
        estimate([figures(run(world, 300, seed), ("1", "2"), {})["W"] for seed in range(4)])
        for world in (weighted, first_come)
    ]
    assert waits[0].value < 0.4 < 1.5 < waits[1].value


def test_after_a_rush_the_limited_guard_lets_the_backlog_drain() -> None:
    limited, unlimited = named("s6 rush")
    (after,) = {play(limited, generators(3)).figures["waiting at the end"]}
    (control,) = {play(unlimited, generators(3)).figures["waiting at the end"]}
    assert after < 50 and control > 500


@pytest.mark.parametrize("agents", [1, 10])
def test_no_order_of_precedence_changes_the_total_wait_by_a_millisecond(agents: int) -> None:
    share = agents / 10
    rates = (3 * share, 4 * share, 2.5 * share)
    totals, urgent = set(), []
    for starts in ((0, 0, 0), (4, 2, 0), (10, 5, 0), (2 * STRICTLY, STRICTLY, 0)):
        record = run(classes(rates, starts, agents), 400, "conservation")
        assert set(record.fate) == {SERVED}
        totals.add(sum(record.waited))
        urgent.append(sum(wait for wait, kind in zip(record.waited, record.kind, strict=True) if kind == 0))
    assert len(totals) == 1 and totals.pop() > 0
    assert urgent == sorted(urgent, reverse=True) and urgent[0] > urgent[-1]


def test_the_same_seed_plays_the_same_day() -> None:
    first, again, other = (run(n_design(), 20, seed) for seed in (1, 1, 2))
    assert first.waited == again.waited and first.agent == again.agent
    assert first.waited != other.waited


def test_citizens_who_lose_patience_are_counted_as_lost_and_not_as_served() -> None:
    record = run(one_pool(2, 4, 1, 1), 200)
    found = figures(record, ("calls",), {})
    lost = record.fate.count(ABANDONED)
    assert lost > 0 and lost + record.fate.count(SERVED) == len(record)
    assert found["abandoned"] == lost / len(record)


def test_arrivals_follow_the_rate_of_the_moment() -> None:
    world = one_pool(50, 1, 1)
    world = replace(world, kinds=(replace(world.kinds[0], rates=((0.0, 10.0), (100.0, 0.0), (200.0, 30.0))),))
    at = [contact.at / 60_000 for contact in poisson_contacts(world, generators(5), 300)]
    early, none, late = (sum(low <= one < low + 100 for one in at) for low in (0, 100, 200))
    assert abs(early - 1_000) < 4 * 1_000**0.5 and none == 0 and abs(late - 3_000) < 4 * 3_000**0.5
    assert at == sorted(at)


def test_recorded_contacts_take_the_time_they_took() -> None:
    contacts = [Contact(0.0, 0, work=60_000.0), Contact(1_000.0, 0, work=30_000.0)]
    record = Simulation(one_pool(1, 1, 1), generators(1)).run(contacts)
    assert list(record.waited) == [0, 59_000] and list(record.handled) == [60_000, 30_000]


def test_a_shift_that_begins_later_leaves_the_first_citizen_waiting_for_it() -> None:
    world = one_pool(1, 1, 1)
    away = replace(world.agents[0], intent="offline")
    world = replace(world, agents=(away,), facts=((10.0, events.AgentIntent(away.id, "available")),))
    record = Simulation(world, generators(1)).run([Contact(60_000.0, 0, work=1_000.0)])
    assert list(record.waited) == [9 * 60_000]


def test_an_offer_nobody_answers_goes_to_the_next_and_costs_its_twenty_seconds() -> None:
    world = one_pool(2, 1, 1)
    policy = replace(world.policy, channels={"live": ChannelRule(24, 1, live=True, offer_s=20)})
    missing = replace(world, policy=policy, answers=Answers(missed=1.0))
    record = Simulation(missing, generators(1)).run([Contact(0.0, 0)], until=60)
    assert record.fate[0] != SERVED
    answering = replace(missing, answers=Answers(seconds=5.0, declined=0.3))
    record = run(answering, 60)
    assert set(record.fate) == {SERVED} and min(record.waited) > 0


def test_work_shared_among_several_goes_at_the_pace_of_the_moment() -> None:
    (scenario,) = [one for one in named("s11") if one.name == "S11 8"]
    contacts = [Contact(0.0, 0, work=360_000.0), *(Contact(1.0, 0, work=360_000.0) for _ in range(30))]
    record = Simulation(scenario.world(), generators(1)).run(contacts)
    longest = sorted(record.handled)[-2:]
    assert all(abs(one - 450_000) < 5 for one in longest)  # two at 0.8 each: 360 s of work take 450 s
    assert sorted(record.handled)[0] == 360_000


def test_what_if_answers_with_an_interval_that_common_citizens_keep_narrow() -> None:
    day = one_pool(10, 9, 1)
    contacts = [
        contact._replace(work=work)
        for contact, work in zip(poisson_contacts(day, generators("day"), 600), _works(6_000), strict=False)
    ]
    more = what_if(
        day, contacts, lambda world: replace(world, agents=one_pool(11, 9, 1).agents), lambda: generators("what if")
    )
    same = what_if(day, contacts, lambda world: world, lambda: generators("what if"))
    saved = more["W"].change
    assert saved.value + saved.half_width < 0 and more["W"].after < more["W"].before
    assert same["W"].change.value == same["W"].change.error == 0


def _works(count: int) -> list[float]:
    drawn = random.Random("works")
    return [drawn.expovariate(1 / 60_000) for _ in range(count)]


def test_an_estimate_widens_to_nothing_known_when_there_is_one_run() -> None:
    assert estimate([1.0]).half_width == inf
    two = estimate([1.0, 3.0])
    assert two.value == 2 and two.half_width == pytest.approx(12.706)  # Student's t with one degree of freedom


def test_a_kind_that_nobody_serves_waits_to_the_end() -> None:
    world = one_pool(1, 1, 1)
    stranger: Kind = replace(world.kinds[0], plan=n_design().kinds[1].plan)
    record = run(replace(world, kinds=(stranger,)), 10)
    assert set(record.fate) == {0}


def test_the_command_shows_figures_and_draws_the_waits(tmp_path: Path) -> None:
    drawing = tmp_path / "waits.svg"
    asked = ["simulate-routing", "s9 4", "--seeds", "2", "--length", "300", "--svg", str(drawing)]
    result = CliRunner().invoke(app, asked, env={"COLUMNS": "120"})
    assert "W urgent" in result.output and "at once" in result.output
    lines = ElementTree.parse(drawing).getroot().findall("{http://www.w3.org/2000/svg}polyline")
    assert len(lines) == 3  # urgent, normal, low
    shares = [float(share) for share in re.findall(r"(\d+\.\d+)%", result.output)]
    assert sum(shares) == pytest.approx(3 * 100, abs=1)


def test_the_command_names_the_scenarios_there_are_when_asked_for_another() -> None:
    result = CliRunner().invoke(app, ["simulate-routing", "s99"])
    assert result.exit_code == 1
