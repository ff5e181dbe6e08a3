"""When a queue is open: what the clock on the wall says, counted in milliseconds of UTC.

A calendar is open at an instant when the local clock then shows a time inside that local day's hours. So an opening
at 02:30 on a night without a 02:30 happens when the clock jumps past it, and hours inside an hour that comes twice
hold both times. Lengths are always differences of UTC instants.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

DAY = 86_400_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
THURSDAY = 3
"""The weekday of day 0, 1 January 1970."""

REPEATS = 21 * DAY
"""What has not changed for three weeks after the last exception never will: a change of the clock hides one week's."""

LAST = 250_000_000_000_000
"""In the year 9892: short of where dates end."""


def clock(hour: int, minute: int = 0) -> int:
    """A time on the wall clock as ms since 00:00."""
    return (hour * 60 + minute) * 60_000


@dataclass(frozen=True, slots=True, order=True)
class Interval:
    """Open from `opens` until `closes` (then closed again), in ms on the wall clock since 00:00; 24:00 is DAY."""

    opens: int
    closes: int

    def __post_init__(self) -> None:
        if not 0 <= self.opens < self.closes <= DAY:
            raise ValueError("An interval opens before it closes, between 00:00 and 24:00 of one day.")


def _joined(hours: Iterable[Interval]) -> tuple[Interval, ...]:
    joined: list[Interval] = []
    for each in sorted(hours):
        if joined and each.opens <= joined[-1].closes:
            joined[-1] = Interval(joined[-1].opens, max(joined[-1].closes, each.closes))
        else:
            joined.append(each)
    return tuple(joined)


@dataclass(frozen=True, slots=True)
class Holiday:
    """A local date with hours of its own; none means closed all day."""

    day: date
    name: str
    hours: tuple[Interval, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "hours", _joined(self.hours))


@dataclass(frozen=True, slots=True)
class Closure:
    """An emergency: closed from `start` until `end` whatever the hours say; None means until further notice."""

    start: int
    end: int | None
    reason: str

    def __post_init__(self) -> None:
        if self.end is not None and self.end <= self.start:
            raise ValueError("An emergency closure ends after it starts.")


@dataclass(frozen=True, slots=True)
class Calendar:
    """`weekly`: the hours of each weekday, Monday first. Overlapping hours count once; closures go before holidays.

    Raises ValueError for a week that has not seven days and for a date named twice among the holidays.
    """

    version: int
    zone: ZoneInfo
    weekly: tuple[tuple[Interval, ...], ...]
    holidays: tuple[Holiday, ...] = ()
    closures: tuple[Closure, ...] = ()
    _special: dict[int, Holiday] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        special = {holiday.day.toordinal() - EPOCH.toordinal(): holiday for holiday in self.holidays}
        if len(self.weekly) != 7:
            raise ValueError("A week has seven days, Monday first.")
        if len(special) != len(self.holidays):
            raise ValueError("A date is named twice among the holidays.")
        object.__setattr__(self, "weekly", tuple(_joined(hours) for hours in self.weekly))
        object.__setattr__(self, "closures", tuple(sorted(self.closures, key=lambda closure: closure.start)))
        object.__setattr__(self, "_special", special)

    def holiday_on(self, day: int) -> Holiday | None:
        """The holiday on a local day, counted from 1 January 1970."""
        return self._special.get(day)

    def hours_on(self, day: int) -> tuple[Interval, ...]:
        """The hours of a local day, counted from 1 January 1970."""
        holiday = self.holiday_on(day)
        return self.weekly[(day + THURSDAY) % 7] if holiday is None else holiday.hours


@dataclass(frozen=True, slots=True)
class Closed:
    """Why it is closed; `detail` is the holiday's name or the emergency's reason."""

    cause: Literal["hours", "holiday", "emergency"]
    detail: str = ""


def is_open(calendar: Calendar, at: int) -> bool:
    """Whether it is open at an instant; the instant of closing is closed."""
    return why_closed(calendar, at) is None


