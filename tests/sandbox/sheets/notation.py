"""What a spreadsheet makes of a typed text, which is what `USER_ENTERED` asks for, and how it shows a cell.

Numbers and dates are read as in the United States, and shown as in the spreadsheet's locale. Formulas are kept and
never worked out: a cell that holds one shows an error.
"""

import re
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, localcontext

from babel.dates import format_datetime
from babel.numbers import format_decimal, get_decimal_symbol

from tests.sandbox.sheets.errors import not_implemented
from tests.sandbox.sheets.json_types import JsonObject

EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001 - a spreadsheet's dates have no time zone
DAY_SECONDS = 86_400
FORMULA_SHOWN = "#ERROR!"
SIGNS_ALONE = re.compile(r"[=+\-\s]*")
NUMBER = re.compile(
    r"(?P<number>[+-]?(?P<whole>[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)?(?:\.(?P<fraction>[0-9]*))?(?:[eE][+-]?[0-9]{1,3})?)"
    r"(?P<percent>%)?"
)
TIME = re.compile(r"(.* )?[0-9]{1,2}(:[0-9]{2}){1,2}")
DATES = (
    re.compile(r"(?P<y>[0-9]{4})(?P<mark>[-/.])(?P<m>[0-9]{1,2})(?P=mark)(?P<d>[0-9]{1,2})"),
    re.compile(r"(?P<m>[0-9]{1,2})(?P<mark>[/-])(?P<d>[0-9]{1,2})(?P=mark)(?P<y>[0-9]{4})"),
)
# The patterns of a `numberFormat` that has none.
USUAL_PATTERNS = {
    "DATE": "m/d/yyyy",
    "TIME": "h:mm:ss",
    "DATE_TIME": "m/d/yyyy h:mm:ss",
    "NUMBER": "#,##0.00",
    "PERCENT": "0.00%",
}
# The same letter stands for months and for minutes, which stand beside hours or seconds.
MINUTES = re.compile(r"(?<=h:)m+|m+(?=:s)")


def read_entered(text: str) -> tuple[JsonObject | None, JsonObject | None]:
    """Understands a typed text.

    Returns:
        The API's `ExtendedValue`, or None where the cell is emptied; and the `numberFormat` that goes with the way in
        which it was typed, or None.
    """
    typed = text.strip()
    if text.startswith("'"):
        return {"stringValue": text[1:]}, None
    if typed.upper() in {"TRUE", "FALSE"}:
        return {"boolValue": typed.upper() == "TRUE"}, None
    understood = _read_number(typed) or _read_date(typed)
    if understood:
        return {"numberValue": plain(understood[0])}, understood[1]
    if TIME.fullmatch(typed):
        raise not_implemented("times of day that are typed")
    # Everything that begins with a sign is a sum to be worked out, telephone numbers and list items too.
    if typed[:1] in {"=", "+", "-"} and not SIGNS_ALONE.fullmatch(typed):
        return {"formulaValue": typed if typed[0] == "=" else f"={typed}"}, None
    return ({"stringValue": text} if text else None), None


def plain(number: float) -> float:
    """A number as JSON carries it: a whole one without a fraction."""
    return int(number) if abs(number) < 1e15 and float(number).is_integer() else float(number)


def is_moment(cell: JsonObject) -> bool:
    """Whether a cell, the API's `CellData`, shows its number as a date or a time."""
    return cell.get("userEnteredFormat", {}).get("numberFormat", {}).get("type") in {"DATE", "TIME", "DATE_TIME"}


def show_cell(cell: JsonObject, locale: str) -> str:
    """What a cell, the API's `CellData`, shows; an empty text where it is empty."""
    ((kind, value),) = cell.get("userEnteredValue", {"stringValue": ""}).items()
    if kind != "numberValue":
        shown = {"formulaValue": FORMULA_SHOWN, "boolValue": str(value).upper()}
        return shown.get(kind, str(value))
    own = cell.get("userEnteredFormat", {}).get("numberFormat", {})
    pattern = own.get("pattern") or USUAL_PATTERNS.get(own.get("type", ""))
    if pattern is None:
        return _show_general(value).replace(".", get_decimal_symbol(locale))
    return (_show_moment if is_moment(cell) else _show_number)(value, pattern, locale)


def _read_number(typed: str) -> tuple[float, JsonObject | None] | None:
    match = NUMBER.fullmatch(typed)
    if match is None or not (match["whole"] or match["fraction"]):
        return None
    number = float(match["number"].replace(",", ""))
    if abs(number) == float("inf"):
        return None
    decimals = ".00" if match["fraction"] else ""
    if match["percent"]:
        return number / 100, {"type": "PERCENT", "pattern": f"0{decimals}%"}
    grouped = "," in (match["whole"] or "")
    return number, {"type": "NUMBER", "pattern": f"#,##0{decimals}"} if grouped else None


def _read_date(typed: str) -> tuple[float, JsonObject] | None:
    """A date's number, and the format that shows it as it was typed: each part in its own length."""
    match = next(filter(None, (form.fullmatch(typed) for form in DATES)), None)
    if match is None:
        return None
    try:
        day = date(int(match["y"]), int(match["m"]), int(match["d"]))
    except ValueError:
        return None
    names = sorted("ymd", key=match.start)
    pattern = match["mark"].join(name * len(match[name]) for name in names)
    return (day - EPOCH.date()).days, {"type": "DATE", "pattern": pattern}


def _show_general(number: float) -> str:
    """Whole numbers in full up to 15 digits, others with ten digits that count."""
    if number and not 1e-9 <= abs(number) < 1e15:
        mantissa, exponent = f"{number:.5E}".split("E")
        return f"{mantissa.rstrip('0').rstrip('.')}E{exponent}"
    return str(int(number)) if float(number).is_integer() else f"{Decimal(f'{number:.10g}'):f}"


def _show_number(number: float, pattern: str, locale: str) -> str:
    """Fills a pattern such as `#,##0.0#` or `0%" of all"`."""
    with localcontext() as context:
        context.rounding = ROUND_HALF_UP
        return format_decimal(Decimal(str(number)), pattern.replace('"', "'"), locale)


def _show_moment(serial: float, pattern: str, locale: str) -> str:
    try:
        moment = EPOCH + timedelta(seconds=round(serial * DAY_SECONDS))
    except OverflowError:
        return str(serial)
    plain_pattern = MINUTES.sub(lambda minutes: "_" * len(minutes[0]), pattern.lower())
    days = plain_pattern.replace("dddd", "EEEE").replace("ddd", "EEE")
    return format_datetime(moment, days.replace("m", "M").replace("_", "m").replace("h", "H"), locale=locale)
