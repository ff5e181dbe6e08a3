"""What theory promises for a pool: printed values, and the same queues solved a second way."""

from collections.abc import Callable
from dataclasses import astuple
from math import exp, inf, pi, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.theory import (
    agents_for_service_level,
    delay_at_quality,
    erlang_a,
    erlang_b,
    erlang_c,
    limited_queue,
    quality_for_delay,
    square_root_agents,
    strict_priority,
)

TWENTY_S = 20 / 60


def printed(digits: int, value: float | tuple[float, ...]) -> object:
    """Equal to the value as printed with so many digits after the point."""
    return pytest.approx(value, rel=0, abs=0.5000001 * 10**-digits)


def balance(arrival_rate: float, leaving: Callable[[int], float], most: int) -> list[float]:
    """Long-run shares of time with 0, 1, ... `most` present: what flows up from each number flows back down."""
    flows = [1.0]
    for present in range(1, most + 1):
        flows.append(flows[-1] * arrival_rate / leaving(present))
    return [flow / sum(flows) for flow in flows]


@pytest.mark.parametrize(
    ("agents", "arrivals", "service", "p_wait", "mean_wait", "in_20_s"),
    [
        (12, 4.2, 0.5, 0.183889, 0.102160, 0.89908),
        (10, 8, 1, 0.409180, 0.204590, 0.78992),
        (50, 48, 1, 0.694456, 0.347228, 0.64345),
        (90, 8.25, 0.1, 0.316539, 0.422052, 0.75348),
        (100, 95, 1, 0.506457, 0.101291, 0.90434),
        (1000, 968.377, 1, 0.221468, 0.007003, 0.99999),
        (50, 45, 1, 0.363864, 0.072773, 0.93127),
        (25, 22.5, 1, 0.507923, 0.203169, 0.77926),
        (48, 44, 1, 0.449740, 0.112435, 0.88145),
    ],
)
def test_a_patient_queue_waits_as_the_delay_formula_says(
    agents: int, arrivals: float, service: float, p_wait: float, mean_wait: float, in_20_s: float
) -> None:
    queue = erlang_c(agents, arrivals, service)
    assert queue.p_wait == printed(6, p_wait)
    assert queue.mean_wait == printed(6, mean_wait)
    assert queue.served_within(TWENTY_S) == printed(5, in_20_s)
    assert queue.occupancy == pytest.approx(arrivals / service / agents)


def test_pools_that_share_all_work_wait_like_one() -> None:
    assert erlang_c(50, 45, 1).served_within(0.5) == printed(6, 0.970132)
    assert erlang_c(25 + 25, 22.5 + 22.5, 1).mean_wait == printed(6, 0.072773)
    assert erlang_c(30 * 8, 3.6, 1 / 60).mean_wait == printed(5, 0.17526)


@pytest.mark.parametrize(
    ("pool", "p_wait", "p_abandon", "mean_wait", "occupancy"),
    [
        ((50, 48, 1, 0.5), 0.467774, 0.030912, 0.061824, 0.930324),
        ((12, 4.2, 0.5, 1), 0.127372, 0.029679, 0.029679, 0.679225),
        ((100, 105, 1, 1), 0.700245, 0.066982, 0.066982, 0.979669),
        ((90, 8.4, 0.1, 0.2), 0.229938, 0.022110, 0.110548, 0.912698),
    ],
)
def test_impatient_citizens_give_up_as_often_as_palm_says(
    pool: tuple[int, float, float, float], p_wait: float, p_abandon: float, mean_wait: float, occupancy: float
) -> None:
    assert astuple(erlang_a(*pool)) == printed(6, (p_wait, p_abandon, mean_wait, occupancy))


def test_of_ninety_agents_with_thirty_waiting_places_few_are_turned_away() -> None:
    for arrivals, mean_wait in [(7.75, 0.08523), (8.25, 0.32093), (8.75, 0.87167)]:
        assert limited_queue(90, 30, arrivals, 0.1).mean_wait == printed(5, mean_wait)
    queue = limited_queue(90, 30, 8.25, 0.1)
    assert 100 * queue.p_blocked == printed(4, 0.1981)
    assert queue.served_within(0.5) == printed(5, 0.80109)


def test_strict_priority_takes_from_the_last_what_it_gives_to_the_first() -> None:
    strict = strict_priority(10, [3, 4, 2.5], 1)
    assert strict.mean_waits == printed(4, (0.1179, 0.3931, 5.5039))
    assert strict.overall == printed(4, 1.6512)
    assert erlang_c(10, 9.5, 1).mean_wait == printed(4, 1.6512)


