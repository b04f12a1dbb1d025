"""Anomalies: which figures of the period's days were not to be expected, and which days could not be judged."""

from collections.abc import Mapping, Sequence
from datetime import date
from types import MappingProxyType
from typing import Final

from sqlalchemy.engine import Engine

from schemas import figures
from schemas.courses import course_name
from schemas.language import Counted, Kind, Language, Text, Value, write_day, write_value
from schemas.section import Column, Findings, Headline, Row, Section
from schemas.small_numbers import FEWEST_STUDENTS
from schemas.summary import RunSummary
from schemas.wording import SMALL_COURSES
from tasks import anomalies
from tasks.anomalies import Anomaly, Unjudged, read_anomalies, read_unjudged
from tasks.days_off import find_days_off

MOST_TOLD: Final = 3
"""So many anomalies are told one by one."""
MOST_NAMED: Final = 10
"""So many days or courses are named in a note."""

_TITLE: Final = Text("Необычные дни", "Unusual days")
_COLUMNS: Final = (
    Column("day", "", "day"),
    *(Column(name, "", "text") for name in ("course", "figure", "value", "expected", "low", "high")),
)
_TITLES: Final[Mapping[str, Text]] = MappingProxyType(
    {
        "day": Text("Дата", "Date"),
        "course": Text("Курс", "Course"),
        "figure": Text("Показатель", "Figure"),
        "value": Text("Значение", "Value"),
        "expected": Text("Ожидалось", "Expected"),
        "low": Text("Обычно от", "Usually from"),
        "high": Text("Обычно до", "Usually to"),
    }
)
_FIGURES: Final[Mapping[str, tuple[Text, Kind]]] = MappingProxyType(
    {each.name: (each.title, each.kind) for each in (figures.ATTEMPTS, figures.UNIQUE_USERS, figures.SUCCESS_RATE)}
    | {
        anomalies.UNREADABLE: (Text("Доля попыток без курса", "Attempts without a course"), "share"),
        anomalies.REJECTED: (Text("Отклонено записей", "Rejected records"), "count"),
        anomalies.DUPLICATES: (Text("Точных повторов", "Exact duplicates"), "count"),
    }
)
_ALL: Final = Text("все курсы", "all courses")
_TOLD: Final = Text(
    "{day}, {course}: {figure} — {value}, ожидалось {expected}",
    "{day}, {course}: {figure} {value}, expected {expected}",
)
_SHORT: Final = Text("{figure}: {value} вместо {expected}", "{figure}: {value}, not {expected}")
_MORE: Final = Text("Необычного ещё: {count}", "{count} more that are unusual")
_RULE: Final = Text(
    "День сравнивается с 8 неделями до него: теми же днями недели, ростом и разбросом.",
    "A day is compared with the 8 weeks before it: the same weekdays, the growth and the spread.",
)
_NONE: Final = Text("Необычного не найдено.", "Nothing unusual was found.")
_DAYS: Final = Counted(("день", "дня", "дней"), ("day", "days"))
_COURSES: Final = Counted(("курс", "курса", "курсов"), ("course", "courses"))
_UNJUDGED: Final[Mapping[str, Text]] = MappingProxyType(
    {
        "short": Text(
            "Не оценено, мало истории или студентов: {which}.",
            "Not judged, too little history or too few students: {which}.",
        ),
        "courses": Text(
            "Не оценено в курсе, мало истории или студентов: {which}.",
            "Not judged in a course, too little history or too few students: {which}.",
        ),
        "incomplete": Text("Не оценено, неполный день: {which}.", "Not judged, incomplete day: {which}."),
        "off": Text("Не оценено, выходной или праздник: {which}.", "Not judged, day off: {which}."),
    }
)


def analyse_anomalies(engine: Engine, summary: RunSummary) -> Findings:
    """A row for each figure of the period's days that was not to be expected, in all courses and in each.

    Raises:
        TransientError, PermanentError: the database cannot be read.
    """
    period, language = summary.period, summary.language
    found = read_anomalies(engine, period.first_day, period.last_day, FEWEST_STUDENTS)
    days_off = find_days_off(summary.holidays)
    unjudged = read_unjudged(engine, period.first_day, period.last_day, period.time_zone, days_off)
    section = Section(
        "anomalies",
        _TITLE.to(language),
        tuple(Column(each.name, _TITLES[each.name].to(language), each.kind) for each in _COLUMNS),
        tuple(Row((each.day, *_describe(each, summary).values()), "warning") for each in found),
        (*(() if found else (_NONE.to(language),)), *_notes(unjudged, language)),
    )
    # What concerns all courses is told before what concerns one.
    first = sorted(found, key=lambda each: (each.course != "", each.day))[:MOST_TOLD]
    told: list[Headline] = []
    for each in first:
        said = _describe(each, summary)
        text = _TOLD.to(language, day=write_day(each.day, language), **said)
        told.append(Headline(text, "alarm", "" if told else _SHORT.to(language, **said), section=section.name))
    if len(found) > MOST_TOLD:
        told.append(Headline(_MORE.to(language, count=len(found) - MOST_TOLD), "alarm", section=section.name))
    return Findings((section,), tuple(told))


def _describe(anomaly: Anomaly, summary: RunSummary) -> dict[str, Value]:
    language = summary.language
    title, kind = _FIGURES[anomaly.figure]
    numbers = {name: getattr(anomaly, name) for name in ("value", "expected", "low", "high")}
    return {
        "course": course_name(anomaly.course) or summary.course_name or _ALL.to(language),
        "figure": title.to(language),
        **{
            name: write_value(round(value) if kind == "count" else value, kind, language)
            for name, value in numbers.items()
        },
    }


def _notes(unjudged: Unjudged, language: Language) -> list[str]:
    reasons = {name: getattr(unjudged, name) for name in _UNJUDGED}
    rules = [_RULE.to(language), SMALL_COURSES.to(language, fewest=FEWEST_STUDENTS)]
    return rules + [
        _UNJUDGED[name].to(language, which=_name(which, language)) for name, which in reasons.items() if which
    ]


def _name(which: Sequence[date] | Sequence[str], language: Language) -> str:
    if len(which) > MOST_NAMED:
        return (_COURSES if isinstance(which[0], str) else _DAYS).to(language, len(which))
    return ", ".join(course_name(str(each)) for each in which)
