"""The tabs `Days`, `Courses`, `Tasks` and `Checks`: what they show, and that whatever a person keeps there stays."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import gspread
import pytest
from gspread.utils import ValueRenderOption

from schemas.language import Language, Link, Value
from schemas.section import Column, Row, Section
from schemas.task_figures import TASK_FIGURES
from tasks.sheet import read_tab
from tasks.titles import parse
from tests.faults import fault
from tests.fixtures.published_sheet import PublishedSheet
from tests.fixtures.summaries import COURSE, make_summary, sheet_days, task_row, tasks

TABS = ("Days", "Courses", "Tasks", "Checks")
HOSTILE = (
    '=HYPERLINK("http://evil.example";"x")',
    "<script>alert(1)</script>",
    "'=1+1",
    "+7 999",
    "שלום 🎓",
    "t" * 300,
)


def courses(*names: str) -> Section:
    columns = (
        Column("course", "Course", "text"),
        Column("week", "Week of", "day"),
        Column("active_students", "Active students", "count"),
        Column("new_students", "New to the course", "count"),
        Column("minutes", "Minutes", "minutes"),
    )
    return Section(
        "courses", "Courses by week", columns, tuple(Row((n, date(2023, 4, 3), 1200, None, 7.25)) for n in names)
    )


def of_a_run(days: int = 3, language: Language = "en") -> dict[str, Section]:
    """The sections of a run's analyses, by their names."""
    return {section.name: section for section in make_summary(days, language=language).sections}


def all_sections(days: int = 3) -> list[Section]:
    known = of_a_run(days)
    return [
        known["days"],
        courses("A", "B"),
        tasks(task_row("loops"), task_row("files", "< 10", None)),
        known["checks"],
    ]


def raw(sheet: PublishedSheet, tab: str) -> list[list[Any]]:
    """What a tab's cells hold."""
    rows: list[list[Any]] = sheet.others().worksheet(tab).get_values(value_render_option=ValueRenderOption.unformatted)
    return rows


def described(sheet: PublishedSheet, tab: str) -> dict[str, Any]:
    """All that Google knows of a tab, and of its first cells."""
    query: dict[str, Any] = {"includeGridData": "true", "ranges": f"'{tab}'!A1:Z41"}
    (found,) = sheet.others().fetch_sheet_metadata(query)["sheets"]
    return dict(found)


def in_cells(rows: Iterable[Sequence[Value]]) -> list[list[Any]]:
    """Values as cells hold them: a date by its days since the end of 1899, nothing as an empty text."""
    return [
        [
            (value - date(1899, 12, 30)).days
            if isinstance(value, date)
            else value.text
            if isinstance(value, Link)
            else ""
            if value is None
            else value
            for value in row
        ]
        for row in rows
    ]


def without_keys(section: Section, values: Sequence[Value]) -> list[Value]:
    return [
        value for value, column in zip(values, section.columns, strict=True) if column.name not in ("course", "task")
    ]


def test_each_tab_holds_its_section_cell_by_cell(sheet: PublishedSheet) -> None:
    sections = all_sections()
    assert sheet.publish(sheet_days(2), *sections).problems == ()
    days, weeks, of_tasks, checks = sections
    for name, section in (("Days", days), ("Courses", weeks), ("Checks", checks)):
        titles = [column.title for column in section.columns]
        assert raw(sheet, name) == in_cells([titles, *(row.values for row in section.rows)])
    head, *rows = raw(sheet, "Tasks")
    assert head == ["Course", "Task", "Title", *without_keys(of_tasks, [column.title for column in of_tasks.columns])]
    assert rows == in_cells([COURSE, row.key[1], "", *without_keys(of_tasks, row.values)] for row in of_tasks.rows)


