"""The methods of `spreadsheets.values`."""

from dataclasses import replace

from tests.sandbox.sheets.book.a1 import Area, Span, format_range
from tests.sandbox.sheets.book.spreadsheet import Sheet
from tests.sandbox.sheets.methods.call import Call
from tests.sandbox.sheets.methods.rendering import Renderer
from tests.sandbox.sheets.methods.tables import find_table
from tests.sandbox.sheets.methods.writing import Place, Writer, check_fit, read_block
from tests.sandbox.sheets.notation.locales import rules_of
from tests.sandbox.sheets.protocol.errors import GoogleError, invalid_argument
from tests.sandbox.sheets.protocol.json_types import JsonObject


def get(call: Call) -> JsonObject:
    """Give the values of a range."""
    return _value_range(call, call.path["range"])


def batch_get(call: Call) -> JsonObject:
    """Give the values of several ranges."""
    ranges = [_value_range(call, text) for text in call.query.get("ranges", [])]
    return {"spreadsheetId": call.book.spreadsheet_id, "valueRanges": ranges}


def update(call: Call) -> JsonObject:
    """Write values to a range."""
    _check_same_range(call)
    _, _, answer = _update(call, call.path["range"], call.body, call.query)
    return answer


def batch_update(call: Call) -> JsonObject:
    """Write values to several ranges, all of them or none."""
    responses, rows, columns = [], set(), set()
    for number, value_range in enumerate(call.body.get("data", [])):
        try:
            sheet, written, answer = _update(call, value_range.get("range", ""), value_range, call.body)
        except GoogleError as error:
            raise error.within(f"data[{number}]") from None
        responses.append(answer)
        rows |= {(sheet.sheet_id, row) for row, _ in written}
        columns |= {(sheet.sheet_id, column) for _, column in written}
    totals = {
        "totalUpdatedRows": len(rows),
        "totalUpdatedColumns": len(columns),
        "totalUpdatedCells": sum(answer.get("updatedCells", 0) for answer in responses),
        "totalUpdatedSheets": len({sheet_id for sheet_id, _ in rows}),
    }
    return {"spreadsheetId": call.book.spreadsheet_id, **_not_zero(totals), "responses": responses}


def clear(call: Call) -> JsonObject:
    """Empty the cells of a range; formats and notes stay."""
    return {"spreadsheetId": call.book.spreadsheet_id, "clearedRange": _clear(call, call.path["range"])}


def batch_clear(call: Call) -> JsonObject:
    """Empty the cells of several ranges, all of them or none."""
    try:
        cleared = [_clear(call, text) for text in call.body.get("ranges", [])]
    except GoogleError as error:
        raise error.within("range") from None
    return {"spreadsheetId": call.book.spreadsheet_id, "clearedRanges": cleared}


def append(call: Call) -> JsonObject:
    """Write values below a table; the sheet grows where it must."""
    _check_same_range(call)
    sheet, span = call.book.find_range(call.path["range"])
    place = sheet.area(span)
    block, writer = read_block(call.body), _writer(call, call.query)
    table = find_table(sheet, span)
    area = block.at(table.end_row, table.start_column) if table else block.at(place.start_row, place.start_column)
    if call.query.get("insertDataOption") == "INSERT_ROWS":
        sheet.set_size(sheet.rows + block.rows, sheet.columns)
        sheet.grid.insert("ROWS", area.start_row, block.rows)
    sheet.set_size(max(sheet.rows, area.end_row), max(sheet.columns, area.end_column))
    call.book.check_size()
    written = writer.write(sheet, area, block)
    answer: JsonObject = {"spreadsheetId": call.book.spreadsheet_id}
    if table:
        answer["tableRange"] = format_range(sheet.title, table)
    return answer | {"updates": _updated(call, sheet, area, written, call.query)}


def _value_range(call: Call, text: str) -> JsonObject:
    sheet, span = call.book.find_range(text)
    options = (call.query.get("valueRenderOption"), call.query.get("dateTimeRenderOption"))
    return _rendered(call, sheet, sheet.area(span), options, call.query.get("majorDimension"))


def _rendered(
    call: Call, sheet: Sheet, area: Area, options: tuple[str | None, str | None], dimension: str | None
) -> JsonObject:
    values = Renderer(call.book).table(
        sheet,
        area,
        options[0] or "FORMATTED_VALUE",  # type: ignore[arg-type]
        options[1] or "SERIAL_NUMBER",  # type: ignore[arg-type]
        by_columns=dimension == "COLUMNS",
    )
    answer: JsonObject = {
        "range": format_range(sheet.title, area),
        "majorDimension": "COLUMNS" if dimension == "COLUMNS" else "ROWS",
    }
    return answer | ({"values": values} if values else {})


def _check_same_range(call: Call) -> None:
    asked, sent = call.path["range"], call.body.get("range", call.path["range"])
    if asked != sent:
        raise invalid_argument(f"Request range[{asked}] does not match value's range[{sent}]")


def _update(
    call: Call, text: str, value_range: JsonObject, options: JsonObject
) -> tuple[Sheet, set[Place], JsonObject]:
    writer = _writer(call, options)
    sheet, span = call.book.find_range(text)
    block = read_block(value_range)
    area = check_fit(sheet, span, block)
    written = writer.write(sheet, area, block)
    return sheet, written, _updated(call, sheet, area, written, options)


def _writer(call: Call, options: JsonObject) -> Writer:
    option = options.get("valueInputOption", "INPUT_VALUE_OPTION_UNSPECIFIED")
    if option == "INPUT_VALUE_OPTION_UNSPECIFIED":
        raise invalid_argument("'valueInputOption' is required but not specified")
    return Writer(option, rules_of(call.book.locale), call.today)


def _updated(call: Call, sheet: Sheet, area: Area, written: set[Place], options: JsonObject) -> JsonObject:
    begin = Span(area.start_row, area.start_row + 1, area.start_column, area.start_column + 1)
    empty = area.rows == 0 or area.columns == 0
    counts = {
        "updatedRows": len({row for row, _ in written}),
        "updatedColumns": len({column for _, column in written}),
        "updatedCells": len(written),
    }
    answer: JsonObject = {
        "spreadsheetId": call.book.spreadsheet_id,
        "updatedRange": format_range(sheet.title, begin if empty else area),
        **_not_zero(counts),
    }
    if options.get("includeValuesInResponse"):
        rendering = (options.get("responseValueRenderOption"), options.get("responseDateTimeRenderOption"))
        answer["updatedData"] = _rendered(call, sheet, area, rendering, call.body.get("majorDimension"))
    return answer


def _clear(call: Call, text: str) -> str:
    sheet, span = call.book.find_range(text)
    area = sheet.area(span)
    sheet.refuse_protected(area)
    for row, column, cell in list(sheet.grid.within(area)):
        sheet.grid.put(row, column, replace(cell, value=None))
    return format_range(sheet.title, area)


def _not_zero(counts: dict[str, int]) -> dict[str, int]:
    return {name: count for name, count in counts.items() if count}
