"""A sheet's cells, by row and column counted from 0."""

from collections.abc import Callable, Iterator
from typing import TypeAlias

from tests.sandbox.sheets.book.a1 import Span
from tests.sandbox.sheets.book.cells import EMPTY_CELL, Cell

# Where a row or column goes to, or None where it goes away.
Mover: TypeAlias = Callable[[int], int | None]


class Grid:
    """Cells that are kept only where there is something in them; the sheet knows how large it is."""

    def __init__(self, rows: dict[int, dict[int, Cell]] | None = None) -> None:
        self._rows = rows or {}

    def copy(self) -> "Grid":
        """Give a grid of its own with the same cells."""
        return Grid({row: dict(cells) for row, cells in self._rows.items()})

    def get(self, row: int, column: int) -> Cell:
        """Give a cell, an empty one where nothing was kept."""
        return self._rows.get(row, {}).get(column, EMPTY_CELL)

    def put(self, row: int, column: int, cell: Cell) -> None:
        """Keep a cell, or forget it where nothing is in it."""
        if not cell.is_bare:
            self._rows.setdefault(row, {})[column] = cell
            return
        cells = self._rows.get(row, {})
        cells.pop(column, None)
        if not cells:
            self._rows.pop(row, None)

    def within(self, span: Span) -> Iterator[tuple[int, int, Cell]]:
        """Give the kept cells of a range with their places, row by row and from left to right."""
        for row in sorted(self._rows):
            if span.has_row(row):
                cells = self._rows[row]
                yield from ((row, column, cells[column]) for column in sorted(cells) if span.has_column(column))

    def crop(self, rows: int, columns: int) -> None:
        """Forget what lies beyond a size."""
        beyond = [(row, column) for row, column, _ in self.within(Span()) if row >= rows or column >= columns]
        for row, column in beyond:
            self.put(row, column, EMPTY_CELL)

    def insert(self, dimension: str, start: int, count: int) -> None:
        """Make room: what lies at `start` or after it moves on by `count` rows or columns.

        Args:
            dimension: `ROWS` or `COLUMNS`.
            start: the first new row or column.
            count: how many.
        """
        self._move(dimension, lambda place: place + count if place >= start else place)

    def delete(self, dimension: str, start: int, end: int) -> None:
        """Take rows or columns out, from `start` up to and without `end`, and close the gap."""
        self._move(dimension, lambda place: place if place < start else None if place < end else place - (end - start))

    def _move(self, dimension: str, moved: Mover) -> None:
        rows: dict[int, dict[int, Cell]] = {}
        for row, column, cell in list(self.within(Span())):
            new_row = moved(row) if dimension == "ROWS" else row
            new_column = moved(column) if dimension == "COLUMNS" else column
            if new_row is not None and new_column is not None:
                rows.setdefault(new_row, {})[new_column] = cell
        self._rows = rows