def why_closed(calendar: Calendar, at: int) -> Closed | None:
    """What keeps it closed: an emergency before a holiday, a holiday before the usual hours. None when it is open."""
    for closure in calendar.closures:
        if closure.start <= at and (closure.end is None or at < closure.end):
            return Closed("emergency", closure.reason)
    day, now = divmod(at + _offset(calendar.zone, at), DAY)
    if any(hours.opens <= now < hours.closes for hours in calendar.hours_on(day)):
        return None
    holiday = calendar.holiday_on(day)
    return Closed("hours") if holiday is None else Closed("holiday", holiday.name)


def next_opening(calendar: Calendar, at: int) -> int | None:
    """The first instant from `at` on at which it is open, `at` itself when it is; None if it never opens again."""
    return next((opens for opens, _ in _open_stretches(calendar, at)), None)


def next_closing(calendar: Calendar, at: int) -> int | None:
    """The first instant after `at` at which it closes, of the next opening when closed; None if it never will."""
    never = max(at, _last_exception(calendar)) + REPEATS
    closing: int | None = None
    for opens, closes in _open_stretches(calendar, at):
        if closing is not None and opens > closing:
            break
        if closes > never:
            return None
        closing = closes
    return closing


def open_ms_between(calendar: Calendar, start: int, end: int) -> int:
    """Open time from `start` to `end`; 0 when `end` is not later."""
    total = 0
    for opens, closes in _open_stretches(calendar, start):
        if opens >= end:
            break
        total += min(closes, end) - opens
    return total


def add_open_ms(calendar: Calendar, start: int, ms: int) -> int | None:
    """The first instant at which `ms` of open time have passed since `start`; None if they never will.

    0 ms are over at the next opening. Raises ValueError for a negative length.
    """
    if ms < 0:
        raise ValueError("Open time to add is not negative.")
    for opens, closes in _open_stretches(calendar, start):
        if closes - opens >= ms:
            return opens + ms
        ms -= closes - opens
    return None


def _open_stretches(calendar: Calendar, since: int) -> Iterator[tuple[int, int]]:
    """Stretches of open time from `since` on, in order; they may touch, they never overlap."""
    for opens, closes in _scheduled(calendar, since, _never_after(calendar)):
        for closure in calendar.closures:
            if closure.start >= closes:
                break
            if opens < closure.start:
                yield opens, closure.start
            opens = max(opens, LAST if closure.end is None else closure.end)
        if opens < closes:
            yield opens, closes


def _scheduled(calendar: Calendar, since: int, until: int) -> Iterator[tuple[int, int]]:
    """The hours as stretches of UTC, emergencies aside."""
    for start, end, offset in _steady(calendar.zone, since, until):
        for day in range((start + offset) // DAY, (end - 1 + offset) // DAY + 1):
            midnight = day * DAY - offset
            for hours in calendar.hours_on(day):
                opens, closes = max(start, midnight + hours.opens), min(end, midnight + hours.closes)
                if opens < closes:
                    yield opens, closes


def _steady(zone: ZoneInfo, start: int, until: int) -> Iterator[tuple[int, int, int]]:
    """Stretches of at most a day in which the clock is not changed, with its offset from UTC in ms."""
    while start < until:
        end, offset = min(start + DAY, until), _offset(zone, start)
        if _offset(zone, end) != offset:
            end = start + bisect_left(range(start, end), True, key=lambda at: _offset(zone, at) != offset)
        yield start, end, offset
        start = end


def _offset(zone: ZoneInfo, at: int) -> int:
    local = (EPOCH + timedelta(milliseconds=at)).astimezone(zone)
    return (local.replace(tzinfo=UTC) - EPOCH) // timedelta(milliseconds=1) - at


def _never_after(calendar: Calendar) -> int:
    """An instant after which it stays closed for good."""
    endless = (closure.start for closure in calendar.closures if closure.end is None)
    if any(calendar.weekly):
        return min(endless, default=LAST)
    return min([_last_exception(calendar), *endless])


def _last_exception(calendar: Calendar) -> int:
    """An instant after the last holiday and the last start or end of an emergency."""
    days = (holiday.day.toordinal() + 2 - EPOCH.toordinal() for holiday in calendar.holidays)
    closures = (closure.start if closure.end is None else closure.end for closure in calendar.closures)
    return max([0, *(day * DAY for day in days), *closures])
