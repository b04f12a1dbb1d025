"""What a spreadsheet makes of a typed text, which is what `USER_ENTERED` asks for, and how it shows a cell.

Formulas are kept and never worked out: a cell that holds one shows an error. Names of months are English everywhere.
"""

import re
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from tests.sandbox.sheets.json_types import JsonObject

EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001 - a spreadsheet's dates have no time zone
DAY_SECONDS = 86_400
FORMULA_SHOWN = "#ERROR!"
SIGNS_ALONE = re.compile(r"[=+\-\s]*")
TIME = re.compile(r"(?P<h>[01]?[0-9]|2[0-3]):(?P<m>[0-5][0-9])(?::(?P<s>[0-5][0-9]))?")
ISO_DATE = r"(?P<y>[0-9]{4})(?P<mark>[-/.])(?P<m>[0-9]{1,2})(?P=mark)(?P<d>[0-9]{1,2})"
LITERAL = re.compile(r'"([^"]*)"')
DIGITS = re.compile(r"(?P<whole>[#0,]+)(?:\.(?P<fraction>[#0]+))?")
MOMENT_FIELD = re.compile(r"y+|m+|d+|h+|s+", re.IGNORECASE)


class Locale(NamedTuple):
    """How one country writes numbers and dates: 1/2 is the first of February where the day comes first."""

    decimal: str = "."
    group: str = ","
    day_first: bool = False
    date_mark: str = "/"

    def date_forms(self) -> tuple[str, ...]:
        """What a typed date may look like; one without a year is of this year."""
        day, month = "(?P<d>[0-9]{1,2})", "(?P<m>[0-9]{1,2})"
        first, second = (day, month) if self.day_first else (month, day)
        short = f"{first}(?P<mark>[{self.date_mark}/-]){second}"
        return ISO_DATE, short, f"{short}(?P=mark)(?P<y>[0-9]{{4}})"

    def usual_pattern(self, kind: str) -> str:
        """The pattern of a `numberFormat` that has none."""
        day = self.date_mark.join("dm" if self.day_first else "md") + f"{self.date_mark}yyyy"
        moments = {"DATE": day, "TIME": "h:mm:ss", "DATE_TIME": f"{day} h:mm:ss"}
        return (moments | {"NUMBER": "#,##0.00", "PERCENT": "0.00%"}).get(kind, "")


AMERICAN = Locale()
LOCALES = {"ru_RU": Locale(",", "\u00a0", day_first=True, date_mark=".")}


def read_entered(text: str, locale: str) -> tuple[JsonObject | None, JsonObject | None]:
    """Understands a typed text, in the American way where the spreadsheet's locale is not known here.

    Returns:
        The API's `ExtendedValue`, or None where the cell is emptied; and the `numberFormat` that goes with the way in
        which it was typed, or None.
    """
    rules, typed = LOCALES.get(locale, AMERICAN), text.strip()
    if text.startswith("'"):
        return {"stringValue": text[1:]}, None
    if typed.upper() in {"TRUE", "FALSE"}:
        return {"boolValue": typed.upper() == "TRUE"}, None
    understood = _read_number(typed, rules) or _read_moment(typed, rules)
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
    return _number_format(cell).get("type") in {"DATE", "TIME", "DATE_TIME"}


def show_cell(cell: JsonObject, locale: str) -> str:
    """What a cell, the API's `CellData`, shows; an empty text where it is empty."""
    ((kind, value),) = cell.get("userEnteredValue", {"stringValue": ""}).items()
    if kind != "numberValue":
        shown = {"formulaValue": FORMULA_SHOWN, "boolValue": str(value).upper()}
        return shown.get(kind, str(value))
    rules, number_format = LOCALES.get(locale, AMERICAN), _number_format(cell)
    pattern = number_format.get("pattern") or rules.usual_pattern(number_format.get("type", ""))
    if is_moment(cell):
        return _show_moment(value, pattern)
    return _show_pattern(Decimal(str(value)), pattern, rules) if pattern else _show_general(value, rules)


def _number_format(cell: JsonObject) -> JsonObject:
    found: JsonObject = cell.get("userEnteredFormat", {}).get("numberFormat", {})
    return found


def _read_number(typed: str, rules: Locale) -> tuple[float, JsonObject | None] | None:
    group, decimal = re.escape(rules.group), re.escape(rules.decimal)
    match = re.fullmatch(
        rf"(?P<sign>[+-]?)(?P<whole>[0-9]{{1,3}}(?:{group}[0-9]{{3}})+|[0-9]+)?(?:{decimal}(?P<fraction>[0-9]*))?"
        r"(?P<exponent>[eE][+-]?[0-9]{1,3})?(?P<percent>%)?",
        typed,
    )
    if match is None or not (match["whole"] or match["fraction"]):
        return None
    whole = (match["whole"] or "0").replace(rules.group, "")
    number = float(f"{match['sign']}{whole}.{match['fraction'] or 0}{match['exponent'] or ''}")
    decimals = ".00" if match["fraction"] else ""
    if abs(number) == float("inf"):
        return None
    if match["percent"]:
        return number / 100, {"type": "PERCENT", "pattern": f"0{decimals}%"}
    grouped = rules.group in (match["whole"] or "")
    return number, {"type": "NUMBER", "pattern": f"#,##0{decimals}"} if grouped else None


