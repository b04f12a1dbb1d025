"""Ranges in A1 notation, as the Sheets stand-in reads and writes them."""

import pytest

from tests.sandbox.sheets.book.a1 import Span, column_letters, column_number, format_range, parse_span, split_title
from tests.sandbox.sheets.direct import DirectCaller


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("A1", Span(0, 1, 0, 1)),
        ("b2:a1", Span(0, 2, 0, 2)),
        ("$B$3", Span(2, 3, 1, 2)),
        ("A:D", Span(0, None, 0, 4)),
        ("2:5", Span(1, 5, 0, None)),
        ("A2:D", Span(1, None, 0, 4)),
        ("A1:1", Span(0, 1, 0, None)),
        ("R2C3:R4C5", Span(1, 4, 2, 5)),
        ("AA10", Span(9, 10, 26, 27)),
        ("A0", None),
        ("A", None),
        ("7", None),
        ("A1:", None),
        ("A1:B2:C3", None),
        ("ABCD1", None),
        ("", None),
    ],
)
def test_a_range_is_read(text: str, span: Span | None) -> None:
    assert parse_span(text) == span


@pytest.mark.parametrize(
    ("title", "span", "text"),
    [
        ("Sheet1", Span(0, 1, 0, 1), "Sheet1!A1"),
        ("Sales", Span(0, 2, 0, 28), "Sales!A1:AB2"),
        ("x.y", Span(1, None, 0, 4), "x.y!A2:D"),
        ("T", Span(0, 2, 26, None), "T!AA1:2"),
        ("Probe Tab", Span(0, 1, 0, 1), "'Probe Tab'!A1"),
        ("A1", Span(0, 1, 0, 1), "'A1'!A1"),
        ("R1C1", Span(0, 1, 0, 1), "'R1C1'!A1"),
        ("2026", Span(0, 1, 0, 1), "'2026'!A1"),
        ("Отчёт", Span(0, 1, 0, 1), "'Отчёт'!A1"),
        ("It's", Span(0, 1, 0, 1), "'It''s'!A1"),
    ],
)
def test_a_range_is_written_with_quotation_marks_where_the_title_needs_them(title: str, span: Span, text: str) -> None:
    assert format_range(title, span) == text


def test_a_title_is_divided_from_its_range() -> None:
    assert split_title("'It''s! a tab'!A1") == ("It's! a tab", "A1")
    assert split_title("'Sheet1'") == ("Sheet1", None)
    assert split_title("My tab!A1") == ("My tab", "A1")
    assert split_title("A1:B2") == (None, "A1:B2")
    with pytest.raises(ValueError, match="'open"):
        split_title("'open")


@pytest.mark.parametrize(("number", "letters"), [(0, "A"), (25, "Z"), (26, "AA"), (701, "ZZ"), (702, "AAA")])
def test_columns_have_names(number: int, letters: str) -> None:
    assert (column_letters(number), column_number(letters)) == (letters, number)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Sheet1", "Sheet1!A1:Z1000"),
        ("sheet1!a10:b10", "Sheet1!A10:B10"),
        ("A1:B2", "Sheet1!A1:B2"),
        ("'Sheet1'!C:C", "Sheet1!C1:C1000"),
        ("Sheet1!B2:ZZ5000", "Sheet1!B2:Z1000"),
        ("figures", "Sheet1!A1:B2"),
        ("Sheet1!Figures", "Sheet1!A1:B2"),
        ("'D3'", "'D3'!A1:E5"),
    ],
)
def test_a_range_is_found_in_the_spreadsheet(text: str, found: str) -> None:
    caller = DirectCaller()
    caller.change(addNamedRange={"namedRange": {"name": "Figures", "range": {"endRowIndex": 2, "endColumnIndex": 2}}})
    caller.change(addSheet={"properties": {"title": "D3", "gridProperties": {"rowCount": 5, "columnCount": 5}}})
    status, answer = caller.call("GET", f"/values/{text}")
    assert (status, answer["range"]) == (200, found)


@pytest.mark.parametrize("text", ["Nowhere!A1", "Sheet1!", "Sheet1!A0", "'Sheet1", "Sheet1!A1:[5", "ksjahdksaj"])
def test_a_range_that_cannot_be_found_is_refused(text: str) -> None:
    status, answer = DirectCaller().call("GET", f"/values/{text}")
    assert (status, answer["error"]["message"]) == (400, f"Unable to parse range: {text}")


def test_a_range_without_a_tab_is_one_of_the_first_visible_tab() -> None:
    caller = DirectCaller()
    caller.change(addSheet={"properties": {"title": "Shown"}})
    hide = {"properties": {"sheetId": 0, "hidden": True}, "fields": "hidden"}
    assert caller.change(updateSheetProperties=hide)[0] == 200
    assert caller.call("GET", "/values/B2")[1]["range"] == "Shown!B2"
