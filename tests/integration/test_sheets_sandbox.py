"""The Sheets stand-in, as Google's own client libraries and recorded answers of the real service see it."""

from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import gspread
import pytest
from google.auth.exceptions import RefreshError
from google.auth.transport.requests import Request
from google.oauth2.service_account import Credentials
from gspread.exceptions import APIError
from gspread.utils import ValueInputOption, ValueRenderOption

from tests.sandbox.sheets import SandboxBugError, SheetsSandbox
from tests.sandbox.sheets.client import GOOGLE, open_client
from tests.sandbox.sheets.json_types import Json, JsonObject
from tests.sandbox.sheets.recordings import replay
from tests.sandbox.sheets.server import HANDLERS

RECORDINGS = Path(__file__).resolve().parents[2].parent / "shared" / "google-sheets-recordings"
FILES = [pytest.param(file, id=file.stem) for file in sorted(RECORDINGS.glob("*.jsonl"))] or [
    pytest.param(None, marks=pytest.mark.skip("the recordings of the real service are not on this machine"))
]
BOOK = "1SandboxBook"
SERIES = {"series": {"sourceRange": {"sources": [{"startRowIndex": 0, "endRowIndex": 9}]}}}
CHART_SPEC = {"title": "Attempts", "basicChart": {"chartType": "LINE", "series": [SERIES]}}


@pytest.fixture
def sheets(sheets_sandbox: SheetsSandbox) -> SheetsSandbox:
    sheets_sandbox.faults.clear()
    sheets_sandbox.add_spreadsheet(BOOK, "Figures")
    return sheets_sandbox


@pytest.fixture
def client(sheets: SheetsSandbox) -> gspread.Client:
    return open_client(sheets.service_account_info(), sheets.url)


@pytest.fixture
def book(client: gspread.Client) -> gspread.Spreadsheet:
    return client.open_by_key(BOOK)


def change(book: gspread.Spreadsheet, **request: Json) -> JsonObject:
    """Carries out one request of a batch, and gives the reply to it."""
    replies: list[JsonObject] = book.batch_update({"requests": [request]})["replies"]
    reply: JsonObject = replies[0].get(next(iter(request)), {})
    return reply


def described(book: gspread.Spreadsheet, **query: Any) -> JsonObject:
    """The first sheet."""
    sheet: JsonObject = book.fetch_sheet_metadata(query or None)["sheets"][0]
    return sheet


def span(top: int, bottom: int, left: int, right: int) -> JsonObject:
    return {"startRowIndex": top, "endRowIndex": bottom, "startColumnIndex": left, "endColumnIndex": right}


def rows(start: int, end: int) -> JsonObject:
    return {"dimension": "ROWS", "startIndex": start, "endIndex": end}


@pytest.mark.parametrize("file", FILES)
def test_it_answers_what_the_real_service_answered(sheets: SheetsSandbox, client: gspread.Client, file: Path) -> None:
    assert list(replay(sheets, client.http_client.session, file)) == []


def test_text_that_looks_like_a_formula_is_one_unless_it_is_written_raw(book: gspread.Spreadsheet) -> None:
    tab, row = book.sheet1, ["=1+1", "-x", "'=1+1", "7e30", "1-2"]
    tab.update([row], "A1", value_input_option=ValueInputOption.raw)
    assert tab.row_values(1, value_render_option=ValueRenderOption.unformatted) == row
    tab.update([row], "A1", value_input_option=ValueInputOption.user_entered)
    assert tab.row_values(1)[:3] == ["#ERROR!", "#ERROR!", "=1+1"]
    assert tab.row_values(1, value_render_option=ValueRenderOption.formula)[:4] == ["=1+1", "=-x", "=1+1", 7e30]


@pytest.mark.parametrize(
    ("place", "values", "named"),
    [
        ("A1:B1", [[1, 2, 3]], "Sheet1!A1:B1"),
        ("A1", [[1]] * 1001, "Sheet1!A1"),
        ("A1", [["a", {"b": 1}]], "{'b': 1}"),
        ("A0", [[1]], "A0"),
        ("Nowhere!A1", [["c"]], "Nowhere!A1"),
    ],
)
def test_values_that_do_not_fit_are_refused_with_all_that_is_written_with_them(
    sheets: SheetsSandbox, book: gspread.Spreadsheet, place: str, values: list[list[Any]], named: str
) -> None:
    data = [{"range": "C1:D1", "values": [["a", "b"]]}, {"range": place, "values": values}]
    with pytest.raises(APIError) as refused:
        book.values_batch_update({"valueInputOption": "RAW", "data": data})
    assert (refused.value.code, "data[1]" in refused.value.error["message"]) == (400, True)
    assert named in refused.value.error["message"]
    assert sheets.cells(BOOK, "Sheet1") == []


