"""`spreadsheets.batchUpdate`: requests carried out one after the other, all of them or none."""

from collections.abc import Callable
from typing import TypeAlias

from tests.sandbox.sheets.book.spreadsheet import Spreadsheet
from tests.sandbox.sheets.changes import (
    cell_requests,
    dimension_requests,
    paste_requests,
    range_requests,
    sheet_requests,
)
from tests.sandbox.sheets.methods.call import Call
from tests.sandbox.sheets.methods.spreadsheet_view import describe_spreadsheet
from tests.sandbox.sheets.protocol.errors import GoogleError, Violation, bad_request, invalid_argument, not_implemented
from tests.sandbox.sheets.protocol.json_types import JsonObject

Change: TypeAlias = Callable[[Spreadsheet, JsonObject], JsonObject]

CHANGES: dict[str, Change] = {
    "updateSpreadsheetProperties": sheet_requests.update_spreadsheet_properties,
    "addSheet": sheet_requests.add_sheet,
    "deleteSheet": sheet_requests.delete_sheet,
    "duplicateSheet": sheet_requests.duplicate_sheet,
    "updateSheetProperties": sheet_requests.update_sheet_properties,
    "repeatCell": cell_requests.repeat_cell,
    "updateCells": cell_requests.update_cells,
    "setDataValidation": cell_requests.set_data_validation,
    "sortRange": cell_requests.sort_range,
    "mergeCells": cell_requests.merge_cells,
    "unmergeCells": cell_requests.unmerge_cells,
    "copyPaste": paste_requests.copy_paste,
    "cutPaste": paste_requests.cut_paste,
    "insertDimension": dimension_requests.insert_dimension,
    "appendDimension": dimension_requests.append_dimension,
    "deleteDimension": dimension_requests.delete_dimension,
    "updateDimensionProperties": dimension_requests.update_dimension_properties,
    "autoResizeDimensions": dimension_requests.auto_resize_dimensions,
    "addDimensionGroup": dimension_requests.add_dimension_group,
    "deleteDimensionGroup": dimension_requests.delete_dimension_group,
    "addNamedRange": range_requests.add_named_range,
    "deleteNamedRange": range_requests.delete_named_range,
    "addProtectedRange": range_requests.add_protected_range,
    "deleteProtectedRange": range_requests.delete_protected_range,
    "setBasicFilter": range_requests.set_basic_filter,
    "clearBasicFilter": range_requests.clear_basic_filter,
}


def batch_update(call: Call) -> JsonObject:
    """Carry out the requests in order; each one finds what those before it left."""
    requests = call.body.get("requests", [])
    if not requests:
        raise invalid_argument("Must specify at least one request.")
    for number, request in enumerate(requests):
        _check_kind(number, request)
    answer: JsonObject = {
        "spreadsheetId": call.book.spreadsheet_id,
        "replies": [_reply(call.book, number, request) for number, request in enumerate(requests)],
    }
    if call.body.get("includeSpreadsheetInResponse"):
        answer["updatedSpreadsheet"] = describe_spreadsheet(
            call.book,
            call.body.get("responseRanges", ()),
            with_cells=call.body.get("responseIncludeGridData", False),
        )
    return answer


def _check_kind(number: int, request: JsonObject) -> None:
    if not request:
        raise invalid_argument(f"Invalid requests[{number}]: No request set.")
    if len(request) > 1:
        second = list(request)[1]
        place, set_twice = f"requests[{number}]", "oneof field 'kind' is already set."
        text = f"Invalid value at '{place}' (oneof), {set_twice} Cannot set '{second}'"
        raise bad_request([Violation(place, text)])


def _reply(book: Spreadsheet, number: int, request: JsonObject) -> JsonObject:
    kind, content = next(iter(request.items()))
    if kind not in CHANGES:
        raise not_implemented(f"the request {kind}")
    try:
        return CHANGES[kind](book, content)
    except GoogleError as error:
        raise error.within(f"requests[{number}].{kind}") from None
