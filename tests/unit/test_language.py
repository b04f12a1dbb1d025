"""Texts in every language, numbers and dates as each writes them, and the figures that they name."""

import html
import re
import string
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any, get_args

import pytest

import tasks.analyses
from flows.running.artifacts import describe_run
from schemas.figures import DAILY_FIGURES, RAW_DATA
from schemas.language import Counted, Language, Text, write_number, write_short_day, write_value
from schemas.period import Window
from schemas.period_figures import PERIOD_FIGURES
from schemas.section import Findings, Headline, Urgency
from schemas.summary import CheckResult, Stage, StageFailure
from schemas.task_figures import TASK_FIGURES
from schemas.wording import STAGES
from tasks.analyses.checks import CHECKS
from tasks.check import check
from tasks.mail import build_message
from tasks.report import render_html
from tasks.transform import transform
from tests.fixtures.summaries import make_summary

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
    assert re.search("[А-Яа-яЁё]", text.ru) or not re.search("[A-Za-z]", text.en)
    assert not re.search("[А-Яа-яЁё]", text.en)


NAMES = {"CodeGrader", "Prefect", "LTI", "UTC", "id", "run", "submit", "is_correct"}
"""What has no other name in Russian: products, abbreviations, the API's fields and their values."""


def seen_on(page: str) -> str:
    """What a reader of a page sees or hears."""
    spoken = re.findall(r'\b(?:alt|title|placeholder|aria-label)="([^"]*)"', page)
    page = re.sub(r"<(style|script)\b.*?</\1>", "", page, flags=re.DOTALL)
    return html.unescape(" ".join([re.sub("<[^>]+>", " ", page), *spoken]))


def test_no_target_has_words_of_its_own() -> None:
    failures = (StageFailure("load", "…", tuple(map(str, range(20)))), StageFailure("sheet", "…"))
    checks = (CheckResult("no date in the future", "error", 7), CheckResult("submit with verdict", "warning", 0))
    good = make_summary(60, missing=[1], incomplete=[0], checks=checks, skipped=("mail",))
    headlines = tuple(Headline("…", urgency, "…", "https://7.7", "days") for urgency in get_args(Urgency))
    good = replace(good, findings=(*good.findings, Findings(headlines=headlines)), mended=headlines[0])
    good = replace(good, sheet_url="https://7.7", report_url="https://7.7", run_url="https://7.7")
    for summary in (good, replace(good, failures=failures, report_url=None)):
        mail = build_message(summary, "7@7.7", ["7@7.7"], b"7", datetime.now(UTC))
        plain, page = (mail.get_body((kind,)) for kind in ("plain", "html"))
        assert plain
        assert page
        said = {
            "subject": mail["Subject"],
            "plain": plain.get_content(),
            "mail": seen_on(page.get_content()),
            "report": seen_on(render_html(summary)),
            "dashboard": "\n".join(describe_run(summary, None, Path("7"), (mail,))).replace("\\", ""),
        }
        for target, text in said.items():
            words = set(re.findall("[A-Za-z][A-Za-z_]*", re.sub(r"https?://\S*|Europe/Moscow|на машине \S*", "", text)))
            assert words <= NAMES, target


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
        (0.062, "change", "+6,2\xa0п.\xa0п.", "+6.2\xa0pp"),
        (-0.5, "change", "-50,0\xa0п.\xa0п.", "-50.0\xa0pp"),
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
