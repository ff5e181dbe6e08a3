"""Open hours where clocks change, dates are special and floods come."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from routing.hours import (
    DAY,
    Calendar,
    Closed,
    Closure,
    Holiday,
    Interval,
    add_open_ms,
    clock,
    is_open,
    next_closing,
    next_opening,
    open_ms_between,
    why_closed,
)

MINUTE = 60_000
HOUR = 60 * MINUTE
MADRID, NEW_YORK, LORD_HOWE = (ZoneInfo(n) for n in ("Europe/Madrid", "America/New_York", "Australia/Lord_Howe"))
OFFICE = (Interval(clock(9), clock(17)),)
NEVER: tuple[Interval, ...] = ()
ALWAYS = (Interval(0, DAY),)
SUNDAY = 6


def utc(*parts: int) -> int:
    """An instant from year, month, day, hour, minute in UTC."""
    return ms(datetime(*parts, tzinfo=UTC))  # type: ignore[arg-type, misc]  # year, month, day and so on


def there(zone: ZoneInfo, *parts: int, fold: int = 0) -> int:
    return ms(datetime(*parts, tzinfo=zone, fold=fold).astimezone(UTC))  # type: ignore[arg-type, misc]  # as above


def ms(at: datetime) -> int:
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def a_week(zone: ZoneInfo, weekdays: tuple[Interval, ...] = OFFICE, weekend: tuple[Interval, ...] = NEVER) -> Calendar:
    return Calendar(1, zone, (weekdays,) * 5 + (weekend,) * 2)


def nights(zone: ZoneInfo, *hours: Interval) -> Calendar:
    """Open on Sundays only, when clocks change."""
    return Calendar(1, zone, (NEVER,) * 6 + (hours,))


def test_opening_time_is_open_and_closing_time_is_closed() -> None:
    office = a_week(MADRID)
    assert is_open(office, there(MADRID, 2026, 11, 2, 9))
    assert is_open(office, there(MADRID, 2026, 11, 2, 17) - 1)
    assert not is_open(office, there(MADRID, 2026, 11, 2, 17))
    assert not is_open(office, there(MADRID, 2026, 11, 2, 9) - 1)


def test_the_next_opening_is_now_while_open_and_monday_on_friday_evening() -> None:
    office = a_week(MADRID)
    noon, evening = there(MADRID, 2026, 10, 23, 12), there(MADRID, 2026, 10, 23, 18)
    assert next_opening(office, noon) == noon
    assert next_opening(office, evening) == there(MADRID, 2026, 10, 26, 9)
    assert next_closing(office, noon) == there(MADRID, 2026, 10, 23, 17)
    assert next_closing(office, there(MADRID, 2026, 10, 23, 17)) == there(MADRID, 2026, 10, 26, 17)


def test_a_siesta_is_not_open_time() -> None:
    split = a_week(MADRID, (Interval(clock(9), clock(14)), Interval(clock(16, 30), clock(20))))
    monday = there(MADRID, 2026, 11, 2, 13, 30)
    assert next_closing(split, monday) == monday + HOUR // 2
    assert add_open_ms(split, monday, HOUR) == there(MADRID, 2026, 11, 2, 17)
    assert open_ms_between(split, monday, there(MADRID, 2026, 11, 3, 9)) == 4 * HOUR


def test_overlapping_hours_count_once() -> None:
    twice = a_week(
        MADRID, (Interval(clock(12), clock(17)), Interval(clock(9), clock(13)), Interval(clock(10), clock(11)))
    )
    assert twice == a_week(MADRID)
    assert open_ms_between(twice, utc(2026, 11, 2), utc(2026, 11, 3)) == 8 * HOUR


def test_a_night_shift_until_midnight_goes_on_into_the_next_day() -> None:
    late = Calendar(1, MADRID, ((Interval(clock(22), DAY),), (Interval(0, clock(6)),), *(NEVER,) * 5))
    monday = there(MADRID, 2026, 11, 2, 23)
    assert next_closing(late, monday) == there(MADRID, 2026, 11, 3, 6)
    assert add_open_ms(late, monday, 7 * HOUR) == there(MADRID, 2026, 11, 3, 6)


def test_nothing_to_wait_for_is_over_at_the_next_opening() -> None:
    saturday = there(MADRID, 2026, 10, 31, 12)
    assert add_open_ms(a_week(MADRID), saturday, 0) == there(MADRID, 2026, 11, 2, 9)
    assert open_ms_between(a_week(MADRID), utc(2026, 11, 5), utc(2026, 11, 4)) == 0


@pytest.mark.parametrize(
    ("since", "until", "elapsed_h"),
    [((2026, 10, 30, 16, 30), (2026, 11, 2, 9, 30), 66), ((2026, 3, 6, 16, 30), (2026, 3, 9, 9, 30), 64)],
)
def test_an_hour_of_business_over_a_weekend_of_changed_clocks(
    since: tuple[int, ...], until: tuple[int, ...], elapsed_h: int
) -> None:
    start, end = there(NEW_YORK, *since), there(NEW_YORK, *until)
    assert end - start == elapsed_h * HOUR
    assert open_ms_between(a_week(NEW_YORK), start, end) == HOUR
    assert add_open_ms(a_week(NEW_YORK), start, HOUR) == end


@pytest.mark.parametrize(
    ("zone", "shortest", "longest", "change_min"),
    [
        (MADRID, date(2026, 3, 29), date(2026, 10, 25), 60),
        (NEW_YORK, date(2026, 3, 8), date(2026, 11, 1), 60),
        (LORD_HOWE, date(2026, 10, 4), date(2026, 4, 5), 30),
    ],
)
def test_a_day_round_the_clock_is_as_long_as_the_clock_makes_it(
    zone: ZoneInfo, shortest: date, longest: date, change_min: int
) -> None:
    always = nights(zone, *ALWAYS)
    for day, length in ((shortest, DAY - change_min * MINUTE), (longest, DAY + change_min * MINUTE)):
        start = there(zone, day.year, day.month, day.day)
        assert open_ms_between(always, start - DAY, start + 2 * DAY) == length
        assert next_closing(always, start) == start + length


def test_an_opening_that_does_not_exist_happens_when_the_clock_jumps() -> None:
    line = nights(MADRID, Interval(clock(2, 30), clock(5)))
    jump = utc(2026, 3, 29, 1)
    assert next_opening(line, jump - HOUR) == jump
    assert open_ms_between(line, jump - DAY, jump + DAY) == 2 * HOUR
    assert next_closing(line, jump) == there(MADRID, 2026, 3, 29, 5)


def test_hours_inside_the_hour_that_does_not_exist_do_not_happen() -> None:
    line = nights(NEW_YORK, Interval(clock(2), clock(2, 45)))
    assert next_opening(line, there(NEW_YORK, 2026, 3, 7, 12)) == there(NEW_YORK, 2026, 3, 15, 2)


def test_hours_inside_an_hour_that_comes_twice_happen_twice() -> None:
    line = nights(NEW_YORK, Interval(clock(1, 15), clock(1, 45)))
    first, second = (there(NEW_YORK, 2026, 11, 1, 1, 15, fold=fold) for fold in (0, 1))
    assert second - first == HOUR
    assert next_opening(line, first - HOUR) == first
    assert next_closing(line, first) == first + HOUR // 2
    assert next_opening(line, first + HOUR // 2) == second
    assert open_ms_between(line, first - DAY, first + DAY) == HOUR


def test_lord_howe_moves_its_clock_by_half_an_hour() -> None:
    line = nights(LORD_HOWE, Interval(clock(1, 30), clock(3)))
    spring, autumn = utc(2026, 10, 3, 15, 30), utc(2026, 4, 4, 15)
    assert open_ms_between(line, spring - DAY, spring + DAY) == HOUR
    assert open_ms_between(line, autumn - DAY, autumn + DAY) == 2 * HOUR


def test_a_clock_put_back_over_midnight_brings_yesterday_back() -> None:
    newfoundland = ZoneInfo("America/St_Johns")  # 00:01 on Sunday 7 November 2010 became 23:01 on Saturday
    saturdays = Calendar(1, newfoundland, (*(NEVER,) * 5, (Interval(clock(20), DAY),), NEVER))
    evening = there(newfoundland, 2010, 11, 6, 22)
    assert next_closing(saturdays, evening) == evening + 2 * HOUR
    assert next_opening(saturdays, evening + 2 * HOUR) == evening + 2 * HOUR + MINUTE
    assert open_ms_between(saturdays, evening, evening + DAY) == 2 * HOUR + 59 * MINUTE


CHRISTMAS = Holiday(date(2026, 12, 25), "Christmas Day")
EVE = Holiday(date(2026, 12, 24), "Christmas Eve", (Interval(clock(9), clock(12)),))


def test_holidays_close_or_shorten_a_day() -> None:
    office = Calendar(1, MADRID, a_week(MADRID).weekly, holidays=(CHRISTMAS, EVE))
    eve = there(MADRID, 2026, 12, 24, 11)
    assert next_closing(office, eve) == eve + HOUR
    assert next_opening(office, eve + HOUR) == there(MADRID, 2026, 12, 28, 9)
    assert why_closed(office, eve) is None
    assert why_closed(office, eve + HOUR) == Closed("holiday", "Christmas Eve")
    assert why_closed(office, eve + DAY) == Closed("holiday", "Christmas Day")
    assert why_closed(office, eve + 2 * DAY) == Closed("hours")


def test_an_emergency_closes_whatever_the_hours_say() -> None:
    noon = there(MADRID, 2026, 12, 23, 12)
    flood, strike = Closure(noon, noon + 2 * HOUR, "flood"), Closure(noon + HOUR, noon + DAY + HOUR // 2, "strike")
    office = Calendar(1, MADRID, a_week(MADRID).weekly, closures=(strike, flood))
    assert next_closing(office, noon - HOUR) == noon
    assert why_closed(office, noon) == Closed("emergency", "flood")
    assert why_closed(office, noon + 3 * HOUR) == Closed("emergency", "strike")
    assert next_opening(office, noon) == noon + DAY + HOUR // 2
    assert open_ms_between(office, noon - HOUR, noon + DAY + HOUR) == HOUR + HOUR // 2


def test_closed_until_further_notice_promises_nothing() -> None:
    noon = there(MADRID, 2026, 12, 23, 12)
    office = Calendar(1, MADRID, a_week(MADRID).weekly, closures=(Closure(noon, None, "fire"),))
    assert next_closing(office, noon - HOUR) == noon
    assert add_open_ms(office, noon - HOUR, HOUR) == noon
    assert (next_opening(office, noon), next_closing(office, noon), add_open_ms(office, noon, 0)) == (None, None, None)
    assert open_ms_between(office, noon, noon + 1000 * DAY) == 0


def test_an_office_without_hours_opens_only_on_its_special_dates() -> None:
    now = there(MADRID, 2026, 12, 23, 12)
    never = Calendar(1, MADRID, (NEVER,) * 7)
    assert (next_opening(never, now), next_closing(never, now), add_open_ms(never, now, 1)) == (None, None, None)
    once = Calendar(1, MADRID, (NEVER,) * 7, holidays=(EVE,))
    assert next_opening(once, now) == there(MADRID, 2026, 12, 24, 9)
    assert next_closing(once, now) == there(MADRID, 2026, 12, 24, 12)
    assert add_open_ms(once, now, 3 * HOUR + 1) is None


def test_a_line_round_the_clock_never_closes_but_for_what_is_announced() -> None:
    now = there(MADRID, 2026, 3, 1)
    assert next_closing(Calendar(1, MADRID, (ALWAYS,) * 7), now) is None
    assert next_closing(Calendar(1, MADRID, (ALWAYS,) * 7, (CHRISTMAS,)), now) == there(MADRID, 2026, 12, 25)
    pause = Calendar(1, MADRID, (*(ALWAYS,) * 6, (Interval(0, clock(2)), Interval(clock(3), DAY))))
    assert next_closing(pause, there(MADRID, 2026, 3, 22, 4)) == there(MADRID, 2026, 4, 5, 2)


def test_a_calendar_that_makes_no_sense_is_refused() -> None:
    for wrong in (
        lambda: Interval(clock(17), clock(9)),
        lambda: Interval(0, DAY + 1),
        lambda: Closure(5, 5, "flood"),
        lambda: Calendar(1, MADRID, (OFFICE,) * 5),
        lambda: Calendar(1, MADRID, (OFFICE,) * 7, (CHRISTMAS, CHRISTMAS)),
        lambda: add_open_ms(a_week(MADRID), 0, -1),
    ):
        with pytest.raises(ValueError, match=r"[A-Z].*\."):
            wrong()
