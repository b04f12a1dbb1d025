"""`spreadsheets.batchUpdate`: requests carried out in order, all of them or none; those about sheets and cells."""

import secrets

import numpy as np

from tests.sandbox.sheets import dimension_changes, object_changes
from tests.sandbox.sheets.book import Book, Change, Sheet, new_sheet
from tests.sandbox.sheets.discovery import rewrite, schema
from tests.sandbox.sheets.errors import GoogleError, invalid_argument, not_implemented
from tests.sandbox.sheets.json_types import JsonObject
from tests.sandbox.sheets.masks import Mask, requested_mask, update_fields
from tests.sandbox.sheets.ranges import Area
from tests.sandbox.sheets.view import describe_properties

# The parts of a cell that can be written; the service works the others out.
PARTS = ("userEnteredValue", "userEnteredFormat", "note")
# In an ascending order numbers come first; empty cells come last in either order.
KINDS = ("numberValue", "stringValue", "boolValue", "formulaValue")


def batch_update(book: Book, _: JsonObject, body: JsonObject) -> JsonObject:
    """Carries out the requests; each one finds what those before it left."""
    requests = body.get("requests", [])
    if not requests or any(len(request) != 1 for request in requests):
        raise invalid_argument("Must specify at least one request, each of one kind.")
    replies = [_reply(book, number, *next(iter(request.items()))) for number, request in enumerate(requests)]
    return {"spreadsheetId": book.spreadsheet_id, "replies": replies}


def _reply(book: Book, number: int, kind: str, content: JsonObject) -> JsonObject:
    if kind not in CHANGES:
        raise not_implemented(f"the request {kind}")
    try:
        message = schema("Request")["properties"][kind]["$ref"]
        clean = rewrite(message, content, lambda name, part: _clean(book, name, part))
        reply = CHANGES[kind](book, clean or {})
    except GoogleError as error:
        raise error.within(f"requests[{number}].{kind}") from None
    return {kind: reply} if reply else {}


def _clean(book: Book, name: str, message: JsonObject) -> JsonObject:
    """Gives a part of a request as the service keeps it, and refuses a place in a sheet that does not exist."""
    if name in {"GridRange", "GridCoordinate", "DimensionRange"}:
        book.grid(message)
        # The service leaves out a sheet's number that is 0.
        return {field: value for field, value in message.items() if value or field != "sheetId"}
    if name == "Color":
        steps = {part: np.float32(np.round(value * 255) / 255) for part, value in message.items()}
        return {part: float(str(step)) for part, step in steps.items() if step}
    fields = schema(name).get("properties", {})
    for field in (field for field in fields if f"{field}Style" in fields):
        style = message.get(f"{field}Style", {"rgbColor": message[field]} if field in message else {})
        if "rgbColor" in style:
            message |= {field: style["rgbColor"], f"{field}Style": style}
    return message


# ------------------------------------------------------------------------------------ whole sheets, the spreadsheet


def update_spreadsheet_properties(book: Book, request: JsonObject) -> None:
    """Changes the title."""
    mask = requested_mask(request, "SpreadsheetProperties")
    book.described["properties"] = update_fields(book.described["properties"], request.get("properties", {}), mask)


def add_sheet(book: Book, request: JsonObject) -> JsonObject:
    """Adds an empty sheet."""
    properties = request.get("properties", {})
    usual = {"sheetId": secrets.randbelow(2**31), "title": f"Sheet{len(book.sheets) + 1}"}
    sheet = new_sheet(usual | properties)
    if book.find_id(sheet.sheet_id) is not None:
        raise invalid_argument(f"Sheet with id {sheet.sheet_id} already exists.")
    _check(book, sheet)
    book.sheets.insert(properties.get("index", len(book.sheets)), sheet)
    return {"properties": describe_properties(book, sheet)}


def delete_sheet(book: Book, request: JsonObject) -> None:
    """Removes a sheet with all that is in it."""
    sheet = book.grid(request)
    book.sheets = [one for one in book.sheets if one is not sheet]
    if all(one.properties.get("hidden") for one in book.sheets):
        raise invalid_argument("You can't remove all the visible sheets in a document.")


