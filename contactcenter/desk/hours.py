"""Opening hours: is it open, when does it open, when is so much opening time over.

Intervals are built per local date in the agency's zone and turned into UTC before anything is subtracted: Python ignores the
change of the clock between two aware times of one zone.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

LOOK_AHEAD_DAYS = 60


@dataclass(frozen=True, slots=True)
class Calendar:
    """``intervals``: (weekday, opens, closes), Monday is 0; none means always open."""

    zone: ZoneInfo
    intervals: tuple[tuple[int, time, time], ...]
    holidays: frozenset[date] = frozenset()

    def open_spans(self, since: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Open spans in UTC that end after ``since``, in order, for the next 60 days."""
        first = since.astimezone(self.zone).date() - timedelta(days=1)
        for offset in range(LOOK_AHEAD_DAYS + 2):
            day = first + timedelta(days=offset)
            for start, end in self._day(day):
                if end > since:
                    yield start, end

    def _day(self, day: date) -> list[tuple[datetime, datetime]]:
        if not self.intervals:
            return [(self._utc(day, time(0)), self._utc(day + timedelta(days=1), time(0)))]
        if day in self.holidays:
            return []
        return sorted(
            (self._utc(day, opens), self._utc(day, closes))
            for weekday, opens, closes in self.intervals
            if weekday == day.weekday()
        )

    def _utc(self, day: date, at: time) -> datetime:
        return datetime.combine(day, at, self.zone).astimezone(UTC)

    def is_open(self, now: datetime) -> bool:
        start, _end = next(self.open_spans(now), (None, None))
        return start is not None and start <= now

    def next_opening(self, now: datetime) -> datetime | None:
        """The next instant at which it is open (``now`` itself when it is); None within 60 days."""
        start, _end = next(self.open_spans(now), (None, None))
        return None if start is None else max(start, now)

    def after(self, now: datetime, minutes: int) -> datetime | None:
        """The instant at which ``minutes`` of opening time have passed since ``now``; None within 60 days."""
        left = timedelta(minutes=minutes)
        for start, end in self.open_spans(now):
            begin = max(start, now)
            if end - begin >= left:
                return begin + left
            left -= end - begin
        return None

    def minutes_between(self, a: datetime, b: datetime) -> float:
        """Opening minutes between two instants."""
        total = timedelta()
        for start, end in self.open_spans(a):
            if start >= b:
                break
            total += min(end, b) - max(start, a)
        return total.total_seconds() / 60
