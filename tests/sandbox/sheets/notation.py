"""What a spreadsheet makes of a typed text, which is what `USER_ENTERED` asks for, and how it shows a cell.

Numbers and dates are read and shown in the way of the spreadsheet's country, which Babel knows. Formulas are kept and
never worked out: a cell that holds one shows an error.
"""

import re
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, localcontext

from babel import Locale
from babel.dates import format_datetime
from babel.numbers import format_decimal, get_decimal_symbol, get_group_symbol

from tests.sandbox.sheets.json_types import JsonObject

EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001 - a spreadsheet's dates have no time zone
DAY_SECONDS = 86_400
FORMULA_SHOWN = "#ERROR!"
SIGNS_ALONE = re.compile(r"[=+\-\s]*")
TIME = re.compile(r"(?P<h>[01]?[0-9]|2[0-3]):(?P<m>[0-5][0-9])(?::(?P<s>[0-5][0-9]))?")
ISO_DATE = r"(?P<y>[0-9]{4})(?P<mark>[-/.])(?P<m>[0-9]{1,2})(?P=mark)(?P<d>[0-9]{1,2})"
# The same letter stands for months and for minutes, which stand beside hours or seconds.
MINUTES = re.compile(r"(?<=h:)m+|m+(?=:s)")


def read_entered(text: str, locale: str) -> tuple[JsonObject | None, JsonObject | None]:
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
    understood = _read_number(typed, locale) or _read_moment(typed, locale)
    if understood:
        return {"numberValue": plain(understood[0])}, understood[1]
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
    pattern = own.get("pattern") or _usual_pattern(own.get("type", ""), locale)
    if is_moment(cell):
        return _show_moment(value, pattern, locale)
    return _show_number(value, pattern, locale) if pattern else _show_general(value, locale)


def _usual_pattern(kind: str, locale: str) -> str:
    """The pattern of a `numberFormat` that has none."""
    day = re.sub("y+", "yyyy", Locale.parse(locale).date_formats["short"].pattern)
    moments = {"DATE": day, "TIME": "h:mm:ss", "DATE_TIME": f"{day} h:mm:ss"}
    return (moments | {"NUMBER": "#,##0.00", "PERCENT": "0.00%"}).get(kind, "")


def _read_number(typed: str, locale: str) -> tuple[float, JsonObject | None] | None:
    group, decimal = get_group_symbol(locale), get_decimal_symbol(locale)
    match = re.fullmatch(
        rf"(?P<sign>[+-]?)(?P<whole>[0-9]{{1,3}}(?:{re.escape(group)}[0-9]{{3}})+|[0-9]+)?"
        rf"(?:{re.escape(decimal)}(?P<fraction>[0-9]*))?(?P<exponent>[eE][+-]?[0-9]{{1,3}})?(?P<percent>%)?",
        typed,
    )
    if match is None or not (match["whole"] or match["fraction"]):
        return None
    whole = (match["whole"] or "0").replace(group, "")
    number = float(f"{match['sign']}{whole}.{match['fraction'] or 0}{match['exponent'] or ''}")
    decimals = ".00" if match["fraction"] else ""
    if abs(number) == float("inf"):
        return None
    if match["percent"]:
        return number / 100, {"type": "PERCENT", "pattern": f"0{decimals}%"}
    grouped = group in (match["whole"] or "")
    return number, {"type": "NUMBER", "pattern": f"#,##0{decimals}"} if grouped else None


def _read_moment(typed: str, locale: str) -> tuple[float, JsonObject] | None:
    """Understands a date, a time, or both with a space between; with `T` or a time zone it stays a text."""
    front, _, back = typed.partition(" ")
    day, time = _read_date(front, locale), TIME.fullmatch(back or front)
    seconds, clock = 0, ""
    if time:
        seconds = int(time["h"]) * 3600 + int(time["m"]) * 60 + int(time["s"] or 0)
        clock = "h:mm:ss" if time["s"] else "h:mm"
    if day and (time or not back):
        pattern = f"{day[1]} {clock}".rstrip()
        return day[0] + seconds / DAY_SECONDS, {"type": "DATE_TIME" if time else "DATE", "pattern": pattern}
    return (seconds / DAY_SECONDS, {"type": "TIME", "pattern": clock}) if time and not back else None


def _read_date(typed: str, locale: str) -> tuple[int, str] | None:
    """A date's number, and the pattern that shows it as it was typed: each part in its own length."""
    usual = Locale.parse(locale).date_formats["short"].pattern
    first, second = "dm" if usual.lower().index("d") < usual.lower().index("m") else "md"
    mark = re.escape(usual.strip("dMy")[0])
    # A date without a year is of this year.
    short = rf"(?P<{first}>[0-9]{{1,2}})(?P<mark>[{mark}/-])(?P<{second}>[0-9]{{1,2}})(?:(?P=mark)(?P<y>[0-9]{{4}}))?"
    match = re.fullmatch(ISO_DATE, typed) or re.fullmatch(short, typed)
    if match is None:
        return None
    parts = match.groupdict()
    try:
        day = date(int(parts["y"] or datetime.now(tz=UTC).year), int(parts["m"]), int(parts["d"]))
    except ValueError:
        return None
    places = sorted((match.start(name), name * len(parts[name])) for name in ("y", "m", "d") if parts[name])
    return (day - EPOCH.date()).days, parts["mark"].join(part for _, part in places)


def _show_general(number: float, locale: str) -> str:
    """Whole numbers in full up to 15 digits, others with ten digits that count."""
    if number and not 1e-9 <= abs(number) < 1e15:
        mantissa, exponent = f"{number:.5E}".split("E")
        shown = f"{mantissa.rstrip('0').rstrip('.')}E{exponent}"
    else:
        shown = str(int(number)) if float(number).is_integer() else f"{Decimal(f'{number:.10g}'):f}"
    return shown.replace(".", get_decimal_symbol(locale))


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
