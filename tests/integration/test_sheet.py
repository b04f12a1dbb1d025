"""The sheet: written first, trimmed after, read back; nothing is destroyed, and every refusal says what to do."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tasks.errors import CodegraderError, PermanentError, TransientError
from tasks.sheet import TAB, publish_figures
from tests.fixtures.summaries import SheetDay, as_section, sheet_days
from tests.sandbox.sheets import SheetsFault, SheetsSandbox
from tests.sandbox.sheets.client import open_client

if TYPE_CHECKING:
    from gspread import Worksheet
    from prefect.types import SecretDict

SHEET = "1TheSpreadsheetOfTheTests"
LABELS = ("Date", "Attempts", "Successful attempts", "Unique users")


@pytest.fixture
def sheets() -> Iterator[SheetsSandbox]:
    with SheetsSandbox() as sandbox:
        sandbox.add_spreadsheet(SHEET, "Figures")
        yield sandbox


@pytest.fixture
def key(sheets: SheetsSandbox) -> "SecretDict":
    from prefect.types import SecretDict

    return SecretDict(sheets.service_account_info())


def publish(sheets: SheetsSandbox, key: "SecretDict", days: list[SheetDay]) -> str:
    return publish_figures(key, SHEET, as_section(days), sheets.url)


def refusal(sheets: SheetsSandbox, key: "SecretDict", spreadsheet: str = SHEET) -> CodegraderError:
    with pytest.raises(CodegraderError) as caught:
        publish_figures(key, spreadsheet, as_section(sheet_days(3)), sheets.url)
    assert "\n" not in str(caught.value)
    return caught.value


def test_the_tab_is_made_and_holds_the_whole_sheet_days(sheets: SheetsSandbox, key: "SecretDict") -> None:
    url = publish(sheets, key, sheet_days(2))

    assert url.startswith(f"https://docs.google.com/spreadsheets/d/{SHEET}/edit#gid=")
    assert sheets.cells(SHEET, TAB) == [
        list(LABELS),
        ["2023-04-01", "100", "10", "5"],
        ["2023-04-02", "101", "11", "5"],
    ]


def test_more_days_than_the_grid_has_rows(sheets: SheetsSandbox, key: "SecretDict") -> None:
    publish(sheets, key, sheet_days(2))
    publish(sheets, key, sheet_days(1200))

    assert len(sheets.cells(SHEET, TAB)) == 1201


def test_rows_that_are_left_over_are_trimmed(sheets: SheetsSandbox, key: "SecretDict") -> None:
    publish(sheets, key, sheet_days(5))
    publish(sheets, key, sheet_days(4))

    assert [row[0] for row in sheets.cells(SHEET, TAB)[1:]] == [f"2023-04-0{day}" for day in range(1, 5)]


def test_a_history_that_shrank_is_refused(sheets: SheetsSandbox, key: "SecretDict") -> None:
    publish(sheets, key, sheet_days(9))

    assert "6 days of RawData (2023-04-04 to 2023-04-09) are not in the database" in str(refusal(sheets, key))
    assert len(sheets.cells(SHEET, TAB)) == 10


def test_no_figures_leave_the_sheet_as_it_is(sheets: SheetsSandbox, key: "SecretDict") -> None:
    publish(sheets, key, sheet_days(3))
    publish(sheets, key, [])

    assert len(sheets.cells(SHEET, TAB)) == 4


def test_what_others_keep_beside_the_figures_stays(sheets: SheetsSandbox, key: "SecretDict") -> None:
    publish(sheets, key, sheet_days(3))
    tab = open_tab(sheets)
    tab.add_cols(2)
    tab.update([["a remark"]], "F4")

    publish(sheets, key, sheet_days(2))

    assert open_tab(sheets).acell("F4").value == "a remark"


def open_tab(sheets: SheetsSandbox) -> "Worksheet":
    """The tab, as another program sees it."""
    return open_client(sheets.service_account_info(), sheets.url).open_by_key(SHEET).worksheet(TAB)


def test_an_outage_half_way_leaves_figures_standing(sheets: SheetsSandbox, key: "SecretDict") -> None:
    publish(sheets, key, sheet_days(5))
    sheets.faults.append(SheetsFault(status=500, times=None, path_contains=":batchClear"))

    with pytest.raises(TransientError):
        publish(sheets, key, sheet_days(4))

    assert len(sheets.cells(SHEET, TAB)) == 6


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_quota_or_an_outage_may_pass(sheets: SheetsSandbox, key: "SecretDict", status: int) -> None:
    sheets.faults.append(SheetsFault(status=status, times=None, path_contains=SHEET))

    assert isinstance(refusal(sheets, key), TransientError)


def test_a_missing_spreadsheet(sheets: SheetsSandbox, key: "SecretDict") -> None:
    error = refusal(sheets, key, "1ThereIsNoSuchSheet")

    assert isinstance(error, PermanentError)
    assert "check SPREADSHEET_ID" in str(error)


def test_a_spreadsheet_that_is_not_shared(sheets: SheetsSandbox, key: "SecretDict") -> None:
    sheets.add_spreadsheet("1Private", "Private", shared_with=())

    error = refusal(sheets, key, "1Private")

    assert isinstance(error, PermanentError)
    assert sheets.service_account_email in str(error)


@pytest.mark.parametrize("change", [{"private_key": "-----BEGIN"}, {"client_email": None}])
def test_a_key_that_cannot_be_used(sheets: SheetsSandbox, change: dict[str, str | None]) -> None:
    from prefect.types import SecretDict

    info = {name: value for name, value in (sheets.service_account_info() | change).items() if value}
    error = refusal(sheets, SecretDict(info))

    assert isinstance(error, PermanentError)
    assert "the service account's key cannot be used: check GOOGLE_SERVICE_ACCOUNT_FILE" in str(error)


def test_a_revoked_key(sheets: SheetsSandbox) -> None:
    from prefect.types import SecretDict

    with SheetsSandbox() as other:
        info = sheets.service_account_info() | {"private_key": other.service_account_info()["private_key"]}
    error = refusal(sheets, SecretDict(info))

    assert isinstance(error, PermanentError)
    assert "check GOOGLE_SERVICE_ACCOUNT_FILE" in str(error)
    assert "PRIVATE KEY" not in str(error)