def update_sheet_properties(book: Book, request: JsonObject) -> None:
    """Changes a sheet's title, size, place, colour, what is frozen or hidden."""
    properties = request.get("properties", {})
    sheet, mask = book.grid(properties), requested_mask(request, "SheetProperties")
    updated = update_fields(sheet.properties, properties, mask) | {"sheetId": sheet.sheet_id, "sheetType": "GRID"}
    sheet.described["properties"] = {name: value for name, value in updated.items() if name != "index"}
    _check(book, sheet)
    sheet.crop()
    if "index" in mask or "*" in mask:
        # The new place is counted while the sheet still stands where it was.
        index, now = properties.get("index", len(book.sheets)), [one is sheet for one in book.sheets].index(True)
        book.sheets.insert(index - 1 if index > now else index, book.sheets.pop(now))


def _check(book: Book, sheet: Sheet) -> None:
    title, grid = sheet.properties.get("title", ""), sheet.properties.get("gridProperties", {})
    if not 0 < len(title) <= 100:
        raise invalid_argument("The sheet name cannot be empty, nor greater than 100 characters.")
    if any(other is not sheet and other.title.casefold() == title.casefold() for other in book.sheets):
        raise invalid_argument(f'A sheet with the name "{title}" already exists. Please enter another name.')
    for one in ("row", "column"):
        if not grid.get(f"{one}Count"):
            raise invalid_argument(f"You can't delete all the {one}s on the sheet.")
        if grid.get(f"frozen{one.title()}Count", 0) >= grid[f"{one}Count"]:
            raise invalid_argument(f"You can't freeze all visible {one}s on the sheet.")


# ------------------------------------------------------------------------------------------------------------- cells


def repeat_cell(book: Book, request: JsonObject) -> None:
    """Gives all cells of a range the same format, value or note."""
    sheet, area = book.target(request.get("range", {}))
    mask = _cell_mask(request)
    for place in area.places():
        sheet.put(place, update_fields(sheet.cells.get(place, {}), request.get("cell", {}), mask))


def _cell_mask(request: JsonObject) -> Mask:
    mask = requested_mask(request, "CellData")
    if "*" in mask:
        return {name: {} for name in PARTS}
    for name in mask:
        if name not in PARTS:
            raise not_implemented(f"the field {name} of cells")
    return mask


def set_basic_filter(book: Book, request: JsonObject) -> None:
    """Lets a person hide rows by their values; the cells stay as they are."""
    chosen = request.get("filter", {})
    book.grid(chosen.get("range", {})).described["basicFilter"] = chosen


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


def _sort_key(sheet: Sheet, row: int, column: int) -> tuple[int, float | str] | None:
    entered = sheet.cells.get((row, column), {}).get("userEnteredValue")
    if not entered:
        return None
    ((kind, value),) = entered.items()
    return KINDS.index(kind), value.casefold() if isinstance(value, str) else value


def merge_cells(book: Book, request: JsonObject) -> None:
    """Makes one cell of a range, of which only the first cell keeps its value."""
    sheet, area = book.target(request.get("range", {}))
    _unmerge(sheet, area)
    if request.get("mergeType", "MERGE_ALL") != "MERGE_ALL":
        raise not_implemented("merging each row or column by itself")
    _, *covered = area.places()
    if covered:
        of_sheet = {"sheetId": sheet.sheet_id} if sheet.sheet_id else {}
        sheet.described["merges"].append(of_sheet | area.grid_range())
    for place in covered:
        sheet.put(place, sheet.cells.get(place, {}) | {"userEnteredValue": None})


def unmerge_cells(book: Book, request: JsonObject) -> None:
    """Undoes the merges in a range."""
    _unmerge(*book.target(request.get("range", {})))


def _unmerge(sheet: Sheet, area: Area) -> None:
    touched = [merge for merge in sheet.merged_areas() if merge.meets(area)]
    if not all(area.has(place) for merge in touched for place in merge.places()):
        raise invalid_argument("You must select all cells in a merged range to merge or unmerge them.")
    merges = sheet.described.get("merges", [])
    sheet.described["merges"] = [merge for merge in merges if sheet.area(merge) not in touched]


CHANGES: dict[str, Change] = {
    "updateSpreadsheetProperties": update_spreadsheet_properties,
    "addSheet": add_sheet,
    "deleteSheet": delete_sheet,
    "updateSheetProperties": update_sheet_properties,
    "repeatCell": repeat_cell,
    "setBasicFilter": set_basic_filter,
    "sortRange": sort_range,
    "mergeCells": merge_cells,
    "unmergeCells": unmerge_cells,
    **dimension_changes.CHANGES,
    **object_changes.CHANGES,
}