def test_a_tab_is_named_frozen_and_cut_and_the_last_one_stays(sheets: SheetsSandbox, book: gspread.Spreadsheet) -> None:
    tab = book.sheet1
    tab.update([["a", "b"], ["c", "d"]], "A1")
    tab.update_title("Figures")
    tab.freeze(rows=1)
    shown = book.worksheet("Figures")
    assert (shown.frozen_row_count, shown.frozen_col_count) == (1, 0)
    tab.resize(rows=2, cols=1)
    assert sheets.cells(BOOK, "Figures") == [["a"], ["c"]]
    with pytest.raises(APIError, match=r"\[400\]"):
        book.del_worksheet(tab)


def test_a_format_is_changed_field_by_field_and_outlives_the_value(book: gspread.Spreadsheet) -> None:
    tab = book.sheet1
    tab.format("A1", {"textFormat": {"bold": True}, "numberFormat": {"type": "PERCENT", "pattern": "0%"}})
    tab.format("A1", {"backgroundColor": {"red": 1, "green": 0.5, "blue": 0}})
    tab.update([["gone"]], "A1")
    tab.clear()
    tab.update([[0.256, None]], "A1")
    change(
        book, updateDimensionProperties={"range": rows(0, 1), "properties": {"pixelSize": 40}, "fields": "pixelSize"}
    )
    data = described(book, ranges="A1:B1", includeGridData="true")["data"][0]
    (cell,) = data["rowData"][0]["values"]
    own, color = cell["userEnteredFormat"], {"red": 1, "green": 0.5019608}
    assert (own["backgroundColor"], own["backgroundColorStyle"]) == (color, {"rgbColor": color})
    assert (own["textFormat"], own["numberFormat"]["type"]) == ({"bold": True}, "PERCENT")
    assert (cell["formattedValue"], cell["effectiveValue"]) == ("26%", {"numberValue": 0.256})
    assert (data["rowMetadata"], len(data["columnMetadata"])) == ([{"pixelSize": 40}], 2)


def test_rows_are_sorted_numbers_first_and_empty_cells_last(book: gspread.Spreadsheet) -> None:
    book.sheet1.update([["b", 1], [2, 2], ["", 3], ["A", 4]], "A1")
    for order, rest in (("asc", ["2", "4", "1", "3"]), ("des", ["1", "4", "2", "3"])):
        book.sheet1.sort((1, order), range="A1:B4")  # type: ignore[arg-type]
        assert book.sheet1.col_values(2) == rest


def test_merged_cells_keep_the_first_value_and_are_merged_whole(book: gspread.Spreadsheet) -> None:
    tab = book.sheet1
    tab.update([["a", "b"], ["c", "d"]], "A1")
    tab.merge_cells("A1:B1")
    tab.update([["lost"]], "B1")
    assert (tab.get_all_values(), described(book)["merges"]) == ([["a", ""], ["c", "d"]], [span(0, 1, 0, 2)])
    with pytest.raises(APIError, match=r"\[400\]"):
        tab.merge_cells("B1:C2")
    tab.unmerge_cells("A1:Z9")
    assert "merges" not in described(book)


def test_what_lies_over_the_cells_is_kept_by_its_number_and_moves_with_rows(book: gspread.Spreadsheet) -> None:
    tab = book.sheet1
    tab.update([["a"], ["b"], ["c"]], "A1")
    tab.merge_cells("D3:E4")
    place = {"overlayPosition": {"anchorCell": {"rowIndex": 2}}}
    chart = change(book, addChart={"chart": {"spec": CHART_SPEC, "position": place}})["chart"]
    change(book, updateChartSpec={"chartId": chart["chartId"], "spec": CHART_SPEC | {"title": "Other"}})
    wider = {"newPosition": {"overlayPosition": {"widthPixels": 900}}, "fields": "widthPixels"}
    change(book, updateEmbeddedObjectPosition={"objectId": chart["chartId"]} | wider)
    warned = {"range": span(2, 3, 0, 4), "warningOnly": True}
    change(book, addProtectedRange={"protectedRange": warned})

    change(book, insertDimension={"range": rows(1, 3)})

    sheet = described(book)
    assert (tab.col_values(1), sheet["merges"]) == (["a", "", "", "b", "c"], [span(4, 6, 3, 5)])
    (kept,), (protected,) = sheet["charts"], sheet["protectedRanges"]
    assert (kept["chartId"], kept["spec"]["title"]) == (chart["chartId"], "Other")
    assert kept["spec"]["basicChart"]["series"][0]["series"]["sourceRange"]["sources"][0]["endRowIndex"] == 11
    now = {"anchorCell": {"rowIndex": 4}, "widthPixels": 900, "heightPixels": 371}
    assert (kept["position"]["overlayPosition"], protected["range"]) == (now, span(4, 5, 0, 4))

    # The warning keeps nobody from it.
    change(book, deleteDimension={"range": rows(4, 5)})
    change(book, deleteEmbeddedObject={"objectId": chart["chartId"]})
    sheet = described(book)
    assert (sheet["merges"], {"charts", "protectedRanges"} & sheet.keys()) == ([span(4, 5, 3, 5)], set())
    assert (tab.col_values(1), sheet["properties"]["gridProperties"]["rowCount"]) == (["a", "", "", "b"], 1001)


