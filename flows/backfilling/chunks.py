"""Chunks: a long range of days in calendar months, or groups of months, each for one run."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import groupby
from typing import Final
from zoneinfo import ZoneInfo

from schemas.period import Day, Period, start_of

MOST_RANGES: Final = 20
"""Where days are listed, no more ranges than this are named."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Consecutive days for one run; the first and the last are cut where the range begins or ends within them."""

    days: tuple[Day, ...]
    time_zone: ZoneInfo

    def __str__(self) -> str:
        return _name(self.days[0].date, self.days[-1].date)


def split_into_chunks(period: Period, months: int) -> list[Chunk]:
    """Cuts a period where a month begins, or every third month: January, April and so on.

    So ranges that overlap have chunks in common, and a backfill finds the runs that an earlier one has started.
    """
    days = (replace(day, start=max(day.start, period.start), end=min(day.end, period.end)) for day in period.days)
    groups = groupby(days, key=lambda day: (12 * day.date.year + day.date.month - 1) // months)
    return [Chunk(tuple(group), period.time_zone) for _, group in groups]


def to_parameters(first: Day, last: Day, time_zone: ZoneInfo) -> dict[str, str]:
    """The days from `first` to `last` as parameters of a run: dates, or the exact moment where a day is cut."""
    starts_whole = first.start == start_of(first.date, time_zone)
    ends_whole = last.end == start_of(last.date + timedelta(days=1), time_zone)
    return {
        "start_date": first.date.isoformat() if starts_whole else first.start.isoformat(),
        "end_date": last.date.isoformat() if ends_whole else last.end.isoformat(),
    }


def describe_days(days: Sequence[Day]) -> str:
    """The days in one line, such as `2023-03-04 to 2023-03-09, 2023-07-01`."""
    ranges = list(date_ranges(day.date for day in days))
    shown = ", ".join(_name(first, last) for first, last in ranges[:MOST_RANGES])
    return f"{shown} and {len(ranges) - MOST_RANGES} more ranges" if len(ranges) > MOST_RANGES else shown


def date_ranges(dates: Iterable[date]) -> Iterator[tuple[date, date]]:
    """Dates that follow each other, as first and last, oldest first."""
    # As long as no date is left out, the difference between a date and its place in the order stays the same.
    for _, run in groupby(enumerate(sorted(dates)), key=lambda pair: pair[1].toordinal() - pair[0]):
        consecutive = [day for _, day in run]
        yield consecutive[0], consecutive[-1]


def _name(first: date, last: date) -> str:
    return first.isoformat() if first == last else f"{first} to {last}"
