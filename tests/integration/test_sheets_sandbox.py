"""The Sheets stand-in, as Google's own client libraries and recorded answers of the real service see it."""

import datetime as dt
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import gspread
import pandas as pd
import pytest
import requests
from google.auth.exceptions import RefreshError
from gspread.utils import ValueInputOption, ValueRenderOption
from gspread_dataframe import get_as_dataframe, set_with_dataframe

from tests.sandbox.sheets import SandboxBugError, SheetsFault, SheetsSandbox
from tests.sandbox.sheets.api import READING
from tests.sandbox.sheets.client import authorized_session, open_client
from tests.sandbox.sheets.recordings import Replay, read_recording

RECORDINGS = Path(__file__).resolve().parents[2].parent / "shared" / "google-sheets-recordings"
FILES = [pytest.param(file, id=file.stem) for file in sorted(RECORDINGS.glob("*.jsonl"))] or [
    pytest.param(None, marks=pytest.mark.skip("the recordings of the real service are not on this machine"))
]
BOOK = "1SandboxBook"


@pytest.fixture
def sheets() -> Iterator[SheetsSandbox]:
    with SheetsSandbox() as sandbox:
        sandbox.add_spreadsheet(BOOK, "Figures")
        yield sandbox


@pytest.fixture
def client(sheets: SheetsSandbox) -> gspread.Client:
    return open_client(sheets.service_account_info(), sheets.url)


@pytest.fixture
def book(client: gspread.Client) -> gspread.Spreadsheet:
    return client.open_by_key(BOOK)


@pytest.fixture(scope="module")
def empty_sheets() -> Iterator[SheetsSandbox]:
    with SheetsSandbox() as sandbox:
        yield sandbox


@pytest.mark.parametrize("file", FILES)
def test_it_answers_what_the_real_service_answered(empty_sheets: SheetsSandbox, file: Path) -> None:
    exchanges = read_recording(file)
    replay = Replay(empty_sheets, authorized_session(empty_sheets.service_account_info()))
    for number, exchange in enumerate(exchanges, start=1):
        assert replay.differences(exchange) == [], f"line {number}: {exchange.method} {exchange.uri}"
    assert exchanges


def test_a_frame_written_to_a_new_tab_comes_back_with_its_dates_as_numbers(
    sheets: SheetsSandbox, book: gspread.Spreadsheet
) -> None:
    days = [dt.date(2023, 4, 1), dt.date(2023, 4, 2)]
    frame = pd.DataFrame({"Дата": days, "Всего попыток": [4000, 12], "Доля": [0.25, None]})
    tab = book.add_worksheet("RawData", rows=1, cols=1)
    set_with_dataframe(tab, frame)
    assert tab.get_all_values(value_render_option=ValueRenderOption.unformatted) == [
        ["Дата", "Всего попыток", "Доля"],
        [45017, 4000, 0.25],
        [45018, 12, ""],
    ]
    assert sheets.cells(BOOK, "RawData") == [
        ["Дата", "Всего попыток", "Доля"],
        ["2023-04-01", "4000", "0.25"],
        ["2023-04-02", "12"],
    ]
    read = get_as_dataframe(tab, evaluate_formulas=True)
    assert read["Дата"].tolist() == ["2023-04-01", "2023-04-02"]
    assert read["Всего попыток"].tolist() == [4000, 12]


def test_a_tab_is_added_resized_cleared_and_deleted(sheets: SheetsSandbox, book: gspread.Spreadsheet) -> None:
    tab = book.add_worksheet("RawData", rows=3, cols=2, index=0)
    tab.update([["a", 1], ["b", 2]], "A1")
    tab.resize(rows=1)
    assert [one.title for one in book.worksheets()] == ["RawData", "Sheet1"]
    assert (book.worksheet("RawData").row_count, sheets.cells(BOOK, "RawData")) == (1, [["a", "1"]])
    tab.clear()
    assert sheets.cells(BOOK, "RawData") == []
    book.del_worksheet(tab)
    assert [one.title for one in book.worksheets()] == ["Sheet1"]


def test_a_wrong_key_gets_no_token(sheets: SheetsSandbox) -> None:
    with SheetsSandbox() as other:
        stolen = other.service_account_info() | {"token_uri": sheets.token_url}
    with pytest.raises(RefreshError, match="invalid_grant: Invalid JWT Signature"):
        open_client(stolen, sheets.url).open_by_key(BOOK)


def test_an_unknown_account_gets_no_token(sheets: SheetsSandbox) -> None:
    unknown = sheets.service_account_info() | {"client_email": "nobody@example.iam.gserviceaccount.com"}
    with pytest.raises(RefreshError, match="account not found"):
        open_client(unknown, sheets.url).open_by_key(BOOK)