def test_a_person_can_write_and_forbid_cells(sheets: SheetsSandbox, book: gspread.Spreadsheet) -> None:
    tab = book.sheet1
    sheets.type_in(BOOK, "B2", "theirs")
    sheets.protect(BOOK, "Sheet1", "B2:C3")
    for write in (partial(tab.update, [[1]], "B3"), partial(tab.format, "A1:Z9", {}), partial(tab.delete_rows, 2)):
        with pytest.raises(APIError, match="You are trying to edit a protected cell"):
            write()
    assert sheets.cells(BOOK, "Sheet1") == [[], ["", "theirs"]]


@pytest.mark.parametrize(
    ("request_", "named"),
    [
        ({"addSheet": {"properties": {"title": "sheet1"}}}, "sheet1"),
        ({"updateSheetProperties": {"properties": {}, "fields": "colour"}}, "colour"),
        ({"updateSheetProperties": {"properties": {}, "fields": "gridProperties"}}, "rows"),
        ({"repeatCell": {"range": {"sheetId": 9}, "fields": "note"}}, "id: 9"),
        ({"deleteDimension": {"range": rows(0, 1000)}}, "all the rows"),
        ({"deleteProtectedRange": {"protectedRangeId": 5}}, "requests[0].deleteProtectedRange"),
        ({"updateSheetProperties": {"properties": {"headerValues": []}}}, "headerValues"),
        ({"addSheet": {"properties": {"title": ["a"]}}}, "requests[0].addSheet.properties.title"),
    ],
)
def test_what_the_service_refuses_is_refused_with_all_that_is_in_the_batch(
    book: gspread.Spreadsheet, request_: JsonObject, named: str
) -> None:
    good = {"addSheet": {"properties": {"title": "New"}}}
    with pytest.raises(APIError) as refused:
        book.batch_update({"requests": [request_, good]})
    assert (refused.value.code, refused.value.error["status"]) == (400, "INVALID_ARGUMENT")
    assert named in refused.value.error["message"]
    assert [one.title for one in book.worksheets()] == ["Sheet1"]


@pytest.mark.parametrize(
    ("path", "status", "named"),
    [
        (f"/v4/spreadsheets/{BOOK}?fields=sheets.colour", 400, "sheets.colour"),
        (f"/v4/spreadsheets/{BOOK}/values/A1?bogus=1", 400, "bogus"),
        (f"/v4/spreadsheets/{BOOK}/developerMetadata/5", 501, "developerMetadata"),
    ],
)
def test_what_the_api_does_not_know_is_refused(client: gspread.Client, path: str, status: int, named: str) -> None:
    with pytest.raises(APIError) as refused:
        client.http_client.request("get", f"{GOOGLE}{path}")
    assert (refused.value.code, named in refused.value.error["message"]) == (status, True)


def test_an_answer_that_google_could_not_give_fails_the_test(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(HANDLERS, "sheets.spreadsheets.get", lambda *_: {"spreadsheetId": 5})
    sheets = SheetsSandbox()
    sheets.add_spreadsheet(BOOK, "Figures")
    with pytest.raises(SandboxBugError, match="spreadsheetId"), sheets, suppress(APIError):
        open_client(sheets.service_account_info(), sheets.url).open_by_key(BOOK)


def test_who_does_not_ask_for_the_right_scope_gets_no_token(sheets: SheetsSandbox) -> None:
    scopes = ["https://www.googleapis.com/auth/cloud-platform"]
    read: Any = Credentials.from_service_account_info  # without types
    with pytest.raises(RefreshError, match="invalid_scope"):
        read(sheets.service_account_info(), scopes=scopes).refresh(Request())
