"""The methods of `spreadsheets.values`, as the Sheets stand-in carries them out."""

import pytest

from tests.sandbox.sheets.direct import DirectCaller
from tests.sandbox.sheets.protocol.json_types import Json, JsonObject


@pytest.fixture
def caller() -> DirectCaller:
    return DirectCaller()


def error_of(answer: JsonObject) -> str:
    return str(answer["error"]["message"])


def test_empty_rows_and_cells_at_the_ends_are_left_out(caller: DirectCaller) -> None:
    caller.enter("A1", ["a", "", "c", ""], [], ["", "b"], [""])
    assert caller.call("GET", "/values/A1:D9")[1] == {
        "range": "Sheet1!A1:D9",
        "majorDimension": "ROWS",
        "values": [["a", "", "c"], [], ["", "b"]],
    }
    assert caller.call("GET", "/values/F1:F9")[1] == {"range": "Sheet1!F1:F9", "majorDimension": "ROWS"}


def test_values_can_be_read_and_written_by_columns(caller: DirectCaller) -> None:
    body = {"majorDimension": "COLUMNS", "values": [["a", "b"], [], ["c"]]}
    _, answer = caller.call("PUT", "/values/A1", body, valueInputOption="RAW", includeValuesInResponse="true")
    assert (answer["updatedRange"], answer["updatedRows"], answer["updatedCells"]) == ("Sheet1!A1:C2", 2, 3)
    assert answer["updatedData"] == {
        "range": "Sheet1!A1:C2",
        "majorDimension": "COLUMNS",
        "values": [["a", "b"], [], ["c"]],
    }
    assert caller.read("A1:C2") == [["a", "", "c"], ["b"]]


def test_each_value_can_be_read_as_it_looks_as_it_is_and_as_it_was_entered(caller: DirectCaller) -> None:
    caller.enter("A1", ["2020-01-01", "12.5%", "=1/4", "TRUE", "'007", 3])
    assert caller.read("A1:F1") == [["2020-01-01", "12.50%", "0.25", "TRUE", "007", "3"]]
    assert caller.read("A1:F1", "UNFORMATTED_VALUE") == [[43831, 0.125, 0.25, True, "007", 3]]
    assert caller.read("A1:F1", "FORMULA") == [[43831, 0.125, "=1/4", True, "007", 3]]
    assert caller.read("A1:F1", "FORMULA", "FORMATTED_STRING") == [["2020-01-01", 0.125, "=1/4", True, "007", 3]]


def test_null_leaves_a_cell_and_an_empty_text_empties_it(caller: DirectCaller) -> None:
    caller.enter("A1", ["a", "b", "c"])
    _, answer = caller.enter("A1", [None, "", "d"])
    assert answer["updatedCells"] == 2
    assert caller.read("A1:C1") == [["a", "", "d"]]


def test_rows_and_columns_count_where_a_value_was_written_as_google_counts_them(caller: DirectCaller) -> None:
    # gspread has this answer recorded as WorksheetTest.test_update_cells_noncontiguous; an empty text is a value.
    counts = ("updatedRange", "updatedRows", "updatedColumns", "updatedCells")
    _, answer = caller.enter("A1", ["a", None, None, None], *[[None] * 4] * 4, [None, None, None, "b"])
    assert [answer[name] for name in counts] == ["Sheet1!A1:D6", 2, 2, 2]
    _, answer = caller.enter("A1", ["a", "", None], [None] * 3, ["", "", None])
    assert [answer[name] for name in counts] == ["Sheet1!A1:C3", 2, 2, 4]
    _, answer = caller.enter("A1", [], [None])
    assert [answer.get(name) for name in counts] == ["Sheet1!A1:A2", None, None, None]


def test_the_totals_count_each_row_and_column_once(caller: DirectCaller) -> None:
    data = [{"range": "A1", "values": [["a", None], [None, "b"]]}, {"range": "A2", "values": [["c", None, "d"]]}]
    _, answer = caller.call("POST", "/values:batchUpdate", {"valueInputOption": "RAW", "data": data})
    assert [answer[f"totalUpdated{what}"] for what in ("Rows", "Columns", "Cells", "Sheets")] == [2, 3, 4, 1]
    nothing = {"valueInputOption": "RAW", "data": [{"range": "A1", "values": [[None]]}]}
    assert not any(name.startswith("total") for name in caller.call("POST", "/values:batchUpdate", nothing)[1])


