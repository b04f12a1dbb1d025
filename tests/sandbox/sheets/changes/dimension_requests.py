"""Requests of a batch that are about rows and columns."""

from tests.sandbox.sheets.book.a1 import Span
from tests.sandbox.sheets.book.range_shift import shift_deleted, shift_inserted
from tests.sandbox.sheets.book.spreadsheet import Sheet, Spreadsheet
from tests.sandbox.sheets.changes.request_targets import target_grid, target_mask
from tests.sandbox.sheets.changes.text_width import column_pixels
from tests.sandbox.sheets.methods.rendering import Renderer
from tests.sandbox.sheets.methods.spreadsheet_view import USUAL_PIXELS, describe_groups
from tests.sandbox.sheets.protocol.errors import invalid_argument
from tests.sandbox.sheets.protocol.field_mask import update_fields
from tests.sandbox.sheets.protocol.json_types import JsonObject

ONE = {"ROWS": "row", "COLUMNS": "column"}


def insert_dimension(book: Spreadsheet, request: JsonObject) -> JsonObject:
    """Insert empty rows or columns."""
    sheet, dimension, start, end = _target(book, request)
    size, inherit = sheet.size(dimension), request.get("inheritFromBefore", False)
    if start > size:
        raise invalid_argument(f"range.startIndex is larger than current grid size ({size})")
    if start == size and not inherit:
        raise invalid_argument(
            f"range.startIndex must be less than the grid size ({size}) if inheritFromBefore is false."
        )
    if start == 0 and inherit:
        raise invalid_argument("inheritFromBefore cannot be true if inserting at index 0.")
    _resize(sheet, dimension, size + end - start)
    book.check_size()
    sheet.grid.insert(dimension, start, end - start)
    shift_inserted(book, sheet, dimension, start, end - start)
    return {}


def append_dimension(book: Spreadsheet, request: JsonObject) -> JsonObject:
    """Add empty rows or columns at the end."""
    sheet, dimension = target_grid(book, request), request.get("dimension", "ROWS")
    _resize(sheet, dimension, sheet.size(dimension) + request.get("length", 0))
    book.check_size()
    return {}


def delete_dimension(book: Spreadsheet, request: JsonObject) -> JsonObject:
    """Remove rows or columns."""
    sheet, dimension, start, end = _target(book, request)
    size, one = sheet.size(dimension), ONE[dimension]
    if end > size:
        exist = f"Tried to delete {one} index {max(start, size)} but there are only {size} {one}s."
        raise invalid_argument(f"Cannot delete a {one} that doesn't exist. {exist}")
    if end - start == size:
        raise invalid_argument(f"You can't delete all the {one}s on the sheet.")
    grid, name = sheet.properties["gridProperties"], f"frozen{one.capitalize()}Count"
    frozen = grid.get(name, 0)
    frozen -= max(0, min(end, frozen) - start)
    if size - (end - start) <= frozen:
        raise invalid_argument(f"Sorry, it is not possible to delete all non-frozen {one}s.")
    grid[name] = frozen
    sheet.grid.delete(dimension, start, end)
    shift_deleted(book, sheet, dimension, start, end)
    _resize(sheet, dimension, size - (end - start))
    return {}


def update_dimension_properties(book: Spreadsheet, request: JsonObject) -> JsonObject:
    """Set how wide or high columns or rows are, and whether they are hidden."""
    sheet, dimension, start, end = _target(book, request)
    mask = target_mask(request, "DimensionProperties")
    for place in range(start, end):
        own = update_fields(sheet.dimensions[dimension].get(place, {}), request.get("properties", {}), mask)
        sheet.dimensions[dimension][place] = {name: value for name, value in own.items() if value}
    return {}


def auto_resize_dimensions(book: Spreadsheet, request: JsonObject) -> JsonObject:
    """Make columns as wide as what they hold; rows get their usual height."""
    sheet, dimension, start, end = _target(book, {"range": request.get("dimensions", {})})
    renderer = Renderer(book)
    for place in range(start, end):
        pixels: int | None = USUAL_PIXELS["ROWS"]
        if dimension == "COLUMNS":
            column = Span(start_column=place, end_column=place + 1)
            pixels = column_pixels(renderer.formatted(sheet, row, place) for row, _, _ in sheet.grid.within(column))
        if pixels is not None:
            sheet.dimensions[dimension][place] = sheet.dimensions[dimension].get(place, {}) | {"pixelSize": pixels}
    return {}


def add_dimension_group(book: Spreadsheet, request: JsonObject) -> JsonObject:
    """Put rows or columns into a group."""
    sheet, dimension, start, end = _target(book, request)
    depths = sheet.depths[dimension]
    for place in range(start, end):
        depths[place] = depths.get(place, 0) + 1
    return {"addDimensionGroup": {"dimensionGroups": describe_groups(sheet, dimension)}}


def delete_dimension_group(book: Spreadsheet, request: JsonObject) -> JsonObject:
    """Take rows or columns out of their innermost group."""
    sheet, dimension, start, end = _target(book, request)
    depths = sheet.depths[dimension]
    if any(depths.get(place, 0) == 0 for place in range(start, end)):
        raise invalid_argument("There is no dimension group at the specified range.")
    for place in range(start, end):
        depths[place] -= 1
    groups = describe_groups(sheet, dimension)
    return {"deleteDimensionGroup": {"dimensionGroups": groups} if groups else {}}


def _target(book: Spreadsheet, request: JsonObject) -> tuple[Sheet, str, int, int]:
    place = request.get("range", {})
    sheet, dimension = target_grid(book, place), place.get("dimension", "DIMENSION_UNSPECIFIED")
    if dimension not in ONE:
        raise invalid_argument("No dimension specified.")
    start, end = place.get("startIndex", 0), place.get("endIndex", sheet.size(dimension))
    if end <= start:
        raise invalid_argument("range.endIndex must be greater than range.startIndex.")
    return sheet, dimension, start, end


def _resize(sheet: Sheet, dimension: str, size: int) -> None:
    rows, columns = (size, sheet.columns) if dimension == "ROWS" else (sheet.rows, size)
    sheet.set_size(rows, columns)
