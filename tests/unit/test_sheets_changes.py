"""The requests of `spreadsheets.batchUpdate`, as the Sheets stand-in carries them out."""

import pytest

from tests.sandbox.sheets.book.spreadsheet import new_spreadsheet
from tests.sandbox.sheets.direct import DirectCaller
from tests.sandbox.sheets.protocol.json_types import Json, JsonObject

BOLD = {"userEnteredFormat": {"textFormat": {"bold": True}}}


@pytest.fixture
def caller() -> DirectCaller:
    return DirectCaller()


def refusal(outcome: tuple[int, JsonObject]) -> str:
    status, answer = outcome
    assert status == 400, answer
    return str(answer["error"]["message"])


def titles(caller: DirectCaller) -> list[str]:
    return [sheet["properties"]["title"] for sheet in caller.call("GET")[1]["sheets"]]


def span(rows: tuple[int, int], columns: tuple[int, int]) -> JsonObject:
    ends = {
        "startRowIndex": rows[0],
        "endRowIndex": rows[1],
        "startColumnIndex": columns[0],
        "endColumnIndex": columns[1],
    }
    return {"sheetId": 0, **ends}


def lines(dimension: str, start: int, end: int) -> JsonObject:
    return {"sheetId": 0, "dimension": dimension, "startIndex": start, "endIndex": end}


def test_a_new_sheet_gets_what_is_not_said_of_it(caller: DirectCaller) -> None:
    _, answer = caller.change(addSheet={})
    properties = answer["replies"][0]["addSheet"]["properties"]
    assert (properties["title"], properties["index"]) == ("Sheet2", 1)
    assert properties["gridProperties"] == {"rowCount": 1000, "columnCount": 26}


def test_requests_are_carried_out_together_or_not_at_all(caller: DirectCaller) -> None:
    requests: list[Json] = [{"addSheet": {"properties": {"title": "New"}}}, {"deleteSheet": {"sheetId": 77}}]
    outcome = caller.call("POST", ":batchUpdate", {"requests": requests})
    assert refusal(outcome) == "Invalid requests[1].deleteSheet: No sheet with id: 77"
    assert titles(caller) == ["Sheet1"]


