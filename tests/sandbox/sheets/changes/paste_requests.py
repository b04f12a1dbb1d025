"""Requests of a batch that copy or move cells."""

from dataclasses import replace

from tests.sandbox.sheets.book.a1 import Area
from tests.sandbox.sheets.book.cells import EMPTY_CELL, Cell, CellError, Entered
from tests.sandbox.sheets.book.spreadsheet import Sheet, Spreadsheet
from tests.sandbox.sheets.changes.request_targets import target_area, target_grid
from tests.sandbox.sheets.formulas.evaluation import Evaluator
from tests.sandbox.sheets.protocol.errors import not_implemented
from tests.sandbox.sheets.protocol.json_types import JsonObject


def copy_paste(book: Spreadsheet, request: JsonObject) -> JsonObject:
    """Copy a range, as often as it fits into the destination but at least once.

    References in formulas are copied as they are.
    """
    source, from_area = target_area(book, request.get("source", {}))
    target, to_area = target_area(book, request.get("destination", {}))
    lines = _copied(book, source, from_area, request.get("pasteType", "PASTE_NORMAL"))
    if request.get("pasteOrientation") == "TRANSPOSE":
        lines = [list(column) for column in zip(*lines, strict=True)]
    height, width = len(lines), len(lines[0])
    down, along = _times(to_area.rows, height), _times(to_area.columns, width)
    for row in range(down * height):
        for column in range(along * width):
            place = (to_area.start_row + row, to_area.start_column + column)
            _paste(target, place, lines[row % height][column % width], request.get("pasteType", "PASTE_NORMAL"))
    return {}


def cut_paste(book: Spreadsheet, request: JsonObject) -> JsonObject:
    """Move a range."""
    source, area = target_area(book, request.get("source", {}))
    destination = request.get("destination", {})
    target = target_grid(book, destination)
    kind = request.get("pasteType", "PASTE_NORMAL")
    lines = _copied(book, source, area, kind)
    for row in range(area.start_row, area.end_row):
        for column in range(area.start_column, area.end_column):
            source.grid.put(row, column, EMPTY_CELL)
    for row, cells in enumerate(lines, start=destination.get("rowIndex", 0)):
        for column, cell in enumerate(cells, start=destination.get("columnIndex", 0)):
            _paste(target, (row, column), cell, kind)
    return {}


def _times(room: int, size: int) -> int:
    return room // size if room % size == 0 else 1


def _copied(book: Spreadsheet, sheet: Sheet, area: Area, kind: str) -> list[list[Cell]]:
    evaluator = Evaluator(book)
    lines = []
    for row in range(area.start_row, area.end_row):
        columns = range(area.start_column, area.end_column)
        cells = [sheet.grid.get(row, column) for column in columns]
        if kind == "PASTE_VALUES":
            computed = [evaluator.value(sheet, row, column) for column in columns]
            values: list[Entered] = [value.text if isinstance(value, CellError) else value for value in computed]
            cells = [replace(cell, value=value) for cell, value in zip(cells, values, strict=True)]
        lines.append(cells)
    return lines


def _paste(sheet: Sheet, place: tuple[int, int], cell: Cell, kind: str) -> None:
    sheet.area(Area(place[0], place[0] + 1, place[1], place[1] + 1))
    below = sheet.grid.get(*place)
    if kind in {"PASTE_NORMAL", "PASTE_NO_BORDERS"}:
        pasted = cell
    elif kind in {"PASTE_VALUES", "PASTE_FORMULA"}:
        pasted = replace(below, value=cell.value)
    elif kind == "PASTE_FORMAT":
        pasted = replace(below, format=cell.format)
    elif kind == "PASTE_DATA_VALIDATION":
        pasted = replace(below, validation=cell.validation)
    else:
        raise not_implemented(f"pasteType {kind}")
    sheet.grid.put(*place, pasted)
