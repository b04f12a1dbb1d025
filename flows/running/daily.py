"""The daily run's plan: the day itself, the days before it that may still change, and the gaps of the weeks before."""

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from prefect import get_run_logger

from schemas.period import Day, Period, Plan, days_between, start_of
from tasks.coverage import first_loaded, missing_days
from tasks.plan import split_into_windows

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine


def plan_daily(
    engine: "Engine", period: Period, window_hours: int, *, lookback_days: int, heal_days: int, refresh: bool
) -> Plan:
    """Plans the run for one day.

    Args:
        engine: where what is loaded is looked up.
        period: the day, alone.
        lookback_days: so many days before it are asked for again, for the sake of records that came late.
        refresh: the day itself is asked for again as well.
        heal_days: gaps within so many days before it are loaded; what lies before the first load is no gap.
    """
    (day,) = period.days
    lookback = _days_before(day, lookback_days, period)
    gaps = _find_gaps(engine, _days_before(day, heal_days, period), lookback)
    if gaps:
        get_run_logger().info("healing: %s were not loaded", ", ".join(gap.date.isoformat() for gap in gaps))
    days = [*gaps, *lookback, day]
    windows = [window for each in days for window in split_into_windows(_only(each, period), window_hours)]
    again = {
        window
        for each in [*lookback, *([day] if refresh else [])]
        for window in split_into_windows(_only(each, period), window_hours)
    }
    whole = tuple(days_between(days[0].start, period.end, period.time_zone))
    return Plan(replace(period, start=days[0].start, days=whole), tuple(windows), frozenset(again))


def _days_before(day: Day, count: int, period: Period) -> list[Day]:
    return list(days_between(start_of(day.date - timedelta(days=count), period.time_zone), day.start, period.time_zone))


def _find_gaps(engine: "Engine", days: list[Day], lookback: list[Day]) -> list[Day]:
    """Days between the first load and the lookback that are not wholly loaded."""
    first = first_loaded(engine)
    if first is None:
        return []
    return [day for day in missing_days(engine, days) if day.end > first and day not in lookback]


def _only(day: Day, period: Period) -> Period:
    return replace(period, start=day.start, end=min(day.end, period.end), days=(day,))