def test_a_spreadsheet_that_is_not_shared_is_refused(sheets: SheetsSandbox, client: gspread.Client) -> None:
    sheets.add_spreadsheet("private", "Private", shared_with=())
    with pytest.raises(PermissionError) as refused:
        client.open_by_key("private")
    assert "The caller does not have permission" in str(refused.value.__cause__)


def test_a_spreadsheet_shared_for_reading_cannot_be_written(sheets: SheetsSandbox, client: gspread.Client) -> None:
    sheets.add_spreadsheet("report", "Report", shared_with=(), read_only_for=[sheets.service_account_email])
    tab = client.open_by_key("report").sheet1
    with pytest.raises(gspread.exceptions.APIError, match=r"\[403\]: The caller does not have permission"):
        tab.update([["a"]], "A1")


def test_a_spreadsheet_that_does_not_exist_is_not_found(client: gspread.Client) -> None:
    with pytest.raises(gspread.SpreadsheetNotFound):
        client.open_by_key("nowhere")


def test_an_update_never_makes_the_grid_larger(book: gspread.Spreadsheet) -> None:
    tab = book.sheet1
    with pytest.raises(gspread.exceptions.APIError) as refused:
        tab.update([["late"]], "A2000")
    assert refused.value.error == {
        "code": 400,
        "message": "Range (Sheet1!A2000) exceeds grid limits. Max rows: 1000, max columns: 26",
        "status": "INVALID_ARGUMENT",
    }
    with pytest.raises(gspread.exceptions.APIError, match=r"tried writing to row \[1001\]"):
        tab.update([["x"]] * 1001, "A1")
    assert book.worksheet("Sheet1").row_count == 1000


def test_an_append_makes_the_grid_larger(book: gspread.Spreadsheet) -> None:
    tab = book.add_worksheet("Log", rows=1, cols=1)
    tab.append_rows([["a", 1], ["b", 2], ["c", 3]])
    grown = book.worksheet("Log")
    assert (grown.row_count, grown.col_count) == (3, 2)
    assert grown.get_all_values() == [["a", "1"], ["b", "2"], ["c", "3"]]


def test_text_that_looks_like_a_formula_is_one_unless_it_is_written_raw(book: gspread.Spreadsheet) -> None:
    row = ["=1+1", "+1+1", "-x", "'=1+1", "7e30", "1-2"]
    tab = book.sheet1
    tab.update([row], "A1", value_input_option=ValueInputOption.raw)
    assert tab.row_values(1, value_render_option=ValueRenderOption.unformatted) == row
    tab.update([row[:5]], "A1", value_input_option=ValueInputOption.user_entered)
    assert tab.row_values(1, value_render_option=ValueRenderOption.unformatted)[:5] == [2, 2, "#NAME?", "=1+1", 7e30]
    assert tab.row_values(1, value_render_option=ValueRenderOption.formula)[:3] == ["=1+1", "=+1+1", "=-x"]


def test_a_fault_is_answered_as_often_as_it_is_ordered(sheets: SheetsSandbox, book: gspread.Spreadsheet) -> None:
    sheets.faults.append(SheetsFault(status=429, times=2, method="PUT"))
    tab = book.sheet1
    for _ in range(2):
        with pytest.raises(gspread.exceptions.APIError) as refused:
            tab.update([["a"]], "A1")
        assert (refused.value.code, refused.value.error["status"]) == (429, "RESOURCE_EXHAUSTED")
        assert "Quota exceeded for quota metric 'Write requests'" in refused.value.error["message"]
    assert tab.acell("A1").value is None
    tab.update([["a"]], "A1")
    assert tab.acell("A1").value == "a"


def test_a_fault_can_come_after_the_effect(sheets: SheetsSandbox, book: gspread.Spreadsheet) -> None:
    sheets.faults.append(SheetsFault(status=500, after_effect=True, path_contains=":append"))
    with pytest.raises(gspread.exceptions.APIError, match=r"\[500\]: Internal error encountered"):
        book.sheet1.append_row(["written"])
    assert sheets.cells(BOOK, "Sheet1") == [["written"]]


def test_the_token_endpoint_can_fail_too(sheets: SheetsSandbox) -> None:
    fault = SheetsFault(status=403, message="disabled_client", reason="ACCESS_DENIED", path_contains="/token")
    sheets.faults.append(fault)
    with pytest.raises(RefreshError, match="access_denied: disabled_client"):
        open_client(sheets.service_account_info(), sheets.url).open_by_key(BOOK)


def test_a_caller_without_a_token_is_not_known(sheets: SheetsSandbox) -> None:
    answer = requests.get(f"{sheets.url}/v4/spreadsheets/{BOOK}", timeout=10)
    assert (answer.status_code, answer.json()["error"]["status"]) == (401, "UNAUTHENTICATED")


def test_an_ended_token_is_replaced_by_the_client(sheets: SheetsSandbox, client: gspread.Client) -> None:
    client.open_by_key(BOOK)
    sheets.revoke_tokens()
    assert client.open_by_key(BOOK).title == "Figures"
    assert [path for _, path in sheets.requests].count("/token") == 2


