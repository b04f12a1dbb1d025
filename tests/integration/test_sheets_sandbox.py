"""The Sheets stand-in, as Google's own client libraries and recorded answers of the real service see it."""

import datetime as dt
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import gspread
import pandas as pd
import pytest
import requests
from google.auth import jwt
from google.auth.crypt import RSASigner
from gspread.exceptions import APIError
from gspread.utils import ValueInputOption, ValueRenderOption
from gspread_dataframe import set_with_dataframe

from tests.sandbox.sheets import SandboxBugError, SheetsFault, SheetsSandbox
from tests.sandbox.sheets.client import GOOGLE, open_client
from tests.sandbox.sheets.errors import GoogleError
from tests.sandbox.sheets.json_types import Json, JsonObject
from tests.sandbox.sheets.oauth import GRANT_TYPE, ServiceAccount
from tests.sandbox.sheets.recordings import replay
from tests.sandbox.sheets.server import HANDLERS

RECORDINGS = Path(__file__).resolve().parents[2].parent / "shared" / "google-sheets-recordings"
FILES = [pytest.param(file, id=file.stem) for file in sorted(RECORDINGS.glob("*.jsonl"))] or [
    pytest.param(None, marks=pytest.mark.skip("the recordings of the real service are not on this machine"))
]
BOOK = "1SandboxBook"
UNFORMATTED = {"valueRenderOption": "UNFORMATTED_VALUE"}
SERIES = {"series": {"sourceRange": {"sources": [{"startRowIndex": 0, "endRowIndex": 9}]}}}
CHART_SPEC = {"title": "Attempts", "basicChart": {"chartType": "LINE", "series": [SERIES]}}


@pytest.fixture(scope="module")
def shared() -> Iterator[SheetsSandbox]:
    with SheetsSandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sheets(shared: SheetsSandbox) -> SheetsSandbox:
    shared.faults.clear()
    shared.add_spreadsheet(BOOK, "Figures")
    return shared


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
def test_it_answers_what_the_real_service_answered(shared: SheetsSandbox, file: Path) -> None:
    assert list(replay(shared, open_client(shared.service_account_info(), shared.url).http_client.session, file)) == []


def test_a_frame_written_to_a_new_tab_comes_back_with_its_dates_as_numbers(
    sheets: SheetsSandbox, book: gspread.Spreadsheet
) -> None:
    days = [dt.date(2023, 4, 1), dt.date(2023, 4, 2)]
    tab = book.add_worksheet("RawData", rows=1, cols=1)
    set_with_dataframe(tab, pd.DataFrame({"Дата": days, "Доля": [0.25, None]}))
    unformatted = tab.get_all_values(value_render_option=ValueRenderOption.unformatted)
    assert unformatted == [["Дата", "Доля"], [45017, 0.25], [45018, ""]]
    formatted = book.values_get("RawData!A2", {**UNFORMATTED, "dateTimeRenderOption": "FORMATTED_STRING"})
    assert formatted["values"] == [["2023-04-01"]]
    assert sheets.cells(BOOK, "RawData") == [["Дата", "Доля"], ["2023-04-01", "0.25"], ["2023-04-02"]]


def test_text_that_looks_like_a_formula_is_one_unless_it_is_written_raw(book: gspread.Spreadsheet) -> None:
    tab, row = book.sheet1, ["=1+1", "-x", "'=1+1", "7e30", "1-2"]
    tab.update([row], "A1", value_input_option=ValueInputOption.raw)
    assert tab.row_values(1, value_render_option=ValueRenderOption.unformatted) == row
    tab.update([row], "A1", value_input_option=ValueInputOption.user_entered)
    assert tab.row_values(1)[:3] == ["#ERROR!", "#ERROR!", "=1+1"]
    assert tab.row_values(1, value_render_option=ValueRenderOption.formula)[:4] == ["=1+1", "=-x", "=1+1", 7e30]


def test_the_format_and_the_note_of_a_cell_outlive_its_value(book: gspread.Spreadsheet) -> None:
    tab = book.sheet1
    tab.update([["2020-01-01", "x"]], "A1", value_input_option=ValueInputOption.user_entered)
    tab.update_notes({"A1": "first"})
    tab.clear()
    tab.update([[5, None]], "A1")
    assert (tab.get_all_values(), tab.get_note("A1")) == ([["1900-01-04"]], "first")