def test_the_spreadsheet_can_be_had_with_the_reply(caller: DirectCaller) -> None:
    retitle = {"updateSpreadsheetProperties": {"properties": {"title": "Renamed"}, "fields": "title"}}
    _, answer = caller.call("POST", ":batchUpdate", {"requests": [retitle], "includeSpreadsheetInResponse": True})
    assert answer["updatedSpreadsheet"]["properties"]["title"] == "Renamed"


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"addSheet": {"properties": {"title": "sheet1"}}}, 'A sheet with the name "sheet1" already exists.'),
        ({"addSheet": {"properties": {"sheetId": 0}}}, "Sheet with id 0 already exists."),
        ({"addSheet": {"properties": {"sheetId": -1}}}, "Sheet id must be non-negative."),
        ({"addSheet": {"properties": {"title": "x" * 101}}}, "cannot be greater than 100 characters."),
        ({"addSheet": {"properties": {"title": ""}}}, "The sheet name cannot be empty."),
        (
            {"addSheet": {"properties": {"gridProperties": {"rowCount": 1, "frozenRowCount": 1}}}},
            "You can't freeze all",
        ),
        ({"addSheet": {"properties": {"gridProperties": {"rowCount": 384_000}}}}, "above the limit of 10000000 cells."),
        ({"deleteSheet": {"sheetId": 0}}, "You can't remove all the sheets in a document."),
        ({"updateSheetProperties": {"properties": {"sheetId": 0}}}, "At least one field must be listed in 'fields'."),
        ({"updateSheetProperties": {"properties": {}, "fields": "colour"}}, "Invalid field: colour"),
        ({"updateSheetProperties": {"properties": {}, "fields": "gridProperties"}}, "You can't delete all the rows"),
        ({"updateSheetProperties": {"properties": {}, "fields": "a(b"}}, "Invalid field: a(b"),
        ({"repeatCell": {"range": {"sheetId": 9}, "fields": "note"}}, "No grid with id: 9"),
        (
            {"repeatCell": {"range": {"startRowIndex": 1000}, "fields": "note"}},
            "Range (Sheet1!A1001) exceeds grid limits.",
        ),
        (
            {"updateCells": {"range": span((0, 1), (0, 1)), "rows": [{}, {"values": [{}]}], "fields": "note"}},
            "Attempting to write row: 1, beyond the last requested row of: 0",
        ),
        ({"deleteDimension": {"range": lines("ROWS", 0, 1000)}}, "You can't delete all the rows on the sheet."),
        ({"deleteDimension": {"range": lines("ROWS", 990, 1001)}}, "Cannot delete a row that doesn't exist."),
        ({"deleteDimension": {"range": lines("ROWS", 5, 5)}}, "range.endIndex must be greater"),
        ({"deleteDimension": {"range": {"sheetId": 0}}}, "No dimension specified."),
        ({"insertDimension": {"range": lines("ROWS", 1000, 1001)}}, "must be less than the grid size (1000)"),
        ({"insertDimension": {"range": lines("ROWS", 1001, 1002)}}, "larger than current grid size (1000)"),
        ({"insertDimension": {"range": lines("ROWS", 0, 1), "inheritFromBefore": True}}, "inserting at index 0"),
        ({"deleteDimensionGroup": {"range": lines("ROWS", 0, 1)}}, "There is no dimension group"),
        ({"addNamedRange": {"namedRange": {"name": "A1"}}}, 'The name "A1" is invalid.'),
        ({"deleteNamedRange": {"namedRangeId": "x"}}, "No named range with id: x"),
        ({"deleteProtectedRange": {"protectedRangeId": 5}}, "No protected range with id: 5"),
    ],
)
def test_what_the_service_refuses_is_refused(caller: DirectCaller, request_: JsonObject, message: str) -> None:
    text = refusal(caller.change(**request_))
    assert text.startswith(f"Invalid requests[0].{next(iter(request_))}: ")
    assert message in text


def test_rows_are_counted_before_columns_when_a_sheet_is_resized(caller: DirectCaller) -> None:
    grid = {"rowCount": 1_000_000, "columnCount": 2}
    request = {"properties": {"sheetId": 0, "gridProperties": grid}, "fields": "gridProperties(rowCount,columnCount)"}
    assert "above the limit" in refusal(caller.change(updateSheetProperties=request))
    caller.change(updateSheetProperties=request | {"fields": "gridProperties.columnCount"})
    assert caller.change(updateSheetProperties=request)[0] == 200


def test_a_sheet_goes_to_the_place_that_is_counted_before_it_moves(caller: DirectCaller) -> None:
    for title in ("S2", "S3"):
        caller.change(addSheet={"properties": {"title": title}})

    def move(index: int) -> list[str]:
        assert (
            caller.change(updateSheetProperties={"properties": {"sheetId": 0, "index": index}, "fields": "index"})[0]
            == 200
        )
        return titles(caller)

    assert move(1) == ["Sheet1", "S2", "S3"]
    assert move(2) == ["S2", "Sheet1", "S3"]
    assert move(3) == ["S2", "S3", "Sheet1"]
    assert move(0) == ["Sheet1", "S2", "S3"]


def test_a_sheet_is_duplicated_and_copied_to_another_spreadsheet(caller: DirectCaller) -> None:
    caller.enter("A1", ["kept"])
    caller.change(setBasicFilter={"filter": {"range": {"sheetId": 0}}})
    caller.change(duplicateSheet={"sourceSheetId": 0, "insertSheetIndex": 1})
    assert caller.read("'Copy of Sheet1'") == [["kept"]]
    other = new_spreadsheet("other", {"title": "Other"})
    other.writers = caller.api.spreadsheets["book"].writers
    caller.api.add(other)
    _, answer = caller.call("POST", "/sheets/0:copyTo", {"destinationSpreadsheetId": "other"})
    assert (answer["title"], answer["index"]) == ("Copy of Sheet1", 1)
    assert caller.call("POST", "/sheets/0:copyTo", {"destinationSpreadsheetId": "nowhere"})[0] == 404


