"""Numbers as a cell shows them."""

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from tests.sandbox.sheets.notation.date_format import format_moment
from tests.sandbox.sheets.notation.locales import LocaleRules
from tests.sandbox.sheets.protocol.json_types import JsonObject

MOMENT_TYPES = {"DATE", "TIME", "DATE_TIME"}
# A literal in quotes, an escaped character, a currency in brackets, or a run of places for digits.
TOKEN = re.compile(
    r'"(?P<quoted>[^"]*)"|\\(?P<escaped>.)|\[(?P<bracket>[^\]]*)\]|(?P<digits>[0#?][0#?,.]*)|(?P<other>.)'
)
SECTION = re.compile(r'(?:"[^"]*"|\\.|[^;"\\])*')
SIGNIFICANT_DIGITS = 10


def is_moment(number_format: JsonObject | None) -> bool:
    """Say whether a format shows its number as a date or a time.

    Args:
        number_format: the API's `numberFormat`, or None.
    """
    return number_format is not None and number_format.get("type") in MOMENT_TYPES


def format_number(number: float, number_format: JsonObject | None, rules: LocaleRules) -> str:
    """Write a number as a cell shows it.

    Args:
        number: the number.
        number_format: the API's `numberFormat`; None for as many digits as it takes.
        rules: how numbers are written in the spreadsheet's country.
    """
    kind = (number_format or {}).get("type")
    pattern = (number_format or {}).get("pattern") or _default_pattern(kind, rules)
    if kind in MOMENT_TYPES:
        return format_moment(number, pattern)
    if not pattern or kind == "TEXT":
        return _format_general(number).replace(".", rules.decimal)
    return _format_pattern(number, pattern, rules)


def _default_pattern(kind: str | None, rules: LocaleRules) -> str:
    return {
        "NUMBER": "#,##0.00",
        "PERCENT": "0.00%",
        "CURRENCY": rules.currency_pattern.replace("#,##0", "#,##0.00"),
        "SCIENTIFIC": "0.00E+00",
        "DATE": rules.date_pattern,
        "TIME": "h:mm:ss",
        "DATE_TIME": f"{rules.date_pattern} h:mm:ss",
    }.get(kind or "", "")


def _format_general(number: float) -> str:
    """Write a number without a format: whole numbers in full up to 15 digits, others with ten digits that count."""
    size = abs(number)
    if size != 0 and not 1e-9 <= size < 1e15:
        mantissa, exponent = f"{number:.5E}".split("E")
        return f"{mantissa.rstrip('0').rstrip('.')}E{exponent[0]}{exponent[1:].zfill(2)}"
    if number.is_integer():
        return str(int(number))
    decimals = SIGNIFICANT_DIGITS - 1 - Decimal(str(size)).adjusted()
    text = format(_rounded(Decimal(str(number)), max(0, decimals)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _format_pattern(number: float, pattern: str, rules: LocaleRules) -> str:
    sections = [section for section in SECTION.findall(pattern) if section] or [pattern]
    section, sign = sections[0], "-" if number < 0 else ""
    if number < 0 and len(sections) > 1:
        section, sign = sections[1], ""
    elif number == 0 and len(sections) > 2:
        section = sections[2]
    return sign + _fill(section, Decimal(str(abs(number))), rules)


def _fill(section: str, number: Decimal, rules: LocaleRules) -> str:
    if "%" in section:
        number *= 100
    scientific = re.search(r"(?P<digits>[0#?][0#?,.]*)E\+(?P<exponent>0+)", section)
    if scientific:
        filled = _scientific(number, scientific["digits"], len(scientific["exponent"]), rules)
        return section[: scientific.start()] + filled + section[scientific.end() :]
    pieces = []
    for token in TOKEN.finditer(section):
        kind, text = token.lastgroup, token[token.lastgroup or 0]
        if kind == "digits":
            pieces.append(_digits(number, text, rules))
        elif kind == "bracket":
            pieces.append(text[1:].split("-")[0] if text.startswith("$") else "")
        else:
            pieces.append(text)
    return "".join(pieces)


def _scientific(number: Decimal, digits: str, exponent_places: int, rules: LocaleRules) -> str:
    exponent = number.adjusted() if number else 0
    mantissa = _digits(number.scaleb(-exponent), digits, rules)
    return f"{mantissa}E{'-' if exponent < 0 else '+'}{abs(exponent):0{exponent_places}d}"


@dataclass(frozen=True)
class _Places:
    """The places for digits in a format: how many must be there, how many may, and whether thousands are divided."""

    whole: int
    fraction: int
    optional: int
    grouped: bool


def _places(text: str) -> _Places:
    whole, _, fraction = text.partition(".")
    optional = len(fraction) - len(fraction.rstrip("#"))
    return _Places(whole.count("0"), len(fraction), optional, "," in whole)


def _digits(number: Decimal, text: str, rules: LocaleRules) -> str:
    places = _places(text)
    whole, _, fraction = format(_rounded(number, places.fraction), "f").partition(".")
    whole = whole.lstrip("0").rjust(places.whole, "0")
    if places.grouped:
        whole = re.sub(r"(?<=\d)(?=(?:\d{3})+$)", rules.groups[0], whole)
    required = places.fraction - places.optional
    fraction = fraction[:required] + fraction[required:].rstrip("0")
    return whole + (rules.decimal + fraction if fraction else "")


def _rounded(number: Decimal, decimals: int) -> Decimal:
    return number.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP)
