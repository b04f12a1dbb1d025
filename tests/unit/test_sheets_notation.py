"""What the Sheets stand-in makes of typed texts, of ranges and of field masks."""

import pytest

from tests.sandbox.sheets.errors import SandboxBugError
from tests.sandbox.sheets.json_types import Json, JsonObject
from tests.sandbox.sheets.masks import parse_mask, select, update_fields
from tests.sandbox.sheets.messages import check_answer
from tests.sandbox.sheets.notation import read_entered, show_cell
from tests.sandbox.sheets.ranges import format_range, parse_range, split_title


@pytest.mark.parametrize(
    ("typed", "value", "shown"),
    [
        ("007", 7, "7"),
        (" -1.50 ", -1.5, "-1.5"),
        ("2,000,000.01", 2000000.01, "2,000,000.01"),
        ("12.5%", 0.125, "12.50%"),
        ("7e30", 7e30, "7E+30"),
        ("2020-01-01", 43831, "2020-01-01"),
        ("4/1/2023", 45017, "4/1/2023"),
    ],
)
def test_numbers_and_dates_are_understood_and_shown_as_they_were_typed(typed: str, value: float, shown: str) -> None:
    entered, number_format = read_entered(typed)
    assert entered == {"numberValue": pytest.approx(value)}
    cell = {"userEnteredValue": entered, "userEnteredFormat": {"numberFormat": number_format or {}}}
    assert show_cell(cell, "en_US") == shown


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("true", {"boolValue": True}),
        ("'=1+1", {"stringValue": "=1+1"}),
        ("", None),
        ("2020-02-30", {"stringValue": "2020-02-30"}),
        ("2023-04-01T10:00:00Z", {"stringValue": "2023-04-01T10:00:00Z"}),
        ("-", {"stringValue": "-"}),
        ("=1+1", {"formulaValue": "=1+1"}),
        ("+7 999 123-45-67", {"formulaValue": "=+7 999 123-45-67"}),
    ],
)
def test_everything_else_is_text_a_truth_value_or_a_formula(typed: str, value: Json) -> None:
    assert read_entered(typed) == (value, None)


@pytest.mark.parametrize(
    ("number", "kind", "pattern", "shown"),
    [
        (1 / 3, "", "", "0.3333333333"),
        (1e-10, "", "", "1E-10"),
        (-1234.5, "NUMBER", "", "-1,234.50"),
        (0.5, "NUMBER", '0.0#" of 1"', "0.5 of 1"),
        (0.256, "PERCENT", "0%", "26%"),
        (45017.75, "DATE", "", "4/1/2023"),
        (45017.75, "DATE_TIME", "dddd, d mmm yy hh:mm", "Saturday, 1 Apr 23 18:00"),
    ],
)
def test_a_format_decides_how_a_number_looks(number: float, kind: str, pattern: str, shown: str) -> None:
    number_format = {"type": kind, "pattern": pattern}
    cell = {"userEnteredValue": {"numberValue": number}, "userEnteredFormat": {"numberFormat": number_format}}
    assert show_cell(cell, "en_US") == shown


@pytest.mark.parametrize(
    ("text", "ends", "written"),
    [
        ("A1", (0, 1, 0, 1), "A1"),
        ("b2:$A$1", (0, 2, 0, 2), "A1:B2"),
        ("A:D", (0, None, 0, 4), "A1:D"),
        ("A2:AB", (1, None, 0, 28), "A2:AB"),
        ("A0", None, ""),
        ("A1:", None, ""),
    ],
)
def test_a_range_is_read_and_written(text: str, ends: tuple[int | None, ...] | None, written: str) -> None:
    read = parse_range(text)
    names = ("startRowIndex", "endRowIndex", "startColumnIndex", "endColumnIndex")
    assert (read and tuple(map(read.get, names))) == ends
    if read:
        assert format_range("Sheet1", read) == f"Sheet1!{written}"


def test_a_title_is_quoted_where_it_needs_it() -> None:
    for title in ("Probe Tab", "A1", "R1C1", "2026", "Отчёт", "It's! a tab"):
        written = format_range(title, {"endRowIndex": 1, "endColumnIndex": 1})
        assert written.startswith("'")
        assert split_title(written) == (title, "A1")


def test_a_field_mask_is_read_or_refused() -> None:
    assert parse_mask("a(b/e,c.d),f") == {"a": {"b": {"e": {}}, "c": {"d": {}}}, "f": {}}
    assert parse_mask("a.b.c,a.b") == {"a": {"b": {}}}
    for text in ("", "a,", "a(b", ".a", "a..b", "a(b)c"):
        with pytest.raises(ValueError, match=r".*"):
            parse_mask(text)


def test_a_field_mask_selects_and_updates() -> None:
    message: JsonObject = {"a": [{"b": 1, "c": 2}], "d": {"e": 1, "f": 2}, "g": 3}
    assert select(message, parse_mask("a.b,d(f),z")) == {"a": [{"b": 1}], "d": {"f": 2}}
    assert update_fields(message, {"d": {"f": 5}}, parse_mask("d.f,g")) == {"a": message["a"], "d": {"e": 1, "f": 5}}


def test_an_answer_that_does_not_fit_the_description_is_a_bug() -> None:
    check_answer("ValueRange", {"range": "A1", "values": [["a", 1, True]]})
    for answer in ({"range": 5}, {"majorDimension": "DIAGONAL"}, {"color": "red"}, {"values": "a"}):
        with pytest.raises(SandboxBugError):
            check_answer("ValueRange", answer)
