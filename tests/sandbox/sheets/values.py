"""The methods of `spreadsheets.values`."""

from tests.sandbox.sheets.book import Book, Sheet
from tests.sandbox.sheets.errors import GoogleError, invalid_argument, not_implemented
from tests.sandbox.sheets.json_types import Json, JsonObject
from tests.sandbox.sheets.notation import plain, read_entered
from tests.sandbox.sheets.ranges import Area, Place, column_letters, format_range
from tests.sandbox.sheets.view import table


def get(book: Book, query: JsonObject, _: JsonObject) -> JsonObject:
    """Gives the values of a range."""
    sheet, grid_range = book.find_range(query["range"])
    return _rendered(book, sheet, sheet.area(grid_range), query)


def batch_get(book: Book, query: JsonObject, _: JsonObject) -> JsonObject:
    """Gives the values of several ranges."""
    ranges = [get(book, query | {"range": text}, {}) for text in query.get("ranges", [])]
    return {"spreadsheetId": book.described["spreadsheetId"], "valueRanges": ranges}


def update(book: Book, query: JsonObject, body: JsonObject) -> JsonObject:
    """Writes values to a range."""
    _, _, answer = _update(book, query["range"], body, query)
    return answer


def batch_update(book: Book, _: JsonObject, body: JsonObject) -> JsonObject:
    """Writes values to several ranges, all of them or none."""
    responses: list[JsonObject] = []
    written: set[tuple[int, Place]] = set()
    for number, value_range in enumerate(body.get("data", [])):
        try:
            sheet, places, answer = _update(book, value_range.get("range", ""), value_range, body)
        except GoogleError as error:
            raise error.within(f"data[{number}]") from None
        responses.append(answer)
        written |= {(sheet.sheet_id, place) for place in places}
    totals = {
        "totalUpdatedRows": len({(sheet_id, row) for sheet_id, (row, _) in written}),
        "totalUpdatedColumns": len({(sheet_id, column) for sheet_id, (_, column) in written}),
        "totalUpdatedCells": sum(answer.get("updatedCells", 0) for answer in responses),
        "totalUpdatedSheets": len({sheet_id for sheet_id, _ in written}),
    }
    return {"spreadsheetId": book.described["spreadsheetId"], **_not_zero(totals), "responses": responses}


def clear(book: Book, query: JsonObject, _: JsonObject) -> JsonObject:
    """Empties the cells of a range; formats and notes stay."""
    return {"spreadsheetId": book.described["spreadsheetId"], "clearedRange": _clear(book, query["range"])}


def batch_clear(book: Book, _: JsonObject, body: JsonObject) -> JsonObject:
    """Empties the cells of several ranges, all of them or none."""
    try:
        cleared = [_clear(book, text) for text in body.get("ranges", [])]
    except GoogleError as error:
        raise error.within("range") from None
    return {"spreadsheetId": book.described["spreadsheetId"], "clearedRanges": cleared}


def append(book: Book, query: JsonObject, body: JsonObject) -> JsonObject:
    """Writes values over the cells below a table; the sheet grows where it must."""
    sheet, grid_range = book.find_range(query["range"])
    area = sheet.area(grid_range)
    found = _find_table(sheet, area)
    start = (found.bottom, found.left) if found else (area.top, area.left)
    rows = _read_rows(body)
    bottom, right = start[0] + len(rows), start[1] + max(map(len, rows), default=0)
    sheet.resize(max(sheet.size("ROWS"), bottom), max(sheet.size("COLUMNS"), right))
    area = Area(start[0], bottom, start[1], right)
    answer: JsonObject = {"tableRange": format_range(sheet.title, found.grid_range())} if found else {}
    updated = _write(book, sheet, area, rows, query)[1]
    return {"spreadsheetId": book.described["spreadsheetId"], **answer, "updates": updated}


def _rendered(book: Book, sheet: Sheet, area: Area, query: JsonObject) -> JsonObject:
    option, dates = query.get("valueRenderOption", "FORMATTED_VALUE"), query.get("dateTimeRenderOption", "")
    dimension = "COLUMNS" if query.get("majorDimension") == "COLUMNS" else "ROWS"
    values = table(book, sheet, area, option, dates, by_columns=dimension == "COLUMNS")
    place = {"range": format_range(sheet.title, area.grid_range()), "majorDimension": dimension}
    return place | ({"values": values} if values else {})


