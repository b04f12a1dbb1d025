"""The methods of `spreadsheets.values`."""

from tests.sandbox.sheets.book import Book, Sheet
from tests.sandbox.sheets.errors import GoogleError, invalid_argument, not_implemented
from tests.sandbox.sheets.json_types import Json, JsonObject
from tests.sandbox.sheets.notation import plain, read_entered
from tests.sandbox.sheets.ranges import Area, Place, format_range
from tests.sandbox.sheets.view import table


def get(book: Book, query: JsonObject, _: JsonObject) -> JsonObject:
    """Gives the values of a range."""
    sheet, grid_range = book.find_range(query["range"])
    area, dimension = sheet.area(grid_range), query.get("majorDimension", "ROWS")
    option, dates = query.get("valueRenderOption", "FORMATTED_VALUE"), query.get("dateTimeRenderOption", "")
    values = table(book, sheet, area, option, dates, by_columns=dimension == "COLUMNS")
    place = {"range": format_range(sheet.title, area.grid_range()), "majorDimension": dimension}
    return place | ({"values": values} if values else {})


def batch_get(book: Book, query: JsonObject, _: JsonObject) -> JsonObject:
    """Gives the values of several ranges."""
    ranges = [get(book, query | {"range": text}, {}) for text in query.get("ranges", [])]
    return {"spreadsheetId": book.spreadsheet_id, "valueRanges": ranges}


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
    totals = _not_zero(
        totalUpdatedRows=len({(sheet_id, row) for sheet_id, (row, _) in written}),
        totalUpdatedColumns=len({(sheet_id, column) for sheet_id, (_, column) in written}),
        totalUpdatedCells=sum(answer.get("updatedCells", 0) for answer in responses),
        totalUpdatedSheets=len({sheet_id for sheet_id, _ in written}),
    )
    return {"spreadsheetId": book.spreadsheet_id, **totals, "responses": responses}


def clear(book: Book, query: JsonObject, _: JsonObject) -> JsonObject:
    """Empties the cells of a range; formats and notes stay."""
    return {"spreadsheetId": book.spreadsheet_id, "clearedRange": _clear(book, query["range"])}


def batch_clear(book: Book, _: JsonObject, body: JsonObject) -> JsonObject:
    """Empties the cells of several ranges, all of them or none."""
    cleared = [_clear(book, text) for text in body.get("ranges", [])]
    return {"spreadsheetId": book.spreadsheet_id, "clearedRanges": cleared}


def _clear(book: Book, text: str) -> str:
    sheet, grid_range = book.find_range(text)
    area = sheet.area(grid_range)
    sheet.refuse_protected(area)
    for place, cell in list(sheet.filled(area)):
        sheet.put(place, cell | {"userEnteredValue": None})
    return format_range(sheet.title, area.grid_range())


def _update(book: Book, text: str, sent: JsonObject, options: JsonObject) -> tuple[Sheet, set[Place], JsonObject]:
    """Writes values; gives the sheet, the cells that got one, and the API's `UpdateValuesResponse`."""
    sheet, grid_range = book.find_range(text)
    option, rows, whole = options.get("valueInputOption"), _read_rows(sent), sheet.area(grid_range)
    if option not in {"RAW", "USER_ENTERED"}:
        raise invalid_argument("'valueInputOption' is required but not specified")
    # A range of one cell is only where the values begin.
    is_cell = whole.bottom - whole.top == whole.right - whole.left == 1
    limits = whole._replace(bottom=sheet.size("ROWS"), right=sheet.size("COLUMNS")) if is_cell else whole
    width = max(map(len, rows), default=0)
    area = Area(whole.top, whole.top + len(rows), whole.left, whole.left + width)
    if area.bottom > limits.bottom or area.right > limits.right:
        within = format_range(sheet.title, grid_range or limits.grid_range())
        raise invalid_argument(f"Requested writing within range [{within}], but tried writing beyond it")
    sheet.refuse_protected(area)
    # A null leaves its cell as it is; an empty text empties it.
    values = {
        (row, column): value
        for row, line in enumerate(rows, start=area.top)
        for column, value in enumerate(line, start=area.left)
        if value is not None
    }
    merged = sheet.merged_areas()
    for place, value in values.items():
        # What is written under a merged cell is lost: the service does not promise more.
        if not any(one.has(place) and place != (one.top, one.left) for one in merged):
            sheet.put(place, _entered(sheet.cells.get(place, {}), value, option))
    shown = area if rows and width else Area(area.top, area.top + 1, area.left, area.left + 1)
    counts = _not_zero(
        updatedRows=len({row for row, _ in values}),
        updatedColumns=len({column for _, column in values}),
        updatedCells=len(values),
    )
    where = {"spreadsheetId": book.spreadsheet_id, "updatedRange": format_range(sheet.title, shown.grid_range())}
    return sheet, set(values), where | counts


def _read_rows(sent: JsonObject) -> list[list[Json]]:
    rows: list[list[Json]] = sent.get("values", [])
    wrong = [value for line in rows for value in line if isinstance(value, list | dict)]
    if wrong:
        raise invalid_argument(f"Invalid values: {wrong[0]}")
    if sent.get("majorDimension") == "COLUMNS":
        raise not_implemented("values that are written column by column")
    return rows


def _entered(cell: JsonObject, value: Json, option: str) -> JsonObject:
    own = cell.get("userEnteredFormat", {}).get("numberFormat", {}).get("type")
    new: JsonObject | None = None
    if isinstance(value, bool):
        entered: JsonObject | None = {"boolValue": value}
    elif not isinstance(value, str):
        entered = {"numberValue": plain(value)}
    elif option == "RAW" or own == "TEXT":
        entered = {"stringValue": value} if value else None
    else:
        entered, new = read_entered(value)
    cell = cell | {"userEnteredValue": entered}
    if new is None or new["type"] == own:
        return cell
    return cell | {"userEnteredFormat": cell.get("userEnteredFormat", {}) | {"numberFormat": new}}


def _not_zero(**counts: int) -> JsonObject:
    return {name: count for name, count in counts.items() if count}