def test_a_tab_is_shown_by_the_kinds_of_its_columns_with_one_chart_and_a_warning(sheet: PublishedSheet) -> None:
    sheet.publish(sheet_days(2), *all_sections())
    assert sheet.cells("Days")[1][:2] == ["2023-04-01", "4,011"]
    assert sheet.cells("Days")[1][6] == "40.0%"
    assert sheet.cells("Courses")[1] == ["A", "2023-04-03", "1,200", "", "7.3"]
    assert sheet.cells("Tasks")[1][7] == "45.3%"
    assert sheet.cells("Tasks")[1][-1] == "-5.0%"
    for name in TABS:
        tab = described(sheet, name)
        assert tab["properties"]["gridProperties"]["frozenRowCount"] == 1
        head, *_ = tab["data"][0]["rowData"]
        assert all(cell["userEnteredFormat"]["textFormat"]["bold"] for cell in head["values"])
        (protected,), (chart,) = tab["protectedRanges"], tab["charts"]
        assert protected["warningOnly"]
        assert protected["range"]["endColumnIndex"] == len(head["values"])
        assert protected["range"].get("startColumnIndex", 0) == (3 if name == "Tasks" else 0)
        basic = chart["spec"]["basicChart"]
        sources = [basic["domains"][0]["domain"], *(one["series"] for one in basic["series"])]
        columns = [one["sourceRange"]["sources"][0].get("startColumnIndex", 0) for one in sources]
        titles = [head["values"][place]["formattedValue"] for place in columns]
        assert (
            titles
            == {
                "Days": ["Date", "Attempts", "Successful attempts"],
                "Courses": ["Course", "Active students", "New to the course"],
                "Tasks": ["Task", "Students who tried", "Students who solved it"],
                "Checks": ["Check", "Records that failed"],
            }[name]
        )


def test_a_run_sends_at_most_twelve_requests_and_the_same_run_again_changes_nothing(sheet: PublishedSheet) -> None:
    before: list[dict[str, Any]] = []
    # The first makes everything; the second, and the third with more days than `RawData` has rows, find it there.
    for days in (2, 2, 1001):
        sheet.sandbox.requests.clear()
        read_tab(sheet.key, sheet.id, "Tasks", sheet.sandbox.url)
        sheet.publish(sheet_days(days), *all_sections())
        assert len([path for _, path in sheet.sandbox.requests if path != "/token"]) <= 12
        now = [described(sheet, name) for name in TABS]
        assert now == (before or now)
        before = now


def test_rows_that_there_are_no_more_are_emptied_and_a_tab_grows(sheet: PublishedSheet) -> None:
    sheet.publish(sheet_days(2), courses(*map(str, range(1500))))
    assert len(raw(sheet, "Courses")) == 1501
    sheet.publish(sheet_days(2), courses("A"))
    assert [row[0] for row in raw(sheet, "Courses")] == ["Course", "A"]
    # A section that an analysis did not make leaves its tab as it is, and one about persons has none.
    personal = replace(of_a_run()["checks"], is_personal=True)
    sheet.publish(sheet_days(2), personal)
    assert [tab.title for tab in sheet.others().worksheets()] == ["Sheet1", "RawData", "Courses"]
    assert len(raw(sheet, "Courses")) == 2


def keep_things(tab: gspread.Worksheet, column: str) -> None:
    """What a person leaves in a tab: a note, colours, a filter, a chart, and a column and a remark to the right."""
    place = {"sheetId": tab.id}
    by_row = {"startRowIndex": 0, "endRowIndex": 2, "startColumnIndex": 0, "endColumnIndex": 1}
    source = {"sourceRange": {"sources": [place | by_row]}}
    chart = {"title": "Mine", "basicChart": {"chartType": "LINE", "series": [{"series": source}]}}
    requests: list[dict[str, Any]] = [
        {"repeatCell": {"range": place | by_row, "cell": {"note": "ask Ann"}, "fields": "note"}},
        {"setBasicFilter": {"filter": {"range": place | by_row | {"endColumnIndex": 4}}}},
        {"addChart": {"chart": {"spec": chart, "position": {"overlayPosition": {"anchorCell": place}}}}},
    ]
    tab.spreadsheet.batch_update({"requests": requests})
    tab.format("A1:B3", {"backgroundColor": {"red": 1}})
    tab.update([["mine"], ["=1+1"], ["kept"]], f"{column}1", raw=False)
    tab.update([["far below"]], f"{column}40")


