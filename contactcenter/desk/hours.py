"""Opening hours as the desk keeps them: times of the clock per weekday, and the days on which all is closed.

The reckoning is the router's own, so that a promise and a queue never disagree about what is open.
"""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from routing import hours

LOOK_AHEAD = timedelta(days=60)
ALWAYS = ((hours.Interval(0, hours.DAY),),) * 7
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MS = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Calendar:
    """``intervals``: (weekday, opens, closes), Monday is 0; none means always open, on holidays too.

    Overlapping intervals count once. ``closures``: emergencies as (start, end or None, reason); they close what is always open
    as well. Raises ValueError for an interval that closes before it opens.
    """

    zone: ZoneInfo
    intervals: tuple[tuple[int, time, time], ...]
    holidays: frozenset[date] = frozenset()
    closures: tuple[tuple[datetime, datetime | None, str], ...] = ()
    _rules: hours.Calendar = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        closed = tuple(hours.Holiday(day, "") for day in sorted(self.holidays)) if self.intervals else ()
        shut = tuple(hours.Closure(_ms(start), _ms(end) if end else None, why) for start, end, why in self.closures)
        object.__setattr__(self, "_rules", hours.Calendar(1, self.zone, self._weekly(), closed, shut))

    def _weekly(self) -> tuple[tuple[hours.Interval, ...], ...]:
        days: list[list[hours.Interval]] = [[] for _ in range(7)]
        for weekday, opens, closes in self.intervals:
            days[weekday].append(hours.Interval(_clock(opens), _clock(closes)))
        return tuple(map(tuple, days)) if self.intervals else ALWAYS

    def is_open(self, now: datetime) -> bool:
        return hours.is_open(self._rules, _ms(now))

    def next_opening(self, now: datetime) -> datetime | None:
        """The next instant at which it is open (``now`` itself when it is); None within 60 days."""
        return _from(now, hours.next_opening(self._rules, _ms(now)))

    def after(self, now: datetime, minutes: int) -> datetime | None:
        """The instant at which ``minutes`` of opening time have passed since ``now``; None within 60 days."""
        return _from(now, hours.add_open_ms(self._rules, _ms(now), minutes * 60_000))

    def minutes_between(self, a: datetime, b: datetime) -> float:
        """Opening minutes between two instants; 0 when ``b`` is not later."""
        return hours.open_ms_between(self._rules, _ms(a), _ms(b)) / 60_000


def _clock(at: time) -> int:
    return timedelta(hours=at.hour, minutes=at.minute, seconds=at.second, microseconds=at.microsecond) // MS


def _ms(at: datetime) -> int:
    return (at - EPOCH) // MS


def _from(now: datetime, at: int | None) -> datetime | None:
    """``at`` as an instant counted from ``now``, which may lie between two milliseconds."""
    if at is None:
        return None
    ahead = timedelta(milliseconds=at - _ms(now))
    return now + ahead if ahead <= LOOK_AHEAD else None