@pytest.mark.parametrize(
    ("place", "values", "named"),
    [
        ("A1:B1", [[1, 2, 3]], "Sheet1!A1:B1"),
        ("A1:B1", [[1], [2]], "Sheet1!A1:B1"),
        ("A2000", [[1]], "Sheet1!A2000"),
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


def test_a_tab_is_named_coloured_frozen_hidden_moved_and_deleted(book: gspread.Spreadsheet) -> None:
    tab = book.sheet1
    tab.update_title("Figures")
    tab.update_tab_color("#FF7F00")
    tab.freeze(rows=1, cols=2)
    shown = book.worksheet("Figures")
    assert (shown.tab_color, shown.frozen_row_count, shown.frozen_col_count) == ("#FF7F00", 1, 2)
    other = book.add_worksheet("Other", rows=1, cols=1, index=0)
    book.reorder_worksheets([tab, other])
    assert [one.title for one in book.worksheets()] == ["Figures", "Other"]
    tab.hide()
    with pytest.raises(APIError, match=r"\[400\]"):
        book.del_worksheet(other)
    tab.show()
    book.del_worksheet(other)
    assert [one.title for one in book.worksheets()] == ["Figures"]


def test_a_format_is_changed_field_by_field_and_a_colour_has_two_spellings(book: gspread.Spreadsheet) -> None:
    book.sheet1.format("A1", {"textFormat": {"bold": True}, "numberFormat": {"type": "PERCENT", "pattern": "0%"}})
    book.sheet1.format("A1", {"backgroundColor": {"red": 1, "green": 0.5, "blue": 0}})
    book.sheet1.update([[0.256]], "A1")
    high = {"properties": {"pixelSize": 40}, "fields": "pixelSize"}
    change(book, updateDimensionProperties={"range": rows(0, 1)} | high)
    data = described(book, ranges="A1:B1", includeGridData="true")["data"][0]
    (cell,) = data["rowData"][0]["values"]
    own, color = cell["userEnteredFormat"], {"red": 1, "green": 0.5019608}
    assert (own["backgroundColor"], own["backgroundColorStyle"]) == (color, {"rgbColor": color})
    assert (own["textFormat"], own["numberFormat"]["type"]) == ({"bold": True}, "PERCENT")
    assert (cell["formattedValue"], cell["effectiveValue"]) == ("26%", {"numberValue": 0.256})
    assert (data["rowMetadata"], len(data["columnMetadata"])) == ([{"pixelSize": 40}], 2)


def test_rows_are_sorted_numbers_first_and_empty_cells_last(book: gspread.Spreadsheet) -> None:
    tab = book.sheet1
    tab.update([["b", 1], [2, 2], ["", 3], ["A", 4], [True, 5]], "A1")
    tab.sort((1, "asc"), range="A1:B5")
    assert tab.col_values(2) == ["2", "4", "1", "5", "3"]
    tab.sort((1, "des"), range="A1:B5")
    assert tab.col_values(2) == ["5", "1", "4", "2", "3"]


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


def test_a_chart_is_made_once_and_kept_by_its_number(book: gspread.Spreadsheet) -> None:
    place = {"overlayPosition": {"anchorCell": {"rowIndex": 1, "columnIndex": 5}}}
    chart = change(book, addChart={"chart": {"spec": CHART_SPEC, "position": place}})["chart"]
    change(book, updateChartSpec={"chartId": chart["chartId"], "spec": CHART_SPEC | {"title": "Other"}})
    wider = {"newPosition": {"overlayPosition": {"widthPixels": 900}}, "fields": "widthPixels"}
    change(book, updateEmbeddedObjectPosition={"objectId": chart["chartId"]} | wider)
    (kept,) = described(book)["charts"]
    assert (kept["chartId"], kept["spec"]["title"]) == (chart["chartId"], "Other")
    anchor = {"rowIndex": 1, "columnIndex": 5}
    assert kept["position"]["overlayPosition"] == {"anchorCell": anchor, "widthPixels": 900, "heightPixels": 371}
    with pytest.raises(APIError, match=r"\[400\]"):
        change(book, addChart={"chart": chart})
    change(book, deleteEmbeddedObject={"objectId": chart["chartId"]})
    assert "charts" not in described(book)


def test_what_lies_over_the_cells_moves_with_rows_and_survives(book: gspread.Spreadsheet) -> None:
    tab = book.sheet1
    tab.update([["a"], ["b"], ["c"]], "A1")
    tab.update_notes({"A3": "of c"})
    tab.merge_cells("D3:E4")
    place = {"overlayPosition": {"anchorCell": {"rowIndex": 2}}}
    change(book, addChart={"chart": {"spec": CHART_SPEC, "position": place}})
    warned = {"range": span(2, 3, 0, 4), "warningOnly": True}
    number = change(book, addProtectedRange={"protectedRange": warned})["protectedRange"]["protectedRangeId"]
    rename = {"protectedRangeId": number, "description": "ours"}
    change(book, updateProtectedRange={"protectedRange": rename, "fields": "description"})
    change(book, setBasicFilter={"filter": {"range": span(0, 9, 0, 4)}})
    change(book, addConditionalFormatRule={"rule": {"ranges": [span(2, 3, 0, 1)]}})
    change(book, addBanding={"bandedRange": {"bandedRangeId": 7, "range": span(2, 3, 0, 4)}})

    change(book, insertDimension={"range": rows(1, 3)})

    sheet = described(book)
    assert (tab.col_values(1), tab.get_note("A5")) == (["a", "", "", "b", "c"], "of c")
    assert sheet["merges"] == [span(4, 6, 3, 5)]
    assert sheet["charts"][0]["position"]["overlayPosition"]["anchorCell"] == {"rowIndex": 4}
    series = sheet["charts"][0]["spec"]["basicChart"]["series"][0]["series"]["sourceRange"]["sources"]
    assert (series[0]["endRowIndex"], sheet["basicFilter"]["range"]["endRowIndex"]) == (11, 11)
    (protected,) = sheet["protectedRanges"]
    assert (protected["range"], protected["description"], protected["warningOnly"]) == (span(4, 5, 0, 4), "ours", True)
    assert sheet["conditionalFormats"] == [{"ranges": [span(4, 5, 0, 1)]}]
    assert sheet["bandedRanges"] == [{"bandedRangeId": 7, "range": span(4, 5, 0, 4)}]

    change(book, deleteDimension={"range": rows(4, 5)})
    sheet = described(book)
    gone = {"protectedRanges", "conditionalFormats", "bandedRanges"}
    assert (gone & sheet.keys(), sheet["merges"]) == (set(), [span(4, 5, 3, 5)])
    assert (tab.col_values(1), sheet["properties"]["gridProperties"]["rowCount"]) == (["a", "", "", "b"], 1001)


def test_a_person_can_forbid_cells_and_a_warning_forbids_nothing(
    sheets: SheetsSandbox, book: gspread.Spreadsheet
) -> None:
    tab = book.sheet1
    change(book, addProtectedRange={"protectedRange": {"range": span(0, 1, 0, 1), "warningOnly": True}})
    sheets.type_in(BOOK, "B2", "theirs")
    sheets.protect(BOOK, "Sheet1", "B2:C3")
    for write in (partial(tab.update, [[1]], "B3"), partial(tab.format, "A1:Z9", {}), partial(tab.delete_rows, 2)):
        with pytest.raises(APIError, match="You are trying to edit a protected cell"):
            write()
    tab.update([["ours"]], "A1")
    assert sheets.cells(BOOK, "Sheet1") == [["ours"], ["", "theirs"]]
    sheets.lift_protection(BOOK)
    tab.update([["ours"]], "B2")


@pytest.mark.parametrize(
    ("request_", "named"),
    [
        ({"addSheet": {"properties": {"title": "sheet1"}}}, "sheet1"),
        ({"addSheet": {"properties": {"sheetId": 0}}}, "id 0"),
        ({"updateSheetProperties": {"properties": {}, "fields": "colour"}}, "colour"),
        ({"updateSheetProperties": {"properties": {}, "fields": "gridProperties"}}, "rows"),
        ({"repeatCell": {"range": {"sheetId": 9}, "fields": "note"}}, "id: 9"),
        ({"deleteDimension": {"range": rows(0, 1000)}}, "all the rows"),
        ({"insertDimension": {"range": rows(1000, 1001)}}, "1000"),
        ({"deleteProtectedRange": {"protectedRangeId": 5}}, "requests[0].deleteProtectedRange"),
        ({"updateSheetProperties": {"properties": {"headerValues": []}}}, "headerValues"),
        ({"addSheet": {"properties": {"title": ["a"]}}}, "requests[0].addSheet.properties.title"),
        ({"mergeCells": {"mergeType": "SOME"}}, "SOME"),
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
        (f"/v4/spreadsheets/{BOOK}/values/A1?valueRenderOption=PRETTY", 400, "PRETTY"),
        (f"/v4/spreadsheets/{BOOK}/developerMetadata/5", 501, "developerMetadata"),
        (f"/v5/spreadsheets/{BOOK}", 404, ""),
    ],
)
def test_what_the_api_does_not_know_is_refused(client: gspread.Client, path: str, status: int, named: str) -> None:
    with pytest.raises(APIError) as refused:
        client.http_client.request("get", f"{GOOGLE}{path}")
    assert (refused.value.code, named in refused.value.error["message"]) == (status, True)


def test_a_fault_is_answered_as_often_as_it_is_ordered(sheets: SheetsSandbox, book: gspread.Spreadsheet) -> None:
    sheets.faults += [SheetsFault(status=429, method="PUT"), SheetsFault(after_effect=True, path_contains=":clear")]
    with pytest.raises(APIError) as refused:
        book.sheet1.update([["a"]], "A1")
    assert (refused.value.code, refused.value.error["status"]) == (429, "RESOURCE_EXHAUSTED")
    book.sheet1.update([["a"]], "A1")
    with pytest.raises(APIError, match=r"\[500\]"):
        book.sheet1.clear()
    assert sheets.cells(BOOK, "Sheet1") == []


def test_an_answer_that_google_could_not_give_fails_the_test(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(HANDLERS, "sheets.spreadsheets.get", lambda *_: {"spreadsheetId": 5})
    sheets = SheetsSandbox()
    sheets.add_spreadsheet(BOOK, "Figures")
    with pytest.raises(SandboxBugError, match="spreadsheetId"), sheets, suppress(APIError):
        open_client(sheets.service_account_info(), sheets.url).open_by_key(BOOK)


def test_a_reader_may_not_write(sheets: SheetsSandbox, client: gspread.Client) -> None:
    sheets.add_spreadsheet("report", "Report", shared_with=(), read_only_for=[sheets.service_account_email])
    with pytest.raises(APIError, match=r"\[403\]"):
        client.open_by_key("report").sheet1.update([["a"]], "A1")


def test_a_caller_without_a_good_token_is_not_known(sheets: SheetsSandbox) -> None:
    for header in ({}, {"Authorization": "Basic x"}, {"Authorization": "Bearer stolen"}):
        answer = requests.get(f"{sheets.url}/v4/spreadsheets/{BOOK}", headers=header, timeout=10)
        assert (answer.status_code, answer.json()["error"]["status"]) == (401, "UNAUTHENTICATED")


@pytest.mark.parametrize(
    ("claims", "word"),
    [
        *(({name: "https://example.org"}, "invalid_grant") for name in ("iss", "aud")),
        *(({"exp": moment}, "invalid_grant") for moment in (1_000_000, 5_000_000_000)),
        ({"scope": "https://www.googleapis.com/auth/cloud-platform"}, "invalid_scope"),
    ],
)
def test_a_wrong_claim_gets_no_token(claims: dict[str, object], word: str) -> None:
    account = ServiceAccount("http://sandbox.example/token")
    now, scope = int(time.time()), "https://www.googleapis.com/auth/spreadsheets"
    usual = {"iss": account.email, "aud": "http://sandbox.example/token", "iat": now, "exp": now + 3600, "scope": scope}
    signer = RSASigner.from_service_account_info(account.info())  # type: ignore[no-untyped-call]
    good, bad = (
        f"grant_type={GRANT_TYPE}&assertion={jwt.encode(signer, one).decode()}"  # type: ignore[no-untyped-call]
        for one in (usual, usual | claims)
    )
    assert account.grant(good.encode())["token_type"] == "Bearer"
    with pytest.raises(GoogleError) as refused:
        account.grant(bad.encode())
    assert refused.value.word == word
