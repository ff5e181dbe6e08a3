"""When a queue is open. The dates are those on which clocks change, holidays fall and people write late."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contactcenter.desk.board import start_of_day
from contactcenter.desk.hours import Calendar

ZONE = ZoneInfo("America/New_York")
OFFICE = tuple((day, time(9), time(17)) for day in range(5))


def office(*holidays: date) -> Calendar:
    return Calendar(ZONE, OFFICE, frozenset(holidays))


def there(*parts: int) -> datetime:
    """A local time in New York, as an instant."""
    return datetime(*parts, tzinfo=ZONE).astimezone(UTC)  # type: ignore[arg-type, misc]  # year, month, day and so on


@pytest.mark.parametrize(
    ("holidays", "since", "until", "minutes", "hours"),
    [
        ((), there(2026, 10, 30, 16, 30), there(2026, 11, 2, 9, 30), 60, 66),
        ((), there(2026, 3, 6, 16, 30), there(2026, 3, 9, 9, 30), 60, 64),
        ((), there(2026, 10, 31, 22), there(2026, 11, 2, 8), 0, 35),
        ((date(2026, 11, 26),), there(2026, 11, 25, 16), there(2026, 11, 27, 10), 120, 42),
    ],
    ids=["autumn weekend", "spring weekend", "nothing was open", "thanksgiving"],
)
def test_opening_minutes_are_counted_across_changes_of_the_clock(
    holidays: tuple[date, ...], since: datetime, until: datetime, minutes: float, hours: float
) -> None:
    assert office(*holidays).minutes_between(since, until) == minutes
    assert until - since == timedelta(hours=hours)


def test_an_hour_of_opening_time_from_friday_afternoon_ends_on_monday_morning() -> None:
    assert office().after(there(2026, 10, 30, 16, 30), 60) == there(2026, 11, 2, 9, 30)
    assert office().after(there(2026, 3, 6, 16, 30), 60) == there(2026, 3, 9, 9, 30)


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 11, 1), 25), (date(2026, 3, 8), 23), (date(2026, 7, 1), 24)])
def test_a_local_day_has_as_many_hours_as_the_clock_gives_it(day: date, hours: int) -> None:
    always = Calendar(ZONE, ())
    begin = datetime.combine(day, time(0), ZONE).astimezone(UTC)
    end = datetime.combine(day + timedelta(days=1), time(0), ZONE).astimezone(UTC)
    assert always.minutes_between(begin, end) == hours * 60
    assert start_of_day(end - timedelta(seconds=1), "America/New_York") == begin
    assert start_of_day(end, "America/New_York") == end


def test_a_night_line_stays_open_over_the_repeated_hour() -> None:
    night = Calendar(ZONE, ((6, time(0), time(4)),))
    assert night.minutes_between(there(2026, 11, 1, 0), there(2026, 11, 1, 5)) == 5 * 60
    assert night.minutes_between(there(2026, 3, 8, 0), there(2026, 3, 8, 5)) == 3 * 60


def test_overlapping_hours_count_once() -> None:
    twice = Calendar(ZONE, (*OFFICE, (0, time(16), time(18)), (0, time(8), time(10))))
    assert twice.minutes_between(there(2026, 11, 2), there(2026, 11, 3)) == 10 * 60
    assert twice.after(there(2026, 11, 2, 8), 9 * 60) == there(2026, 11, 2, 17)


def test_a_quarter_of_waiting_is_counted_in_full() -> None:
    assert office().minutes_between(there(2026, 1, 5), there(2026, 4, 6)) == 13 * 5 * 8 * 60
    assert office().minutes_between(there(2026, 4, 6), there(2026, 1, 5)) == 0


def test_an_instant_between_two_milliseconds_is_kept() -> None:
    now = there(2026, 11, 2, 9) + timedelta(microseconds=1234)
    assert office().next_opening(now) == now
    assert office().after(now, 30) == now + timedelta(minutes=30)


def test_a_queue_without_hours_is_open_on_holidays() -> None:
    always = Calendar(ZONE, (), frozenset({date(2026, 11, 26)}))
    assert always.is_open(there(2026, 11, 26, 3))
    assert always.after(there(2026, 11, 25, 12), 24 * 60) == there(2026, 11, 26, 12)


def test_closing_time_is_closed_and_opening_time_is_open() -> None:
    assert office().is_open(there(2026, 11, 2, 9))
    assert office().is_open(there(2026, 11, 2, 16, 59))
    assert not office().is_open(there(2026, 11, 2, 17))
    assert not office().is_open(there(2026, 11, 2, 8, 59))


def test_the_next_opening_skips_weekend_and_holiday() -> None:
    friday = there(2026, 12, 25, 12)
    assert office(date(2026, 12, 25)).next_opening(friday) == there(2026, 12, 28, 9)
    assert office().next_opening(friday) == friday


def test_an_office_that_never_opens_says_so() -> None:
    never = Calendar(ZONE, OFFICE, frozenset(date(2026, 1, 1) + timedelta(days=n) for n in range(400)))
    assert never.next_opening(there(2026, 3, 2, 12)) is None
    assert never.after(there(2026, 3, 2, 12), 1) is None
    assert not never.is_open(there(2026, 3, 2, 12))


@given(
    st.datetimes(min_value=datetime(2026, 1, 1), max_value=datetime(2027, 12, 31)).map(
        lambda at: at.replace(tzinfo=UTC)
    ),
    st.integers(1, 3000),
)
def test_the_promised_minutes_have_passed_exactly_when_the_promise_falls_due(now: datetime, minutes: int) -> None:
    due = office(date(2026, 11, 26), date(2027, 7, 5)).after(now, minutes)
    assert due is not None
    assert office(date(2026, 11, 26), date(2027, 7, 5)).minutes_between(now, due) == minutes
