"""Days off: the days on which nobody is expected, which neither judge nor are judged."""

from collections.abc import Container
from datetime import date
from pathlib import Path


def read_holidays(setting: str) -> str | tuple[date, ...]:
    """What `HOLIDAYS` says: the code of a country as it is, or the dates of a file, one a line, `#` before comments.

    Raises:
        ValueError: it is neither, or a line is no date.
    """
    setting = setting.strip()
    if len(setting) == 2 and setting.isalpha():
        country = setting.upper()
        _of_country(country)
        return country
    try:
        lines = Path(setting).expanduser().read_text("utf-8-sig").splitlines()
    except OSError as error:
        raise ValueError(f"{setting}: {error.strerror}; write a file of dates, or a country as RU") from None
    except UnicodeDecodeError:
        raise ValueError(f"{setting} is not a text in UTF-8") from None
    written = ((number, line.partition("#")[0].strip()) for number, line in enumerate(lines, 1))
    return tuple(_read_day(text, f"{setting}, line {number}") for number, text in written if text)


def find_days_off(holidays: str | tuple[date, ...]) -> Container[date]:
    """The days off of a country, or those that are listed."""
    return _of_country(holidays) if isinstance(holidays, str) else frozenset(holidays)


def _read_day(text: str, where: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{where}: {text!r} is no date: write it as 2023-05-01") from None


def _of_country(code: str) -> Container[date]:
    # The library takes its time to load, and few runs need it.
    from holidays import country_holidays

    try:
        days: Container[date] = country_holidays(code)
    except NotImplementedError:
        raise ValueError(f"{code}: no days off are known of this country; write a file of dates") from None
    return days