def test_clearing_keeps_the_format(caller: DirectCaller) -> None:
    caller.enter("A1", ["2020-01-01"])
    assert caller.call("POST", "/values/A1:ZZ9:clear")[1] == {"spreadsheetId": "book", "clearedRange": "Sheet1!A1:Z9"}
    assert caller.read("A1") == []
    caller.enter("A1", [5])
    assert caller.read("A1") == [["1900-01-04"]]


def test_a_typed_format_replaces_one_of_another_kind_only(caller: DirectCaller) -> None:
    caller.enter("A1", ["2020-01-01"])
    caller.enter("A1", ["4/1/2023"])
    assert caller.read("A1") == [["2023-04-01"]]
    caller.enter("A1", ["50%"])
    assert caller.read("A1") == [["50%"]]


def test_a_cell_for_plain_text_keeps_what_is_typed(caller: DirectCaller) -> None:
    cell = {"userEnteredFormat": {"numberFormat": {"type": "TEXT"}}}
    caller.change(repeatCell={"range": {}, "cell": cell, "fields": "userEnteredFormat.numberFormat"})
    caller.enter("A1", ["=1+1", "007", "2020-01-01"])
    assert caller.read("A1:C1", "UNFORMATTED_VALUE") == [["=1+1", "007", "2020-01-01"]]


@pytest.mark.parametrize(
    ("place", "rows", "message"),
    [
        ("A1:B1", [[1, 2, 3]], "Requested writing within range [Sheet1!A1:B1], but tried writing to column [C]"),
        ("A1:B1", [[1], [2]], "Requested writing within range [Sheet1!A1:B1], but tried writing to row [2]"),
        ("B3:C", [[1, 2, 3]], "Requested writing within range [Sheet1!B3:C], but tried writing to column [D]"),
        ("Z1", [[1, 2]], "Requested writing within range [Sheet1!Z1], but tried writing to column [AA]"),
        ("Sheet1", [[1] * 27], "Requested writing within range [Sheet1!A1:Z1000], but tried writing to column [AA]"),
        ("AA1:AB1", [[1]], "Range (Sheet1!AA1:AB1) exceeds grid limits. Max rows: 1000, max columns: 26"),
        ("A1", [[["nested"]]], 'Invalid values[0][0]: list_value ["nested"]'),
        ("A1", [["a", {"b": 1}]], 'Invalid values[0][1]: struct_value {"b": 1}'),
        ("A1", [["x" * 50_001]], "Your input contains more than the maximum of 50000 characters in a single cell."),
    ],
)
def test_values_that_do_not_fit_are_refused_and_nothing_is_written(
    caller: DirectCaller, place: str, rows: list[list[Json]], message: str
) -> None:
    status, answer = caller.enter(place, *rows)
    assert (status, error_of(answer)) == (400, message)
    assert caller.read("Sheet1") == []


def test_several_ranges_are_written_together_or_not_at_all(caller: DirectCaller) -> None:
    good, bad = {"range": "A1:B1", "values": [["a", "b"]]}, {"range": "Nowhere!A1", "values": [["c"]]}
    status, answer = caller.call("POST", "/values:batchUpdate", {"valueInputOption": "RAW", "data": [good, bad]})
    assert (status, error_of(answer)) == (400, "Invalid data[1]: Unable to parse range: Nowhere!A1")
    assert caller.read("Sheet1") == []
    other = {"range": "B1:B2", "values": [["c"], ["d"]]}
    _, answer = caller.call("POST", "/values:batchUpdate", {"valueInputOption": "RAW", "data": [good, other]})
    totals = ("totalUpdatedRows", "totalUpdatedColumns", "totalUpdatedCells", "totalUpdatedSheets")
    assert [answer[total] for total in totals] == [2, 2, 4, 1]
    assert caller.read("Sheet1") == [["a", "c"], ["", "d"]]


