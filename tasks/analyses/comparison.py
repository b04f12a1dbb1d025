"""Comparison: each figure of the period against the same weekday of the weeks before, and against the period before."""

from collections.abc import Sequence
from datetime import date, timedelta
from statistics import median
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy.engine import Engine

from schemas.figures import ATTEMPTS, DAILY_FIGURES, SUCCESS_RATE, UNIQUE_USERS
from schemas.language import (
    NOTHING,
    Counted,
    Kind,
    Language,
    Text,
    write_growth,
    write_percent,
    write_value,
    write_weekday,
)
from schemas.period import start_of
from schemas.period_figures import PERIOD_FIGURES
from schemas.section import Column, Findings, Headline, Row, Section, figure_columns
from schemas.small_numbers import hide_few
from schemas.summary import RunSummary
from tasks.figures import DayFigures, read_figures, read_figures_over
from tasks.learning import Span, Values, read_over

WEEKS: Final = 8
FEWEST_WEEKS: Final = 5

_FIGURES: Final = (*DAILY_FIGURES, *PERIOD_FIGURES)
_TITLE: Final = Text("Сравнение", "Comparison")
_WHAT: Final = Text("Период", "Period")
_NOW: Final = Text("Этот период", "This period")
_USUAL: Final = Text("Тот же день недели, медиана", "Same weekday, median")
_BEFORE: Final = Text("Период до него", "The period before")
_CHANGE: Final = Text("Изменение", "Change")
_FIGURE: Final = Text("Показатель", "Figure")
_BRIEF: Final = Text("Главное", "In brief")
_COUNTED: Final = Counted(("попытка", "попытки", "попыток"), ("attempt", "attempts"))
_ON: Final = {
    _USUAL: Text("{change} к обычному для этого дня недели", "{change} on what is usual for that weekday"),
    _BEFORE: Text("{change} к периоду до него", "{change} on the period before"),
}
_ON_WEEKDAY: Final = Text("{change} к {weekday}", "{change} on {weekday}")
_RIGHT: Final = Text("верных отправок {share}", "{share} of the submits right")
_RIGHT_SHORT: Final = Text("{share} верно", "{share} right")
_NOTE: Final = Text(
    "Медиана — по полным таким же дням недели за {weeks} недель, если их не меньше {fewest}. Доли сравниваются в "
    "процентных пунктах, остальное в процентах.",
    "The median is over the complete ones of the {weeks} weeks before, if there are at least {fewest}. Shares are "
    "compared in percentage points, all else in per cent.",
)


def analyse_comparison(engine: Engine, summary: RunSummary) -> Findings:
    """A row for the period, and for each thing that it is compared with the values and the change.

    Raises:
        TransientError, PermanentError: the database cannot be read.
    """
    period = summary.period
    first, last = period.first_day, period.last_day
    length = timedelta(days=(last - first).days + 1)
    spans = ((first, last), (first - length, last - length))
    weeks = _read_weeks(engine, first) if first == last else []
    learned = read_over(engine, [*spans, *((each.day, each.day) for each in weeks)])
    now, before = ({**_read_daily(engine, span, period.time_zone), **learned[span]} for span in spans)
    days = [{**each.values, **learned[each.day, each.day]} for each in weeks]
    if summary.course:
        told = [hide_few(values, values[UNIQUE_USERS.name]) for values in (now, before, *days)]
        return describe_comparison(summary, told[0], _find_usual(told[2:]), told[1])
    return describe_comparison(summary, now, _find_usual(days), before)