def test_the_requests_are_kept_in_order(sheets: SheetsSandbox, book: gspread.Spreadsheet) -> None:
    book.sheet1.update([["a"]], "A1")
    assert sheets.requests == [
        ("POST", "/token"),
        ("GET", f"/v4/spreadsheets/{BOOK}"),
        ("GET", f"/v4/spreadsheets/{BOOK}"),
        ("PUT", f"/v4/spreadsheets/{BOOK}/values/'Sheet1'!A1"),
    ]


def test_what_a_test_gets_wrong_is_said(sheets: SheetsSandbox) -> None:
    with pytest.raises(KeyError, match="Nowhere"):
        sheets.cells(BOOK, "Nowhere")
    with pytest.raises(ValueError, match="already"):
        sheets.add_spreadsheet(BOOK, "Once more")


def test_a_path_outside_the_api_is_no_api_answer(sheets: SheetsSandbox) -> None:
    answer = requests.get(f"{sheets.url}/v5/spreadsheets/{BOOK}", timeout=10)
    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "text/html; charset=UTF-8")


def test_an_answer_that_google_could_not_give_fails_the_test(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(READING, "sheets.spreadsheets.get", lambda _: {"spreadsheetId": 5})
    sheets = SheetsSandbox()
    sheets.add_spreadsheet(BOOK, "Figures")
    with ExitStack() as stack:
        stack.enter_context(sheets)
        answer = authorized_session(sheets.service_account_info()).get(
            f"{sheets.url}/v4/spreadsheets/{BOOK}", timeout=10
        )
        assert (answer.status_code, "SANDBOX BUG" in answer.text) == (500, True)
        running = stack.pop_all()
    with pytest.raises(SandboxBugError, match="spreadsheetId should be of type string"):
        running.close()


def test_rows_and_columns_are_grouped_hidden_and_fitted(book: gspread.Spreadsheet) -> None:
    tab = book.sheet1
    tab.update([["a long text that needs room"]], "A1")
    tab.add_dimension_group_rows(0, 3)
    tab.add_dimension_group_rows(1, 2)
    assert [(group["range"]["startIndex"], group["depth"]) for group in tab.list_dimension_group_rows()] == [
        (0, 1),
        (1, 2),
    ]
    tab.delete_dimension_group_rows(1, 2)
    assert len(tab.list_dimension_group_rows()) == 1
    tab.hide_columns(1, 3)
    tab.unhide_columns(2, 3)
    tab.columns_auto_resize(0, 2)
    tab.rows_auto_resize(0, 1)
    described = book.fetch_sheet_metadata({"ranges": "A1:C1", "fields": "sheets.data.columnMetadata"})
    columns = described["sheets"][0]["data"][0]["columnMetadata"]
    assert columns[0]["pixelSize"] > 100
    assert columns[1:] == [{"pixelSize": 100, "hiddenByUser": True}, {"pixelSize": 100}]


def test_ranges_get_names_protection_filters_and_notes(book: gspread.Spreadsheet) -> None:
    tab = book.sheet1
    tab.update([["a", "b"]], "A1")
    tab.define_named_range("A1:B1", "Head")
    assert book.values_get("Head")["values"] == [["a", "b"]]
    tab.delete_named_range(book.list_named_ranges()[0]["namedRangeId"])
    tab.add_protected_range("A1:B1", ["owner@example.org"])
    protected = book.list_protected_ranges(tab.id)[0]
    assert "owner@example.org" in protected["editors"]["users"]
    tab.delete_protected_range(protected["protectedRangeId"])
    tab.set_basic_filter("A1:B1")
    tab.clear_basic_filter()
    tab.update_notes({"A1": "first", "B2": "second"})
    assert (tab.get_notes(), tab.get_note("B2"), tab.get_note("C9")) == ([["first"], ["", "second"]], "second", "")
    tab.clear_note("A1")
    assert tab.get_note("A1") == ""
    assert (book.list_named_ranges(), book.list_protected_ranges(tab.id)) == ([], [])


def test_a_tab_is_named_coloured_frozen_and_hidden(book: gspread.Spreadsheet) -> None:
    tab = book.sheet1
    tab.update_title("Figures")
    tab.update_tab_color("#FF7F00")
    tab.freeze(rows=1, cols=2)
    tab.hide_gridlines()
    shown = book.worksheet("Figures")
    assert (shown.tab_color, shown.frozen_row_count, shown.frozen_col_count) == ("#FF7F00", 1, 2)
    assert shown.is_gridlines_hidden
    tab.clear_tab_color()
    tab.show_gridlines()
    book.add_worksheet("Other", rows=1, cols=1)
    tab.hide()
    assert [one.title for one in book.worksheets(exclude_hidden=True)] == ["Other"]
    assert (book.worksheet("Figures").tab_color, book.worksheet("Figures").is_gridlines_hidden) == (None, False)
