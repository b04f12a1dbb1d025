"""Dates, times and durations as a cell shows them."""

import re
from collections.abc import Callable
from datetime import datetime

from tests.sandbox.sheets.notation.dates import DAY_MILLISECONDS, moment_of

TOKEN = re.compile(
    r'"(?P<quoted>[^"]*)"|\\(?P<escaped>.)|\[(?P<elapsed>h+|m+|s+)\]|(?P<half>am/pm|a/p)'
    r"|(?P<field>y+|m+|d+|h+|s+)|\.(?P<fraction>0+)|(?P<other>.)",
    re.IGNORECASE,
)
MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]

ELAPSED_MILLISECONDS = {"h": 3_600_000, "m": 60_000, "s": 1_000}


def format_moment(serial: float, pattern: str) -> str:
    """Write a number as the date, time or duration that it stands for.

    Args:
        serial: days since 30 December 1899.
        pattern: the API's pattern, such as `yyyy-mm-dd h:mm:ss` or `[h]:mm`.

    Returns:
        The text; the plain number where the calendar has no such date, as negative durations have none.
    """
    try:
        moment = moment_of(serial)
    except OverflowError:
        return str(serial)
    tokens = list(TOKEN.finditer(pattern))
    half = any(token["half"] for token in tokens)
    pieces = []
    for place, token in enumerate(tokens):
        if token["field"]:
            pieces.append(FIELDS[_meaning(tokens, place, half=half)](moment, len(token["field"])))
        elif token["elapsed"]:
            pieces.append(_elapsed(serial, token["elapsed"]))
        elif token["half"]:
            pieces.append(_half(moment, token["half"]))
        elif token["fraction"]:
            pieces.append("." + f"{moment.microsecond:06d}"[: len(token["fraction"])])
        else:
            pieces.append(token[token.lastgroup or 0])
    return "".join(pieces)


def _meaning(tokens: list[re.Match[str]], place: int, *, half: bool) -> str:
    """Tell months from minutes, which are written with the same letter: minutes stand after hours or before seconds."""
    letter = tokens[place]["field"][0].lower()
    if letter == "h" and half:
        return "half-day hour"
    if letter != "m":
        return letter
    before = [_letter(token) for token in reversed(tokens[:place]) if _letter(token)]
    after = [_letter(token) for token in tokens[place + 1 :] if _letter(token)]
    return "minute" if before[:1] == ["h"] or after[:1] == ["s"] else "m"


def _letter(token: re.Match[str]) -> str:
    return (token["field"] or token["elapsed"] or "")[:1].lower()


def _month(moment: datetime, length: int) -> str:
    name = MONTHS[moment.month - 1]
    if length <= 2:
        return f"{moment.month:0{length}d}"
    return {3: name[:3], 4: name}.get(length, name[0])


def _day(moment: datetime, length: int) -> str:
    name = DAYS[moment.weekday()]
    if length <= 2:
        return f"{moment.day:0{length}d}"
    return name[:3] if length == 3 else name


def _half(moment: datetime, token: str) -> str:
    name = "AM" if moment.hour < 12 else "PM"
    return name[0] if len(token) == 3 else name


def _elapsed(serial: float, token: str) -> str:
    whole = round(serial * DAY_MILLISECONDS) // ELAPSED_MILLISECONDS[token[0].lower()]
    return f"{whole:0{len(token)}d}"


FIELDS: dict[str, Callable[[datetime, int], str]] = {
    "y": lambda moment, length: f"{moment.year % 100:02d}" if length <= 2 else str(moment.year),
    "m": _month,
    "d": _day,
    "h": lambda moment, length: f"{moment.hour:0{min(length, 2)}d}",
    "half-day hour": lambda moment, length: f"{(moment.hour - 1) % 12 + 1:0{min(length, 2)}d}",
    "minute": lambda moment, length: f"{moment.minute:0{min(length, 2)}d}",
    "s": lambda moment, length: f"{moment.second:0{min(length, 2)}d}",
}
