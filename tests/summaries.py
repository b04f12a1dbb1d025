"""Outcomes of runs that never were, for the tests of what readers are told."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from schemas.period import Day, Period
from schemas.summary import CheckResult, DailyFigures, LoadCounts, RunSummary

MOSCOW = ZoneInfo("Europe/Moscow")
FIRST_DAY = date(2023, 4, 1)
CHECKS = (
    CheckResult("no date in the future", "error", 7, "35…6a 2024-01-01"),
    CheckResult("run without verdict", "warning", 0),
    CheckResult("submit with verdict", "warning", 1234, "ab…31 2023-04-03 <script>alert(1)</script>"),
)


def make_period(days: int, first: date = FIRST_DAY) -> Period:
    """A period of whole days in Moscow."""
    dates = [first + timedelta(days=n) for n in range(days + 1)]
    starts = [datetime.combine(day, time(), MOSCOW).astimezone(UTC) for day in dates]
    return Period(starts[0], starts[-1], tuple(map(Day, dates, starts, starts[1:])), MOSCOW)


def make_figures(day: date) -> DailyFigures:
    """Figures that differ from one day to the next, with 40 % of the submits successful."""
    submits = 1000 + 10 * day.day
    return DailyFigures(
        day, 3000 + submits + day.day, 400 + 4 * day.day, 300 + day.day, 3000, submits, 0.4, complete=True
    )


def make_summary(days: int = 3, missing: Sequence[int] = (), incomplete: Sequence[int] = (), **more: Any) -> RunSummary:
    """The outcome of a run over `days` days from 2023-04-01.

    Args:
        days: how many.
        missing: which of them, counted from 0, have no figures.
        incomplete: which of them are loaded in part.
        more: any other part of the outcome.
    """
    period = make_period(days)
    figures = [
        replace(make_figures(day.date), complete=place not in incomplete)
        for place, day in enumerate(period.days)
        if place not in missing
    ]
    usual = {"counts": LoadCounts(12_345, 11_000, 12, 1_300, 7, 26, 1_234), "checks": CHECKS}
    return RunSummary(
        period=period,
        started_at=datetime(2023, 5, 1, 3, 0, tzinfo=UTC),
        windows=4 * days,
        figures=tuple(figures),
        **{**usual, **more},
    )