def test_a_format_is_changed_field_by_field(caller: DirectCaller) -> None:
    everything = {"range": span((0, 2), (0, 1)), "cell": BOLD, "fields": "userEnteredFormat"}
    caller.change(repeatCell=everything)
    pink = {"userEnteredFormat": {"backgroundColor": {"red": 1, "green": 0.5, "blue": 0}}}
    caller.change(
        repeatCell={"range": span((0, 1), (0, 1)), "cell": pink, "fields": "userEnteredFormat.backgroundColor"}
    )
    _, answer = caller.call("GET", fields="sheets.data.rowData.values.userEnteredFormat")
    color = {"red": 1, "green": 0.49803922}
    both = {"backgroundColor": color, "backgroundColorStyle": {"rgbColor": color}}
    rows = answer["sheets"][0]["data"][0]["rowData"]
    assert rows == [
        {"values": [{"userEnteredFormat": {"textFormat": {"bold": True}, **both}}]},
        {"values": [{"userEnteredFormat": {"textFormat": {"bold": True}}}]},
    ]


def test_cells_are_described_with_all_that_is_in_them(caller: DirectCaller) -> None:
    rule = {"condition": {"type": "BOOLEAN"}, "strict": True}
    values = [
        {"userEnteredValue": {"formulaValue": "=1/0"}, "note": "why"},
        {"userEnteredValue": {"boolValue": True}, **BOLD},
        {"userEnteredValue": {"stringValue": "=text"}},
        {"userEnteredValue": {"numberValue": 2}},
    ]
    caller.change(updateCells={"start": {"sheetId": 0}, "rows": [{"values": values}], "fields": "*"})
    caller.change(setDataValidation={"range": span((0, 1), (1, 2)), "rule": rule})
    _, answer = caller.call("GET", includeGridData="true", ranges="A1:D2")
    data = answer["sheets"][0]["data"][0]
    cells = data["rowData"][0]["values"]
    assert cells[0]["userEnteredValue"] == {"formulaValue": "=1/0"}
    assert cells[0]["effectiveValue"]["errorValue"]["type"] == "DIVIDE_BY_ZERO"
    assert (cells[0]["formattedValue"], cells[0]["note"]) == ("#DIV/0!", "why")
    assert (cells[1]["dataValidation"], cells[1]["effectiveFormat"]["textFormat"]["bold"]) == (rule, True)
    assert cells[2]["effectiveValue"] == {"stringValue": "=text"}
    assert cells[3]["effectiveValue"] == {"numberValue": 2}
    assert (data["rowMetadata"], len(data["columnMetadata"])) == ([{"pixelSize": 21}] * 2, 4)


def test_rows_are_sorted_numbers_first_and_empty_cells_last(caller: DirectCaller) -> None:
    caller.enter("A1", ["b", 1], [2, 2], ["", 3], ["A", 4], ["TRUE", 5])
    order = [{"dimensionIndex": 0, "sortOrder": "ASCENDING"}]
    caller.change(sortRange={"range": span((0, 5), (0, 2)), "sortSpecs": order})
    assert [row[1] for row in caller.read("A1:B5")] == ["2", "4", "1", "5", "3"]
    order = [{"dimensionIndex": 0, "sortOrder": "DESCENDING"}]
    caller.change(sortRange={"range": span((0, 5), (0, 2)), "sortSpecs": order})
    assert [row[1] for row in caller.read("A1:B5")] == ["5", "1", "4", "2", "3"]


