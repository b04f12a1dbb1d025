"""What the Sheets stand-in makes of typed texts, and how it shows numbers."""

from datetime import date

import pytest

from tests.sandbox.sheets.book.cells import Formula
from tests.sandbox.sheets.direct import DirectCaller
from tests.sandbox.sheets.notation.entered import read_entered
from tests.sandbox.sheets.notation.locales import AMERICAN
from tests.sandbox.sheets.notation.number_format import format_number

TODAY = date(2026, 3, 4)


@pytest.mark.parametrize(
    ("typed", "value", "shown"),
    [
        ("42", 42, "42"),
        ("007", 7, "7"),
        ("-1.50", -1.5, "-1.5"),
        (" 5 ", 5, "5"),
        (".5", 0.5, "0.5"),
        ("2,000,000.01", 2000000.01, "2,000,000.01"),
        ("1,000", 1000, "1,000"),
        ("12%", 0.12, "12%"),
        ("12.5%", 0.125, "12.50%"),
        ("$100.15", 100.15, "$100.15"),
        ("-$5", -5, "-$5"),
        ("7e30", 7e30, "7.00E+30"),
        ("2020-01-01", 43831, "2020-01-01"),
        ("2023/04/01", 45017, "2023/04/01"),
        ("4/1/2023", 45017, "4/1/2023"),
        ("04/01/2023", 45017, "04/01/2023"),
        ("4/1/23", 45017, "4/1/23"),
        ("4/1/99", 36251, "4/1/99"),
        ("Apr 1, 2023", 45017, "Apr 1, 2023"),
        ("1 April 2023", 45017, "1 April 2023"),
        ("April 2023", 45017, "April 2023"),
        ("1-2", 46024, "1-2"),
        ("2023-04-01 06:30:00", 45017 + 6.5 / 24, "2023-04-01 6:30:00"),
        ("2023-04-01 6:30:15.250", 45017 + 23415.25 / 86400, "2023-04-01 6:30:15.250"),
        ("10:30", 0.4375, "10:30"),
        ("10:30 PM", 0.9375, "10:30 PM"),
        ("12:00 am", 0, "12:00 AM"),
        ("36:00:00", 1.5, "36:00:00"),
    ],
)
def test_numbers_and_dates_are_understood_and_shown_as_they_were_typed(typed: str, value: float, shown: str) -> None:
    entry = read_entered(typed, AMERICAN, TODAY)
    assert entry.value == pytest.approx(value)
    assert isinstance(entry.value, float)
    assert format_number(entry.value, entry.number_format, AMERICAN) == shown


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("TRUE", True),
        ("false", False),
        ("'0123", "0123"),
        ("'=1+1", "=1+1"),
        ("''quoted'", "'quoted'"),
        ("", None),
        ("plain text", "plain text"),
        (" text with room ", " text with room "),
        ("1,23", "1,23"),
        ("1e400", "1e400"),
        ("2020-02-30", "2020-02-30"),
        ("2023-04-01T10:00:00Z", "2023-04-01T10:00:00Z"),
        ("2023-04-01 10:00:00+00:00", "2023-04-01 10:00:00+00:00"),
        ("May", "May"),
        ("=", "="),
        ("-", "-"),
        ("=1+1", Formula("=1+1")),
        ("+1+1", Formula("=+1+1")),
        ("+7 999 123-45-67", Formula("=+7 999 123-45-67")),
        ("-- list item", Formula("=-- list item")),
        ("@name", "@name"),
    ],
)
def test_everything_else_is_text_a_truth_value_or_a_formula(typed: str, value: object) -> None:
    assert read_entered(typed, AMERICAN, TODAY).value == value


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        (1 / 3, "0.3333333333"),
        (1e6 / 3, "333333.3333"),
        (1 / 1024, "0.0009765625"),
        (0.1 + 0.2, "0.3"),
        (123456789012345, "123456789012345"),
        (1e15, "1E+15"),
        (1e-10, "1E-10"),
        (-0.5, "-0.5"),
    ],
)
def test_a_number_without_a_format_shows_ten_digits_that_count(number: float, shown: str) -> None:
    assert format_number(float(number), None, AMERICAN) == shown


@pytest.mark.parametrize(
    ("number", "kind", "pattern", "shown"),
    [
        (-1234.5, "NUMBER", "#,##0.00;(#,##0.00)", "(1,234.50)"),
        (0, "NUMBER", '0;-0;"none"', "none"),
        (0.5, "NUMBER", "0.0#", "0.5"),
        (0.256, "PERCENT", "0%", "26%"),
        (12345, "SCIENTIFIC", "0.00E+00", "1.23E+04"),
        (5, "CURRENCY", "[$€-407]0.00", "€5.00"),
        (1234.5, "NUMBER", "", "1,234.50"),
        (45017.75, "DATE", "", "4/1/2023"),
        (45017.75, "DATE_TIME", 'dddd, d mmmm yy "at" hh:mm', "Saturday, 1 April 23 at 18:00"),
        (45017.75, "TIME", "h a/p", "6 P"),
        (1.5, "TIME", "[mm]:ss", "2160:00"),
        (1e9, "DATE", "yyyy", "1000000000.0"),
    ],
)
def test_a_format_decides_how_a_number_looks(number: float, kind: str, pattern: str, shown: str) -> None:
    assert format_number(float(number), {"type": kind, "pattern": pattern}, AMERICAN) == shown


def test_a_russian_spreadsheet_reads_and_shows_numbers_the_russian_way() -> None:
    caller = DirectCaller(locale="ru_RU")
    caller.enter("A1:E1", ["0,5", "0.5", "01.04.2023", "2\u00a0000,50", "5 ₽"])
    assert caller.read("A1:E1") == [["0,5", "0.5", "01.04.2023", "2\u00a0000,50", "5 ₽"]]
    assert caller.read("A1:E1", "UNFORMATTED_VALUE") == [[0.5, "0.5", 45017, 2000.5, 5]]
