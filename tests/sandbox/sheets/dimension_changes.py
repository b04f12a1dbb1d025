"""Requests of a batch that are about rows and columns; what lies over the cells, such as a chart, moves with them."""

import secrets
from collections.abc import Callable
from functools import partial
from typing import TypeAlias

from tests.sandbox.sheets.book import Book, Change, Sheet
from tests.sandbox.sheets.discovery import rewrite
from tests.sandbox.sheets.errors import invalid_argument, not_implemented
from tests.sandbox.sheets.json_types import JsonObject
from tests.sandbox.sheets.masks import requested_mask, update_fields

# Where a row or column goes to, or None where it goes away.
Mover: TypeAlias = Callable[[int], int | None]
ONE = {"ROWS": "row", "COLUMNS": "column"}


def insert_dimension(book: Book, request: JsonObject) -> None:
    """Inserts empty rows or columns."""
    sheet, dimension, start, end = _target(book, request.get("range", {}))
    size, inherit = sheet.size(dimension), request.get("inheritFromBefore", False)
    if start >= size + inherit:
        raise invalid_argument(f"range.startIndex is larger than current grid size ({size})")
    sheet.resize(dimension, size + end - start)
    _move(book, sheet, dimension, lambda place: place + end - start if place >= start else place)


def delete_dimension(book: Book, request: JsonObject) -> None:
    """Removes rows or columns."""
    sheet, dimension, start, end = _target(book, request.get("range", {}))
    size, one = sheet.size(dimension), ONE[dimension]
    if end > size:
        raise invalid_argument(f"Cannot delete a {one} that doesn't exist. There are only {size} {one}s.")
    if end - start == size:
        raise invalid_argument(f"You can't delete all the {one}s on the sheet.")
    sheet.refuse_protected(sheet.area({f"start{one.title()}Index": start, f"end{one.title()}Index": end}))
    grid, name = sheet.properties["gridProperties"], f"frozen{one.title()}Count"
    grid[name] = grid.get(name, 0) - max(0, min(end, grid.get(name, 0)) - start)

    def moved(place: int) -> int | None:
        return place if place < start else None if place < end else place - (end - start)

    _move(book, sheet, dimension, moved)
    sheet.resize(dimension, size - (end - start))


def update_dimension_properties(book: Book, request: JsonObject) -> None:
    """Sets how wide or high columns or rows are, and whether they are hidden."""
    sheet, dimension, start, end = _target(book, request.get("range", {}))
    mask, own = requested_mask(request, "DimensionProperties"), sheet.dimensions[dimension]
    for place in range(start, end):
        updated = update_fields(own.get(place, {}), request.get("properties", {}), mask)
        own[place] = {name: value for name, value in updated.items() if value}


def create_developer_metadata(book: Book, request: JsonObject) -> JsonObject:
    """Marks one column or row, with which the mark moves from then on."""
    mark = {"metadataId": secrets.randbelow(2**31 - 1) + 1} | request.get("developerMetadata", {})
    if not mark.get("metadataKey") or "visibility" not in mark:
        raise invalid_argument("Developer metadata must have a key and a visibility.")
    place = mark.pop("location", {}).get("dimensionRange")
    if place is None:
        raise not_implemented("developer metadata of a sheet or a spreadsheet")
    sheet, dimension, start, end = _target(book, place)
    if end - start > 1 or end > sheet.size(dimension):
        raise invalid_argument("The dimension range must be one row or column of the sheet.")
    own = sheet.dimensions[dimension].setdefault(start, {})
    own["developerMetadata"] = [*own.get("developerMetadata", []), mark]
    return {"developerMetadata": mark}


def _target(book: Book, place: JsonObject) -> tuple[Sheet, str, int, int]:
    sheet, dimension = book.grid(place), place.get("dimension", "DIMENSION_UNSPECIFIED")
    if dimension not in ONE:
        raise invalid_argument("No dimension specified.")
    start, end = place.get("startIndex", 0), place.get("endIndex", sheet.size(dimension))
    if end <= start:
        raise invalid_argument("range.endIndex must be greater than range.startIndex.")
    return sheet, dimension, start, end


def _move(book: Book, sheet: Sheet, dimension: str, moved: Mover) -> None:
    """Moves the cells, and every place within the spreadsheet's other objects that lies in the sheet."""
    own = sheet.dimensions[dimension].items()
    sheet.dimensions[dimension] = {new: kept for old, kept in own if (new := moved(old)) is not None}
    cells, sheet.cells = sheet.cells, {}
    for (row, column), cell in cells.items():
        new_row, new_column = (moved(row), column) if dimension == "ROWS" else (row, moved(column))
        if new_row is not None and new_column is not None:
            sheet.cells[new_row, new_column] = cell
    change = partial(_moved, sheet, dimension, moved)
    for one in book.sheets:
        one.described = rewrite("Sheet", one.described, change) or {}


def _moved(sheet: Sheet, dimension: str, moved: Mover, name: str, message: JsonObject) -> JsonObject | None:
    """A part of an object with its place moved; None where that place is gone. A chart goes to the next row left."""
    if message.get("sheetId", 0) != sheet.sheet_id or name not in {"GridCoordinate", "GridRange"}:
        return message
    one = ONE[dimension]
    first, start, end = f"{one}Index", f"start{one.title()}Index", f"end{one.title()}Index"
    if name == "GridCoordinate":
        before = [new for old in range(message.get(first, 0)) if (new := moved(old)) is not None]
        new = moved(message.get(first, 0))
        return message | {first: max(before, default=-1) + 1 if new is None else new}
    if end not in message:
        return message
    left = [new for old in range(message.get(start, 0), message[end]) if (new := moved(old)) is not None]
    return message | {start: min(left), end: max(left) + 1} if left else None


CHANGES: dict[str, Change] = {
    "insertDimension": insert_dimension,
    "deleteDimension": delete_dimension,
    "updateDimensionProperties": update_dimension_properties,
    "createDeveloperMetadata": create_developer_metadata,
}
