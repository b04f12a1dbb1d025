"""Requests of a batch that are about what lies over the cells: names, protection, filters."""

import secrets

from tests.sandbox.sheets.book.a1 import parse_span
from tests.sandbox.sheets.book.spreadsheet import Spreadsheet, grid_range_of, span_of
from tests.sandbox.sheets.changes.request_targets import target_area, target_sheet
from tests.sandbox.sheets.protocol.errors import invalid_argument
from tests.sandbox.sheets.protocol.json_types import JsonObject


def add_named_range(book: Spreadsheet, request: JsonObject) -> JsonObject:
    """Give a range a name."""
    asked = request.get("namedRange", {})
    name, grid_range = asked.get("name", ""), asked.get("range", {})
    if not name.isidentifier() or parse_span(name) is not None:
        raise invalid_argument(f'The name "{name}" is invalid.')
    if any(one["name"].casefold() == name.casefold() for one in book.named_ranges):
        raise invalid_argument(f"A named range with name {name} already exists.")
    sheet, _ = target_area(book, grid_range)
    named = {
        "namedRangeId": asked.get("namedRangeId") or str(secrets.randbelow(2**31)),
        "name": name,
        "range": grid_range_of(sheet, span_of(grid_range)),
    }
    book.named_ranges.append(named)
    return {"addNamedRange": {"namedRange": named}}


def delete_named_range(book: Spreadsheet, request: JsonObject) -> JsonObject:
    """Take a range's name away."""
    named_range_id = request.get("namedRangeId", "")
    left = [one for one in book.named_ranges if one["namedRangeId"] != named_range_id]
    if len(left) == len(book.named_ranges):
        raise invalid_argument(f"No named range with id: {named_range_id}")
    book.named_ranges = left
    return {}


def add_protected_range(book: Spreadsheet, request: JsonObject) -> JsonObject:
    """Protect a range; whoever asks for it may go on writing to it."""
    asked = request.get("protectedRange", {})
    sheet, _ = target_area(book, asked.get("range", {}))
    protected: JsonObject = {
        **asked,
        "protectedRangeId": asked.get("protectedRangeId") or secrets.randbelow(2**31),
        "range": grid_range_of(sheet, span_of(asked.get("range", {}))),
        "requestingUserCanEdit": True,
    }
    if protected.get("warningOnly"):
        protected.pop("editors", None)
    else:
        protected.pop("warningOnly", None)
        users = {*asked.get("editors", {}).get("users", []), *book.writers}
        protected["editors"] = {"users": sorted(users)}
    sheet.protected_ranges.append(protected)
    return {"addProtectedRange": {"protectedRange": protected}}


def delete_protected_range(book: Spreadsheet, request: JsonObject) -> JsonObject:
    """End a range's protection."""
    number = request.get("protectedRangeId", 0)
    for sheet in book.sheets:
        left = [one for one in sheet.protected_ranges if one["protectedRangeId"] != number]
        if len(left) < len(sheet.protected_ranges):
            sheet.protected_ranges = left
            return {}
    raise invalid_argument(f"No protected range with id: {number}")


def set_basic_filter(book: Spreadsheet, request: JsonObject) -> JsonObject:
    """Set the sheet's filter; which rows it hides is not worked out."""
    asked = request.get("filter", {})
    sheet, area = target_area(book, asked.get("range", {}))
    sheet.basic_filter = asked | {"range": grid_range_of(sheet, area)}
    return {}


def clear_basic_filter(book: Spreadsheet, request: JsonObject) -> JsonObject:
    """Remove the sheet's filter."""
    target_sheet(book, request.get("sheetId", 0)).basic_filter = None
    return {}
