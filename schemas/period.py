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
    """What a run is about: the days it covers, in full or in part, and the exact span `[start, end)` in UTC."""

    start: datetime
    end: datetime
    days: tuple[Day, ...]
    time_zone: ZoneInfo

    @property
    def first_day(self) -> date:
        """The first day, in the reporting time zone."""
        return self.days[0].date

    @property
    def last_day(self) -> date:
        """The last day, in the reporting time zone, inclusive."""
        return self.days[-1].date

    @property
    def file_stem(self) -> str:
        """What the files about it are called, such as `2023-04-01_2023-04-30`."""
        return str(self).replace(" to ", "_")

    def __str__(self) -> str:
        if self.first_day == self.last_day:
            return self.first_day.isoformat()
        return f"{self.first_day} to {self.last_day}"


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run asks for.

    Attributes:
        period: the days that it reports on.
        windows: what it loads; not all of the period where a part is known to be loaded.
        refresh: those of the windows whose answer is asked for even if it is cached.
    """

    period: Period
    windows: tuple[Window, ...]
    refresh: frozenset[Window]


def start_of(moment: date, time_zone: ZoneInfo) -> datetime:
    """The moment in UTC at which a date begins, or a datetime is; one without an offset is in `time_zone`."""
    if isinstance(moment, datetime):
        aware = moment if moment.tzinfo else moment.replace(tzinfo=time_zone)
        return aware.astimezone(UTC)
    return datetime.combine(moment, time.min, time_zone).astimezone(UTC)


def days_between(start: datetime, end: datetime, time_zone: ZoneInfo) -> Iterator[Day]:
    """The days of `time_zone` that `[start, end)` touches, oldest first."""
    day = start.astimezone(time_zone).date()
    while (day_start := start_of(day, time_zone)) < end:
        yield Day(day, day_start, start_of(day + timedelta(days=1), time_zone))
        day += timedelta(days=1)
