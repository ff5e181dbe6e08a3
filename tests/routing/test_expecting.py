"""What a waiting citizen is told to expect: as good as promised in the reference world, and silent where it is not."""

import json
import random
from dataclasses import replace

from routing.expecting import Expected, ExpectedWaits, Unknown
from routing.model import PoolRule
from routing.simulate import Simulation, World, poisson_contacts
from routing.simulate.designs import cross_trained

MINUTE, HOUR = 60_000, 3_600_000
LINE, CHANNEL = "housing", "live"


class Watching:
    """Writes down for every citizen who waits what each estimate said, and then what came."""

    def __init__(self) -> None:
        self.waits_expected = ExpectedWaits()
        self.told: dict[int, tuple[int, Expected, float, float]] = {}
        self.rows: list[tuple[int, Expected, float, float]] = []
        self.silent = 0
        self._lines: dict[int, dict[int, int]] = {}
        self._starts: dict[int, list[int]] = {}

    def waits(self, ticket: int, kind: int, now: int) -> None:
        self.waits_expected.queued(ticket, kind, CHANNEL, (now, now, ticket), now)
        line, starts = self._lines.setdefault(kind, {}), self._starts.setdefault(kind, [])
        line[ticket] = now
        told = self.waits_expected.expected_wait(ticket, now)
        if isinstance(told, Expected) and len(starts) >= 40:
            by_length = len(line) * (now - starts[-40]) / 40
            self.told[ticket] = now, told, by_length, now - next(iter(line.values()))
        else:
            self.silent += 1

    def starts(self, ticket: int, kind: int, now: int) -> None:
        self.waits_expected.started(ticket, kind, CHANNEL, now)
        self._lines.get(kind, {}).pop(ticket, None)
        self._starts.setdefault(kind, []).append(now)
        if ticket in self.told:
            at, told, by_length, by_head = self.told.pop(ticket)
            self.rows.append((now - at, told, by_length, by_head))

    def leaves(self, ticket: int, kind: int, now: int) -> None:
        self.waits_expected.left(ticket)


def reference_world() -> World:
    """First come, first served; six types, 90 agents with two skills each, nobody is turned away."""
    world = cross_trained(8.25, 2)
    return replace(world, policy=replace(world.policy, usual=PoolRule(secondary_weight=100, auto_accept=True)))


def test_in_the_reference_world_nine_of_ten_stay_below_what_was_told() -> None:
    world, watching = reference_world(), Watching()

    def chance(purpose: str) -> random.Random:
        return random.Random(f"expecting/{purpose}")

    Simulation(world, chance, watch=watching).run(poisson_contacts(world, chance, 8_000))
    rows = watching.rows
    assert len(rows) > 5_000

    def error(estimate: list[float]) -> float:
        return sum(abs(one - row[0]) for one, row in zip(estimate, rows, strict=True)) / len(rows)

    mean = error([(row[2] + row[3]) / 2 for row in rows])
    median = error([row[1].p50 for row in rows])
    assert mean < 0.75 * error([row[2] for row in rows]), "worse than the length of the queue alone"
    assert mean < 0.90 * error([row[3] for row in rows]), "worse than the first in line alone"
    assert median < mean
    assert 0.47 < sum(wait <= told.p50 for wait, told, _, _ in rows) / len(rows) < 0.53
    assert 0.88 < sum(wait <= told.p90 for wait, told, _, _ in rows) / len(rows) < 0.92


def taught(waits: ExpectedWaits, actual: list[int], start: int = 0) -> int:
    """One after the other waits, alone in the line, and starts after so long; gives the instant after the last."""
    now = start
    for ticket, wait in enumerate(actual, start=start + 1):
        waits.queued(ticket, LINE, CHANNEL, (now, now, ticket), now)
        now += wait
        waits.started(ticket, LINE, CHANNEL, now)
    return now


def a_line() -> ExpectedWaits:
    waits = ExpectedWaits()
    waits.staffed(LINE, CHANNEL, slots=10, share=0.5, handling_ms=5 * MINUTE)
    return waits


def ask(waits: ExpectedWaits, now: int, ticket: int = 999_999_999) -> Expected | Unknown:
    waits.queued(ticket, LINE, CHANNEL, (now, now, ticket), now)
    told = waits.expected_wait(ticket, now)
    waits.left(ticket)
    return told


def test_nothing_is_told_before_a_hundred_outcomes_are_known() -> None:
    waits = a_line()
    now = taught(waits, [MINUTE] * 99)
    assert ask(waits, now) == Unknown("too_few_known")
    now = taught(waits, [MINUTE], start=now)
    assert isinstance(ask(waits, now), Expected)