@fault(
    "Google Sheet",
    "a person keeps a note, colours, a filter, a chart and columns in the program's tabs",
    "all of it stays as it was",
)
def test_what_a_person_keeps_in_and_beside_a_tab_stays(sheet: PublishedSheet) -> None:
    sheet.publish(sheet_days(2), *all_sections())
    book = sheet.others()
    book.add_worksheet("Notes of mine", 5, 5).update([["keep"]], "A1")
    for name in TABS:
        keep_things(book.worksheet(name), "W")
    before = {name: described(sheet, name) for name in (*TABS, "Notes of mine")}
    sheet.publish(sheet_days(2), *all_sections())
    assert {name: described(sheet, name) for name in (*TABS, "Notes of mine")} == before
    # Other figures: all the rest is as it was.
    sheet.publish(sheet_days(2), replace(of_a_run()["days"], rows=of_a_run()["days"].rows[::-1]))
    now = described(sheet, "Days")
    assert {name: part for name, part in now.items() if name != "data"} == {
        name: part for name, part in before["Days"].items() if name != "data"
    }
    assert raw(sheet, "Days")[1][0] > raw(sheet, "Days")[3][0]
    assert raw(sheet, "Days")[39][22] == "far below"
    assert now["data"][0]["rowData"][0]["values"][0]["note"] == "ask Ann"


def test_a_chart_a_warning_or_a_format_that_a_person_took_away_does_not_come_back(sheet: PublishedSheet) -> None:
    sheet.publish(sheet_days(2), *all_sections())
    requests = []
    for name in TABS:
        tab = described(sheet, name)
        requests.append({"deleteEmbeddedObject": {"objectId": tab["charts"][0]["chartId"]}})
        requests.append({"deleteProtectedRange": {"protectedRangeId": tab["protectedRanges"][0]["protectedRangeId"]}})
    sheet.others().batch_update({"requests": requests})
    sheet.others().worksheet("Days").format("B2:B9", {"numberFormat": {"type": "NUMBER", "pattern": "0.00"}})
    sheet.publish(sheet_days(2), *all_sections())
    assert all({"charts", "protectedRanges"}.isdisjoint(described(sheet, name)) for name in TABS)
    assert sheet.cells("Days")[1][1] == "4011.00"


@fault(
    "Google Sheet",
    "a person's own tab has the title of one of the program's, or a tab `Tasks` without its columns",
    "it stays as it is, one line names it, and all other tabs are written",
)
def test_a_tab_of_somebody_elses_with_one_of_our_titles_is_left_and_named(sheet: PublishedSheet) -> None:
    book = sheet.others()
    book.add_worksheet("days", 5, 5).update([["my days"]], "A1")
    book.add_worksheet("Tasks", 5, 5).update([["what to do today"]], "A1")
    before = described(sheet, "days"), described(sheet, "Tasks")
    named, other = sheet.publish(sheet_days(2), *all_sections()).problems
    assert "tab days" in named
    assert "tab Tasks: its first line names no column" in other
    assert (described(sheet, "days"), described(sheet, "Tasks")) == before
    assert len(raw(sheet, "Courses")) == 3


def author(sheet: PublishedSheet, *rows: list[str]) -> gspread.Worksheet:
    """An author's tab, in an order of its own, with a column of theirs."""
    tab = sheet.others().add_worksheet("Tasks", 20, 6)
    tab.update([["Remark", "Название", "ID", "Курс"], *rows], "A1")
    return tab


def figures_of(sheet: PublishedSheet, column: str) -> dict[tuple[str, str], Any]:
    """A figure by a row's title and task."""
    head, *rows = raw(sheet, "Tasks")
    return {(row[head.index("Название")], row[head.index("ID")]): row[head.index(column)] for row in rows}


@fault(
    "Google Sheet",
    "an author sorts the rows of `Tasks`, and puts columns between",
    "each task's figures stand in its row; titles and remarks stay with their task",
)
def test_figures_stand_beside_their_task_wherever_a_person_puts_it(sheet: PublishedSheet) -> None:
    tab = author(
        sheet, ["good", "Loops", "loops", COURSE], ["", "Nobody's", "gone", COURSE], ["", "Files", "files", COURSE]
    )
    sheet.publish(sheet_days(2), tasks(task_row("files", 11), task_row("new", 12), task_row("loops", 13)))
    expected = {("Loops", "loops"): 13, ("Nobody's", "gone"): "", ("Files", "files"): 11, ("", "new"): 12}
    assert figures_of(sheet, "Students who tried") == expected
    # The author names the new task, sorts all rows, and puts a column before all others.
    tab.update([["Новая"]], "B5")
    tab.sort((2, "des"), range="A2:Z5")
    first = {"sheetId": tab.id, "dimension": "COLUMNS", "startIndex": 0, "endIndex": 1}
    tab.spreadsheet.batch_update({"requests": [{"insertDimension": {"range": first}}]})
    sheet.publish(sheet_days(2), tasks(task_row("gone", 21), task_row("new", 22), task_row("newest", 24)))
    assert figures_of(sheet, "Students who tried") == {
        ("Новая", "new"): 22,
        ("Nobody's", "gone"): 21,
        ("Loops", "loops"): "",
        ("Files", "files"): "",
        ("", "newest"): 24,
    }
    remarks = {row[3]: row[1] for row in raw(sheet, "Tasks")[1:]}
    assert remarks["loops"] == "good"
    titles, problems = parse(sheet.cells("Tasks"), "tab Tasks")
    assert ({title.task: title.title for title in titles}["new"], problems) == ("Новая", [])


