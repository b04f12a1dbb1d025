"""What the requests of a batch point at: sheets, ranges, and the fields that are to be changed."""

from tests.sandbox.sheets.book.a1 import Area
from tests.sandbox.sheets.book.spreadsheet import Sheet, Spreadsheet, span_of
from tests.sandbox.sheets.protocol.discovery import schema
from tests.sandbox.sheets.protocol.errors import invalid_argument
from tests.sandbox.sheets.protocol.field_mask import Mask, parse_mask, unknown_paths
from tests.sandbox.sheets.protocol.json_types import JsonObject


def target_sheet(book: Spreadsheet, sheet_id: int) -> Sheet:
    """Find the sheet that a request about sheets names.

    Args:
        book: the spreadsheet.
        sheet_id: the sheet's number.

    Raises:
        GoogleError: there is no such sheet.
    """
    sheet = book.find_id(sheet_id)
    if sheet is None:
        raise invalid_argument(f"No sheet with id: {sheet_id}")
    return sheet


def target_grid(book: Spreadsheet, place: JsonObject) -> Sheet:
    """Find the sheet whose cells a request names.

    Args:
        book: the spreadsheet.
        place: anything with a `sheetId`, which is 0 where it is left out.

    Raises:
        GoogleError: there is no such sheet.
    """
    sheet = book.find_id(place.get("sheetId", 0))
    if sheet is None:
        raise invalid_argument(f"No grid with id: {place.get('sheetId', 0)}")
    return sheet


def target_area(book: Spreadsheet, grid_range: JsonObject) -> tuple[Sheet, Area]:
    """Find the cells that a request names.

    Args:
        book: the spreadsheet.
        grid_range: the API's `GridRange`.

    Raises:
        GoogleError: there is no such sheet, or the range begins beyond it.
    """
    sheet = target_grid(book, grid_range)
    return sheet, sheet.area(span_of(grid_range))


def target_mask(request: JsonObject, message: str) -> Mask:
    """Read the mask of the fields that a request changes.

    Args:
        request: the request, with its `fields`.
        message: the name of the schema of what is changed.

    Raises:
        GoogleError: there is no mask, or it names what the message does not have.
    """
    text = request.get("fields", "")
    if not text:
        raise invalid_argument("At least one field must be listed in 'fields'. (Use '*' to indicate all fields.)")
    try:
        mask = parse_mask(text)
    except ValueError:
        raise invalid_argument(f"Invalid field: {text}") from None
    for unknown in unknown_paths(mask, schema(message)):
        raise invalid_argument(f"Invalid field: {unknown}")
    return mask
