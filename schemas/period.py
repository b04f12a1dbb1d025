"""The two kinds of time span: the period a run is about, and the windows the API is asked for."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Window:
    """One request's worth of time, half-open: `start <= created_at < end`, both aware and in UTC."""

    start: datetime
    end: datetime

    def __str__(self) -> str:
        return f"{self.start:%Y-%m-%d %H:%M}"


@dataclass(frozen=True, slots=True)
class Day:
    """A calendar day of the reporting time zone and the moments (UTC, half-open) between which it lies.

    The moments are computed here rather than in SQL, so that Python's and PostgreSQL's time zone data need not agree.
    """

    date: date
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Period:
    """What a run is about: the days it covers, in full or in part, and the exact span `[start, end)` in UTC.

    Attributes:
        is_cut_off: the last day is not over yet, so `end` is the present.
    """

    start: datetime
    end: datetime
    days: tuple[Day, ...]
    time_zone: ZoneInfo
    is_cut_off: bool = False

    @property
    def first_day(self) -> date:
        """The first day, in the reporting time zone."""
        return self.days[0].date

    @property
    def last_day(self) -> date:
        """The last day, inclusive."""
        return self.days[-1].date

    @property
    def first(self) -> str:
        """The first day, with the time at which the period begins unless that is the day's start."""
        return self._name(self.first_day, self.start, self.days[0].start)

    @property
    def last(self) -> str:
        """The last day, inclusive, with the time at which the period ends unless that is the day's end."""
        return self._name(self.last_day, self.end, self.days[-1].end)

    @property
    def file_stem(self) -> str:
        """What the files about it are called, such as `2023-04-01_2023-04-30`; today's stay the same all day."""
        last = self.last_day.isoformat() if self.is_cut_off else self.last
        names = dict.fromkeys((self.first, last))
        return "_".join(names).replace(" ", "T").replace(":", "")

    def __str__(self) -> str:
        return " to ".join(dict.fromkeys((self.first, self.last)))

    def _name(self, day: date, moment: datetime, whole: datetime) -> str:
        return day.isoformat() if moment == whole else f"{moment.astimezone(self.time_zone):%Y-%m-%d %H:%M}"


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run asks for.

    Attributes:
        period: the days that it reports on.
        windows: what it loads; of a daily run, earlier days too.
        refresh: those of the windows whose answer is asked for even if it is cached.
        gaps: days that should have been loaded and were not: it loads them, too.
    """

    period: Period
    windows: tuple[Window, ...]
    refresh: frozenset[Window]
    gaps: tuple[Day, ...] = ()


def start_of(moment: date, time_zone: ZoneInfo) -> datetime:
    """The moment in UTC at which a date begins, or a datetime is; one without an offset is in `time_zone`."""
    if isinstance(moment, datetime):
        aware = moment if moment.tzinfo else moment.replace(tzinfo=time_zone)
        return aware.astimezone(UTC)
    return datetime.combine(moment, time.min, time_zone).astimezone(UTC)


def days_between(start: datetime, end: datetime, time_zone: ZoneInfo) -> Iterator[Day]:
    """The days of `time_zone` that `[start, end)` touches, oldest first.

    A date that the time zone left out, such as 2011-12-30 in Samoa, is none of them.
    """
    day = start.astimezone(time_zone).date()
    while (day_start := start_of(day, time_zone)) < end:
        day += timedelta(days=1)
        if (day_end := start_of(day, time_zone)) > day_start:
            yield Day(day - timedelta(days=1), day_start, day_end)
