"""A spreadsheet as `spreadsheets.get` describes it."""

from collections.abc import Iterable, Sequence

from tests.sandbox.sheets.book.a1 import Area, Span
from tests.sandbox.sheets.book.appearance import DEFAULT_FORMAT, effective_format, theme
from tests.sandbox.sheets.book.cells import Cell, CellError, Formula
from tests.sandbox.sheets.book.spreadsheet import Sheet, Spreadsheet, grid_range_of
from tests.sandbox.sheets.methods.rendering import Renderer, plain
from tests.sandbox.sheets.protocol.json_types import Json, JsonObject

USUAL_PIXELS = {"ROWS": 21, "COLUMNS": 100}
ERROR_TYPES = {
    "#DIV/0!": "DIVIDE_BY_ZERO",
    "#VALUE!": "VALUE",
    "#REF!": "REF",
    "#NAME?": "NAME",
    "#NUM!": "NUM",
    "#N/A": "N_A",
    "#ERROR!": "ERROR",
}


def describe_spreadsheet(book: Spreadsheet, ranges: Sequence[str] = (), *, with_cells: bool = False) -> JsonObject:
    """Describe a spreadsheet.

    Args:
        book: the spreadsheet.
        ranges: ranges in A1 notation to which sheets and cells are limited; none for all.
        with_cells: whether the cells are given too.

    Returns:
        The API's `Spreadsheet`.

    Raises:
        GoogleError: a range cannot be found.
    """
    chosen = [book.find_range(text) for text in ranges] or [(sheet, Span()) for sheet in book.sheets]
    renderer = Renderer(book)
    sheets = []
    for sheet in book.sheets:
        areas = [sheet.area(span) for of, span in chosen if of is sheet]
        if areas:
            described = _describe_sheet(book, sheet)
            cells = {"data": [_describe_cells(sheet, area, renderer) for area in areas]} if with_cells else {}
            sheets.append(described | cells)
    description: JsonObject = {
        "spreadsheetId": book.spreadsheet_id,
        "properties": book.properties | {"defaultFormat": DEFAULT_FORMAT, "spreadsheetTheme": theme()},
        "sheets": sheets,
        "spreadsheetUrl": f"https://docs.google.com/spreadsheets/d/{book.spreadsheet_id}/edit",
    }
    return description | ({"namedRanges": book.named_ranges} if book.named_ranges else {})


def describe_properties(book: Spreadsheet, sheet: Sheet) -> JsonObject:
    """Describe a sheet without its cells and what lies over them.

    Args:
        book: the spreadsheet.
        sheet: one of its sheets.

    Returns:
        The API's `SheetProperties`.
    """
    own = {name: value for name, value in sheet.properties.items() if value is not False}
    grid = {name: value for name, value in own["gridProperties"].items() if value}
    return own | {"index": book.index_of(sheet), "gridProperties": grid}


def describe_groups(sheet: Sheet, dimension: str) -> list[JsonObject]:
    """Describe the groups of rows or columns, the outer ones first.

    Args:
        sheet: the sheet.
        dimension: `ROWS` or `COLUMNS`.

    Returns:
        The API's `DimensionGroup` objects.
    """
    depths = sheet.depths[dimension]
    groups = []
    for depth in range(1, max(depths.values(), default=0) + 1):
        for start, end in _runs(sorted(place for place, deep in depths.items() if deep >= depth)):
            place: JsonObject = {"sheetId": sheet.sheet_id} if sheet.sheet_id else {}
            place |= {"dimension": dimension, "startIndex": start, "endIndex": end}
            groups.append({"range": place, "depth": depth})
    return groups


def trim_cells(description: JsonObject) -> JsonObject:
    """Leave out the empty rows and cells that a field mask left at the end of the cells.

    Args:
        description: the API's `Spreadsheet`, or the part of it that was asked for; it is changed.
    """
    for sheet in description.get("sheets", []):
        for data in sheet.get("data", []):
            rows = data.get("rowData", [])
            for row in rows:
                _drop_empty_end(row.get("values", []))
            rows[:] = [row if row.get("values") else {} for row in rows]
            _drop_empty_end(rows)
            if not rows:
                data.pop("rowData", None)
    return description


def _drop_empty_end(items: list[Json]) -> None:
    while items and not items[-1]:
        items.pop()


def _runs(places: Iterable[int]) -> list[tuple[int, int]]:
    runs: list[tuple[int, int]] = []
    for place in places:
        if runs and runs[-1][1] == place:
            runs[-1] = (runs[-1][0], place + 1)
        else:
            runs.append((place, place + 1))
    return runs


def _describe_sheet(book: Spreadsheet, sheet: Sheet) -> JsonObject:
    parts: JsonObject = {
        "merges": [grid_range_of(sheet, area) for area in sheet.merges],
        "basicFilter": sheet.basic_filter,
        "protectedRanges": sheet.protected_ranges,
        "rowGroups": describe_groups(sheet, "ROWS"),
        "columnGroups": describe_groups(sheet, "COLUMNS"),
    }
    return {"properties": describe_properties(book, sheet)} | {name: part for name, part in parts.items() if part}


def _describe_cells(sheet: Sheet, area: Area, renderer: Renderer) -> JsonObject:
    rows: list[JsonObject] = []
    for row, column, cell in sheet.grid.within(area):
        rows += [{} for _ in range(row - area.start_row + 1 - len(rows))]
        values = rows[-1].setdefault("values", [])
        values += [{} for _ in range(column - area.start_column - len(values))]
        values.append(_describe_cell(sheet, row, column, cell, renderer))
    described: JsonObject = {"startRow": area.start_row, "startColumn": area.start_column, "rowData": rows}
    return {name: part for name, part in described.items() if part} | {
        "rowMetadata": _describe_dimension(sheet, "ROWS", area.start_row, area.end_row),
        "columnMetadata": _describe_dimension(sheet, "COLUMNS", area.start_column, area.end_column),
    }


def _describe_dimension(sheet: Sheet, dimension: str, start: int, end: int) -> list[JsonObject]:
    usual, own = {"pixelSize": USUAL_PIXELS[dimension]}, sheet.dimensions[dimension]
    return [usual | own.get(place, {}) for place in range(start, end)]


def _describe_cell(sheet: Sheet, row: int, column: int, cell: Cell, renderer: Renderer) -> JsonObject:
    described: JsonObject = {}
    if cell.value is not None:
        described["userEnteredValue"] = _extended_value(cell.value)
        described["effectiveValue"] = _extended_value(renderer.evaluator.value(sheet, row, column))
        described["formattedValue"] = renderer.formatted(sheet, row, column)
    if cell.format:
        described["userEnteredFormat"] = cell.format
    if cell.value is not None or cell.format:
        described["effectiveFormat"] = effective_format(cell.format)
    return (
        described
        | ({"note": cell.note} if cell.note else {})
        | ({"dataValidation": cell.validation} if cell.validation is not None else {})
    )


def _extended_value(value: object) -> JsonObject:
    if isinstance(value, Formula):
        return {"formulaValue": value.text}
    if isinstance(value, CellError):
        return {"errorValue": {"type": ERROR_TYPES[value.text], "message": value.message}}
    if isinstance(value, bool):
        return {"boolValue": value}
    return {"stringValue" if isinstance(value, str) else "numberValue": plain(value)}
