"""The Google Sheet among people: whatever they did to its tab, the next run makes the figures whole again."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tasks.errors import PermanentError, TransientError
from tasks.sheet import TAB
from tests.faults import fault
from tests.faults.published_sheet import LABELS, PublishedSheet, row_of
from tests.sandbox.sheets import SheetsFault
from tests.summaries import sheet_days

OLD, NEW = sheet_days(5), sheet_days(6, attempts=900)


def rename(sheet: PublishedSheet) -> None:
    sheet.tab().update_title("Figures of last year")


def rename_in_lower_case(sheet: PublishedSheet) -> None:
    sheet.tab().update_title("rawdata")


def delete(sheet: PublishedSheet) -> None:
    others = sheet.others()
    others.del_worksheet(others.worksheet(TAB))


def shrink(sheet: PublishedSheet) -> None:
    sheet.tab().resize(rows=1, cols=1)


def cut_columns(sheet: PublishedSheet) -> None:
    sheet.tab().resize(cols=2)


def edit(sheet: PublishedSheet) -> None:
    sheet.tab().update([["Datum", "=1/0", "TRUE"], ["soon", -1, "x"], ["", "", ""]], "A1", raw=False)


def sort_upside_down(sheet: PublishedSheet) -> None:
    sheet.tab().sort((1, "des"), range="A2:D6")


def delete_rows(sheet: PublishedSheet) -> None:
    sheet.tab().delete_rows(2, 4)


def insert_rows(sheet: PublishedSheet) -> None:
    sheet.tab().insert_rows([["a title"], []])


def write_below(sheet: PublishedSheet) -> None:
    sheet.tab().update([["total", 510, "", ""]], "A9")


def format_as_text(sheet: PublishedSheet) -> None:
    sheet.tab().format("A1:D20", {"numberFormat": {"type": "TEXT"}})


def format_as_dates(sheet: PublishedSheet) -> None:
    sheet.tab().format("B1:D20", {"numberFormat": {"type": "DATE", "pattern": "yyyy"}})


def merge_a_block(sheet: PublishedSheet) -> None:
    sheet.tab().merge_cells("B2:C4")


def merge_the_labels(sheet: PublishedSheet) -> None:
    sheet.tab().merge_cells("A1:D1")


def merge_over_the_edge(sheet: PublishedSheet) -> None:
    tab = sheet.tab()
    tab.add_cols(4)
    tab.merge_cells("D3:G5")
    tab.merge_cells("F7:G8")


@pytest.mark.parametrize(
    "act",
    [
        pytest.param(act, marks=fault("Google Sheet", what, "the next run makes the columns A to D whole"))
        for act, what in [
            (rename, "the tab is renamed"),
            (rename_in_lower_case, "the tab is renamed to `rawdata`, which to Google is the same"),
            (delete, "the tab is deleted"),
            (shrink, "the tab has one cell left"),
            (cut_columns, "the tab has too few columns"),
            (edit, "labels, dates and figures are overwritten"),
            (sort_upside_down, "the rows are sorted"),
            (delete_rows, "rows are deleted"),
            (insert_rows, "rows are inserted above the labels"),
            (write_below, "something is written below the figures"),
            (format_as_text, "the cells are formatted as text"),
            (merge_a_block, "cells in the middle of the figures are merged"),
            (merge_the_labels, "the labels are merged into one cell"),
            (merge_over_the_edge, "figures are merged with cells to the right of them"),
        ]
    ],
)
def test_whatever_others_did_is_made_good(sheet: PublishedSheet, act: Callable[[PublishedSheet], None]) -> None:
    sheet.publish(OLD)
    act(sheet)

    sheet.publish(NEW)

    (tab,) = (tab.title for tab in sheet.others().worksheets() if tab.title.casefold() == TAB.casefold())
    assert [row[:4] for row in sheet.cells(tab)] == [list(LABELS), *map(row_of, NEW)]


def test_the_formats_that_others_chose_stay(sheet: PublishedSheet) -> None:
    sheet.publish(OLD)
    format_as_dates(sheet)

    sheet.publish(NEW)

    assert sheet.tab().get("B2", value_render_option="UNFORMATTED_VALUE") == [[900]]  # type: ignore[arg-type]


def test_a_renamed_tab_is_left_to_whoever_renamed_it(sheet: PublishedSheet) -> None:
    sheet.publish(OLD)
    rename(sheet)

    sheet.publish(NEW)

    assert sheet.cells("Figures of last year") == [list(LABELS), *map(row_of, OLD)]


def test_what_is_merged_beside_the_figures_stays_so(sheet: PublishedSheet) -> None:
    sheet.publish(OLD)
    merge_over_the_edge(sheet)

    sheet.publish(NEW)

    (described,) = [one for one in sheet.others().fetch_sheet_metadata()["sheets"] if "merges" in one]
    assert [merge["startColumnIndex"] for merge in described["merges"]] == [5]


@pytest.mark.parametrize("cells", ["A2:D2", "A3:A3", "B2:D900", "A1:Z1000"])
@fault("Google Sheet", "cells are protected", "one line with Google's reason; the sheet as it was; whole once it may")
def test_protected_cells(sheet: PublishedSheet, cells: str) -> None:
    sheet.publish(OLD)
    sheet.sandbox.protect(sheet.id, TAB, cells)

    error = sheet.refuse(NEW)

    assert isinstance(error, PermanentError)
    assert "You are trying to edit a protected cell" in str(error)
    assert sheet.holds(OLD)
    sheet.sandbox.lift_protection(sheet.id)
    sheet.publish(NEW)
    assert sheet.holds(NEW)


@fault("Google Sheet", "somebody types into the figures while they are written", "noticed, tried again, then one line")
def test_somebody_types_meanwhile(sheet: PublishedSheet) -> None:
    @dataclass
    class Typing(SheetsFault):
        """Refuses nothing, but types into a cell before the figures are read back."""

        def fits(self, method: str, path: str) -> bool:
            if method == "GET" and path.endswith("A1:D"):
                sheet.sandbox.type_in(sheet.id, f"{TAB}!B3", 7.0)
            return False

    sheet.publish(OLD)
    sheet.sandbox.faults.append(Typing())

    error = sheet.refuse(NEW)

    assert isinstance(error, TransientError)
    assert "does somebody edit columns A–D?" in str(error)
    sheet.sandbox.faults.clear()
    sheet.publish(NEW)
    assert sheet.holds(NEW)
