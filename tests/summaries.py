"""Outcomes of runs that never were, for the tests of what readers are told."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from schemas.figures import DAILY_FIGURES, RAW_DATA
from schemas.language import Language
from schemas.period import Day, Period
from schemas.section import Column, Row, Section, figure_columns
from schemas.summary import CheckResult, LoadCounts, RunSummary
from tasks.analyses.checks import analyse_checks
from tasks.analyses.days import describe_days
from tasks.analyses.records import analyse_records
from tasks.figures import DayFigures

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


def day_figures(day: date, *values: float | None, complete: bool = True) -> DayFigures:
    """A day's figures: attempts, successful attempts, unique users, runs, submits, success rate."""
    return DayFigures(day, complete, by_name(values))


def by_name(values: Iterable[float | None]) -> dict[str, float | None]:
    """The daily figures by their names."""
    return dict(zip((figure.name for figure in DAILY_FIGURES), values, strict=True))


def make_figures(day: date, *, complete: bool = True) -> DayFigures:
    """Figures that differ from one day to the next, with 40 % of the submits successful."""
    submits = 1000 + 10 * day.day
    counts = (3000 + submits + day.day, 400 + 4 * day.day, 300 + day.day, 3000, submits)
    return day_figures(day, *counts, 0.4, complete=complete)


def make_summary(
    days: int = 3,
    missing: Sequence[int] = (),
    incomplete: Sequence[int] = (),
    figures: Sequence[DayFigures] | None = None,
    **more: Any,
) -> RunSummary:
    """The outcome of a run over `days` days from 2023-04-01, with what the analyses say of it.

    Args:
        days: how many.
        missing: which of them, counted from 0, have no figures.
        incomplete: which of them are loaded in part.
        figures: other figures than those of `make_figures`.
        more: any other part of the outcome.
    """
    usual = {"counts": LoadCounts(12_345, 11_000, 12, 1_300, 7, 26, 1_234), "checks": CHECKS}
    outcome = RunSummary(
        **{
            "period": make_period(days),
            "started_at": datetime(2023, 5, 1, 3, 0, tzinfo=UTC),
            "windows": 4 * days,
            **usual,
            **more,
        }
    )
    known = figures or [
        make_figures(day.date, complete=place not in incomplete)
        for place, day in enumerate(outcome.period.days)
        if place not in missing
    ]
    attempts = sum(each.values["attempts"] or 0 for each in known)
    over = by_name((attempts, 900, 444, 3000, 1000, 0.375))
    engine: Any = None  # these two ask no database
    findings = (describe_days(outcome, known, over), analyse_records(engine, outcome), analyse_checks(engine, outcome))
    return RunSummary(**{name: getattr(outcome, name) for name in RunSummary.__slots__} | {"findings": findings})


class SheetDay(NamedTuple):
    """A row of the sheet's tab."""

    day: date
    attempts: int
    successful_attempts: int
    unique_users: int


def sheet_days(days: int, attempts: int = 100, first: date = FIRST_DAY) -> list[SheetDay]:
    """The figures of so many days."""
    return [SheetDay(first + timedelta(n), attempts + n, 10 + n, 5) for n in range(days)]


def as_section(days: Iterable[SheetDay], language: Language = "en") -> Section:
    """These rows as the section that the sheet is given."""
    columns = (Column("day", "Date", "day"), *figure_columns(RAW_DATA, language))
    return Section("history", "History", columns, tuple(Row(tuple(day)) for day in days))
