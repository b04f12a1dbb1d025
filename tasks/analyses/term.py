"""The term at a glance: the attempts of each day of a year, those of the last weeks beside what was to be expected."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Final

from sqlalchemy.engine import Engine

from schemas import figures
from schemas.language import Counted, Language, Text
from schemas.section import Column, Findings, Panel, Row, Section
from schemas.summary import RunSummary
from schemas.wording import DAY, NO, YES
from tasks.anomalies import Anomaly, read_anomalies
from tasks.days_off import find_days_off
from tasks.figures import DayFigures, read_figures
from tasks.judging import ACTIVE_STUDENTS, ATTEMPTS, Figures, Flags, Judgement, Observed, judge_day

MOST_DAYS: Final = 365
FEWEST_DAYS: Final = 29
"""A shorter history is all in the figures by day."""
JUDGED_DAYS: Final = 56
"""What was expected is computed for so many days: for a year it would take a tenth of a second."""

_TITLE: Final = Text("Семестр одним взглядом", "The term at a glance")
_LOW: Final = Text("Обычно от", "Usually from")
_HIGH: Final = Text("Обычно до", "Usually to")
_UNUSUAL: Final = Text("Необычно", "Unusual")
_MARKED: Final = Text("необычный день", "unusual day")
_BAND: Final = Text(
    "Полоса — сколько попыток было бы обычным, за последние {days}, если для сравнения хватает прошлых недель.",
    "The band is how many attempts would be usual, for the last {days}, where enough weeks before can be compared.",
)
_DAYS: Final = Counted(("день", "дня", "дней"), ("day", "days"))


def analyse_term(engine: Engine, summary: RunSummary) -> Findings:
    """A row for each day up to the period's last, of all courses together; unusual days are those in `anomalies`.

    Raises:
        TransientError, PermanentError: the database cannot be read.
    """
    language, last = summary.language, summary.period.last_day
    known = {each.day: each for each in read_figures(engine, last - timedelta(MOST_DAYS - 1), last)}
    if not known or last - min(known) < timedelta(FEWEST_DAYS - 1):
        return Findings()
    days = [min(known) + timedelta(number) for number in range((last - min(known)).days + 1)]
    unusual = {
        each.day: each for each in read_anomalies(engine, days[0], last) if (each.course, each.figure) == ("", ATTEMPTS)
    }
    days_off = find_days_off(summary.holidays)
    usable = {day: _observe(each) for day, each in known.items() if each.complete and day not in days_off}
    return Findings((_describe(days, known, usable, unusual, language),))


def _observe(day: DayFigures) -> Figures:
    attempts, students = (int(day.values[each.name] or 0) for each in (figures.ATTEMPTS, figures.UNIQUE_USERS))
    return {("", ATTEMPTS): Observed(attempts, by=students), ("", ACTIVE_STUDENTS): Observed(students)}


def _describe(
    days: list[date],
    known: Mapping[date, DayFigures],
    usable: Mapping[date, Figures],
    unusual: Mapping[date, Anomaly],
    language: Language,
) -> Section:
    flags: Flags = {
        day: {("", ATTEMPTS): Judgement(each.value, each.expected, each.low, each.high, is_anomaly=True)}
        for day, each in unusual.items()
    }
    judged = {day: judge_day(day, usable.get, flags).get(("", ATTEMPTS)) for day in days[-JUDGED_DAYS:]}
    rows = []
    for day in days:
        expected = judged.get(day)
        low, high = (round(expected.low), round(expected.high)) if expected else (None, None)
        attempts = known[day].values[figures.ATTEMPTS.name] if day in known else None
        said = (YES if day in unusual else NO).to(language)
        rows.append(Row((day, attempts, low, high, said), "warning" if day in unusual else "plain"))
    columns = (
        Column("day", DAY.to(language), "day"),
        Column("attempts", figures.ATTEMPTS.title.to(language), "count"),
        Column("low", _LOW.to(language), "count"),
        Column("high", _HIGH.to(language), "count"),
        Column("unusual", _UNUSUAL.to(language), "text"),
    )
    return Section(
        "term",
        _TITLE.to(language),
        columns,
        tuple(rows),
        (_BAND.to(language, days=_DAYS.to(language, JUDGED_DAYS)),),
        panels=(Panel("band", ("attempts", "low", "high")),),
        marked=_MARKED.to(language),
        is_picture=True,
    )
