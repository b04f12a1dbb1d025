"""Requests of a batch that are about cells: formats, values, notes, merges, the order of rows."""

from collections.abc import Iterator
from dataclasses import replace

from tests.sandbox.sheets.book.a1 import Area
from tests.sandbox.sheets.book.appearance import mask_of_both_spellings, with_both_spellings
from tests.sandbox.sheets.book.cells import Cell, CellError, Computed, Entered, Formula
from tests.sandbox.sheets.book.spreadsheet import Sheet, Spreadsheet
from tests.sandbox.sheets.changes.request_targets import target_area, target_grid, target_mask
from tests.sandbox.sheets.formulas.evaluation import Evaluator
from tests.sandbox.sheets.protocol.errors import invalid_argument, not_implemented
from tests.sandbox.sheets.protocol.field_mask import Mask, update_fields
from tests.sandbox.sheets.protocol.json_types import JsonObject

# The parts of a cell that can be written here, and what they are called in `Cell`.
PARTS = {"userEnteredValue": "value", "userEnteredFormat": "format", "note": "note", "dataValidation": "validation"}
# In an ascending order numbers come first; empty cells come last in either order.
KINDS: tuple[type, ...] = (float, str, bool, CellError)


def repeat_cell(book: Spreadsheet, request: JsonObject) -> JsonObject:
    """Give all cells of a range the same format, value or note."""
    sheet, area = target_area(book, request.get("range", {}))
    mask = _cell_mask(request)
    for row, column in _places(area):
        sheet.grid.put(row, column, _changed(sheet.grid.get(row, column), request.get("cell", {}), mask))
    return {}


def update_cells(book: Spreadsheet, request: JsonObject) -> JsonObject:
    """Give each cell of a range its own format, value or note; cells without one lose theirs."""
    mask, rows = _cell_mask(request), request.get("rows", [])
    if "range" in request:
        sheet, area = target_area(book, request["range"])
    else:
        start = request.get("start", {})
        sheet, top, left = target_grid(book, start), start.get("rowIndex", 0), start.get("columnIndex", 0)
        width = max((len(row.get("values", [])) for row in rows), default=0)
        area = sheet.area(Area(top, top + len(rows), left, left + width))
    new: dict[tuple[int, int], JsonObject] = {place: {} for place in _places(area)}
    new |= _given_cells(area, rows)
    for place, cell in new.items():
        sheet.grid.put(*place, _changed(sheet.grid.get(*place), cell, mask))
    return {}


def set_data_validation(book: Spreadsheet, request: JsonObject) -> JsonObject:
    """Set which values the cells of a range may get, or that they may get any."""
    sheet, area = target_area(book, request.get("range", {}))
    for row, column in _places(area):
        sheet.grid.put(row, column, replace(sheet.grid.get(row, column), validation=request.get("rule")))
    return {}


def sort_range(book: Spreadsheet, request: JsonObject) -> JsonObject:
    """Put the rows of a range in order."""
    sheet, area = target_area(book, request.get("range", {}))
    evaluator = Evaluator(book)
    rows = list(range(area.start_row, area.end_row))
    for spec in reversed(request.get("sortSpecs", [])):
        column, descending = spec.get("dimensionIndex", 0), spec.get("sortOrder") == "DESCENDING"
        filled = [row for row in rows if evaluator.value(sheet, row, column) is not None]
        empty = [row for row in rows if evaluator.value(sheet, row, column) is None]
        keys = {row: _sort_key(evaluator.value(sheet, row, column)) for row in filled}
        rows = sorted(filled, key=keys.__getitem__, reverse=descending) + empty
    columns = range(area.start_column, area.end_column)
    sorted_cells = [[sheet.grid.get(row, column) for column in columns] for row in rows]
    for row, cells in enumerate(sorted_cells, start=area.start_row):
        for column, cell in zip(columns, cells, strict=True):
            sheet.grid.put(row, column, cell)
    return {}