def _update(
    book: Book, text: str, value_range: JsonObject, options: JsonObject
) -> tuple[Sheet, set[Place], JsonObject]:
    sheet, grid_range = book.find_range(text)
    rows, whole = _read_rows(value_range), sheet.area(grid_range)
    # A range of one cell is only where the values begin.
    is_cell = whole.bottom - whole.top == whole.right - whole.left == 1
    limits = whole._replace(bottom=sheet.size("ROWS"), right=sheet.size("COLUMNS")) if is_cell else whole
    area = Area(whole.top, whole.top + len(rows), whole.left, whole.left + max(map(len, rows), default=0))
    if area.bottom > limits.bottom or area.right > limits.right:
        is_high = area.bottom > limits.bottom
        beyond = f"row [{limits.bottom + 1}]" if is_high else f"column [{column_letters(limits.right)}]"
        within = format_range(sheet.title, grid_range or limits.grid_range())
        raise invalid_argument(f"Requested writing within range [{within}], but tried writing to {beyond}")
    return sheet, *_write(book, sheet, area, rows, options)


def _read_rows(value_range: JsonObject) -> list[list[Json]]:
    """The values that are to be written, row by row; None for a cell that stays as it is."""
    lines: list[list[Json]] = value_range.get("values", [])
    for line, values in enumerate(lines):
        for place, value in enumerate(values):
            if isinstance(value, list | dict):
                kind = "list_value" if isinstance(value, list) else "struct_value"
                raise invalid_argument(f"Invalid values[{line}][{place}]: {kind} {value}")
    if value_range.get("majorDimension") == "COLUMNS":
        raise not_implemented("values that are written column by column")
    return lines


def _write(
    book: Book, sheet: Sheet, area: Area, rows: list[list[Json]], options: JsonObject
) -> tuple[set[Place], JsonObject]:
    """Writes values; gives the cells that got one, be it an empty text, and the API's `UpdateValuesResponse`."""
    option = options.get("valueInputOption", "INPUT_VALUE_OPTION_UNSPECIFIED")
    if option == "INPUT_VALUE_OPTION_UNSPECIFIED":
        raise invalid_argument("'valueInputOption' is required but not specified")
    sheet.refuse_protected(area)
    merged = sheet.merged_areas()
    values = {
        (row, column): value
        for row, line in enumerate(rows, start=area.top)
        for column, value in enumerate(line, start=area.left)
        if value is not None
    }
    for place, value in values.items():
        # What is written under a merged cell is lost: the service does not promise more.
        if not any(one.has(place) and place != (one.top, one.left) for one in merged):
            sheet.put(place, _entered(sheet.cells.get(place, {}), value, option, book.locale))
    counts = {
        "updatedRows": len({row for row, _ in values}),
        "updatedColumns": len({column for _, column in values}),
        "updatedCells": len(values),
    }
    is_empty = area.top == area.bottom or area.left == area.right
    shown = Area(area.top, area.top + 1, area.left, area.left + 1) if is_empty else area
    answer = {
        "spreadsheetId": book.described["spreadsheetId"],
        "updatedRange": format_range(sheet.title, shown.grid_range()),
        **_not_zero(counts),
    }
    return set(values), answer


def _entered(cell: JsonObject, value: Json, option: str, locale: str) -> JsonObject:
    own = cell.get("userEnteredFormat", {}).get("numberFormat", {}).get("type")
    new: JsonObject | None = None
    if isinstance(value, bool):
        entered: JsonObject | None = {"boolValue": value}
    elif not isinstance(value, str):
        entered = {"numberValue": plain(value)}
    elif option == "RAW" or own == "TEXT":
        entered = {"stringValue": value} if value else None
    else:
        entered, new = read_entered(value, locale)
    cell = cell | {"userEnteredValue": entered}
    if new is None or new["type"] == own:
        return cell
    return cell | {"userEnteredFormat": cell.get("userEnteredFormat", {}) | {"numberFormat": new}}


def _clear(book: Book, text: str) -> str:
    sheet, grid_range = book.find_range(text)
    area = sheet.area(grid_range)
    sheet.refuse_protected(area)
    for place, cell in list(sheet.filled(area)):
        sheet.put(place, cell | {"userEnteredValue": None})
    return format_range(sheet.title, area.grid_range())


def _find_table(sheet: Sheet, area: Area) -> Area | None:
    """The rectangle around the last filled cell in an area and all filled cells that touch it."""
    filled = {place for place, cell in sheet.cells.items() if "userEnteredValue" in cell}
    last = max(filter(area.has, filled), default=None)
    if last is None:
        return None
    found = Area(last[0], last[0] + 1, last[1], last[1] + 1)
    while True:
        around = Area(found.top - 1, found.bottom + 1, found.left - 1, found.right + 1)
        rows, columns = zip(*filter(around.has, filled), strict=True)
        grown = Area(min(rows), max(rows) + 1, min(columns), max(columns) + 1)
        if grown == found:
            return found
        found = grown


def _not_zero(counts: dict[str, int]) -> dict[str, int]:
    return {name: count for name, count in counts.items() if count}