def _read_moment(typed: str, rules: Locale) -> tuple[float, JsonObject] | None:
    """Understands a date, a time, or both with a space between; with `T` or a time zone it stays a text."""
    front, _, back = typed.partition(" ")
    day, time = _read_date(front, rules), TIME.fullmatch(back or front)
    seconds, clock = 0, ""
    if time:
        seconds = int(time["h"]) * 3600 + int(time["m"]) * 60 + int(time["s"] or 0)
        clock = "h:mm:ss" if time["s"] else "h:mm"
    if day and (time or not back):
        pattern = f"{day[1]} {clock}".rstrip()
        return day[0] + seconds / DAY_SECONDS, {"type": "DATE_TIME" if time else "DATE", "pattern": pattern}
    return (seconds / DAY_SECONDS, {"type": "TIME", "pattern": clock}) if time and not back else None


def _read_date(typed: str, rules: Locale) -> tuple[int, str] | None:
    """A date's number, and the pattern that shows it as it was typed: each part in its own length."""
    for match in filter(None, (re.fullmatch(form, typed) for form in rules.date_forms())):
        parts = match.groupdict()
        try:
            day = date(int(parts.get("y") or datetime.now(tz=UTC).year), int(parts["m"]), int(parts["d"]))
        except ValueError:
            continue
        places = sorted((match.start(name), name * len(parts[name])) for name in ("y", "m", "d") if parts.get(name))
        return (day - EPOCH.date()).days, parts["mark"].join(part for _, part in places)
    return None


def _show_general(number: float, rules: Locale) -> str:
    """Whole numbers in full up to 15 digits, others with ten digits that count."""
    if number and not 1e-9 <= abs(number) < 1e15:
        mantissa, exponent = f"{number:.5E}".split("E")
        shown = f"{mantissa.rstrip('0').rstrip('.')}E{exponent}"
    else:
        shown = str(int(number)) if float(number).is_integer() else f"{Decimal(f'{number:.10g}'):f}"
    return shown.replace(".", rules.decimal)


def _show_pattern(number: Decimal, pattern: str, rules: Locale) -> str:
    """Fills a pattern such as `#,##0.0#` or `0%" of all"`."""
    digits = DIGITS.search(LITERAL.sub(lambda literal: " " * len(literal[0]), pattern))
    if digits is None:
        return LITERAL.sub(r"\1", pattern)
    places = digits["fraction"] or ""
    shifted = abs(number) * (100 if "%" in pattern else 1)
    rounded = shifted.quantize(Decimal(1).scaleb(-len(places)), ROUND_HALF_UP)
    whole, _, fraction = (f"{rounded:,f}" if "," in digits["whole"] else f"{rounded:f}").partition(".")
    required = len(places.rstrip("#"))
    fraction = fraction[:required] + fraction[required:].rstrip("0")
    shown = whole.replace(",", rules.group) + (rules.decimal + fraction if fraction else "")
    before, after = pattern[: digits.start()], pattern[digits.end() :]
    return ("-" if number < 0 else "") + LITERAL.sub(r"\1", before) + shown + LITERAL.sub(r"\1", after)


def _show_moment(serial: float, pattern: str) -> str:
    try:
        moment = EPOCH + timedelta(seconds=round(serial * DAY_SECONDS))
    except OverflowError:
        return str(serial)

    def show(token: re.Match[str]) -> str:
        letter, length = token[0][0].lower(), len(token[0])
        before = re.sub(r"[^ymdhs]", "", pattern[: token.start()].lower())[-1:]
        after = re.sub(r"[^ymdhs]", "", pattern[token.end() :].lower())[:1]
        if letter == "m" and (before == "h" or after == "s"):
            # The same letter stands for months and for minutes.
            letter = "minute"
        if letter in "md" and length > 2:
            return moment.strftime("%B" if letter == "m" else "%A")[: 3 if length == 3 else None]
        if letter == "y":
            return moment.strftime("%Y" if length > 2 else "%y")
        name = {"m": "month", "d": "day", "h": "hour", "s": "second"}.get(letter, letter)
        return f"{getattr(moment, name):0{min(length, 2)}d}"

    return MOMENT_FIELD.sub(show, pattern)
