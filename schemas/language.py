"""The reader's language: texts in every language, numbers and dates as each writes them (CLDR, by Babel)."""

from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Final, Literal, NamedTuple

from babel import Locale
from babel.dates import format_skeleton, get_day_names
from babel.numbers import format_decimal, format_percent

Language = Literal["ru", "en"]
DEFAULT_LANGUAGE: Final[Language] = "ru"

Kind = Literal["count", "share", "change", "minutes", "number", "day", "text"]
"""What a value is, and so how it is written. A share lies between 0 and 1; a change is the
difference of two, written in percentage points; a day is a date."""


class Link(NamedTuple):
    """A text that leads somewhere; without an address it is the text alone."""

    text: str
    url: str | None


Value = str | int | float | date | Link | None
"""None: there is no such value, which is not zero."""

NOTHING: Final = "—"


@dataclass(frozen=True, slots=True)
class Text:
    """One text in every language. A translation that is missing fails the type check.

    Names in braces are filled in with `str.format`.
    """

    ru: str
    en: str

    def to(self, language: Language, **values: object) -> str:
        """The text in one language, its blanks filled in."""
        text: str = getattr(self, language)
        return text.format(**values) if values else text


@dataclass(frozen=True, slots=True)
class Counted:
    """A noun that agrees with the number before it: `1 попытка`, `2 попытки`, `5 попыток`.

    Attributes:
        ru: the forms for 1, for 2, and for 5.
        en: the forms for 1 and for 2.
    """

    ru: tuple[str, str, str]
    en: tuple[str, str]

    def to(self, language: Language, count: int) -> str:
        """The number and the noun."""
        forms: tuple[str, ...] = getattr(self, language)
        # CLDR's names of the forms, in the order in which they are given here; English has no `few` and no `many`.
        place = {"one": 0, "few": 1, "many": 2, "other": 1}[Locale(language).plural_form(count)]
        return f"{write_number(count, language)} {forms[place]}"


_POINTS: Final = Text("п.\xa0п.", "\xa0pp")
"""Percentage points, in the place of the sign."""


def write_number(value: float, language: Language) -> str:
    """A number with its thousands set apart: `46 680` or `46,680`."""
    return format_decimal(value, locale=language)


def write_percent(share: float, language: Language, decimals: int = 1) -> str:
    """A share from 0 to 1 as a percentage: `45,3 %` or `45.3%`."""
    pattern = Locale(language).percent_formats[None].pattern
    exact = pattern.replace("##0", f"##0.{'0' * decimals}") if decimals else pattern
    return format_percent(share, exact, locale=language)


def write_growth(share: float, language: Language, decimals: int = 1) -> str:
    """A share as a percentage with its sign: `+6,0 %`."""
    return f"{'+' if share > 0 else ''}{write_percent(share, language, decimals)}"


def write_day(day: date, language: Language) -> str:
    """A date as in the sheet, with its weekday: `2023-04-01, сб`."""
    return f"{day.isoformat()}, {write_weekday(day, language)}"


def write_weekday(day: date, language: Language) -> str:
    """A date's weekday, short: `сб`."""
    return str(get_day_names("abbreviated", locale=language)[day.weekday()])


def write_date(day: date, language: Language) -> str:
    """A date without its year: `1 апр.`."""
    return str(format_skeleton("MMMd", day, locale=language))


def write_short_day(day: date, language: Language) -> str:
    """A date and its weekday on two short lines: `1 апр.` over `сб`."""
    return f"{write_date(day, language)}\n{write_weekday(day, language)}"


@lru_cache(maxsize=10_000, typed=True)
def write_value(value: Value, kind: Kind, language: Language) -> str:
    """A value as a reader sees it, by its kind; a dash where there is none."""
    if value is None:
        return NOTHING
    if kind == "share":
        assert isinstance(value, int | float)
        return write_percent(value, language)
    if kind == "change":
        assert isinstance(value, int | float)
        return write_growth(value, language).replace("%", _POINTS.to(language))
    if isinstance(value, int | float):
        return write_number(value, language)
    if isinstance(value, Link):
        return value.text
    return write_day(value, language) if isinstance(value, date) else value
