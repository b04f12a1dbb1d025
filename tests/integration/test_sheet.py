"""The sheet as the figures come and go, and the keys that open it; what goes wrong is in `tests/faults`."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tasks.errors import PermanentError
from tasks.sheet import TAB, publish_figures
from tests.fixtures.summaries import as_section, sheet_days
from tests.sandbox.sheets import SheetsSandbox
from tests.sandbox.sheets.client import open_client

if TYPE_CHECKING:
    from prefect.types import SecretDict

SHEET = "1TheSpreadsheetOfTheTests"


@pytest.fixture
def sheets() -> Iterator[SheetsSandbox]:
    with SheetsSandbox() as sandbox:
        sandbox.add_spreadsheet(SHEET, "Figures")
        sandbox.add_spreadsheet("1Private", "Private", shared_with=())
        yield sandbox


@pytest.fixture
def key(sheets: SheetsSandbox) -> "SecretDict":
    from prefect.types import SecretDict

    return SecretDict(sheets.service_account_info())


def publish(sheets: SheetsSandbox, key: "SecretDict", days: int, spreadsheet: str = SHEET) -> str:
    return publish_figures(key, spreadsheet, as_section(sheet_days(days)), sheets.url)


def refusal(sheets: SheetsSandbox, key: "SecretDict", days: int = 3, spreadsheet: str = SHEET) -> str:
    with pytest.raises(PermanentError) as caught:
        publish(sheets, key, days, spreadsheet)
    assert "\n" not in str(caught.value)
    assert "PRIVATE KEY" not in str(caught.value)
    return str(caught.value)


def test_the_tab_is_made_grows_and_is_trimmed_and_what_others_keep_beside_it_stays(
    sheets: SheetsSandbox, key: "SecretDict"
) -> None:
    url = publish(sheets, key, 2)
    assert url.startswith(f"https://docs.google.com/spreadsheets/d/{SHEET}/edit#gid=")
    assert sheets.cells(SHEET, TAB) == [
        ["Date", "Attempts", "Successful attempts", "Unique users"],
        ["2023-04-01", "100", "10", "5"],
        ["2023-04-02", "101", "11", "5"],
    ]
    # More days than the grid has rows.
    publish(sheets, key, 1200)
    assert len(sheets.cells(SHEET, TAB)) == 1201
    tab = open_client(sheets.service_account_info(), sheets.url).open_by_key(SHEET).worksheet(TAB)
    tab.add_cols(2)
    tab.update([["a remark"]], "F1201")
    publish(sheets, key, 1199)
    *_, last_day, remark = sheets.cells(SHEET, TAB)
    assert last_day[0] == sheet_days(1199)[-1].day.isoformat()
    assert [cell for cell in remark if cell] == ["a remark"]


def test_no_figures_and_a_history_that_shrank_leave_the_sheet_as_it_is(
    sheets: SheetsSandbox, key: "SecretDict"
) -> None:
    publish(sheets, key, 9)
    publish(sheets, key, 0)
    assert "6 days of RawData (2023-04-04 to 2023-04-09)" in refusal(sheets, key, 3)
    assert len(sheets.cells(SHEET, TAB)) == 10


def test_a_spreadsheet_that_is_missing_or_not_shared_is_told_with_what_to_do(
    sheets: SheetsSandbox, key: "SecretDict"
) -> None:
    assert "SPREADSHEET_ID" in refusal(sheets, key, spreadsheet="1ThereIsNoSuchSheet")
    assert sheets.service_account_email in refusal(sheets, key, spreadsheet="1Private")


@pytest.mark.parametrize("change", ["unreadable", "incomplete", "revoked"])
def test_a_key_that_opens_nothing_is_told_by_its_setting(sheets: SheetsSandbox, change: str) -> None:
    from prefect.types import SecretDict

    info = sheets.service_account_info()
    if change == "unreadable":
        info["private_key"] = "-----BEGIN"
    elif change == "incomplete":
        del info["client_email"]
    else:
        with SheetsSandbox() as other:
            info["private_key"] = other.service_account_info()["private_key"]
    assert "GOOGLE_SERVICE_ACCOUNT_FILE" in refusal(sheets, SecretDict(info))