def test_near_capacity_strict_priority_starves_the_last() -> None:
    strict = strict_priority(10, [9.6, 0.3], 1)
    assert strict.overall == printed(3, 9.637)
    assert strict.mean_waits[1] == printed(1, 240.9)


pools = st.integers(1, 60)
rates = st.floats(0.05, 20)


@given(pools, rates, st.floats(0.05, 0.95))
def test_the_delay_formula_agrees_with_the_balance_of_flows(agents: int, service: float, busy: float) -> None:
    arrivals = agents * service * busy
    shares = balance(arrivals, lambda n: min(n, agents) * service, agents + 1500)
    queue = erlang_c(agents, arrivals, service)
    assert queue.p_wait == pytest.approx(sum(shares[agents:]), rel=1e-9)
    waiting = sum((n - agents) * share for n, share in enumerate(shares) if n > agents)
    assert queue.mean_wait == pytest.approx(waiting / arrivals, rel=1e-9)


@given(pools, st.floats(0.05, 90))
def test_the_loss_formula_agrees_with_the_balance_of_flows(agents: int, load: float) -> None:
    assert erlang_b(agents, load) == pytest.approx(balance(load, float, agents)[-1], rel=1e-9)


@given(pools, rates, st.floats(0.3, 1.5), st.floats(0.1, 5))
def test_impatience_agrees_with_the_balance_of_flows(
    agents: int, service: float, busy: float, impatience: float
) -> None:
    arrivals, patience = agents * service * busy, service * impatience
    most = agents + int(agents / impatience) + 400
    shares = balance(arrivals, lambda n: min(n, agents) * service + max(0, n - agents) * patience, most)
    queue = erlang_a(agents, arrivals, service, patience)
    assert queue.p_wait == pytest.approx(sum(shares[agents:]), rel=1e-9)
    served = sum(min(n, agents) * service * share for n, share in enumerate(shares))
    assert 1 - queue.p_abandon == pytest.approx(served / arrivals, rel=1e-9)
    assert queue.occupancy * agents * service == pytest.approx(arrivals * (1 - queue.p_abandon), rel=1e-9)


@given(pools, st.integers(0, 40), rates, st.floats(0.3, 3))
def test_who_is_let_in_is_served_and_nobody_else(agents: int, places: int, service: float, busy: float) -> None:
    arrivals = agents * service * busy
    queue = limited_queue(agents, places, arrivals, service)
    shares = balance(arrivals, lambda n: min(n, agents) * service, agents + places)
    assert queue.p_blocked == pytest.approx(shares[-1], rel=1e-9)
    assert queue.occupancy * agents * service == pytest.approx(arrivals * (1 - queue.p_blocked), rel=1e-9)
    waiting = sum((n - agents) * share for n, share in enumerate(shares) if n > agents)
    assert queue.mean_wait * arrivals * (1 - queue.p_blocked) == pytest.approx(waiting, rel=1e-9, abs=1e-12)


def test_endless_patience_leads_to_the_delay_formula() -> None:
    patient = erlang_c(50, 45, 1)
    nearly = erlang_a(50, 45, 1, 1e-7)
    assert nearly.p_wait == pytest.approx(patient.p_wait, rel=1e-5)
    assert nearly.mean_wait == pytest.approx(patient.mean_wait, rel=1e-5)
    assert nearly.p_abandon == pytest.approx(1e-7 * patient.mean_wait, rel=1e-5)


def test_no_patience_at_all_leads_to_the_loss_formula() -> None:
    assert erlang_a(50, 48, 1, 1e9).p_abandon == pytest.approx(erlang_b(50, 48), rel=1e-6)


def test_waiting_places_lead_from_the_loss_formula_to_the_delay_formula() -> None:
    assert limited_queue(50, 0, 45, 1).p_blocked == pytest.approx(erlang_b(50, 45), rel=1e-12)
    assert limited_queue(50, 0, 45, 1).served_within(0) == 1
    assert limited_queue(50, 0, 45, 1).mean_wait == 0
    many, patient = limited_queue(50, 500, 45, 1), erlang_c(50, 45, 1)
    assert many.mean_wait == pytest.approx(patient.mean_wait, rel=1e-9)
    for minutes in (0.0, 0.1, 1.0, 20.0):
        assert many.served_within(minutes) == pytest.approx(patient.served_within(minutes), rel=1e-9)


