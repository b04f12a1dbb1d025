"""Tabs: sections laid out in a spreadsheet beside what people keep there. Nothing is sent from here.

Each column of ours carries a mark, which Google moves with the column, so that it is known whatever its header says and
wherever somebody moves it. What is made together with the marks (formats, widths, a warning before an edit, the chart)
is made once, and a person's from then on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, NamedTuple

from schemas.figures import ATTEMPTS, SUCCESSFUL_ATTEMPTS
from schemas.language import Language, Link, Text, Value
from schemas.section import Column, Row, Section
from schemas.task_figures import STUDENTS_SOLVED, STUDENTS_TRIED
from schemas.wording import COURSE, TASK
from tasks.errors import PermanentError
from tasks.rendering import one_line
from tasks.sheet_grid import Grid, Request, add_chart, add_columns, add_tab, format_columns, make_room
from tasks.titles import TITLES_TAB, find_columns

EPOCH: Final = date(1899, 12, 30)
"""Day 0 of the serial numbers in which Google Sheets counts dates."""

_TITLE: Final = Text("Название", "Title")

Cells = Sequence[Sequence[Any]]
"""Values, row by row, without the empty ones at the ends."""


@dataclass(frozen=True, slots=True)
class Tab:
    """A tab and what it shows.

    Attributes:
        section: the section's name.
        chart: columns: what the chart is by, then what it shows.
        found_by: the columns by which a row is found. Its rows are an author's to sort, to name and to add to, and so
            are these columns; without any, rows and columns are the program's.
    """

    title: str
    section: str
    chart: tuple[str, ...]
    found_by: tuple[str, ...] = ()


TABS: Final = (
    Tab("Days", "days", ("day", ATTEMPTS.name, SUCCESSFUL_ATTEMPTS.name)),
    Tab("Courses", "courses", ("course", "active_students", "new_students")),
    Tab(TITLES_TAB, "tasks", ("task", STUDENTS_TRIED.name, STUDENTS_SOLVED.name), ("course", "task")),
    Tab("Checks", "checks", ("check", "records")),
)


class Block(NamedTuple):
    """Cells of a column, one beneath the other; places are counted from 0."""

    column: int
    row: int
    values: list[Any]

    @property
    def end(self) -> int:
        """The first row below it."""
        return self.row + len(self.values)


@dataclass(frozen=True, slots=True)
class Plan:
    """A section in its tab.

    Attributes:
        requests: what the tab still lacks.
        blocks: what is written then: our columns, and of new rows those by which they are found.
    """

    tab: Tab
    section: Section
    grid: Grid
    requests: list[Request]
    blocks: list[Block]

    def is_held_by(self, cells: Cells) -> bool:
        """Whether the tab, read again, holds what it should: row by row as they are now, and nothing below."""
        return all(
            _plain(block.values) == _plain([_at(row, block.column) for row in cells[block.row :]])
            for block in _lay_out(self.tab, self.section, self.grid, cells)
        )


def plan(tab: Tab, section: Section, there: Grid | None, cells: Cells, new_id: int, language: Language) -> Plan:
    """How a section comes into its tab.

    Args:
        there: the tab, if there is one of that title.
        cells: what it holds.
        new_id: the number of a tab that is made.

    Raises:
        PermanentError: the tab is a person's own, or lacks the columns by which its rows are found.
    """
    grid, requests, blocks = there or Grid(new_id, tab.title), list[Request](), list[Block]()
    if there is None:
        header = [text.to(language) for text in (COURSE, TASK, _TITLE)] if tab.found_by else []
        cells = [header]
        requests = [
            add_tab(grid, frozen_rows=1),
            *format_columns(grid, 0, [Column(each, each, "text") for each in header]),
        ]
        blocks = [Block(place, 0, [title]) for place, title in enumerate(header)]
    elif not (there.marks or tab.found_by):
        raise PermanentError(f"tab {there.title} is somebody's own and stays as it is: rename it to get the program's")
    theirs = _find(tab, cells)
    new = [each for each in section.columns if each.name not in grid.marks and each.name not in theirs]
    if new:
        # Beyond everything that anybody has written.
        start = max([*map(len, cells), *(place + 1 for place in grid.marks.values())])
        requests += add_columns(grid, start, new)
        is_first, grid = not grid.marks, grid.with_columns(start, new)
        if is_first:
            places = {**theirs, **grid.marks}
            requests.append(add_chart(grid, section.title, [places[each] for each in tab.chart], start + len(new)))
    blocks += _lay_out(tab, section, grid, cells)
    requests += make_room(grid, max(block.end for block in blocks), grid.marks.values())
    return Plan(tab, section, grid, requests, blocks)


def _lay_out(tab: Tab, section: Section, grid: Grid, cells: Cells) -> list[Block]:
    rows: list[Row | None] = [*section.rows]
    blocks = []
    if places := _find(tab, cells):
        # Each row where it stands, and the new ones at the end.
        left = {tuple(map(one_line, row.key)): row for row in section.rows}
        keys = [tuple(one_line(str(_at(line, place))) for place in places.values()) for line in cells[1:]]
        rows = [*(left.pop(key, None) for key in keys), *left.values()]
        blocks = [Block(place, len(cells), [key[n] for key in left]) for n, place in enumerate(places.values())]
    columns = {column.name: place for place, column in enumerate(section.columns)}
    for name, place in grid.marks.items():
        values: list[Any] = []
        if name in columns:
            own = [row.values[columns[name]] if row else None for row in rows]
            values = [section.columns[columns[name]].title, *map(_to_cell, own)]
        # What is left of more rows, or of a column that there is no more, is emptied.
        blocks.append(Block(place, 0, values + [""] * (len(cells) - len(values))))
    return blocks


def _find(tab: Tab, cells: Cells) -> dict[str, int]:
    """The places of the columns by which rows are found."""
    if not tab.found_by:
        return {}
    found = find_columns([str(cell) for cell in (_at(cells, 0) or ())], f"tab {tab.title}")
    return {name: found[name] for name in tab.found_by}


def _to_cell(value: Value) -> str | float:
    """A value as it is written: a date as its number, and a text as one line, which Google gives back as it is."""
    if isinstance(value, date):
        return (value - EPOCH).days
    if isinstance(value, Link):
        return one_line(value.text)
    return one_line(value or "") if isinstance(value, str | None) else value


def _at(cells: Sequence[Any], place: int) -> Any:
    return cells[place] if place < len(cells) else ""


def _plain(values: Sequence[Any]) -> list[str]:
    """Values in the same words, whether a cell holds a number or, formatted as text, its digits; no empty ones last."""
    plain = []
    for value in values:
        try:
            plain.append(str(float(value)))
        except ValueError:
            plain.append(str(value))
    while plain and not plain[-1]:
        plain.pop()
    return plain
