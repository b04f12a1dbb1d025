"""What lies over the cells moves with them when rows or columns are inserted or deleted."""

from collections.abc import Callable
from typing import TypeAlias, TypeVar

from tests.sandbox.sheets.book.a1 import Area
from tests.sandbox.sheets.book.spreadsheet import Sheet, Spreadsheet
from tests.sandbox.sheets.protocol.json_types import JsonObject

# From where a range began and ended along one dimension to where it does now.
Move: TypeAlias = Callable[[int, int], tuple[int, int]]
Kept = TypeVar("Kept")
INDEXES = {"ROWS": ("startRowIndex", "endRowIndex"), "COLUMNS": ("startColumnIndex", "endColumnIndex")}


def shift_inserted(book: Spreadsheet, sheet: Sheet, dimension: str, start: int, count: int) -> None:
    """Move what lies behind new rows or columns.

    Args:
        book: the spreadsheet.
        sheet: the sheet.
        dimension: `ROWS` or `COLUMNS`.
        start: the first new row or column.
        count: how many.
    """

    def move(begin: int, end: int) -> tuple[int, int]:
        return begin + (count if begin >= start else 0), end + (count if end > start else 0)

    _shift(book, sheet, dimension, move)


def shift_deleted(book: Spreadsheet, sheet: Sheet, dimension: str, start: int, end: int) -> None:
    """Move what lies behind deleted rows or columns, and remove what lay on them.

    Args:
        book: the spreadsheet.
        sheet: the sheet.
        dimension: `ROWS` or `COLUMNS`.
        start: the first deleted row or column.
        end: the one after the last.
    """

    def moved(edge: int) -> int:
        return edge if edge <= start else max(start, edge - (end - start))

    _shift(book, sheet, dimension, lambda begin, last: (moved(begin), moved(last)))


def _shift(book: Spreadsheet, sheet: Sheet, dimension: str, move: Move) -> None:
    areas = [_moved_area(merge, dimension, move) for merge in sheet.merges]
    sheet.merges = [area for area in areas if area.rows > 0 and area.columns > 0]
    sheet.dimensions[dimension] = _moved_places(sheet.dimensions[dimension], move)
    sheet.depths[dimension] = _moved_places(sheet.depths[dimension], move)
    own = [one for one in book.named_ranges if one["range"].get("sheetId", 0) == sheet.sheet_id]
    filters = [sheet.basic_filter] if sheet.basic_filter else []
    for described in (*own, *sheet.protected_ranges, *filters):
        described["range"] = _moved_range(described["range"], dimension, move)


def _moved_area(area: Area, dimension: str, move: Move) -> Area:
    if dimension == "ROWS":
        return Area(*move(area.start_row, area.end_row), area.start_column, area.end_column)
    return Area(area.start_row, area.end_row, *move(area.start_column, area.end_column))


def _moved_range(grid_range: JsonObject, dimension: str, move: Move) -> JsonObject:
    start, end = INDEXES[dimension]
    if end not in grid_range:
        return grid_range
    begin, last = move(grid_range.get(start, 0), grid_range[end])
    return grid_range | {start: begin, end: last}


def _moved_places(places: dict[int, Kept], move: Move) -> dict[int, Kept]:
    moved = {}
    for place, kept in places.items():
        begin, end = move(place, place + 1)
        if end > begin:
            moved[begin] = kept
    return moved
