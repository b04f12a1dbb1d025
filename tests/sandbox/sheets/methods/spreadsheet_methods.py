"""The methods of `spreadsheets` and `spreadsheets.sheets` other than the batch of requests."""

from tests.sandbox.sheets.changes.request_targets import target_sheet
from tests.sandbox.sheets.changes.sheet_requests import copy_sheet, copy_title, insert_sheet, new_sheet_id
from tests.sandbox.sheets.methods.call import Call
from tests.sandbox.sheets.methods.spreadsheet_view import describe_properties, describe_spreadsheet
from tests.sandbox.sheets.protocol.errors import invalid_argument
from tests.sandbox.sheets.protocol.field_mask import parse_mask, reaches
from tests.sandbox.sheets.protocol.json_types import JsonObject


def get(call: Call) -> JsonObject:
    """Describe the spreadsheet; a field mask decides by itself whether the cells are described too."""
    fields = call.query.get("fields")
    with_cells = call.query.get("includeGridData", False)
    if fields:
        with_cells = reaches(parse_mask(fields), ("sheets", "data"))
    return describe_spreadsheet(call.book, call.query.get("ranges", ()), with_cells=with_cells)


def copy_to(call: Call) -> JsonObject:
    """Copy a sheet to another spreadsheet."""
    if not call.path["sheetId"].isdigit():
        raise invalid_argument(f"Invalid value at 'sheet_id' (TYPE_INT32), \"{call.path['sheetId']}\"")
    source = target_sheet(call.book, int(call.path["sheetId"]))
    target = call.other_book(call.body.get("destinationSpreadsheetId", ""))
    copy = copy_sheet(source, new_sheet_id(target), copy_title(target, source.title))
    insert_sheet(target, copy, None)
    return describe_properties(target, copy)
