"""Texts in every language, numbers and dates as each writes them, and the figures that they name."""

import string
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, get_args

import pytest

import tasks.analyses
from schemas.figures import DAILY_FIGURES, RAW_DATA
from schemas.language import Counted, Language, Text, write_number, write_short_day, write_value
from schemas.period import Window
from schemas.period_figures import PERIOD_FIGURES
from schemas.summary import Stage
from schemas.task_figures import TASK_FIGURES
from schemas.wording import STAGES
from tasks.analyses.checks import CHECKS
from tasks.check import check
from tasks.transform import transform

SPEAKING = ("schemas.wording", *(f"tasks.analyses.{found.name}" for found in iter_modules(tasks.analyses.__path__)))


def texts(value: Any) -> Iterator[Text]:
    """Every text within a module or a value of it, however deep."""
    if isinstance(value, Text):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from texts(each)


ALL_TEXTS = [
    *(text for module in SPEAKING for text in texts({**vars(import_module(module)), "__builtins__": None})),
    *(
        text
        for figure in (*DAILY_FIGURES, *PERIOD_FIGURES, *TASK_FIGURES)
        for text in (figure.title, figure.short, figure.meaning)
    ),
]


@pytest.mark.parametrize("text", ALL_TEXTS, ids=lambda text: text.en[:30])
def test_every_language_says_it_with_the_same_blanks(text: Text) -> None:
    said = [text.to(language) for language in get_args(Language)]
    assert all(said)
    assert len({frozenset(filter(None, (name for _, name, *_ in string.Formatter().parse(one)))) for one in said}) == 1


def test_every_stage_and_every_check_has_a_title() -> None:
    assert set(STAGES) == set(get_args(Stage))
    now = datetime(2023, 5, 1, tzinfo=UTC)
    results = check([], transform([]), Window(now - timedelta(hours=6), now), now).results
    assert set(CHECKS) == {result.check for result in results}


def test_the_sheet_has_the_columns_that_dashboards_refer_to() -> None:
    assert [(figure.title.ru, figure.title.en) for figure in RAW_DATA] == [
        ("Всего попыток", "Attempts"),
        ("Успешных попыток", "Successful attempts"),
        ("Уникальных пользователей", "Unique users"),
    ]


@pytest.mark.parametrize(
    ("value", "kind", "russian", "english"),
    [
        (0, "count", "0", "0"),
        (1234567, "count", "1\xa0234\xa0567", "1,234,567"),
        (0.4534, "share", "45,3\xa0%", "45.3%"),
        (1.0, "share", "100,0\xa0%", "100.0%"),
        (date(2023, 4, 1), "day", "2023-04-01, сб", "2023-04-01, Sat"),
        ("as it is", "text", "as it is", "as it is"),
        (None, "share", "—", "—"),
    ],
)
def test_values_are_written_by_their_kind(value: Any, kind: Any, russian: str, english: str) -> None:
    assert (write_value(value, kind, "ru"), write_value(value, kind, "en")) == (russian, english)


@pytest.mark.parametrize(
    ("count", "russian", "english"),
    [
        (0, "0 задач", "0 tasks"),
        (1, "1 задача", "1 task"),
        (2, "2 задачи", "2 tasks"),
        (5, "5 задач", "5 tasks"),
        (11, "11 задач", "11 tasks"),
        (21, "21 задача", "21 tasks"),
        (1002, "1\xa0002 задачи", "1,002 tasks"),
    ],
)
def test_a_noun_agrees_with_its_number(count: int, russian: str, english: str) -> None:
    tasks = Counted(("задача", "задачи", "задач"), ("task", "tasks"))
    assert (tasks.to("ru", count), tasks.to("en", count)) == (russian, english)


def test_the_chart_names_days_in_the_readers_language() -> None:
    assert write_short_day(date(2023, 4, 1), "ru") == "1 апр.\nсб"
    assert write_short_day(date(2023, 4, 1), "en") == "Apr 1\nSat"
    assert write_number(2.5, "ru") == "2,5"
