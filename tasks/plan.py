"""Plan: what a person asked for, dates in the reporting time zone, becomes the windows the API is asked for, in UTC.

From top to bottom: dates become a period (`plan_period`); the daily run's day is joined by lookback and gaps
(`plan_daily`); days become windows (`split_into_windows`).
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from schemas.period import Day, Period, Plan, Window, days_between, start_of
from tasks.errors import ArgumentError

MAX_DAYS = 400
"""The longest range of one run; a longer one is a backfill, which splits it."""

FIRST_YEAR, LAST_YEAR = 2000, 2100


def plan_period(
    start: date | str | None,
    end: date | str | None,
    time_zone: ZoneInfo,
    now: datetime,
    max_days: int | None = MAX_DAYS,
) -> Period:
    """Says which days and which exact span a run is about; nothing later than `now` is asked for.

    Args:
        start: the first day, or a moment; text is read as ISO 8601; None means the day of `end`, without one yesterday.
        end: the last day, inclusive, or a moment, exclusive; None means the day of `start`.
        time_zone: what a day and a moment without an offset refer to.
        max_days: the longest range; None for any, for what is split into several runs.

    Raises:
        ArgumentError: these dates cannot be used.
    """
    last = None if end is None else _read(end, "end_date", time_zone)
    if start is not None:
        first = _read(start, "start_date", time_zone)
    elif last is not None:
        # A midnight ends the day before it.
        first = _day_of(last, time_zone, earlier=timedelta(microseconds=1))
    else:
        first = day_before(now, time_zone)
    span_start = start_of(first, time_zone)
    span_end = _end_of(_day_of(first, time_zone) if last is None else last, time_zone)
    _check_span(span_start, span_end, first, last, now, "end_date" if start is None else "start_date")
    length = (span_end.astimezone(time_zone).date() - span_start.astimezone(time_zone).date()).days
    if max_days is not None and length > max_days:
        raise ArgumentError(
            f"{length} days are more than one run takes ({max_days}): ask for a shorter range, or run the backfill"
        )
    days = tuple(days_between(span_start, span_end, time_zone))
    if days[-1].start >= now:
        raise ArgumentError(f"end_date {last} is in the future: the last day that can be asked for is today")
    return Period(span_start, min(span_end, now.astimezone(UTC)), days, time_zone, is_cut_off=span_end > now)


def _check_span(start: datetime, end: datetime, first: date, last: date | None, now: datetime, given: str) -> None:
    if isinstance(last, datetime) and end == start:
        raise ArgumentError(f"start_date and end_date are the same moment, {first}: choose a later end")
    if end <= start:
        raise ArgumentError(f"end_date {last} is before start_date {first}: swap them or correct one")
    if start >= now:
        raise ArgumentError(f"{given} {first} is in the future: nothing has happened there yet")


def _read(value: date | str, name: str, time_zone: ZoneInfo) -> date:
    """A datetime where a time is given, else a date."""
    text = str(value).strip()
    try:
        moment = date.fromisoformat(text) if len(text) <= 10 else datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentError(
            f"{name} {text[:40]!r} is not a date: write it as 2023-04-01, or 2023-04-01T06:00 for a moment"
        ) from None
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise ArgumentError(f"{name} {text!r} is not in the years {FIRST_YEAR} to {LAST_YEAR}: correct the year")
    if not isinstance(moment, datetime) and start_of(moment, time_zone) == _end_of(moment, time_zone):
        raise ArgumentError(f"{name} {moment} does not exist: {time_zone.key} left that date out: choose another")
    return moment


def _day_of(moment: date, time_zone: ZoneInfo, earlier: timedelta = timedelta(0)) -> date:
    """The date itself; of a moment, the day on which it is, or was so much earlier."""
    if not isinstance(moment, datetime):
        return moment
    return (start_of(moment, time_zone) - earlier).astimezone(time_zone).date()


def _end_of(moment: date, time_zone: ZoneInfo) -> datetime:
    """A date is inclusive: it ends at the next day's start. A moment ends itself."""
    return start_of(moment if isinstance(moment, datetime) else moment + timedelta(days=1), time_zone)


def day_before(moment: datetime, time_zone: ZoneInfo) -> date:
    """The last day that was over at a moment."""
    today = start_of(moment.astimezone(time_zone).date(), time_zone)
    return (today - timedelta(microseconds=1)).astimezone(time_zone).date()


def plan_range(period: Period, hours: int, *, refresh: bool) -> Plan:
    """Plans a run for the days that it was asked for, in windows of `hours`."""
    windows = tuple(split_into_windows(period, hours))
    return Plan(period, windows, frozenset(windows if refresh else ()))


def plan_daily(
    period: Period,
    hours: int,
    find_gaps: Callable[[list[Day]], Iterable[Day]],
    *,
    lookback_days: int,
    heal_days: int,
    refresh: bool,
) -> Plan:
    """Plans the daily run, which is about its day and loads the gaps of the weeks before and the lookback as well.

    Args:
        period: the day, alone.
        find_gaps: says which of some days should be loaded and are not.
        lookback_days: fetch this many earlier days again, to catch late records.
        heal_days: look for gaps in this many days before the day.
        refresh: the day itself is asked for again as well.
    """
    (day,) = period.days

    def days_before(count: int) -> list[Day]:
        first = start_of(day.date - timedelta(days=count), period.time_zone)
        return list(days_between(first, day.start, period.time_zone))

    def windows_of(days: list[Day]) -> list[Window]:
        start = min(each.start for each in [*days, day])
        return split_into_windows(replace(period, start=start, days=tuple(days)), hours)

    lookback = days_before(lookback_days)
    gaps = [gap for gap in find_gaps(days_before(heal_days)) if gap not in lookback]
    again = windows_of([*lookback, day] if refresh else lookback)
    return Plan(period, tuple(windows_of([*gaps, *lookback, day])), frozenset(again), tuple(gaps))


def split_into_windows(period: Period, hours: int) -> list[Window]:
    """Cuts a period into windows of `hours` that begin at each day's start.

    Beginning anew each day keeps the windows of a day the same whatever range they are part of, so that overlapping
    ranges share cached answers; a day of 23 or 25 hours ends with a shorter or an additional window.
    """
    windows: list[Window] = []
    for day in period.days:
        start = day.start
        while start < day.end:
            end = min(start + timedelta(hours=hours), day.end)
            if start < period.end and end > period.start:
                windows.append(Window(max(start, period.start), min(end, period.end)))
            start = end
    return windows