def test_merged_cells_keep_the_first_value_and_are_merged_whole(caller: DirectCaller) -> None:
    caller.enter("A1", ["a", "b"], ["c", "d"])
    caller.change(mergeCells={"range": span((0, 2), (0, 2)), "mergeType": "MERGE_ROWS"})
    assert caller.read("A1:B2") == [["a"], ["c"]]
    assert len(caller.sheet()["merges"]) == 2
    partly = {"range": span((0, 2), (1, 3)), "mergeType": "MERGE_ALL"}
    assert "You must select all cells in a merged range" in refusal(caller.change(mergeCells=partly))
    caller.change(mergeCells={"range": span((0, 2), (0, 2)), "mergeType": "MERGE_COLUMNS"})
    assert [merge["endColumnIndex"] for merge in caller.sheet()["merges"]] == [1, 2]
    caller.change(unmergeCells={"range": span((0, 9), (0, 9))})
    assert "merges" not in caller.sheet()


def test_a_range_is_copied_and_moved(caller: DirectCaller) -> None:
    caller.enter("A1", ["=1+1", "b"])
    source = span((0, 1), (0, 2))
    caller.change(copyPaste={"source": source, "destination": span((2, 4), (0, 2)), "pasteType": "PASTE_VALUES"})
    assert caller.read("A3:B4", "FORMULA") == [[2, "b"], [2, "b"]]
    caller.change(copyPaste={"source": source, "destination": span((5, 6), (0, 1)), "pasteOrientation": "TRANSPOSE"})
    assert caller.read("A6:A7", "FORMULA") == [["=1+1"], ["b"]]
    place = {"sheetId": 0, "rowIndex": 0, "columnIndex": 3}
    caller.change(cutPaste={"source": source, "destination": place, "pasteType": "PASTE_NORMAL"})
    assert caller.read("A1:E1") == [["", "", "", "2", "b"]]


@pytest.mark.parametrize("kind", ["PASTE_FORMAT", "PASTE_DATA_VALIDATION"])
def test_only_a_part_of_a_cell_is_copied(caller: DirectCaller, kind: str) -> None:
    caller.enter("A1", ["50%", 1])
    caller.change(setDataValidation={"range": span((0, 1), (0, 1)), "rule": {"condition": {"type": "NOT_BLANK"}}})
    caller.change(copyPaste={"source": span((0, 1), (0, 1)), "destination": span((0, 1), (1, 2)), "pasteType": kind})
    assert caller.read("B1") == [["100%" if kind == "PASTE_FORMAT" else "1"]]
    status, _ = caller.change(
        copyPaste={"source": span((0, 1), (0, 1)), "destination": {}, "pasteType": "PASTE_CONDITIONAL_FORMATTING"}
    )
    assert status == 501


def test_what_lies_over_the_cells_moves_with_inserted_and_deleted_rows(caller: DirectCaller) -> None:
    caller.enter("A1", ["a"], ["b"], ["c"])
    caller.change(mergeCells={"range": span((1, 3), (3, 5))})
    caller.change(addNamedRange={"namedRange": {"name": "below", "range": span((2, 3), (0, 1))}})
    caller.change(addProtectedRange={"protectedRange": {"range": {"sheetId": 0}, "warningOnly": True}})
    caller.change(
        updateDimensionProperties={"range": lines("ROWS", 2, 3), "properties": {"hiddenByUser": True}, "fields": "*"}
    )
    caller.change(insertDimension={"range": lines("ROWS", 1, 3)})
    assert caller.read("Sheet1") == [["a"], [], [], ["b"], ["c"]]
    assert (caller.read("below"), caller.sheet()["merges"][0]["startRowIndex"]) == ([["c"]], 3)
    caller.change(deleteDimension={"range": lines("ROWS", 0, 4)})
    assert (caller.read("below"), caller.sheet()["merges"][0]["endRowIndex"]) == ([["c"]], 1)
    _, answer = caller.call("GET", fields="sheets.data.rowMetadata.hiddenByUser", ranges="A1:A2")
    assert answer["sheets"][0]["data"][0]["rowMetadata"] == [{"hiddenByUser": True}, {}]
    caller.change(insertDimension={"range": lines("COLUMNS", 0, 1)})
    assert caller.read("B1") == [["c"]]
    assert caller.sheet()["properties"]["gridProperties"] == {"rowCount": 998, "columnCount": 27}
