"""Requests of a batch that are about rows and columns; what lies over the cells, such as a chart, moves with them."""

from collections.abc import Callable
from functools import partial
from typing import TypeAlias

from tests.sandbox.sheets.book import Book, Change, Sheet
from tests.sandbox.sheets.discovery import rewrite
from tests.sandbox.sheets.errors import invalid_argument
from tests.sandbox.sheets.json_types import JsonObject
from tests.sandbox.sheets.masks import requested_mask, update_fields
from tests.sandbox.sheets.notation import show_cell
from tests.sandbox.sheets.ranges import Area
from tests.sandbox.sheets.view import USUAL_PIXELS

# Where a row or column goes to, or None where it goes away.
Mover: TypeAlias = Callable[[int], int | None]
ONE = {"ROWS": "row", "COLUMNS": "column"}
# How wide the letter A is on the screen; others are taken to be as wide.
LETTER_PIXELS = 8.48
MARGIN_PIXELS = 7


def insert_dimension(book: Book, request: JsonObject) -> None:
    """Inserts empty rows or columns."""
    sheet, dimension, start, end = _target(book, request.get("range", {}))
    size, inherit = sheet.size(dimension), request.get("inheritFromBefore", False)
    if start >= size + inherit:
        raise invalid_argument(f"range.startIndex is larger than current grid size ({size})")
    _resize(sheet, dimension, size + end - start)
    _move(book, sheet, dimension, lambda place: place + end - start if place >= start else place)


def delete_dimension(book: Book, request: JsonObject) -> None:
    """Removes rows or columns."""
    sheet, dimension, start, end = _target(book, request.get("range", {}))
    size, one = sheet.size(dimension), ONE[dimension]
    if end > size:
        raise invalid_argument(f"Cannot delete a {one} that doesn't exist. There are only {size} {one}s.")
    if end - start == size:
        raise invalid_argument(f"You can't delete all the {one}s on the sheet.")
    whole = sheet.area({})
    rows, columns = (start, end, *whole[2:]), (*whole[:2], start, end)
    sheet.refuse_protected(Area(*(rows if dimension == "ROWS" else columns)))
    grid, name = sheet.properties["gridProperties"], f"frozen{one.title()}Count"
    grid[name] = grid.get(name, 0) - max(0, min(end, grid.get(name, 0)) - start)
    _move(
        book, sheet, dimension, lambda place: place if place < start else place - end + start if place >= end else None
    )
    _resize(sheet, dimension, size - (end - start))


def move_dimension(book: Book, request: JsonObject) -> None:
    """Moves rows or columns to another place, which is counted while they still stand where they were."""
    sheet, dimension, start, end = _target(book, request.get("source", {}))
    order = list(range(sheet.size(dimension)))
    goal = request.get("destinationIndex", 0)
    if start <= goal <= end:
        return
    moved = order[start:end]
    del order[start:end]
    goal -= len(moved) if goal > start else 0
    order[goal:goal] = moved
    places = {before: after for after, before in enumerate(order)}
    _move(book, sheet, dimension, places.get)


def update_dimension_properties(book: Book, request: JsonObject) -> None:
    """Sets how wide or high columns or rows are, and whether they are hidden."""
    sheet, dimension, start, end = _target(book, request.get("range", {}))
    mask, own = requested_mask(request, "DimensionProperties"), sheet.dimensions[dimension]
    for place in range(start, end):
        updated = update_fields(own.get(place, {}), request.get("properties", {}), mask)
        own[place] = {name: value for name, value in updated.items() if value}


def auto_resize_dimensions(book: Book, request: JsonObject) -> None:
    """Makes columns about as wide as what they hold; rows get their usual height."""
    sheet, dimension, start, end = _target(book, request.get("dimensions", {}))
    own = sheet.dimensions[dimension]
    for place in range(start, end):
        pixels = USUAL_PIXELS["ROWS"]
        if dimension == "COLUMNS":
            cells = sheet.filled(sheet.area({"startColumnIndex": place, "endColumnIndex": place + 1}))
            lines = [line for _, cell in cells for line in show_cell(cell, book.locale).splitlines()]
            if not lines:
                continue
            pixels = round(max(map(len, lines)) * LETTER_PIXELS) + MARGIN_PIXELS
        own[place] = own.get(place, {}) | {"pixelSize": pixels}


def _target(book: Book, place: JsonObject) -> tuple[Sheet, str, int, int]:
    sheet, dimension = book.grid(place), place.get("dimension", "DIMENSION_UNSPECIFIED")
    if dimension not in ONE:
        raise invalid_argument("No dimension specified.")
    start, end = place.get("startIndex", 0), place.get("endIndex", sheet.size(dimension))
    if end <= start:
        raise invalid_argument("range.endIndex must be greater than range.startIndex.")
    return sheet, dimension, start, end


def _resize(sheet: Sheet, dimension: str, size: int) -> None:
    sizes = {name: sheet.size(name) for name in ONE} | {dimension: size}
    sheet.resize(sizes["ROWS"], sizes["COLUMNS"])


def _move(book: Book, sheet: Sheet, dimension: str, moved: Mover) -> None:
    """Moves the cells, and every place within the spreadsheet's other objects that lies in the sheet."""
    axis = 0 if dimension == "ROWS" else 1
    own = sheet.dimensions[dimension].items()
    sheet.dimensions[dimension] = {new: kept for old, kept in own if (new := moved(old)) is not None}
    cells, sheet.cells = sheet.cells, {}
    for place, cell in cells.items():
        new = moved(place[axis])
        if new is not None:
            sheet.cells[(new, place[1]) if axis == 0 else (place[0], new)] = cell
    change = partial(_moved, sheet, dimension, moved)
    for one in book.sheets:
        one.described = rewrite("Sheet", one.described, change) or {}
    book.described = rewrite("Spreadsheet", book.described, change) or {}


def _moved(sheet: Sheet, dimension: str, moved: Mover, name: str, message: JsonObject) -> JsonObject | None:
    one = ONE[dimension]
    if message.get("sheetId", 0) != sheet.sheet_id:
        return message
    if name == "GridCoordinate":
        before = [new for old in range(message.get(f"{one}Index", 0)) if (new := moved(old)) is not None]
        new = moved(message.get(f"{one}Index", 0))
        return message | {f"{one}Index": max(before, default=-1) + 1 if new is None else new}
    if name == "GridRange":
        return _moved_span(message, f"start{one.title()}Index", f"end{one.title()}Index", moved)
    if name == "DimensionRange" and message.get("dimension") == dimension:
        return _moved_span(message, "startIndex", "endIndex", moved)
    return message


def _moved_span(span: JsonObject, start: str, end: str, moved: Mover) -> JsonObject | None:
    if end not in span:
        return span
    new = [place for old in range(span.get(start, 0), span[end]) if (place := moved(old)) is not None]
    return span | {start: min(new), end: max(new) + 1} if new else None


CHANGES: dict[str, Change] = {
    "insertDimension": insert_dimension,
    "deleteDimension": delete_dimension,
    "moveDimension": move_dimension,
    "updateDimensionProperties": update_dimension_properties,
    "autoResizeDimensions": auto_resize_dimensions,
}
