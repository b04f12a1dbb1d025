"""The Google Sheet: every refusal is one line, no figure that stood there is lost, and the next run makes it whole."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from unittest.mock import Mock

import pytest

from tasks.errors import CodegraderError, PermanentError, TransientError
from tasks.sheet import TAB, publish_sheet
from tests.faults import fault, faults
from tests.fixtures.pipelines import Pipelines
from tests.fixtures.published_sheet import PublishedSheet, shown
from tests.fixtures.summaries import make_summary, sheet_days, task_row, tasks
from tests.sandbox.grader import RecordList
from tests.sandbox.sheets import ConnectionLost, QuotaUsedUp, SheetsFault, SheetsSandbox
from tests.sandbox.world import SPREADSHEET_ID

if TYPE_CHECKING:
    from gspread import Worksheet

OLD, NEW = sheet_days(5), sheet_days(6, attempts=900)
SWITCHED_OFF = (
    "Google Sheets API has not been used in project 105104105106 before or it is disabled (SERVICE_DISABLED). "
    "Enable it by visiting https://console.developers.google.com then retry."
)
MADE = 'Invalid requests[0].addSheet: A sheet with the name "Days" already exists. Please enter another name.'
HALF = "tried again, up to five times; else one line, the sheet as it was, and whole at the next run"


# --- refusals


# By name: the status, a message or a part of the path, the error, and what it names.
REFUSALS: dict[str, tuple[int, dict[str, str], type[CodegraderError], str]] = {
    "Google answers 400": (400, {}, PermanentError, "400"),
    "Google answers 401": (401, {}, PermanentError, "401"),
    "Google answers 403": (403, {}, PermanentError, "share it"),
    "Google answers 404": (404, {}, PermanentError, "SPREADSHEET_ID"),
    "Google answers 408": (408, {}, TransientError, "408"),
    "Google answers 429": (429, {}, TransientError, "Quota exceeded"),
    **{f"Google answers {status}": (status, {}, TransientError, str(status)) for status in (500, 502, 503)},
    "another run makes a tab at the same moment": (400, {"message": MADE}, TransientError, "already exists"),
    "the Sheets API is switched off in the account's project": (
        403,
        {"message": SWITCHED_OFF},
        PermanentError,
        "Google Sheets API is off",
    ),
    "Google gives no token for now (503)": (503, {"path_contains": "/token"}, TransientError, "Google Sheet"),
}


@pytest.mark.parametrize(
    ("status", "more", "kind", "named"),
    faults(
        "Google Sheet",
        "one line; the sheet as it was, and whole at the next run; tried again, up to five times, where that helps",
        REFUSALS,
    ),
)
def test_a_refusal_changes_nothing(
    sheet: PublishedSheet,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    more: dict[str, Any],
    kind: type[CodegraderError],
    named: str,
) -> None:
    # Google's client waits for seconds before it asks for a token once more.
    monkeypatch.setattr("google.auth._exponential_backoff.time", Mock())
    sheet.publish(OLD)
    sheet.sandbox.faults.append(SheetsFault(status=status, times=None, **({"path_contains": sheet.id} | more)))

    error = sheet.refuse(NEW)

    assert isinstance(error, kind)
    assert named in str(error)
    assert ("share it" in str(error)) == (named == "share it")
    assert sheet.cells() == shown(OLD)
    sheet.assert_whole_again(NEW)


@dataclass
class Meanwhile(SheetsFault):
    """Refuses nothing, but lets something happen before certain requests are answered."""

    happens: Callable[[], object] = print
    before: Callable[[str, str], bool] = lambda _method, _path: True

    def fits(self, method: str, path: str) -> bool:
        if self.before(method, path):
            self.happens()
        return False


@fault("Google Sheet", "the tokens are revoked between two requests", "one line; whole at the next run")
def test_a_token_that_ends_half_way(sheet: PublishedSheet) -> None:
    sheet.publish(OLD)
    sheet.sandbox.faults.append(
        Meanwhile(happens=sheet.sandbox.revoke_tokens, before=lambda method, _: method == "PUT")
    )

    assert "401" in str(sheet.refuse(NEW))
    sheet.assert_whole_again(NEW)


@fault("Google Sheet", "any request of a publication fails: 500 before it was done", HALF)
@fault("Google Sheet", "any request of a publication fails: 500 after it was done", HALF)
@fault("Google Sheet", "any request of a publication fails: the connection is lost before it was done", HALF)
@fault("Google Sheet", "any request of a publication fails: the connection is lost after it was done", HALF)
@pytest.mark.parametrize("after_effect", [False, True])
@pytest.mark.parametrize("kind", [SheetsFault, ConnectionLost])
@pytest.mark.parametrize("before", [pytest.param(0, marks=pytest.mark.stress), 7])
def test_half_a_publication(
    sheets_sandbox: SheetsSandbox, kind: type[SheetsFault], before: int, *, after_effect: bool
) -> None:
    """One sheet for each request of a publication, in which that one fails."""
    old, new, found = sheet_days(before), sheet_days(6, attempts=900), make_summary().sections
    for place in range(50):
        sheets_sandbox.faults.clear()
        sheet = PublishedSheet(sheets_sandbox)
        sheet.publish(old)
        sheets_sandbox.faults.append(kind(spare=place, path_contains=sheet.id, after_effect=after_effect))
        try:
            sheet.publish(new, *found)
        except TransientError:
            cells = sheet.cells() if old else []
            assert all(was in cells or now in cells for was, now in zip(shown(old), shown(new), strict=False) if old)
        else:
            assert place >= 8, "it did without most of its requests"
            break
        sheet.assert_whole_again(new, *found)
        assert [len(sheet.cells(name)) for name in ("Days", "Checks")] == [4, 4]
    sheet.assert_whole_again(new, *found)


@fault("Google Sheet", "429 until the minute of the quota is over", "tried again for longer than a minute, then whole")
def test_the_quota_minute_passes(sheet: PublishedSheet) -> None:
    now = 0.0
    sheet.publish(OLD)
    sheet.sandbox.faults.append(QuotaUsedUp(until=75, clock=lambda: now, path_contains=sheet.id))
    waits, jitter = publish_sheet.retry_delay_seconds, publish_sheet.retry_jitter_factor or 0
    assert isinstance(waits, list)
    for wait in waits:
        if now < 75:
            assert isinstance(sheet.refuse(NEW), TransientError)
            assert sheet.cells() == shown(OLD)
        # As short as it can be.
        now += wait * (1 - jitter)

    sheet.publish(NEW)

    assert sheet.cells() == shown(NEW)


@pytest.mark.stress
@fault("Google Sheet", "a whole run meets a quota that is used up, for a true minute", "it waits, and succeeds")
def test_a_run_outlasts_the_quota_minute(pipelines: Pipelines) -> None:
    pipeline = pipelines.make(RecordList([]))
    pipeline.world.sheets.faults.append(QuotaUsedUp(until=time.monotonic() + 75, path_contains=SPREADSHEET_ID))

    state = pipeline.run("2023-04-01", "2023-04-01")

    assert state.is_completed(), state.message
    assert len(pipeline.world.sheets.cells(SPREADSHEET_ID, TAB)) == 2


# --- among people


def merge_over_the_edge(tab: "Worksheet") -> None:
    tab.add_cols(4)
    tab.merge_cells("D3:G5")
    tab.merge_cells("F7:G8")


def insert_a_title(tab: "Worksheet") -> None:
    place = {"sheetId": tab.id, "dimension": "ROWS", "startIndex": 0, "endIndex": 2}
    tab.spreadsheet.batch_update({"requests": [{"insertDimension": {"range": place}}]})
    tab.update([["a title"]], "A1")


EDITS: dict[str, Callable[["Worksheet"], object]] = {
    "the tab is renamed": lambda tab: tab.update_title("Figures of last year"),
    "the tab is renamed to `rawdata`, which to Google is the same": lambda tab: tab.update_title("rawdata"),
    "the tab is deleted": lambda tab: tab.spreadsheet.del_worksheet(tab),
    "the tab has one cell left": lambda tab: tab.resize(rows=1, cols=1),
    "the tab has too few columns": lambda tab: tab.resize(cols=2),
    "labels, dates and figures are overwritten": lambda tab: tab.update(
        [["Datum", "=1/0", "TRUE"], ["soon", -1, "x"], ["", "", ""]], "A1", raw=False
    ),
    "the rows are sorted": lambda tab: tab.sort((1, "des"), range="A2:D6"),
    "rows are deleted": lambda tab: tab.delete_rows(2, 4),
    "rows are inserted above the labels": insert_a_title,
    "something is written below the figures": lambda tab: tab.update([["total", 510, "", ""]], "A9"),
    "the cells are formatted as text": lambda tab: tab.format("A1:D20", {"numberFormat": {"type": "TEXT"}}),
    "cells in the middle of the figures are merged": lambda tab: tab.merge_cells("B2:C4"),
    "the labels are merged into one cell": lambda tab: tab.merge_cells("A1:D1"),
    "figures are merged with cells to the right of them": merge_over_the_edge,
}


@pytest.mark.parametrize("what", faults("Google Sheet", "the next run makes the columns A to D whole", list(EDITS)))
def test_whatever_others_did_is_made_good(sheet: PublishedSheet, what: str) -> None:
    sheet.publish(OLD)
    EDITS[what](sheet.tab())

    sheet.publish(NEW)

    (tab,) = (tab.title for tab in sheet.others().worksheets() if tab.title.casefold() == TAB.casefold())
    assert [row[:4] for row in sheet.cells(tab)] == shown(NEW)


def test_what_is_not_ours_stays_as_others_made_it(sheet: PublishedSheet) -> None:
    """A renamed tab, a format of the figures, and cells merged beside them."""
    sheet.publish(OLD)
    sheet.tab().update_title("Figures of last year")
    sheet.publish(OLD)
    merge_over_the_edge(sheet.tab())
    sheet.tab().format("B1:D20", {"numberFormat": {"type": "DATE", "pattern": "yyyy"}})

    sheet.publish(NEW)

    assert sheet.cells("Figures of last year") == shown(OLD)
    assert sheet.tab().get("B2", value_render_option="UNFORMATTED_VALUE") == [[900]]  # type: ignore[arg-type]
    (described,) = [one for one in sheet.others().fetch_sheet_metadata()["sheets"] if "merges" in one]
    assert [merge["startColumnIndex"] for merge in described["merges"]] == [5]


@pytest.mark.parametrize("cells", ["A2:D2", "A3:A3", "B2:D900", "A1:Z1000"])
@fault("Google Sheet", "cells are protected", "one line with Google's reason; the sheet as it was; whole once it may")
def test_protected_cells(sheet: PublishedSheet, cells: str) -> None:
    sheet.publish(OLD)
    sheet.sandbox.protect(sheet.id, TAB, cells)

    error = sheet.refuse(NEW)

    assert isinstance(error, PermanentError)
    assert "protected cell" in str(error)
    assert sheet.cells() == shown(OLD)
    sheet.sandbox.lift_protection(sheet.id)
    sheet.assert_whole_again(NEW)


@pytest.mark.parametrize("cell", [f"{TAB}!B3", "Days!C3", "Checks!A6", "Tasks!B2"])
@fault("Google Sheet", "somebody types into the figures while they are written", "noticed, tried again, then one line")
def test_somebody_types_meanwhile(sheet: PublishedSheet, cell: str) -> None:
    found = (*make_summary().sections, tasks(task_row("loops"), task_row("files")))
    sheet.publish(OLD, *found)
    whole = sheet.cells("Days"), sheet.cells("Checks")
    sheet.sandbox.requests.clear()
    sheet.sandbox.faults.append(
        Meanwhile(
            happens=lambda: sheet.sandbox.type_in(sheet.id, cell, 7.0),
            # The figures are read back.
            before=lambda _, path: path.endswith("batchGet") and "PUT" in dict(sheet.sandbox.requests),
        )
    )

    assert isinstance(sheet.refuse(NEW, *found), TransientError)
    sheet.assert_whole_again(NEW, *found)
    assert (sheet.cells("Days"), sheet.cells("Checks")) == whole
