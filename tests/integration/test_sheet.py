"""The sheet as the figures come and go, and the keys that open it; what goes wrong is in `tests/faults`."""

import pytest
from gspread.utils import ValueRenderOption
from prefect.types import SecretDict

from tasks.errors import PermanentError
from tests.fixtures.published_sheet import PublishedSheet, shown
from tests.fixtures.summaries import sheet_days
from tests.sandbox.sheets import SheetsSandbox


def test_the_tab_is_made_grows_and_is_trimmed_and_what_others_keep_beside_it_stays(sheet: PublishedSheet) -> None:
    url = sheet.publish(sheet_days(2)).url
    assert url.startswith(f"https://docs.google.com/spreadsheets/d/{sheet.id}/edit#gid=")
    assert sheet.cells() == [
        ["Date", "Attempts", "Successful attempts", "Unique users"],
        ["2023-04-01", "100", "10", "5"],
        ["2023-04-02", "101", "11", "5"],
    ]
    # More days than the grid has rows.
    sheet.publish(sheet_days(1200))
    assert sheet.cells() == shown(sheet_days(1200))
    tab = sheet.tab()
    tab.add_cols(2)
    tab.update([["a remark"]], "F1201")
    sheet.publish(sheet_days(1199))
    assert sheet.cells() == [*shown(sheet_days(1199)), ["", "", "", "", "", "a remark"]]


def test_what_somebody_wrote_over_the_figures_is_put_right_wherever_it_stands(sheet: PublishedSheet) -> None:
    sheet.publish(sheet_days(9))
    tab = sheet.tab()
    for cell, wrong in (("B3", 7), ("C4", "12"), ("A6", "")):
        tab.update([[wrong]], cell, raw=True)
        sheet.publish(sheet_days(9))
        assert sheet.cells() == shown(sheet_days(9))
    assert all(
        isinstance(value, int)
        for row in tab.get_values("B2:D10", value_render_option=ValueRenderOption.unformatted)
        for value in row
    )


def test_no_figures_and_a_history_that_shrank_leave_the_sheet_as_it_is(sheet: PublishedSheet) -> None:
    sheet.publish(sheet_days(9))
    sheet.publish(sheet_days(0))
    assert "6 days of RawData (2023-04-04 to 2023-04-09)" in str(sheet.refuse(sheet_days(3)))
    assert sheet.cells() == shown(sheet_days(9))


def test_a_spreadsheet_that_is_missing_or_not_shared_is_told_with_what_to_do(sheet: PublishedSheet) -> None:
    sheet.sandbox.add_spreadsheet("1Private", "Private", shared_with=())
    for spreadsheet, named in (
        ("1ThereIsNoSuchSheet", "SPREADSHEET_ID"),
        ("1Private", sheet.sandbox.service_account_email),
    ):
        sheet.id = spreadsheet
        error = sheet.refuse(sheet_days(3))
        assert isinstance(error, PermanentError)
        assert named in str(error)


@pytest.mark.parametrize("change", ["unreadable", "incomplete", "revoked"])
def test_a_key_that_opens_nothing_is_told_by_its_setting(sheet: PublishedSheet, change: str) -> None:
    info = sheet.sandbox.service_account_info()
    if change == "unreadable":
        info["private_key"] = "-----BEGIN"
    elif change == "incomplete":
        del info["client_email"]
    else:
        with SheetsSandbox() as other:
            info["private_key"] = other.service_account_info()["private_key"]
    sheet.key = SecretDict(info)
    error = sheet.refuse(sheet_days(3))
    assert isinstance(error, PermanentError)
    assert "GOOGLE_SERVICE_ACCOUNT_FILE" in str(error)
