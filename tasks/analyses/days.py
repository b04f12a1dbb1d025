"""Days: the figures of each day of the period, with the period's own; of a short one, those of the weeks before too."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Final

from sqlalchemy.engine import Engine

from schemas.figures import ATTEMPTS, DAILY_FIGURES, RAW_DATA, SUCCESS_RATE, SUCCESSFUL_ATTEMPTS, UNIQUE_USERS
from schemas.language import NOTHING, Counted, Language, Text, Value
from schemas.period import days_between, start_of
from schemas.section import Column, Findings, Headline, Panel, Row, Section, figure_columns
from schemas.small_numbers import hide_few
from schemas.summary import RunSummary
from schemas.wording import DAY, FEW_WITHHELD, INCOMPLETE_DAY, NO, NO_DATA, NO_FIGURES, TOTAL, YES
from tasks.figures import DayFigures, read_figures, read_figures_over

FEWEST_DAYS: Final = 28
"""One day alone tells little: so many are shown, up to the period's last one."""

_TITLE: Final = Text("Показатели по дням", "Figures by day")
_COMPLETE: Final = Text("День загружен полностью", "Day fully loaded")
_LOADED: Final = Text("Полный", "Full")
_COMPLETE_MEANING: Final = Text(
    "«нет» — данные за день загружены не целиком, и его показатели ещё вырастут.",
    "“no”: the day's data is loaded only in part, and its figures will grow.",
)
_DAY_LASTS: Final = Text(
    "День длится от полуночи до полуночи в часовом поясе {time_zone}.",
    "A day lasts from midnight to midnight in the time zone {time_zone}.",
)
_NONE: Final = Text("Попыток не было", "There were no attempts")
_GROWING: Final = Text(
    "Загружено не полностью: {days}; показатели ещё вырастут", "Loaded only in part: {days}; the figures will grow"
)
_DAYS: Final = Counted(("день", "дня", "дней"), ("day", "days"))

_PANELS: Final = (
    Panel("bars", (ATTEMPTS.name, SUCCESSFUL_ATTEMPTS.name)),
    Panel("line", (UNIQUE_USERS.name,)),
    Panel("line", (SUCCESS_RATE.name,)),
)


def analyse_days(engine: Engine, summary: RunSummary) -> Findings:
    """Reads the figures of the period's days, and of days before it as far as there are any; see `describe_days`."""
    period = summary.period
    first = min(period.first_day, period.last_day - timedelta(days=FEWEST_DAYS - 1))
    known = read_figures(engine, first, period.last_day)
    return describe_days(summary, known, read_figures_over(engine, period.days[0].start, period.days[-1].end))


def describe_days(summary: RunSummary, figures: Sequence[DayFigures], over: Mapping[str, float | None]) -> Findings:
    """A row for each day; a day without figures is named too, never left out silently.

    Args:
        figures: of the days of which anything is known, oldest first, those before the period among them.
        over: the same figures over all attempts of the period, in which a student of several days counts once.
    """
    period, language = summary.period, summary.language
    if summary.course:
        figures = [replace(each, values=hide_few(each.values, each.values[UNIQUE_USERS.name])) for each in figures]
        over = hide_few(over, over[UNIQUE_USERS.name])
    is_told = all(each.values[UNIQUE_USERS.name] is not None for each in figures)
    known = {each.day: each for each in figures}
    if not known:
        return Findings(headlines=() if over[ATTEMPTS.name] else (Headline(NO_FIGURES.to(language)),))
    begin = start_of(min(period.first_day, figures[0].day), period.time_zone)
    days = tuple(days_between(begin, period.days[-1].end, period.time_zone))
    complete, loaded, meaning = (text.to(language) for text in (_COMPLETE, _LOADED, _COMPLETE_MEANING))
    section = Section(
        "days",
        _TITLE.to(language),
        (
            _day_column(language),
            *figure_columns(DAILY_FIGURES, language),
            Column("complete", complete, "text", loaded, meaning),
        ),
        tuple(_row(day.date, known.get(day.date), language) for day in days),
        (
            _DAY_LASTS.to(language, time_zone=period.time_zone.key),
            *(() if is_told else (FEW_WITHHELD.to(language, few=NOTHING),)),
        ),
        (TOTAL.to(language), *_total(figures, over), "") if days == period.days else None,
        _PANELS,
        INCOMPLETE_DAY.to(language),
    )
    growing = [day.date for day in period.days if day.date not in known or not known[day.date].complete]
    headlines = [Headline(_GROWING.to(language, days=_DAYS.to(language, len(growing))), "note")] if growing else []
    if not over[ATTEMPTS.name]:
        headlines.append(Headline(_NONE.to(language), short=_NONE.to(language)))
    return Findings((section,), tuple(headlines))


def history(engine: Engine, summary: RunSummary) -> Section:
    """The whole history, a row a day, oldest first, in the columns of the sheet's tab `RawData`."""
    language, names = summary.language, [figure.name for figure in RAW_DATA]
    rows = tuple(Row((each.day, *(each.values[name] for name in names))) for each in read_figures(engine))
    columns = (_day_column(language), *figure_columns(RAW_DATA, language))
    return Section("history", _TITLE.to(language), columns, rows)


def _day_column(language: Language) -> Column:
    return Column("day", DAY.to(language), "day")


def _row(day: date, figures: DayFigures | None, language: Language) -> Row:
    if figures is None:
        return Row((day, *(None for _ in DAILY_FIGURES), NO_DATA.to(language)), "warning")
    complete = (YES if figures.complete else NO).to(language)
    values = [figures.values[figure.name] for figure in DAILY_FIGURES]
    return Row((day, *values, complete), "plain" if figures.complete else "warning")


def _total(days: Iterable[DayFigures], over: Mapping[str, float | None]) -> list[Value]:
    """The figures of all days together: the sum of theirs, or, where that means nothing, those of the whole period."""
    return [
        _sum([each.values[figure.name] for each in days]) if figure.is_sum else over[figure.name]
        for figure in DAILY_FIGURES
    ]


def _sum(values: Sequence[float | None]) -> float | None:
    """None if a day's value is withheld, which the others and their sum would give away."""
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None
