"""Open hours near the changes of the clock, judged by a scan of every minute and by their own sums."""

from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from routing.hours import (
    DAY,
    Calendar,
    Closure,
    Holiday,
    Interval,
    add_open_ms,
    is_open,
    next_closing,
    next_opening,
    open_ms_between,
)
from tests.routing.test_hours import HOUR, LORD_HOWE, MADRID, MINUTE, NEW_YORK, there

CHANGES = {
    MADRID: (date(2026, 3, 29), date(2026, 10, 25)),
    NEW_YORK: (date(2026, 3, 8), date(2026, 11, 1)),
    LORD_HOWE: (date(2026, 4, 5), date(2026, 10, 4)),
}
minutes_of_day = st.lists(st.integers(0, 1440), min_size=2, max_size=2, unique=True).map(sorted)
some_hours = st.lists(minutes_of_day.map(lambda pair: Interval(*(MINUTE * at for at in pair))), max_size=3).map(tuple)


@st.composite
def around_a_change(draw: st.DrawFn) -> tuple[dict[str, Any], int]:
    """The facts of a calendar with exceptions near a change of the clock, and a minute within a day and a half of it."""
    zone = draw(st.sampled_from(list(CHANGES)))
    change = draw(st.sampled_from(CHANGES[zone]))
    midnight = there(zone, change.year, change.month, change.day)
    moments = st.integers(-2160, 2160).map(lambda at: midnight + at * MINUTE)
    days = draw(st.lists(st.integers(-2, 2), unique=True, max_size=2))
    closed = draw(st.lists(st.tuples(moments, st.integers(1, 600)), max_size=2))
    return {
        "version": 1,
        "zone": zone,
        "weekly": tuple(draw(st.lists(some_hours, min_size=7, max_size=7))),
        "holidays": tuple(Holiday(change + timedelta(days=n), "local", draw(some_hours)) for n in days),
        "closures": tuple(Closure(start, start + length * MINUTE, "flood") for start, length in closed),
    }, draw(moments)


def shows_open(facts: dict[str, Any], at: int) -> bool:
    """What a clerk would say who looks at the clock on the wall, the door and the list of holidays."""
    local = datetime.fromtimestamp(at // 1000, facts["zone"])
    weekly = facts["weekly"][local.weekday()]
    hours = next((special.hours for special in facts["holidays"] if special.day == local.date()), weekly)
    now = local.hour * HOUR + local.minute * MINUTE
    flooded = any(closure.start <= at < closure.end for closure in facts["closures"])
    return not flooded and any(each.opens <= now < each.closes for each in hours)


@given(around_a_change(), st.integers(1, 2880))
def test_every_answer_is_what_a_scan_of_all_minutes_finds(drawn: tuple[dict[str, Any], int], length: int) -> None:
    facts, start = drawn
    calendar, end = Calendar(**facts), start + length * MINUTE
    scan = [(at, shows_open(facts, at)) for at in range(start, end, MINUTE)]
    is_on = [at for at, opened in scan if opened]
    ends = [at for (_, before), (at, after) in pairwise(scan) if before and not after]
    assert [at for at, _ in scan if is_open(calendar, at)] == is_on
    assert open_ms_between(calendar, start, end) == len(is_on) * MINUTE
    opens, closes = next_opening(calendar, start), next_closing(calendar, start)
    assert opens == is_on[0] if is_on else opens is None or opens >= end
    assert closes == ends[0] if ends else closes is None or closes >= end
    for count, at in list(enumerate(is_on, 1))[::97]:
        assert add_open_ms(calendar, start, count * MINUTE) == at + MINUTE


@given(around_a_change(), st.lists(st.integers(0, 5 * DAY), min_size=2, max_size=2).map(sorted))
def test_open_time_adds_up(drawn: tuple[dict[str, Any], int], later: list[int]) -> None:
    calendar, start = Calendar(**drawn[0]), drawn[1]
    middle, end = start + later[0], start + later[1]
    parts = open_ms_between(calendar, start, middle) + open_ms_between(calendar, middle, end)
    assert parts == open_ms_between(calendar, start, end)


@given(around_a_change(), st.integers(1, 10 * DAY))
def test_the_instant_promised_is_the_first_by_which_so_much_open_time_has_passed(
    drawn: tuple[dict[str, Any], int], length: int
) -> None:
    calendar, start = Calendar(**drawn[0]), drawn[1]
    due = add_open_ms(calendar, start, length)
    if due is None:
        assert not any(calendar.weekly)
    else:
        assert open_ms_between(calendar, start, due) == length
        assert open_ms_between(calendar, start, due - 1) == length - 1
