"""Requests of a batch that are about what lies over the cells: charts, protected ranges, filters, rules of colour.

Each is kept as it was sent and found by its number; what a filter hides or a rule colours is not worked out.
"""

import secrets
from functools import partial
from typing import NamedTuple

from tests.sandbox.sheets.book import PROTECTED, Book, Change
from tests.sandbox.sheets.errors import invalid_argument, not_implemented
from tests.sandbox.sheets.json_types import JsonObject
from tests.sandbox.sheets.masks import requested_mask, update_fields

CHART_SIZE = {"widthPixels": 600, "heightPixels": 371}


class Kind(NamedTuple):
    """One kind of object.

    Attributes:
        field: what requests and replies call it.
        holder: the list in which a sheet keeps it.
        number: the field with its number.
        message: the name of its schema.
    """

    field: str
    holder: str
    number: str
    message: str


CHART = Kind("chart", "charts", "chartId", "EmbeddedChart")
PROTECTED_RANGE = Kind("protectedRange", "protectedRanges", "protectedRangeId", "ProtectedRange")
FILTER_VIEW = Kind("filter", "filterViews", "filterViewId", "FilterView")
BANDING = Kind("bandedRange", "bandedRanges", "bandedRangeId", "BandedRange")
METADATA = Kind("developerMetadata", "developerMetadata", "metadataId", "DeveloperMetadata")


def _add(kind: Kind, book: Book, request: JsonObject) -> JsonObject:
    new = request.get(kind.field, {})
    number = new.get(kind.number) or secrets.randbelow(2**31)
    if any(one.get(kind.number) == number for sheet in book.sheets for one in sheet.described.get(kind.holder, [])):
        raise invalid_argument(f"There is already a {kind.message} with id {number}.")
    new = new | {kind.number: number}
    place = new.get("range", {})
    if kind is CHART:
        new, place = _placed_chart(new)
    if kind is PROTECTED_RANGE:
        new = _protected_by_caller(book, new)
    if kind is METADATA:
        location = new.get("location", {})
        place = location.get("dimensionRange", location)
    sheet = book.grid(place)
    sheet.described.setdefault(kind.holder, []).append(new)
    return {kind.field: new}


def _update(kind: Kind, book: Book, request: JsonObject) -> None:
    new, mask = request.get(kind.field, {}), requested_mask(request, kind.message)
    holder, index = _find(kind, book, new.get(kind.number, 0))
    holder[index] = update_fields(holder[index], new, mask) | {kind.number: new.get(kind.number, 0)}


def _delete(kind: Kind, name: str, book: Book, request: JsonObject) -> None:
    holder, index = _find(kind, book, request.get(name, 0))
    if kind is PROTECTED_RANGE and not holder[index].get("requestingUserCanEdit"):
        raise invalid_argument(PROTECTED)
    del holder[index]


def update_chart_spec(book: Book, request: JsonObject) -> None:
    """Changes what a chart shows."""
    holder, index = _find(CHART, book, request.get("chartId", 0))
    holder[index] = holder[index] | {"spec": request.get("spec", {})}


def update_position(book: Book, request: JsonObject) -> JsonObject:
    """Moves a chart within its sheet, or changes its size."""
    holder, index = _find(CHART, book, request.get("objectId", 0))
    chart, new = holder[index], request.get("newPosition", {})
    if "overlayPosition" not in new:
        raise not_implemented("a chart in a sheet of its own")
    overlay = chart["position"]["overlayPosition"]
    updated = update_fields(overlay, new["overlayPosition"], requested_mask(request, "OverlayPosition"))
    position = {"overlayPosition": CHART_SIZE | updated}
    holder[index] = chart | {"position": position}
    return {"position": position}


def set_basic_filter(book: Book, request: JsonObject) -> None:
    """Sets the sheet's filter."""
    asked = request.get("filter", {})
    book.grid(asked.get("range", {})).described["basicFilter"] = asked


def clear_basic_filter(book: Book, request: JsonObject) -> None:
    """Removes the sheet's filter."""
    book.grid(request).described.pop("basicFilter", None)


def add_conditional_format_rule(book: Book, request: JsonObject) -> None:
    """Adds a rule of colour."""
    rule = request.get("rule", {})
    ranges = rule.get("ranges", [])
    if not ranges:
        raise invalid_argument("A conditional format rule must have at least one range.")
    book.grid(ranges[0]).described.setdefault("conditionalFormats", []).insert(request.get("index", 0), rule)


def _find(kind: Kind, book: Book, number: int) -> tuple[list[JsonObject], int]:
    for sheet in book.sheets:
        holder: list[JsonObject] = sheet.described.get(kind.holder, [])
        for index, one in enumerate(holder):
            if one[kind.number] == number:
                return holder, index
    what = {"protectedRange": "protected range", "chart": "chart"}.get(kind.field, kind.message)
    raise invalid_argument(f"No {what} with id: {number}")


def _placed_chart(chart: JsonObject) -> tuple[JsonObject, JsonObject]:
    """A new chart with all of its position, and the cell in whose sheet it lies."""
    overlay = chart.get("position", {}).get("overlayPosition")
    if overlay is None:
        raise not_implemented("a chart in a sheet of its own")
    if not chart.get("spec"):
        raise invalid_argument("A chart must have a spec.")
    overlay = {"anchorCell": {}} | CHART_SIZE | overlay
    return chart | {"position": {"overlayPosition": overlay}}, overlay["anchorCell"]


def _protected_by_caller(book: Book, protected: JsonObject) -> JsonObject:
    """A new protected range: whoever asks for it may go on writing to it, and a warning keeps nobody from it."""
    protected = protected | {"requestingUserCanEdit": True}
    if protected.get("warningOnly"):
        protected.pop("editors", None)
    else:
        protected.pop("warningOnly", None)
        protected["editors"] = {"users": sorted({*protected.get("editors", {}).get("users", []), *book.writers})}
    return protected


CHANGES: dict[str, Change] = {
    "addChart": partial(_add, CHART),
    "updateChartSpec": update_chart_spec,
    "updateEmbeddedObjectPosition": update_position,
    "deleteEmbeddedObject": partial(_delete, CHART, "objectId"),
    "addProtectedRange": partial(_add, PROTECTED_RANGE),
    "updateProtectedRange": partial(_update, PROTECTED_RANGE),
    "deleteProtectedRange": partial(_delete, PROTECTED_RANGE, "protectedRangeId"),
    "addFilterView": partial(_add, FILTER_VIEW),
    "addBanding": partial(_add, BANDING),
    "createDeveloperMetadata": partial(_add, METADATA),
    "setBasicFilter": set_basic_filter,
    "clearBasicFilter": clear_basic_filter,
    "addConditionalFormatRule": add_conditional_format_rule,
}
