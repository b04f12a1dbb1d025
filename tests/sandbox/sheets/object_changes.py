"""Requests of a batch that are about what lies over the cells: charts and protected ranges, each with a number."""

import secrets
from functools import partial
from typing import NamedTuple

from tests.sandbox.sheets.book import PROTECTED, Book, Change
from tests.sandbox.sheets.errors import invalid_argument, not_implemented
from tests.sandbox.sheets.json_types import JsonObject
from tests.sandbox.sheets.masks import requested_mask, update_fields

CHART_SIZE = {"widthPixels": 600, "heightPixels": 371}


class Kind(NamedTuple):
    """One kind of object: what requests call it, the list in which a sheet keeps it, and the field with its number."""

    field: str
    holder: str
    number: str


CHART = Kind("chart", "charts", "chartId")
PROTECTED_RANGE = Kind("protectedRange", "protectedRanges", "protectedRangeId")


def _add(kind: Kind, book: Book, request: JsonObject) -> JsonObject:
    new = request.get(kind.field, {})
    number = new.get(kind.number) or secrets.randbelow(2**31)
    if any(one[kind.number] == number for sheet in book.sheets for one in sheet.described.get(kind.holder, [])):
        raise invalid_argument(f"There is already a {kind.field} with id {number}.")
    new, place = new | {kind.number: number}, new.get("range", {})
    if kind is CHART:
        new, place = _placed_chart(new)
    if kind is PROTECTED_RANGE:
        new = _protected_by_caller(book, new)
    book.grid(place).described.setdefault(kind.holder, []).append(new)
    return {kind.field: new}


def _delete(kind: Kind, name: str, book: Book, request: JsonObject) -> None:
    holder, index = _find(kind, book, request.get(name, 0))
    if kind is PROTECTED_RANGE and not holder[index].get("requestingUserCanEdit"):
        raise invalid_argument(PROTECTED)
    del holder[index]


def _find(kind: Kind, book: Book, number: int) -> tuple[list[JsonObject], int]:
    for sheet in book.sheets:
        holder: list[JsonObject] = sheet.described.get(kind.holder, [])
        for index, one in enumerate(holder):
            if one[kind.number] == number:
                return holder, index
    raise invalid_argument(f"No {kind.field} with id: {number}")


def update_chart_spec(book: Book, request: JsonObject) -> None:
    """Changes what a chart shows."""
    holder, index = _find(CHART, book, request.get("chartId", 0))
    holder[index] = holder[index] | {"spec": request.get("spec", {})}


def update_position(book: Book, request: JsonObject) -> JsonObject:
    """Moves a chart within its sheet, or changes its size."""
    holder, index = _find(CHART, book, request.get("objectId", 0))
    new = _overlay(request.get("newPosition", {}))
    overlay = holder[index]["position"]["overlayPosition"]
    position = {"overlayPosition": CHART_SIZE | update_fields(overlay, new, requested_mask(request, "OverlayPosition"))}
    holder[index] = holder[index] | {"position": position}
    return {"position": position}


def _placed_chart(chart: JsonObject) -> tuple[JsonObject, JsonObject]:
    """A new chart with all of its position, and the cell in whose sheet it lies."""
    if not chart.get("spec"):
        raise invalid_argument("A chart must have a spec.")
    overlay: JsonObject = {"anchorCell": {}} | CHART_SIZE | _overlay(chart.get("position", {}))
    return chart | {"position": {"overlayPosition": overlay}}, overlay["anchorCell"]


def _overlay(position: JsonObject) -> JsonObject:
    if "overlayPosition" not in position:
        raise not_implemented("a chart in a sheet of its own")
    overlay: JsonObject = position["overlayPosition"]
    return overlay


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
    "deleteProtectedRange": partial(_delete, PROTECTED_RANGE, "protectedRangeId"),
}
