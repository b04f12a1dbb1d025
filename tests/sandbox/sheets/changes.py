"""`spreadsheets.batchUpdate`: requests carried out one after the other, all of them or none."""

import numpy as np

from tests.sandbox.sheets import cell_changes, dimension_changes, object_changes, sheet_changes
from tests.sandbox.sheets.book import Book, Change
from tests.sandbox.sheets.discovery import rewrite, schema
from tests.sandbox.sheets.errors import GoogleError, invalid_argument, not_implemented
from tests.sandbox.sheets.json_types import JsonObject

CHANGES: dict[str, Change] = (
    sheet_changes.CHANGES | cell_changes.CHANGES | dimension_changes.CHANGES | object_changes.CHANGES
)


def batch_update(book: Book, _: JsonObject, body: JsonObject) -> JsonObject:
    """Carries out the requests in order; each one finds what those before it left."""
    requests = body.get("requests", [])
    if not requests:
        raise invalid_argument("Must specify at least one request.")
    for number, request in enumerate(requests):
        if len(request) != 1:
            raise invalid_argument(f"Invalid requests[{number}]: exactly one request must be set.")
    replies = [_reply(book, number, *next(iter(request.items()))) for number, request in enumerate(requests)]
    return {"spreadsheetId": book.described["spreadsheetId"], "replies": replies}


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
