"""Dates and times that are typed into a cell."""

import re
from datetime import date
from functools import lru_cache

from tests.sandbox.sheets.notation.dates import date_serial
from tests.sandbox.sheets.notation.locales import LocaleRules
from tests.sandbox.sheets.protocol.json_types import JsonObject

MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
MONTH_NAME = "(?P<month>" + "|".join(f"{name}|{name[:3]}" for name in MONTHS) + r")\.?"
DAY, YEAR = "(?P<day>[0-9]{1,2})", "(?P<year>[0-9]{4}|[0-9]{2})"
TIME = re.compile(
    r"(?P<hours>[0-9]{1,4}):(?P<minutes>[0-5][0-9])"
    r"(?::(?P<seconds>[0-5][0-9])(?:\.(?P<fraction>[0-9]{1,3}))?)?(?:\s?(?P<half>[ap]m))?",
    re.IGNORECASE,
)
# A year of two digits below this one is of this century.
CENTURY_TURN = 30

Understood = tuple[float, JsonObject]


def read_moment(typed: str, rules: LocaleRules, today: date) -> Understood | None:
    """Understand a date, a time, or a date and a time with a space between them.

    A form of ISO 8601 with `T` or a time zone is not a date to the service: it stays text.

    Args:
        typed: what was typed, without white space around it.
        rules: how dates are written in the spreadsheet's country.
        today: the day whose year a date without a year gets.

    Returns:
        The number that a spreadsheet keeps, and the format that shows it as it was typed; None for anything else.
    """
    if not any(digit in typed for digit in "0123456789"):
        return None
    time = _read_time(typed)
    if time is not None:
        return time
    day = _read_date(typed, rules, today)
    if day is not None:
        return day
    front, space, back = typed.partition(" ")
    while space:
        day, time = _read_date(front, rules, today), _read_time(back)
        if day and time and time[0] < 1:
            return day[0] + time[0], {"type": "DATE_TIME", "pattern": f"{day[1]['pattern']} {time[1]['pattern']}"}
        more, space, back = back.partition(" ")
        front = f"{front} {more}"
    return None


def _read_time(typed: str) -> Understood | None:
    match = TIME.fullmatch(typed)
    if match is None:
        return None
    hours, half = int(match["hours"]), (match["half"] or "").lower()
    if half and not 1 <= hours <= 12:
        return None
    if half:
        hours = hours % 12 + (12 if half == "pm" else 0)
    seconds = hours * 3600 + int(match["minutes"]) * 60 + float(f"{match['seconds'] or 0}.{match['fraction'] or 0}")
    pattern = "[h]:mm" if hours > 23 else "h:mm"
    pattern += ":ss" if match["seconds"] else ""
    pattern += "." + "0" * len(match["fraction"]) if match["fraction"] else ""
    return seconds / 86_400, {"type": "TIME", "pattern": pattern + (" am/pm" if half else "")}


def _read_date(typed: str, rules: LocaleRules, today: date) -> Understood | None:
    for form in _date_forms(rules):
        match = form.fullmatch(typed)
        if match is None:
            continue
        parts = match.groupdict()
        try:
            day = date(_year(parts.get("year"), today), _month(parts["month"]), int(parts.get("day") or 1))
        except ValueError:
            continue
        return date_serial(day), {"type": "DATE", "pattern": _pattern(match)}
    return None


@lru_cache
def _date_forms(rules: LocaleRules) -> list[re.Pattern[str]]:
    separator, month = f"(?P<separator>[{re.escape(rules.date_separators)}])", "(?P<month>[0-9]{1,2})"
    first, second = (DAY, month) if rules.day_first else (month, DAY)
    forms = [
        f"(?P<year>[0-9]{{4}})(?P<separator>[-/.]){month}(?P=separator){DAY}",
        f"{first}{separator}{second}(?P=separator){YEAR}",
        f"{first}(?P<separator>[/-]){second}",
        f"{MONTH_NAME} {DAY}(?:,? (?P<year>[0-9]{{4}}))?",
        f"{DAY}[ -]{MONTH_NAME}(?:[ -]{YEAR})?",
        f"{MONTH_NAME} (?P<year>[0-9]{{4}})",
    ]
    return [re.compile(form, re.IGNORECASE) for form in forms]


def _year(text: str | None, today: date) -> int:
    if text is None:
        return today.year
    year = int(text)
    if len(text) == 4:
        return year
    return year + (2000 if year < CENTURY_TURN else 1900)


def _month(text: str) -> int:
    if text.isdigit():
        return int(text)
    return next(number for number, name in enumerate(MONTHS, start=1) if name[:3] == text.lower()[:3])


def _pattern(match: re.Match[str]) -> str:
    """Give the format that shows a date as it was typed: each part in its own length, the rest as it stands."""
    pieces, at = [], 0
    spans = sorted((match.span(name), name) for name in ("year", "month", "day") if match.groupdict().get(name))
    for (start, end), name in spans:
        text = match[name]
        length = len(text) if text.isdigit() else 4 if len(text) > 3 else 3
        pieces += [match.string[at:start], name[0] * length]
        at = end
    return "".join([*pieces, match.string[at:]])
