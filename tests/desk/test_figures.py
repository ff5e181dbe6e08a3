"""The figures of a queue, against examples worked out by hand. T is 60 s where nothing else is said."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contactcenter.desk.figures import Counts, Stay, Target, decided, reduce

TEN = datetime(2026, 3, 2, 10, tzinfo=UTC)
MIDNIGHT, EVENING = TEN - timedelta(hours=10), TEN + timedelta(hours=10)
T60 = Target(60, 80)
LEAVINGS = ("answered", "abandoned", "flowed_out", "converted", "expired", "closed_by_staff")


def after(seconds: float) -> datetime:
    return TEN + timedelta(seconds=seconds)


def stay(enter: float, leave: float | None = None, how: str | None = None) -> Stay:
    return Stay(after(enter), None if leave is None else after(leave), how)


def day(*stays: Stay, target: Target = T60, now: datetime = EVENING) -> Counts:
    return reduce(stays, target, MIDNIGHT, now)


def shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def test_early_abandons_are_left_out_of_the_service_level() -> None:
    stays = [*[stay(0, 10, "answered")] * 860, *[stay(0, 30, "answered")] * 140]
    stays += [*[stay(0, 10, "abandoned")] * 20, *[stay(0, 40, "abandoned")] * 40]
    assert shown(day(*stays, target=Target(20, 80, 5)).service_level()) == "82.69"


def test_who_waits_past_the_limit_is_a_miss_at_once_and_stays_one() -> None:
    nine, tenth_waits, tenth_left = [stay(-30, 0, "answered")] * 9, stay(0), stay(0, 90, "abandoned")
    assert shown(day(*nine, tenth_waits, now=after(60)).service_level()) == "90.00"
    done = day(*nine, tenth_left, now=after(90))
    assert shown(done.service_level()) == "90.00"
    assert (done.misses, done.abandoned, shown(done.abandonment())) == (1, 1, "10.00")
    assert shown(day(*nine, tenth_waits, now=after(59.9)).service_level()) == "100.00"


def test_a_visitor_who_left_before_the_limit_decides_nothing() -> None:
    counts = day(stay(0, 40, "abandoned"))
    assert (counts.abandoned, counts.decisions, counts.service_level()) == (1, 0, None)


def test_choosing_a_message_is_excluded_before_the_limit_and_a_miss_after_it() -> None:
    early, late = day(stay(0, 59, "converted")), day(stay(0, 61, "converted"))
    assert (early.decisions, early.converted, early.abandoned) == (0, 1, 0)
    assert (late.hits, late.misses, late.converted, late.abandoned) == (0, 1, 1, 0)


def test_a_transfer_cannot_hide_a_miss() -> None:
    a, b = day(stay(0, 120, "flowed_out")), day(stay(120, 150, "answered"))
    total = Counts()
    total.add(a)
    total.add(b)
    assert (a.misses, b.hits, shown(total.service_level())) == (1, 1, "50.00")
    assert (a.offered, b.offered) == (1, 1)
    assert (shown(a.asa_s()), shown(b.asa_s())) == ("-", "30.00")


def test_totals_are_made_of_counts_and_not_of_percentages() -> None:
    total = Counts()
    total.add(day(*[stay(0, 10, "answered")] * 9, stay(0, 90, "answered")))
    total.add(day(stay(0, 10, "answered"), *[stay(0, 90, "answered")] * 4))
    assert shown(total.service_level()) == "66.67"


def test_short_abandons_are_their_own_count() -> None:
    stays = [*[stay(0, 10, "answered")] * 94, *[stay(0, 30, "abandoned")] * 6, *[stay(0, 9, "abandoned")] * 2]
    counts = day(*stays)
    assert (shown(counts.abandonment()), counts.short_abandoned) == ("6.00", 2)


def test_what_came_in_and_did_not_leave_is_what_waits() -> None:
    since, until = TEN, after(900)
    before, fresh = [stay(-5) for _ in range(5)], [stay(5) for _ in range(40)]
    everyone = [*before, *fresh]
    ends = ["answered"] * 33 + ["abandoned"] * 4 + ["flowed_out"] * 2 + ["converted"] + ["closed_by_staff"]
    stays = [Stay(one.enter, after(100), how) for one, how in zip(everyone, ends, strict=False)] + everyone[len(ends) :]
    counts = reduce(stays, T60, since, until)
    assert (counts.offered, counts.answered, counts.waiting) == (40, 33, 4)


def test_an_empty_queue_shows_no_ratio_at_all() -> None:
    nothing = day()
    assert (nothing.service_level(), nothing.asa_s(), nothing.abandonment(), nothing.oldest) == (None, None, None, None)


def test_exactly_at_the_limit_is_a_hit() -> None:
    assert day(stay(0, 60, "answered")).hits == 1
    assert day(stay(0, 60.001, "answered")).misses == 1


def test_directly_given_work_is_answered_by_the_first_human_message() -> None:
    silent = Stay(after(0), after(1), "answered", direct=True)
    spoken = Stay(after(0), after(1), "answered", direct=True, answered_at=after(30))
    assert (day(silent, now=after(50)).decisions, day(silent).misses) == (0, 1)
    assert (day(spoken).hits, day(spoken).asa_s()) == (1, 30)


def test_the_oldest_is_the_one_who_came_first_and_still_waits() -> None:
    assert day(stay(30), stay(5), stay(0, 10, "answered")).oldest == after(5)


instants = st.integers(0, 400)
stays_of_a_day = st.lists(
    st.tuples(instants, st.none() | instants, st.sampled_from(LEAVINGS)).map(
        lambda s: stay(s[0]) if s[1] is None else stay(s[0], s[0] + s[1], s[2])
    ),
    max_size=30,
)


def as_known_at(stays: list[Stay], now: datetime) -> list[Stay]:
    """The rows as they stood then: who has not come is not there, who has not left is waiting."""
    return [
        one if one.leave is not None and one.leave <= now else Stay(one.enter, None, None)
        for one in stays
        if one.enter <= now
    ]


@given(stays_of_a_day, instants, st.integers(0, 400))
def test_a_decision_never_changes_afterwards(stays: list[Stay], then: int, more: int) -> None:
    at = after(then)
    live = reduce(as_known_at(stays, at), T60, MIDNIGHT, at)
    later = after(then + more)
    history = reduce(as_known_at(stays, later), T60, MIDNIGHT, at)
    assert (live.hits, live.misses) == (history.hits, history.misses)


@given(stays_of_a_day, st.lists(st.integers(1, 799), max_size=5))
def test_a_day_is_the_sum_of_its_intervals(stays: list[Stay], cuts: list[int]) -> None:
    stays = [
        Stay(one.enter + timedelta(milliseconds=1), one.leave and one.leave + timedelta(milliseconds=1), one.how)
        for one in stays
    ]
    edges = [0, *sorted(set(cuts)), 1000]
    parts = [reduce(stays, T60, after(a), after(b)) for a, b in pairwise(edges)]
    whole = reduce(stays, T60, after(0), after(1000))
    for name in ("hits", "misses", "answered", "abandoned", "short_abandoned", "flowed_out", "converted", "expired"):
        assert sum(getattr(part, name) for part in parts) == getattr(whole, name)
    assert sum(part.sum_wait_s for part in parts) == pytest.approx(whole.sum_wait_s)


@given(stays_of_a_day, instants)
def test_nobody_is_lost_between_coming_and_leaving(stays: list[Stay], then: int) -> None:
    now = after(then)
    counts = reduce(as_known_at(stays, now), T60, MIDNIGHT, now)
    left = counts.answered + counts.abandoned + counts.short_abandoned + counts.flowed_out + counts.converted
    assert counts.offered == left + counts.expired + counts.closed_by_staff + counts.waiting


@given(stays_of_a_day)
def test_a_stay_is_decided_at_most_once_and_never_before_it_can_be(stays: list[Stay]) -> None:
    for one in stays:
        outcome = decided(one, T60)
        if outcome is not None:
            assert one.enter <= outcome[1] <= one.enter + timedelta(seconds=60)