def test_several_ranges_are_read_and_cleared_together(caller: DirectCaller) -> None:
    caller.enter("A1", ["a", "b"])
    _, answer = caller.call("GET", "/values:batchGet", ranges="A1")
    assert answer["valueRanges"] == [{"range": "Sheet1!A1", "majorDimension": "ROWS", "values": [["a"]]}]
    status, answer = caller.call("POST", "/values:batchClear", {"ranges": ["A1", "A2000:A3000"]})
    reason = "Range (Sheet1!A2000:A3000) exceeds grid limits. Max rows: 1000, max columns: 26"
    assert (status, error_of(answer)) == (400, f"Invalid range: {reason}")
    assert caller.read("Sheet1") == [["a", "b"]]


def test_an_update_without_values_changes_nothing(caller: DirectCaller) -> None:
    assert caller.enter("B2:C3")[1] == {"spreadsheetId": "book", "updatedRange": "Sheet1!B2"}


def test_the_way_of_entering_must_be_named(caller: DirectCaller) -> None:
    status, answer = caller.call("PUT", "/values/A1", {"values": [[1]]})
    assert (status, error_of(answer)) == (400, "'valueInputOption' is required but not specified")


def test_the_range_in_the_body_must_be_the_one_in_the_path(caller: DirectCaller) -> None:
    status, answer = caller.call("PUT", "/values/A1", {"range": "A2", "values": [[1]]}, valueInputOption="RAW")
    assert (status, error_of(answer)) == (400, "Request range[A1] does not match value's range[A2]")


@pytest.mark.parametrize(
    ("place", "table", "written"),
    [
        ("Sheet1", "Sheet1!B4:D6", "Sheet1!B7"),
        ("B4", "Sheet1!B4:D6", "Sheet1!B7"),
        ("C5:D5", "Sheet1!B4:D6", "Sheet1!B7"),
        ("B2:D4", "Sheet1!B4:D6", "Sheet1!B7"),
        ("A3:G10", "Sheet1!B4:D6", "Sheet1!B7"),
        ("A1", "Sheet1!A1:C2", "Sheet1!A3"),
        ("E4", None, "Sheet1!E4"),
        ("A4", None, "Sheet1!A4"),
    ],
)
def test_an_append_goes_below_the_table_as_googles_guide_says(
    caller: DirectCaller, place: str, table: str | None, written: str
) -> None:
    caller.enter("A1", ["x", "y", "z"], ["x", "y", "z"], [], ["", "x", "y"], ["", "", "y", "z"], ["", "x", "y", "z"])
    _, answer = caller.call("POST", f"/values/{place}:append", {"values": [["new"]]}, valueInputOption="RAW")
    assert (answer.get("tableRange"), answer["updates"]["updatedRange"]) == (table, written)


def test_an_append_may_insert_rows_so_that_nothing_is_overwritten(caller: DirectCaller) -> None:
    caller.enter("A1", ["table"], [], ["below"])
    query = {"valueInputOption": "RAW", "insertDataOption": "INSERT_ROWS"}
    caller.call("POST", "/values/A1:append", {"values": [["one"], ["two"]]}, **query)
    assert caller.read("Sheet1") == [["table"], ["one"], ["two"], [], ["below"]]
    assert caller.sheet()["properties"]["gridProperties"]["rowCount"] == 1002


def test_an_append_beyond_ten_million_cells_is_refused(caller: DirectCaller) -> None:
    grid = {"rowCount": 384_615, "columnCount": 26}
    resize = {"properties": {"sheetId": 0, "gridProperties": grid}, "fields": "gridProperties(rowCount,columnCount)"}
    assert caller.change(updateSheetProperties=resize)[0] == 200
    caller.enter("A384615", ["last"])
    status, answer = caller.call("POST", "/values/A384615:append", {"values": [["more"]]}, valueInputOption="RAW")
    limit = "This action would increase the number of cells in the workbook above the limit of 10000000 cells."
    assert (status, error_of(answer)) == (400, limit)
