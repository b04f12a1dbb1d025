"""A spreadsheet, its sheets and its cells as `spreadsheets.get` and `spreadsheets.values.get` give them."""

from tests.sandbox.sheets.book import Book, Sheet
from tests.sandbox.sheets.json_types import Json, JsonObject
from tests.sandbox.sheets.masks import Mask, parse_mask
from tests.sandbox.sheets.notation import FORMULA_SHOWN, is_moment, show_cell
from tests.sandbox.sheets.ranges import Area

USUAL_PIXELS = {"ROWS": 21, "COLUMNS": 100}
NO_FORMULAS: JsonObject = {"errorValue": {"type": "ERROR", "message": "The Sheets sandbox works no formula out."}}


def get_book(book: Book, query: JsonObject, _: JsonObject) -> JsonObject:
    """Carries `spreadsheets.get` out: the sheets and cells are limited to some ranges, if there are any."""
    # A field mask takes out what nobody asked for; cells, of which there may be many, are not even looked at.
    mask = parse_mask(query["fields"]) if "fields" in query else {}
    asked = {"*": {}} if "*" in mask else mask.get("sheets")
    with_cells = (
        query.get("includeGridData") if not mask else asked is not None and (not asked or {"*", "data"} & {*asked})
    )
    chosen = [book.find_range(text) for text in query.get("ranges", [])] or [(sheet, {}) for sheet in book.sheets]
    sheets = []
    for sheet in book.sheets:
        areas = [sheet.area(grid_range) for of, grid_range in chosen if of is sheet]
        if areas:
            parts = {name: part for name, part in sheet.described.items() if part}
            data = {"data": [_describe_cells(book, sheet, area, asked) for area in areas]} if with_cells else {}
            sheets.append(parts | {"properties": describe_properties(book, sheet)} | data)
    return book.described | {"sheets": sheets}


def describe_properties(book: Book, sheet: Sheet) -> JsonObject:
    """Gives the API's `SheetProperties`."""
    own = {name: value for name, value in sheet.properties.items() if value is not False}
    grid = {name: value for name, value in own["gridProperties"].items() if value}
    return own | {"index": [one is sheet for one in book.sheets].index(True), "gridProperties": grid}


def table(
    book: Book, sheet: Sheet, area: Area, option: str = "FORMATTED_VALUE", dates: str = "", *, by_columns: bool = False
) -> list[list[Json]]:
    """Gives an area's values, row by row, without the empty rows and cells at its ends."""
    lines: list[list[Json]] = []
    valued = ((place, cell) for place, cell in sheet.filled(area) if "userEnteredValue" in cell)
    filled = [(row - area.top, column - area.left, cell) for (row, column), cell in valued]
    places = [(along, down, cell) if by_columns else (down, along, cell) for down, along, cell in filled]
    for line, place, cell in sorted(places, key=lambda one: one[:2]):
        value = _render(cell, option, dates, locale_of(book))
        if value != "":
            lines += [[] for _ in range(line + 1 - len(lines))]
            lines[line] += [""] * (place - len(lines[line])) + [value]
    return lines


def trim_cells(described: JsonObject) -> JsonObject:
    """Leaves out the empty rows and cells that a field mask left at the end of the cells, which are changed."""
    for sheet in described.get("sheets", []):
        for data in sheet.get("data", []):
            for row in data.get("rowData", []):
                _drop_empty_end(row.get("values", []))
                if not row.get("values"):
                    row.clear()
            _drop_empty_end(data.get("rowData", []))
            if not data.get("rowData"):
                data.pop("rowData", None)
    return described


def locale_of(book: Book) -> str:
    """The locale in which numbers and dates are shown, as `en_US`."""
    return str(book.described["properties"]["locale"])


def _render(cell: JsonObject, option: str, dates: str, locale: str) -> Json:
    ((kind, value),) = cell.get("userEnteredValue", {"stringValue": ""}).items()
    as_text = dates == "FORMATTED_STRING" and kind == "numberValue" and is_moment(cell)
    if as_text or option == "FORMATTED_VALUE":
        return show_cell(cell, locale)
    return FORMULA_SHOWN if kind == "formulaValue" and option != "FORMULA" else value


def _describe_cells(book: Book, sheet: Sheet, area: Area, asked: Mask | None) -> JsonObject:
    rows: list[JsonObject] = []
    of_data = (asked or {}).get("data", {})
    for (row, column), cell in sheet.filled(area) if not of_data or {"*", "rowData"} & {*of_data} else ():
        rows += [{} for _ in range(row - area.top + 1 - len(rows))]
        values = rows[-1].setdefault("values", [])
        values += [{} for _ in range(column - area.left - len(values))]
        values.append(_describe_cell(cell, locale_of(book)))
    described = {"startRow": area.top, "startColumn": area.left, "rowData": rows}
    return {name: part for name, part in described.items() if part} | {
        "rowMetadata": _describe_dimension(sheet, "ROWS", range(area.top, area.bottom)),
        "columnMetadata": _describe_dimension(sheet, "COLUMNS", range(area.left, area.right)),
    }


def _describe_cell(cell: JsonObject, locale: str) -> JsonObject:
    if "userEnteredValue" not in cell:
        return cell
    value = cell["userEnteredValue"]
    effective = NO_FORMULAS if "formulaValue" in value else value
    return cell | {"effectiveValue": effective, "formattedValue": show_cell(cell, locale)}


def _describe_dimension(sheet: Sheet, dimension: str, places: range) -> list[JsonObject]:
    own = sheet.dimensions[dimension]
    return [{"pixelSize": USUAL_PIXELS[dimension]} | own.get(place, {}) for place in places]


def _drop_empty_end(items: list[Json]) -> None:
    while items and not items[-1]:
        items.pop()
