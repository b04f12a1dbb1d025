"""Requests of a batch that are about whole sheets, or the whole spreadsheet."""

import secrets

from tests.sandbox.sheets.book import Book, Change, Sheet, new_sheet
from tests.sandbox.sheets.errors import invalid_argument
from tests.sandbox.sheets.json_types import JsonObject
from tests.sandbox.sheets.masks import requested_mask, update_fields
from tests.sandbox.sheets.view import describe_properties

MAX_TITLE = 100


def update_spreadsheet_properties(book: Book, request: JsonObject) -> None:
    """Changes the title, the locale, the time zone."""
    mask = requested_mask(request, "SpreadsheetProperties")
    book.described["properties"] = update_fields(book.described["properties"], request.get("properties", {}), mask)


def add_sheet(book: Book, request: JsonObject) -> JsonObject:
    """Adds an empty sheet."""
    properties = request.get("properties", {})
    numbered = (f"Sheet{number}" for number in range(len(book.sheets) + 1, 2 * len(book.sheets) + 2))
    free = next(title for title in numbered if book.find_title(title) is None)
    sheet = new_sheet({"sheetId": secrets.randbelow(2**31), "title": free} | properties)
    if sheet.sheet_id < 0:
        raise invalid_argument("Sheet id must be non-negative.")
    if book.find_id(sheet.sheet_id) is not None:
        raise invalid_argument(f"Sheet with id {sheet.sheet_id} already exists.")
    _check(book, sheet)
    book.sheets.insert(properties.get("index", len(book.sheets)), sheet)
    return {"properties": describe_properties(book, sheet)}


def delete_sheet(book: Book, request: JsonObject) -> None:
    """Removes a sheet with all that is in it."""
    sheet = _sheet(book, request)
    book.sheets = [one for one in book.sheets if one is not sheet]
    if all(one.properties.get("hidden") for one in book.sheets):
        what = "visible sheets" if book.sheets else "sheets"
        raise invalid_argument(f"You can't remove all the {what} in a document.")


def update_sheet_properties(book: Book, request: JsonObject) -> None:
    """Changes a sheet's title, size, place, colour, what is frozen or hidden."""
    properties = request.get("properties", {})
    sheet, mask = _sheet(book, properties), requested_mask(request, "SheetProperties")
    updated = update_fields(sheet.properties, properties, mask) | {"sheetId": sheet.sheet_id, "sheetType": "GRID"}
    sheet.described["properties"] = {name: value for name, value in updated.items() if name != "index"}
    _check(book, sheet)
    sheet.resize(sheet.size("ROWS"), sheet.size("COLUMNS"))
    if "index" in mask or "*" in mask:
        _move(book, sheet, properties.get("index", len(book.sheets)))


def _move(book: Book, sheet: Sheet, index: int) -> None:
    # The place is counted while the sheet still stands where it was.
    now = [one is sheet for one in book.sheets].index(True)
    book.sheets.pop(now)
    book.sheets.insert(index - 1 if index > now else index, sheet)


def _sheet(book: Book, named: JsonObject) -> Sheet:
    sheet = book.find_id(named.get("sheetId", 0))
    if sheet is None:
        raise invalid_argument(f"No sheet with id: {named.get('sheetId', 0)}")
    return sheet


def _check(book: Book, sheet: Sheet) -> None:
    title, grid = sheet.properties.get("title", ""), sheet.properties.get("gridProperties", {})
    if not title:
        raise invalid_argument("The sheet name cannot be empty.")
    if len(title) > MAX_TITLE:
        raise invalid_argument(f"The sheet name cannot be greater than {MAX_TITLE} characters.")
    if any(other is not sheet and other.title.casefold() == title.casefold() for other in book.sheets):
        raise invalid_argument(f'A sheet with the name "{title}" already exists. Please enter another name.')
    for one, what in (("row", "rows"), ("column", "columns")):
        if not grid.get(f"{one}Count"):
            raise invalid_argument(f"You can't delete all the {what} on the sheet.")
        if grid.get(f"frozen{one.title()}Count", 0) >= grid[f"{one}Count"]:
            raise invalid_argument(f"You can't freeze all visible {what} on the sheet.")


CHANGES: dict[str, Change] = {
    "updateSpreadsheetProperties": update_spreadsheet_properties,
    "addSheet": add_sheet,
    "deleteSheet": delete_sheet,
    "updateSheetProperties": update_sheet_properties,
}
