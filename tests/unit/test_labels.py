"""The words of the report, the mail, the chart and the sheet."""

import string
from collections.abc import Mapping
from dataclasses import fields
from itertools import chain
from typing import Any, get_args

import pytest

from schemas.labels import DEFAULT_LANGUAGE, LABELS, Labels, Language
from schemas.summary import Severity, Stage
from tests.summaries import make_period

CHECKS = {
    "shape",
    "duplicate rows",
    "few duplicates",
    "unique id",
    "allowed attempt types",
    "allowed verdicts",
    "no date in the future",
    "user id present",
    "valid time",
    "inside the window",
    "run without verdict",
    "submit with verdict",
    "LTI parameters parsed",
    "storable text",
    "times with a fraction",
}


def texts(value: Any) -> list[str]:
    """Every text within a label, however deep."""
    if isinstance(value, Mapping):
        return list(chain.from_iterable(map(texts, value.values())))
    return list(chain.from_iterable(map(texts, value))) if isinstance(value, tuple) else [value]


def blanks(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_the_sheet_has_the_columns_that_dashboards_refer_to() -> None:
    assert LABELS["ru"].sheet_columns == ("Дата", "Всего попыток", "Успешных попыток", "Уникальных пользователей")
    assert LABELS["en"].sheet_columns == ("Date", "Attempts", "Successful attempts", "Unique users")


def test_russian_is_the_default_and_every_language_is_there() -> None:
    assert DEFAULT_LANGUAGE == "ru"
    assert set(LABELS) == set(get_args(Language))
    assert all(labels.language == language for language, labels in LABELS.items())


@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS)
def test_no_text_is_missing(labels: Labels) -> None:
    for field in fields(Labels):
        if field.name != "check_names":
            found = texts(getattr(labels, field.name))
            assert found, field.name
            assert all(found), field.name
    assert set(labels.stages) == set(get_args(Stage))
    assert set(labels.severities) == set(get_args(Severity))
    assert (len(labels.weekdays), len(labels.months)) == (7, 12)
    assert len(labels.figure_columns) == len(labels.text_columns) == 7


def test_both_languages_say_the_same_with_the_same_blanks_to_fill_in() -> None:
    for field in fields(Labels):
        russian, english = (texts(getattr(labels, field.name)) for labels in LABELS.values())
        if field.name != "check_names":
            assert list(map(blanks, russian)) == list(map(blanks, english)), field.name


def test_every_check_has_a_russian_name_and_a_new_one_keeps_its_own() -> None:
    assert set(LABELS["ru"].check_names) == CHECKS
    assert LABELS["ru"].check_name("no date in the future") == "нет дат в будущем"
    assert LABELS["ru"].check_name("a new check") == "a new check"
    assert LABELS["en"].check_name("shape") == "shape"


def test_numbers_are_written_as_the_language_writes_them() -> None:
    russian, english = LABELS["ru"], LABELS["en"]
    assert [russian.number(value) for value in (0, 999, 46680, 1234567)] == [
        "0",
        "999",
        "46\u202f680",
        "1\u202f234\u202f567",
    ]
    assert [english.number(value) for value in (0, 999, 46680, 1234567)] == ["0", "999", "46,680", "1,234,567"]
    assert [russian.percent(share) for share in (0.4534, 0, 1, None)] == [
        "45,3\u202f%",
        "0,0\u202f%",
        "100,0\u202f%",
        "—",
    ]
    assert [english.percent(share) for share in (0.4534, 0, 1, None)] == ["45.3%", "0.0%", "100.0%", "—"]


def test_days_and_periods_are_written_as_in_the_sheet() -> None:
    assert LABELS["ru"].day(make_period(1).first_day) == "2023-04-01, сб"
    assert LABELS["ru"].span(make_period(1)) == "2023-04-01"
    assert LABELS["ru"].span(make_period(30)) == "2023-04-01 — 2023-04-30"
    assert LABELS["en"].span(make_period(30)) == "2023-04-01 – 2023-04-30"