def merge_cells(book: Spreadsheet, request: JsonObject) -> JsonObject:
    """Make one cell of a range, or of each row or column in it; only the first cell keeps its value."""
    sheet, area = target_area(book, request.get("range", {}))
    _refuse_partial_merge(sheet, area)
    sheet.merges = [merge for merge in sheet.merges if not merge.meets(area)]
    for part in _merge_parts(area, request.get("mergeType", "MERGE_ALL")):
        if part.rows * part.columns > 1:
            sheet.merges.append(part)
        for row, column in list(_places(part))[1:]:
            sheet.grid.put(row, column, replace(sheet.grid.get(row, column), value=None))
    return {}


def unmerge_cells(book: Spreadsheet, request: JsonObject) -> JsonObject:
    """Undo the merges in a range."""
    sheet, area = target_area(book, request.get("range", {}))
    _refuse_partial_merge(sheet, area)
    sheet.merges = [merge for merge in sheet.merges if not merge.meets(area)]
    return {}


def _places(area: Area) -> Iterator[tuple[int, int]]:
    for row in range(area.start_row, area.end_row):
        for column in range(area.start_column, area.end_column):
            yield row, column


def _given_cells(area: Area, rows: list[JsonObject]) -> dict[tuple[int, int], JsonObject]:
    given: dict[tuple[int, int], JsonObject] = {}
    for row, line in enumerate(rows, start=area.start_row):
        for column, cell in enumerate(line.get("values", []), start=area.start_column):
            for name, index, end in (("row", row, area.end_row), ("column", column, area.end_column)):
                if index >= end:
                    beyond = f"beyond the last requested {name} of: {end - 1}"
                    raise invalid_argument(f"Attempting to write {name}: {index}, {beyond}")
            given[row, column] = cell
    return given


def _cell_mask(request: JsonObject) -> Mask:
    mask = mask_of_both_spellings(target_mask(request, "CellData"))
    if "*" in mask:
        return {name: {} for name in PARTS}
    for name in mask:
        if name not in PARTS:
            raise not_implemented(f"the field {name} of cells")
    return mask


def _changed(cell: Cell, new: JsonObject, mask: Mask) -> Cell:
    if "userEnteredValue" in mask:
        cell = replace(cell, value=_entered(new.get("userEnteredValue", {})))
    if "userEnteredFormat" in mask:
        added = with_both_spellings(new.get("userEnteredFormat", {}))
        inner = mask["userEnteredFormat"]
        cell = replace(cell, format=update_fields(cell.format, added, inner) if inner else added)
    if "note" in mask:
        cell = replace(cell, note=new.get("note", ""))
    if "dataValidation" in mask:
        cell = replace(cell, validation=new.get("dataValidation"))
    return cell


def _entered(value: JsonObject) -> Entered:
    if "formulaValue" in value:
        return Formula(value["formulaValue"])
    if "numberValue" in value:
        return float(value["numberValue"])
    return value.get("stringValue") or value.get("boolValue")


def _sort_key(value: Computed) -> tuple[int, float | str]:
    kind = type(value)
    if isinstance(value, str):
        return KINDS.index(kind), value.casefold()
    return KINDS.index(kind), value if isinstance(value, float | bool) else 0


def _merge_parts(area: Area, kind: str) -> list[Area]:
    if kind == "MERGE_ROWS":
        rows = range(area.start_row, area.end_row)
        return [Area(row, row + 1, area.start_column, area.end_column) for row in rows]
    if kind == "MERGE_COLUMNS":
        columns = range(area.start_column, area.end_column)
        return [Area(area.start_row, area.end_row, column, column + 1) for column in columns]
    return [area]


def _refuse_partial_merge(sheet: Sheet, area: Area) -> None:
    for merge in sheet.merges:
        corners = ((merge.start_row, merge.start_column), (merge.end_row - 1, merge.end_column - 1))
        if merge.meets(area) and not all(area.has(*corner) for corner in corners):
            raise invalid_argument("You must select all cells in a merged range to merge or unmerge them.")
