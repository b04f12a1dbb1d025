"""The tables in a sheet: blocks of filled cells that touch each other, which `append` writes below."""

from collections.abc import Iterator

from tests.sandbox.sheets.book.a1 import Area, Span
from tests.sandbox.sheets.book.spreadsheet import Sheet

NEIGHBOURS = [(down, along) for down in (-1, 0, 1) for along in (-1, 0, 1) if (down, along) != (0, 0)]


def find_table(sheet: Sheet, span: Span) -> Area | None:
    """Find the last table that has a part in a range.

    Args:
        sheet: the sheet.
        span: the range in which it is looked for.

    Returns:
        The rectangle around the table, or None where there is none.
    """
    found = [table for table in _tables(sheet) if table.meets(span)]
    return max(found, key=lambda table: (table.end_row, table.end_column), default=None)


def _tables(sheet: Sheet) -> Iterator[Area]:
    filled = {(row, column) for row, column, cell in sheet.grid.within(Span()) if cell.value is not None}
    while filled:
        block = _take_block(filled)
        rows, columns = [row for row, _ in block], [column for _, column in block]
        yield Area(min(rows), max(rows) + 1, min(columns), max(columns) + 1)


def _take_block(filled: set[tuple[int, int]]) -> list[tuple[int, int]]:
    waiting, block = [filled.pop()], []
    while waiting:
        row, column = waiting.pop()
        block.append((row, column))
        for down, along in NEIGHBOURS:
            neighbour = (row + down, column + along)
            if neighbour in filled:
                filled.remove(neighbour)
                waiting.append(neighbour)
    return block
