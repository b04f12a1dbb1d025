"""The sheet: written first, trimmed after, read back; nothing is destroyed, and every refusal says what to do."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from schemas.summary import DailyFigures
from tasks.errors import CodegraderError, PermanentError, TransientError
from tasks.sheet import TAB, publish_figures
from tests.sandbox.sheets import SheetsFault, SheetsSandbox
from tests.sandbox.sheets.client import open_client

if TYPE_CHECKING:
    from gspread import Worksheet
    from prefect_gcp import GcpCredentials

SHEET = "1TheSpreadsheetOfTheTests"
LABELS = ("Date", "Attempts", "Successful attempts", "Unique users")


@pytest.fixture
def sheets() -> Iterator[SheetsSandbox]:
    with SheetsSandbox() as sandbox:
        sandbox.add_spreadsheet(SHEET, "Figures")
        yield sandbox


@pytest.fixture
def credentials(sheets: SheetsSandbox) -> "GcpCredentials":
    from prefect_gcp import GcpCredentials

    return GcpCredentials(service_account_info=sheets.service_account_info())


def history(days: int, first: date = date(2023, 4, 1)) -> list[DailyFigures]:
    return [DailyFigures(first + timedelta(n), 100 + n, 10 + n, 5, 90, 10, 0.5, complete=True) for n in range(days)]


def publish(sheets: SheetsSandbox, credentials: "GcpCredentials", figures: list[DailyFigures]) -> str:
    return publish_figures(credentials, SHEET, figures, LABELS, sheets.url)


def refusal(sheets: SheetsSandbox, credentials: "GcpCredentials", spreadsheet: str = SHEET) -> CodegraderError:
    with pytest.raises(CodegraderError) as caught:
        publish_figures(credentials, spreadsheet, history(3), LABELS, sheets.url)
    assert "\n" not in str(caught.value)
    return caught.value


def test_the_tab_is_made_and_holds_the_whole_history(sheets: SheetsSandbox, credentials: "GcpCredentials") -> None:
    url = publish(sheets, credentials, history(2))

    assert url.startswith(f"https://docs.google.com/spreadsheets/d/{SHEET}/edit#gid=")
    assert sheets.cells(SHEET, TAB) == [
        list(LABELS),
        ["2023-04-01", "100", "10", "5"],
        ["2023-04-02", "101", "11", "5"],
    ]


def test_more_days_than_the_grid_has_rows(sheets: SheetsSandbox, credentials: "GcpCredentials") -> None:
    publish(sheets, credentials, history(2))
    publish(sheets, credentials, history(1200))

    assert len(sheets.cells(SHEET, TAB)) == 1201


def test_rows_that_are_left_over_are_trimmed(sheets: SheetsSandbox, credentials: "GcpCredentials") -> None:
    publish(sheets, credentials, history(5))
    publish(sheets, credentials, history(4))

    assert [row[0] for row in sheets.cells(SHEET, TAB)[1:]] == [f"2023-04-0{day}" for day in range(1, 5)]


def test_a_history_that_shrank_is_refused(sheets: SheetsSandbox, credentials: "GcpCredentials") -> None:
    publish(sheets, credentials, history(9))

    assert "6 days of RawData (2023-04-04 to 2023-04-09) are not in the database" in str(refusal(sheets, credentials))
    assert len(sheets.cells(SHEET, TAB)) == 10


def test_no_figures_leave_the_sheet_as_it_is(sheets: SheetsSandbox, credentials: "GcpCredentials") -> None:
    publish(sheets, credentials, history(3))
    publish(sheets, credentials, [])

    assert len(sheets.cells(SHEET, TAB)) == 4


def test_what_others_keep_beside_the_figures_stays(sheets: SheetsSandbox, credentials: "GcpCredentials") -> None:
    publish(sheets, credentials, history(3))
    tab = open_tab(sheets)
    tab.add_cols(2)
    tab.update([["a remark"]], "F4")

    publish(sheets, credentials, history(2))

    assert open_tab(sheets).acell("F4").value == "a remark"


def open_tab(sheets: SheetsSandbox) -> "Worksheet":
    """The tab, as another program sees it."""
    return open_client(sheets.service_account_info(), sheets.url).open_by_key(SHEET).worksheet(TAB)


def test_an_outage_half_way_leaves_figures_standing(sheets: SheetsSandbox, credentials: "GcpCredentials") -> None:
    publish(sheets, credentials, history(5))
    sheets.faults.append(SheetsFault(status=500, times=None, path_contains=":batchClear"))

    with pytest.raises(TransientError):
        publish(sheets, credentials, history(4))

    assert len(sheets.cells(SHEET, TAB)) == 6


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_quota_or_an_outage_may_pass(sheets: SheetsSandbox, credentials: "GcpCredentials", status: int) -> None:
    sheets.faults.append(SheetsFault(status=status, times=None, path_contains=SHEET))

    assert isinstance(refusal(sheets, credentials), TransientError)


def test_a_missing_spreadsheet(sheets: SheetsSandbox, credentials: "GcpCredentials") -> None:
    error = refusal(sheets, credentials, "1ThereIsNoSuchSheet")

    assert isinstance(error, PermanentError)
    assert "check SPREADSHEET_ID" in str(error)


def test_a_spreadsheet_that_is_not_shared(sheets: SheetsSandbox, credentials: "GcpCredentials") -> None:
    sheets.add_spreadsheet("1Private", "Private", shared_with=())

    error = refusal(sheets, credentials, "1Private")

    assert isinstance(error, PermanentError)
    assert sheets.service_account_email in str(error)


def test_a_revoked_key(sheets: SheetsSandbox) -> None:
    from prefect_gcp import GcpCredentials

    with SheetsSandbox() as other:
        info = sheets.service_account_info() | {"private_key": other.service_account_info()["private_key"]}
    error = refusal(sheets, GcpCredentials(service_account_info=info))

    assert isinstance(error, PermanentError)
    assert "check GOOGLE_SERVICE_ACCOUNT_FILE" in str(error)
    assert "PRIVATE KEY" not in str(error)
