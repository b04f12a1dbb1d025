"""Requests of a batch that are about cells: formats, values, notes, merges, the order of rows."""

from tests.sandbox.sheets.book import Book, Change, Sheet
from tests.sandbox.sheets.errors import invalid_argument, not_implemented
from tests.sandbox.sheets.json_types import JsonObject
from tests.sandbox.sheets.masks import Mask, requested_mask, update_fields
from tests.sandbox.sheets.notation import plain
from tests.sandbox.sheets.ranges import Area

# The parts of a cell that can be written; the service works the others out.
PARTS = ("userEnteredValue", "userEnteredFormat", "note", "dataValidation", "textFormatRuns")
# In an ascending order numbers come first; empty cells come last in either order.
KINDS = ("numberValue", "stringValue", "boolValue", "formulaValue")


def repeat_cell(book: Book, request: JsonObject) -> None:
    """Gives all cells of a range the same format, value or note."""
    sheet, area = book.target(request.get("range", {}))
    mask = _cell_mask(request)
    for place in area.places():
        sheet.put(place, _changed(sheet.cells.get(place, {}), request.get("cell", {}), mask))


def update_cells(book: Book, request: JsonObject) -> None:
    """Gives each cell of a range its own format, value or note; cells without one lose theirs."""
    mask, rows = _cell_mask(request), request.get("rows", [])
    start, grid_range = request.get("start", {}), request.get("range")
    if grid_range is None:
        top, left = start.get("rowIndex", 0), start.get("columnIndex", 0)
        right = left + max((len(row.get("values", [])) for row in rows), default=0)
        grid_range = {"sheetId": start.get("sheetId", 0)} | Area(top, top + len(rows), left, right).grid_range()
    sheet, area = book.target(grid_range)
    new: dict[tuple[int, int], JsonObject] = {place: {} for place in area.places()}
    for row, line in enumerate(rows, start=area.top):
        for column, cell in enumerate(line.get("values", []), start=area.left):
            if (row, column) not in new:
                raise invalid_argument(f"Attempting to write row: {row}, column: {column}, beyond the requested range")
            new[row, column] = cell
    for place, cell in new.items():
        sheet.put(place, _changed(sheet.cells.get(place, {}), cell, mask))


def sort_range(book: Book, request: JsonObject) -> None:
    """Puts the rows of a range in order."""
    sheet, area = book.target(request.get("range", {}))
    rows = list(range(area.top, area.bottom))
    for spec in reversed(request.get("sortSpecs", [])):
        column, descending = spec.get("dimensionIndex", 0), spec.get("sortOrder") == "DESCENDING"
        keys = {row: key for row in rows if (key := _sort_key(sheet, row, column)) is not None}
        empty = [row for row in rows if row not in keys]
        rows = sorted(keys, key=keys.__getitem__, reverse=descending) + empty
    before = dict(sheet.cells)
    for row, column in area.places():
        sheet.put((row, column), before.get((rows[row - area.top], column), {}))


def merge_cells(book: Book, request: JsonObject) -> None:
    """Makes one cell of a range, or of each row or column in it; only the first cell keeps its value."""
    sheet, area = book.target(request.get("range", {}))
    _unmerge(sheet, area)
    kind, parts = request.get("mergeType", "MERGE_ALL"), [area]
    if kind == "MERGE_ROWS":
        parts = [area._replace(top=row, bottom=row + 1) for row in range(area.top, area.bottom)]
    elif kind == "MERGE_COLUMNS":
        parts = [area._replace(left=column, right=column + 1) for column in range(area.left, area.right)]
    of_sheet = {"sheetId": sheet.sheet_id} if sheet.sheet_id else {}
    for part in parts:
        _, *covered = part.places()
        if covered:
            sheet.described["merges"].append(of_sheet | part.grid_range())
        for place in covered:
            sheet.put(place, sheet.cells.get(place, {}) | {"userEnteredValue": None})


def unmerge_cells(book: Book, request: JsonObject) -> None:
    """Undoes the merges in a range."""
    _unmerge(*book.target(request.get("range", {})))


def _unmerge(sheet: Sheet, area: Area) -> None:
    merges = sheet.described.get("merges", [])
    touched = [merge.meets(area) for merge in sheet.merged_areas()]
    for merge, is_touched in zip(sheet.merged_areas(), touched, strict=True):
        if is_touched and not (area.has((merge.top, merge.left)) and area.has((merge.bottom - 1, merge.right - 1))):
            raise invalid_argument("You must select all cells in a merged range to merge or unmerge them.")
    sheet.described["merges"] = [merge for merge, gone in zip(merges, touched, strict=True) if not gone]


def _cell_mask(request: JsonObject) -> Mask:
    mask = requested_mask(request, "CellData")
    if "*" in mask:
        return {name: {} for name in PARTS}
    for name in mask:
        if name not in PARTS:
            raise not_implemented(f"the field {name} of cells")
    return mask


def _changed(cell: JsonObject, new: JsonObject, mask: Mask) -> JsonObject:
    changed = update_fields(cell, new, mask)
    entered = changed.get("userEnteredValue", {})
    if "numberValue" in entered:
        changed["userEnteredValue"] = {"numberValue": plain(entered["numberValue"])}
    return changed


def _sort_key(sheet: Sheet, row: int, column: int) -> tuple[int, float | str] | None:
    entered = sheet.cells.get((row, column), {}).get("userEnteredValue")
    if not entered:
        return None
    ((kind, value),) = entered.items()
    return KINDS.index(kind), value.casefold() if isinstance(value, str) else value


CHANGES: dict[str, Change] = {
    "repeatCell": repeat_cell,
    "updateCells": update_cells,
    "sortRange": sort_range,
    "mergeCells": merge_cells,
    "unmergeCells": unmerge_cells,
}
