"""Requests of a batch that are about whole sheets, or the whole spreadsheet."""

import secrets
from copy import deepcopy

from tests.sandbox.sheets.book.appearance import mask_of_both_spellings, with_both_spellings
from tests.sandbox.sheets.book.spreadsheet import Sheet, Spreadsheet, new_sheet
from tests.sandbox.sheets.changes.request_targets import target_mask, target_sheet
from tests.sandbox.sheets.methods.spreadsheet_view import describe_properties
from tests.sandbox.sheets.protocol.errors import invalid_argument
from tests.sandbox.sheets.protocol.field_mask import update_fields
from tests.sandbox.sheets.protocol.json_types import JsonObject

MAX_TITLE = 100


def update_spreadsheet_properties(book: Spreadsheet, request: JsonObject) -> JsonObject:
    """Change the title, the locale, the time zone."""
    mask = target_mask(request, "SpreadsheetProperties")
    book.properties = update_fields(book.properties, request.get("properties", {}), mask)
    return {}


def add_sheet(book: Spreadsheet, request: JsonObject) -> JsonObject:
    """Add an empty sheet."""
    properties = with_both_spellings(request.get("properties", {}))
    numbered = (f"Sheet{number}" for number in range(len(book.sheets) + 1, 2 * len(book.sheets) + 2))
    free = next(title for title in numbered if book.find_title(title) is None)
    sheet = new_sheet({"sheetId": new_sheet_id(book), "title": free} | properties)
    _check_new(book, sheet)
    _check_frozen(sheet)
    insert_sheet(book, sheet, properties.get("index"))
    return {"addSheet": {"properties": describe_properties(book, sheet)}}


def delete_sheet(book: Spreadsheet, request: JsonObject) -> JsonObject:
    """Remove a sheet with all that is in it."""
    sheet = target_sheet(book, request.get("sheetId", 0))
    left = [one for one in book.sheets if one is not sheet]
    if not any(not one.properties.get("hidden") for one in left):
        what = "visible sheets" if left else "sheets"
        raise invalid_argument(f"You can't remove all the {what} in a document.")
    book.sheets = left
    book.named_ranges = [one for one in book.named_ranges if one["range"].get("sheetId", 0) != sheet.sheet_id]
    return {}


def duplicate_sheet(book: Spreadsheet, request: JsonObject) -> JsonObject:
    """Add a copy of a sheet."""
    source = target_sheet(book, request.get("sourceSheetId", 0))
    title = request.get("newSheetName") or copy_title(book, source.title)
    copy = copy_sheet(source, request.get("newSheetId") or new_sheet_id(book), title)
    _check_new(book, copy)
    insert_sheet(book, copy, request.get("insertSheetIndex", 0))
    return {"duplicateSheet": {"properties": describe_properties(book, copy)}}


def update_sheet_properties(book: Spreadsheet, request: JsonObject) -> JsonObject:
    """Change a sheet's title, size, place, colour, what is frozen or hidden."""
    properties = with_both_spellings(request.get("properties", {}))
    sheet = target_sheet(book, properties.get("sheetId", 0))
    mask = mask_of_both_spellings(target_mask(request, "SheetProperties"))
    before = deepcopy(sheet.properties)
    sheet.properties = update_fields(before, properties, mask) | {"sheetId": sheet.sheet_id, "sheetType": "GRID"}
    _check_title(book, sheet)
    _check_grid_left(sheet)
    # The service looks at the number of cells after the rows were changed and before the columns are.
    columns = sheet.columns
    sheet.properties["gridProperties"]["columnCount"] = before["gridProperties"]["columnCount"]
    _check_growth(book, sheet, before)
    sheet.properties["gridProperties"]["columnCount"] = columns
    _check_growth(book, sheet, before)
    sheet.set_size(sheet.rows, sheet.columns)
    if "index" in mask or "*" in mask:
        _move_sheet(book, sheet, properties.get("index", len(book.sheets)))
    sheet.properties.pop("index", None)
    return {}


def new_sheet_id(book: Spreadsheet) -> int:
    """Give a number that no sheet of the spreadsheet has."""
    while True:
        number = secrets.randbelow(2**31)
        if book.find_id(number) is None:
            return number


def copy_title(book: Spreadsheet, title: str) -> str:
    """Give the title that a copy of a sheet gets by itself.

    Args:
        book: the spreadsheet that gets the copy.
        title: the title of the sheet that is copied.
    """
    wanted = f"Copy of {title}"
    more = (f"{wanted} {number}" for number in range(2, len(book.sheets) + 2))
    return next((one for one in (wanted, *more) if book.find_title(one) is None), wanted)


def copy_sheet(source: Sheet, sheet_id: int, title: str) -> Sheet:
    """Give a copy of a sheet under another number and title."""
    copy = source.copy()
    copy.properties |= {"sheetId": sheet_id, "title": title}
    if copy.basic_filter:
        copy.basic_filter["range"]["sheetId"] = sheet_id
    for protected in copy.protected_ranges:
        protected["range"]["sheetId"] = sheet_id
    return copy


def insert_sheet(book: Spreadsheet, sheet: Sheet, index: int | None) -> None:
    """Put a sheet among the others.

    Args:
        book: the spreadsheet.
        sheet: the sheet.
        index: the place that it gets; None for the last one.

    Raises:
        GoogleError: the spreadsheet would become too large.
    """
    book.sheets.insert(len(book.sheets) if index is None else index, sheet)
    book.check_size()


def _move_sheet(book: Spreadsheet, sheet: Sheet, index: int) -> None:
    # The place is counted while the sheet still stands where it was.
    now = book.index_of(sheet)
    if index not in {now, now + 1}:
        book.sheets.pop(now)
        book.sheets.insert(index - 1 if index > now else index, sheet)


def _check_new(book: Spreadsheet, sheet: Sheet) -> None:
    if sheet.sheet_id < 0:
        raise invalid_argument("Sheet id must be non-negative.")
    if book.find_id(sheet.sheet_id) is not None:
        raise invalid_argument(f"Sheet with id {sheet.sheet_id} already exists.")
    _check_title(book, sheet)


def _check_title(book: Spreadsheet, sheet: Sheet) -> None:
    title = sheet.properties.get("title", "")
    if not title:
        raise invalid_argument("The sheet name cannot be empty.")
    if len(title) > MAX_TITLE:
        raise invalid_argument(f"The sheet name cannot be greater than {MAX_TITLE} characters.")
    if any(other is not sheet and other.title.casefold() == title.casefold() for other in book.sheets):
        raise invalid_argument(f'A sheet with the name "{title}" already exists. Please enter another name.')


def _check_grid_left(sheet: Sheet) -> None:
    grid = sheet.properties.get("gridProperties", {})
    for name, what in (("rowCount", "rows"), ("columnCount", "columns")):
        if not grid.get(name):
            raise invalid_argument(f"You can't delete all the {what} on the sheet.")
    _check_frozen(sheet)


def _check_frozen(sheet: Sheet) -> None:
    grid = sheet.properties["gridProperties"]
    for name, size, what in (
        ("frozenRowCount", sheet.rows, "rows"),
        ("frozenColumnCount", sheet.columns, "columns"),
    ):
        if grid.get(name, 0) >= size:
            raise invalid_argument(f"You can't freeze all visible {what} on the sheet.")


def _check_growth(book: Spreadsheet, sheet: Sheet, before: JsonObject) -> None:
    grid = before["gridProperties"]
    if sheet.rows > grid["rowCount"] or sheet.columns > grid["columnCount"]:
        book.check_size()