def describe_comparison(summary: RunSummary, now: Values, usual: Values, before: Values) -> Findings:
    """The news, the main figures beside what they are compared with first, and all figures beside all of it.

    Args:
        now: of the period.
        usual: the medians over the same weekday of the weeks before; empty where there are too few, or several days.
        before: of the period before.
    """
    language = summary.language
    if not now[ATTEMPTS.name]:
        return Findings()
    compared = [(text, values) for text, values in ((_USUAL, usual), (_BEFORE, before)) if values.get(ATTEMPTS.name)]
    headline = _tell(now, compared[0] if compared else None, summary)
    if not compared:
        return Findings((), (headline,))
    rows = [Row((_NOW.to(language), *(now[figure.name] for figure in _FIGURES)))]
    for text, values in compared:
        rows.append(Row((text.to(language), *(values[figure.name] for figure in _FIGURES))))
        changes = (write_change(now[each.name], values[each.name], each.kind, language) for each in _FIGURES)
        rows.append(Row((_CHANGE.to(language), *changes)))
    columns = (Column("period", _WHAT.to(language), "text"), *figure_columns(_FIGURES, language))
    note = _NOTE.to(language, weeks=WEEKS, fewest=FEWEST_WEEKS)
    section = Section("comparison", _TITLE.to(language), columns, tuple(rows), (note,))
    return Findings((_describe_briefly(now, *compared[0], language), section), (headline,))


def _describe_briefly(now: Values, what: Text, then: Values, language: Language) -> Section:
    """The main figures, a row each, as texts, since they are of several kinds."""
    columns = (
        Column("figure", _FIGURE.to(language), "text"),
        Column("now", _NOW.to(language), "number"),
        Column("then", what.to(language), "number"),
        Column("change", _CHANGE.to(language), "number"),
    )
    rows = (
        Row(
            (
                each.title.to(language),
                write_value(now[each.name], each.kind, language),
                write_value(then[each.name], each.kind, language),
                write_change(now[each.name], then[each.name], each.kind, language),
            )
        )
        for each in (ATTEMPTS, UNIQUE_USERS, SUCCESS_RATE)
    )
    return Section("brief", _BRIEF.to(language), columns, tuple(rows), is_brief=True)


def _tell(now: Values, compared: tuple[Text, Values] | None, summary: RunSummary) -> Headline:
    """Such as `4 350 попыток, +6 % к обычному для этого дня недели; верных отправок 50 %`."""
    language, rate = summary.language, now[SUCCESS_RATE.name]
    attempts = _COUNTED.to(language, round(now[ATTEMPTS.name] or 0))
    told, short = attempts, attempts
    if compared:
        what, then = compared
        growth = (now[ATTEMPTS.name] or 0) / (then[ATTEMPTS.name] or 1) - 1
        change = write_growth(growth, language, decimals=0)
        told += f", {_ON[what].to(language, change=change)}"
        if what is _USUAL:
            weekday = write_weekday(summary.period.last_day, language)
            short += f" ({_ON_WEEKDAY.to(language, change=change, weekday=weekday)})"
    if rate is not None:
        share = write_percent(rate, language, decimals=0)
        told += f"; {_RIGHT.to(language, share=share)}"
        short += f", {_RIGHT_SHORT.to(language, share=share)}"
    return Headline(told, "news", short)


def _read_daily(engine: Engine, span: Span, time_zone: ZoneInfo) -> Values:
    start, end = (start_of(day, time_zone) for day in (span[0], span[1] + timedelta(days=1)))
    return read_figures_over(engine, start, end)


def _read_weeks(engine: Engine, day: date) -> list[DayFigures]:
    """The same weekday of the weeks before; none if too few of them are complete."""
    dates = [day - timedelta(weeks=week) for week in range(1, WEEKS + 1)]
    known = [each for each in read_figures(engine, dates[-1], dates[0]) if each.complete and each.day in dates]
    return known if len(known) >= FEWEST_WEEKS else []


def _find_usual(days: Sequence[Values]) -> Values:
    found = {each.name: [value for one in days if (value := one[each.name]) is not None] for each in _FIGURES}
    return {name: median(values) if values else None for name, values in found.items()}


def write_change(now: float | None, then: float | None, kind: Kind, language: Language) -> str:
    """A change as a reader sees it: of shares in percentage points, of all else in per cent of what it was."""
    if now is None or then is None or (kind != "share" and not then):
        return NOTHING
    if kind == "share":
        return write_value(now - then, "change", language)
    return write_growth(now / then - 1, language)
