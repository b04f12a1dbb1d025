"""How old the newest complete day is, and whether that is too old."""

import re
from datetime import datetime, timedelta
from typing import Final

from tasks.errors import InvalidInputError
from tasks.overview import LoadedDays

_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days"}


def read_age(text: str) -> timedelta:
    """A length of time as it is written on the command line: `90m`, `26h`, `2d`.

    Raises:
        InvalidInputError: it is written otherwise.
    """
    found = re.fullmatch(r"([1-9][0-9]{0,5})([mhd])", text.strip(), flags=re.ASCII)
    if found is None:
        raise InvalidInputError(f"max_age {text[:40]!r} is not a length of time: write it as 90m, 26h or 2d")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def age_of(days: LoadedDays | None, now: datetime) -> timedelta | None:
    """The time since the end of the newest complete day; None if no day is complete."""
    return now - days.complete[-1].end if days and days.complete else None


def is_late(age: timedelta | None, max_age: timedelta | None) -> bool | None:
    """Whether the data are older than they may be; None if nobody said how old that is."""
    if max_age is None:
        return None
    return age is None or age > max_age