def test_another_goes_on_from_what_one_has_learned() -> None:
    chance = random.Random(8)
    first, second = a_line(), a_line()
    now = taught(first, [int(chance.expovariate(1 / MINUTE)) + 1 for _ in range(700)])
    handed_on = json.loads(json.dumps(first.learned(CHANNEL)))
    second.recall(CHANNEL, handed_on)
    assert second.learned(CHANNEL) == handed_on
    assert second.learned("another channel") == {"ratios": {}, "judged": {}, "stretch": {}}
    assert isinstance(ask(a_line(), now), Unknown), "a third, whom nobody told, says nothing"
    one, other = (ask(waits, now) for waits in (without_starts(first), second))
    assert isinstance(one, Expected)
    assert isinstance(other, Expected)
    assert abs(one.p50 / other.p50 - 1) < 0.001
    assert abs(one.p90 / other.p90 - 1) < 0.001
    hours = [hour for hour in range(24) if first.coverage(CHANNEL, hour) is not None]
    assert hours
    assert [first.coverage(CHANNEL, hour) for hour in hours] == [second.coverage(CHANNEL, hour) for hour in hours]


def without_starts(waits: ExpectedWaits) -> ExpectedWaits:
    """The pace of late is not handed on: the line closed and opened again."""
    waits.closed(LINE, CHANNEL)
    waits.opened(LINE, CHANNEL)
    return waits


def test_nothing_is_told_while_the_queue_is_closed_or_nobody_staffs_it() -> None:
    waits = a_line()
    now = taught(waits, [MINUTE] * 120)
    waits.closed(LINE, CHANNEL)
    assert ask(waits, now) == Unknown("closed")
    waits.opened(LINE, CHANNEL)
    waits.staffed(LINE, CHANNEL, slots=0, share=0.5, handling_ms=5 * MINUTE)
    assert ask(waits, now) == Unknown("unstaffed")
    waits.staffed(LINE, CHANNEL, slots=10, share=0.5, handling_ms=5 * MINUTE)
    assert isinstance(ask(waits, now), Expected)


def test_nothing_is_told_at_an_hour_at_which_it_proved_wrong() -> None:
    waits = a_line()
    taught(waits, [MINUTE] * 120)
    doubled = 1.0
    for ticket in range(300):  # every wait is longer than all before it: no answer from the past holds
        doubled *= 1.05
        at = ticket * 10_000 % HOUR
        waits.queued(10_000_000 + ticket, LINE, CHANNEL, (at, at, 10_000_000 + ticket), at)
        waits.started(10_000_000 + ticket, LINE, CHANNEL, at + int(MINUTE * doubled))
    coverage = waits.coverage(CHANNEL, 0)
    assert coverage is not None and coverage < 0.88
    assert not waits.reliable(CHANNEL, now=0) and waits.reliable(CHANNEL, now=5 * HOUR)
    assert ask(waits, 24 * HOUR * 1_000) == Unknown("unreliable")


def test_whoever_stands_further_back_is_told_to_expect_more() -> None:
    waits = a_line()
    now = 0
    for round_ in range(300):
        first, second = 2 * round_ + 1, 2 * round_ + 2
        for ticket in (first, second):
            waits.queued(ticket, LINE, CHANNEL, (now, now, ticket), now)
        waits.started(first, LINE, CHANNEL, now + MINUTE)
        waits.started(second, LINE, CHANNEL, now + 2 * MINUTE)
        now += 2 * MINUTE
    for ticket in (9_001, 9_002):
        waits.queued(ticket, LINE, CHANNEL, (now, now, ticket), now)
    near, far = waits.expected_wait(9_001, now), waits.expected_wait(9_002, now)
    assert isinstance(near, Expected) and isinstance(far, Expected)
    assert near.p50 < far.p50 and near.p50 <= near.p90 and near.basis == "starts"


def test_who_does_not_wait_is_told_nothing() -> None:
    assert a_line().expected_wait(7, now=0) == Unknown("not_waiting")


def test_the_pace_of_yesterday_says_nothing_after_the_night() -> None:
    waits = a_line()
    now = taught(waits, [MINUTE] * 120)
    waits.closed(LINE, CHANNEL)
    waits.opened(LINE, CHANNEL)
    told = ask(waits, now + 12 * HOUR)
    assert isinstance(told, Expected) and told.basis == "staffing" and told.p90 < 10 * MINUTE


def test_a_ticket_told_of_twice_waits_once() -> None:
    waits = a_line()
    for now in (0, 1_000):
        waits.queued(1, LINE, CHANNEL, (0, 0, 1), now)
    waits.left(1)
    now = taught(waits, [MINUTE] * 120, start=5_000)
    assert isinstance(ask(waits, now), Expected)
    waits.queued(2, LINE, CHANNEL, (now, now, 2), now)
    alone = waits.expected_wait(2, now)
    assert isinstance(alone, Expected) and alone.p50 < 2 * MINUTE
