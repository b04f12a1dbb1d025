"""What the service makes of a text that is typed into a cell, which is what `USER_ENTERED` asks for."""

import re
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from tests.sandbox.sheets.book.cells import Entered, Formula
from tests.sandbox.sheets.notation.entered_dates import read_moment
from tests.sandbox.sheets.notation.locales import LocaleRules
from tests.sandbox.sheets.protocol.json_types import JsonObject

BOOLEANS = {"TRUE": True, "FALSE": False}
SIGNS = re.compile(r"[=+\-\s]*")


@dataclass(frozen=True)
class Entry:
    """A typed text, understood.

    Attributes:
        value: what the cell holds from now on; None where it is emptied.
        number_format: the API's `numberFormat` that goes with the way in which it was typed, or None.
    """

    value: Entered
    number_format: JsonObject | None = None


def read_entered(text: str, rules: LocaleRules, today: date) -> Entry:
    """Understand a typed text.

    Args:
        text: what was typed.
        rules: how numbers and dates are written in the spreadsheet's country.
        today: the day whose year a date without a year gets.
    """
    if text.startswith("'"):
        return Entry(text[1:])
    typed = text.strip()
    if typed.upper() in BOOLEANS:
        return Entry(BOOLEANS[typed.upper()])
    if typed[:1] == "=" and not SIGNS.fullmatch(typed):
        return Entry(Formula(typed))
    understood = _read_number(typed, rules) or read_moment(typed, rules, today)
    if understood is not None:
        return Entry(*understood)
    # Everything that begins with a sign is a sum to be worked out, telephone numbers and list items too.
    if typed[:1] in {"+", "-"} and not SIGNS.fullmatch(typed):
        return Entry(Formula(f"={typed}"))
    return Entry(text or None)


def _read_number(typed: str, rules: LocaleRules) -> tuple[float, JsonObject | None] | None:
    match = _number_pattern(rules).fullmatch(typed)
    if match is None or not (match["whole"] or match["fraction"]):
        return None
    if match["percent"] and (match["before"] or match["after"]):
        return None
    whole = re.sub(f"[{re.escape(rules.groups)}]", "", match["whole"] or "0")
    number = float(f"{match['sign']}{whole}.{match['fraction'] or '0'}{match['exponent'] or ''}")
    if number in {float("inf"), float("-inf")}:
        return None
    return (number / 100 if match["percent"] else number), _number_format(match, rules)


def _number_format(match: re.Match[str], rules: LocaleRules) -> JsonObject | None:
    """Give the format that shows a number as it was typed; None where it was typed without ornament."""
    decimals = ".00" if match["fraction"] else ""
    if match["percent"]:
        return {"type": "PERCENT", "pattern": f"0{decimals}%"}
    if match["before"] or match["after"]:
        return {"type": "CURRENCY", "pattern": rules.currency_pattern.replace("#,##0", f"#,##0{decimals}")}
    if match["exponent"]:
        return {"type": "SCIENTIFIC", "pattern": "0.00E+00"}
    if any(sign in (match["whole"] or "") for sign in rules.groups):
        return {"type": "NUMBER", "pattern": f"#,##0{decimals}"}
    return None


@lru_cache
def _number_pattern(rules: LocaleRules) -> re.Pattern[str]:
    group, money = f"[{re.escape(rules.groups)}]", re.escape(rules.currency)
    return re.compile(
        rf"(?P<sign>[+-]?)(?P<before>{money}\s?)?"
        rf"(?P<whole>[0-9]{{1,3}}(?:{group}[0-9]{{3}})+|[0-9]+)?"
        rf"(?:{re.escape(rules.decimal)}(?P<fraction>[0-9]*))?"
        r"(?P<exponent>[eE][+-]?[0-9]{1,3})?"
        rf"\s?(?P<after>{money})?(?P<percent>%)?"
    )