def test_another_language_renames_our_columns_and_adds_none(sheet: PublishedSheet) -> None:
    told: dict[Language, str] = {"en": "To rewrite", "ru": "Переписать"}
    for language, header in told.items():
        sheet.publish(sheet_days(2), tasks(task_row("loops"), language=language), language=language)
        head = raw(sheet, "Tasks")[0]
        assert (len(head), head[3]) == (3 + 1 + len(TASK_FIGURES) + 1, header)


@pytest.mark.parametrize("language", ["en", "ru"])
def test_an_author_gives_titles_in_the_tab_that_the_program_made(sheet: PublishedSheet, language: Language) -> None:
    sheet.publish(sheet_days(2), tasks(task_row("loops"), task_row("00012345"), language=language), language=language)
    sheet.others().worksheet("Tasks").update([["Loops"]], "C2")
    titles, problems = parse(sheet.cells("Tasks"), "tab Tasks")
    assert ([(one.course, one.task, one.title) for one in titles], problems) == ([(COURSE, "loops", "Loops")], [])


def test_a_figure_more_goes_beyond_all_that_is_written_and_one_less_is_emptied(sheet: PublishedSheet) -> None:
    week = courses("A")
    sheet.publish(sheet_days(2), week)
    tab = sheet.others().worksheet("Courses")
    tab.update([["theirs"], ["kept"]], "G1")
    more = Column("more", "One more", "share")
    grown = replace(
        week,
        columns=(*week.columns[:3], *week.columns[4:], more),
        rows=tuple(Row((*row.values[:3], *row.values[4:], 0.5)) for row in week.rows),
    )
    for _ in range(2):
        sheet.publish(sheet_days(2), grown)
        head, row = sheet.cells("Courses")
        assert head == ["Course", "Week of", "Active students", "", "Minutes", "", "theirs", "One more"]
        assert row == ["A", "2023-04-03", "1,200", "", "7.3", "", "kept", "50.0%"]
        assert len(described(sheet, "Courses")["charts"]) == 1


def test_texts_of_others_stay_text_also_in_a_cell_that_a_person_formatted(sheet: PublishedSheet) -> None:
    for _ in range(2):
        sheet.publish(sheet_days(2), courses(*HOSTILE), tasks(*map(task_row, HOSTILE)))
        assert [row[0] for row in raw(sheet, "Courses")[1:]] == list(HOSTILE)
        # Found again by them.
        assert [row[1] for row in raw(sheet, "Tasks")[1:]] == list(HOSTILE)
        assert "formulaValue" not in str(described(sheet, "Courses")) + str(described(sheet, "Tasks"))
        for name in ("Courses", "Tasks"):
            sheet.others().worksheet(name).format("A1:B9", {"numberFormat": {"type": "NUMBER", "pattern": "0.0"}})


def test_another_locale_changes_nothing_but_how_it_looks(sheet: PublishedSheet) -> None:
    sheet.publish(sheet_days(2), *all_sections())
    expected = {name: raw(sheet, name) for name in ("RawData", *TABS)}
    sheet.id += "Russian"
    sheet.sandbox.add_spreadsheet(sheet.id, "Показатели", locale="ru_RU")
    for _ in range(2):
        assert sheet.publish(sheet_days(2), *all_sections()).problems == ()
        assert {name: raw(sheet, name) for name in ("RawData", *TABS)} == expected
    assert (sheet.cells("Days")[1][0], sheet.cells("Days")[1][6]) == ("2023-04-01", "40,0%")