def test_one_agent_is_the_textbook_queue() -> None:
    assert erlang_b(1, 0.8) == pytest.approx(0.8 / 1.8)
    assert erlang_c(1, 0.8, 1).p_wait == pytest.approx(0.8)
    assert erlang_c(1, 0.8, 1).mean_wait == pytest.approx(4)
    assert erlang_c(1, 0.8, 1).served_within(3) == pytest.approx(1 - 0.8 * exp(-0.6))
    assert strict_priority(1, [0.4, 0.4], 1).mean_waits == pytest.approx((0.8 / 0.6, 0.8 / 0.6 / 0.2))


@given(pools, st.lists(st.floats(0.1, 5), min_size=1, max_size=5), st.floats(0.2, 0.97))
def test_no_priority_rule_changes_the_mean_over_all(agents: int, parts: list[float], busy: float) -> None:
    arrivals = [part / sum(parts) * agents * busy for part in parts]
    strict = strict_priority(agents, arrivals, 1)
    assert strict.overall == pytest.approx(erlang_c(agents, sum(arrivals), 1).mean_wait, rel=1e-6)
    assert list(strict.mean_waits) == sorted(strict.mean_waits)


def test_thousands_of_agents_overflow_nothing() -> None:
    assert erlang_b(100_000, 1) == 0
    assert erlang_b(5000, 5000) == pytest.approx(sqrt(2 / (pi * 5000)), rel=0.01)
    flood = erlang_a(1000, 1500, 1, 0.1)
    assert astuple(flood) == pytest.approx((1, 1 / 3, 10 / 3, 1))
    brim = limited_queue(2000, 1000, 4000, 1)
    assert brim.p_blocked == pytest.approx(0.5)
    assert (brim.served_within(0.2), brim.served_within(1)) == pytest.approx((0, 1))
    assert limited_queue(2000, 1000, 1000, 1).p_blocked == 0


@given(rates, rates, st.floats(0.05, 0.99), st.floats(0, 3))
def test_the_staffing_reaches_the_service_level_and_one_agent_fewer_does_not(
    arrivals: float, service: float, share: float, minutes: float
) -> None:
    staffing = agents_for_service_level(arrivals, service, share, minutes)
    assert staffing.service_level == erlang_c(staffing.agents, arrivals, service).served_within(minutes) >= share
    fewer = staffing.agents - 1
    assert fewer * service <= arrivals or erlang_c(fewer, arrivals, service).served_within(minutes) < share


def test_the_square_root_rule_keeps_the_share_that_waits() -> None:
    assert (square_root_agents(100, 1), square_root_agents(100.5, 1)) == (110, 111)
    assert square_root_agents(968.377, quality_for_delay(0.221468)) == 1000
    for load in (1000, 4000):
        agents = square_root_agents(load, quality_for_delay(0.2))
        assert erlang_c(agents, load, 1).p_wait == pytest.approx(0.2, abs=0.01)


def test_quality_and_delay_are_each_others_inverse() -> None:
    assert delay_at_quality(0) == 1
    assert delay_at_quality(1) == pytest.approx(0.2233, abs=0.0001)
    for p_wait in (0.999, 0.5, 0.1, 1e-6):
        assert delay_at_quality(quality_for_delay(p_wait)) == pytest.approx(p_wait, rel=1e-9)


@pytest.mark.parametrize(
    ("ask", "sentence"),
    [
        (lambda: erlang_c(10, 10, 1), "10 agents cannot keep up with 10 contacts a minute"),
        (lambda: erlang_a(0, 1, 1, 1), "at least one agent"),
        (lambda: erlang_c(5, float("nan"), 1), "arrival rate"),
        (lambda: erlang_c(5, 1, 0), "service rate"),
        (lambda: erlang_c(5, 1, 1).served_within(-1), "time limit"),
        (lambda: erlang_b(-1, 1), "number of agents"),
        (lambda: erlang_b(1, inf), "load"),
        (lambda: erlang_a(5, 1, 1, 0), "patience"),
        (lambda: limited_queue(5, -1, 1, 1), "waiting places"),
        (lambda: limited_queue(5, 1, 1, 1).served_within(-1), "time limit"),
        (lambda: strict_priority(5, [1, 0], 1), "each class"),
        (lambda: strict_priority(5, [3, 3], 1), "cannot keep up"),
        (lambda: strict_priority(5, [], 1), "arrival rate"),
        (lambda: square_root_agents(0, 1), "load"),
        (lambda: square_root_agents(1, 0), "quality"),
        (lambda: delay_at_quality(-1), "quality"),
        (lambda: quality_for_delay(1), "probability"),
        (lambda: agents_for_service_level(1, 1, 1, 1), "service level"),
        (lambda: agents_for_service_level(1, 1, 0.8, -1), "time limit"),
    ],
)
def test_numbers_that_describe_no_queue_are_refused_with_a_sentence(ask: Callable[[], object], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        ask()
