"""Overview: which days are loaded, and what was rejected of late. It only reads, and takes the schema as it is."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from schemas.period import Day, days_between
from schemas.summary import CheckResult, LoadCounts
from schemas.tables import loaded_windows
from tasks.database import translate_errors
from tasks.errors import PermanentError

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

Span = tuple[datetime, datetime]
"""Half-open, in UTC."""

_COUNTED: Final = [field.name for field in fields(LoadCounts)]
_IS_THERE: Final = "SELECT to_regclass(:name) IS NOT NULL"
_SPANS: Final = f"""
    SELECT lower(span), upper(span)
    FROM (SELECT unnest(range_agg(tstzrange(window_start, window_end))) AS span FROM {loaded_windows.name}) AS spans
    ORDER BY span
"""
_COUNTS: Final = f"""
    SELECT {", ".join(f"coalesce(sum({name}), 0)::bigint" for name in _COUNTED)}
    FROM {loaded_windows.name}
    WHERE window_end > :since
"""
_CHECKS: Final = f"""
    SELECT outcome ->> 'check', outcome ->> 'severity', sum((outcome ->> 'rows')::bigint)::bigint
    FROM {loaded_windows.name}, json_array_elements(checks) AS checked (outcome)
    WHERE window_end > :since
    GROUP BY 1, 2
    HAVING sum((outcome ->> 'rows')::bigint) > 0
    ORDER BY 3 DESC, 1
"""


@dataclass(frozen=True, slots=True)
class LoadedDays:
    """The days that are over, from the first of which anything is loaded.

    Attributes:
        complete: every moment of the day lies in a loaded window.
        incomplete: a part of it does.
        missing: none does.
    """

    complete: tuple[Day, ...]
    incomplete: tuple[Day, ...]
    missing: tuple[Day, ...]


def read_loaded_spans(engine: "Engine") -> tuple[Span, ...]:
    """What is loaded, windows that touch each other as one, oldest first.

    Raises:
        PermanentError: the tables are not there; or see `tasks.database.translate_errors`.
        DatabaseUnavailableError: see there.
    """
    from sqlalchemy import text

    with translate_errors(engine), engine.connect() as connection:
        if not connection.scalar(text(_IS_THERE), {"name": loaded_windows.name}):
            raise PermanentError("the database has no tables yet: run python -m flows.setup")
        return tuple((start, end) for start, end in connection.execute(text(_SPANS)))


def read_recent(engine: "Engine", since: datetime) -> tuple[LoadCounts, tuple[CheckResult, ...]]:
    """What became of the records of the windows that end after a moment, and which checks they failed, most first.

    Raises:
        DatabaseUnavailableError, PermanentError: see `tasks.database.translate_errors`.
    """
    from sqlalchemy import text

    parameters = {"since": since}
    with translate_errors(engine), engine.connect() as connection:
        counts = LoadCounts(*connection.execute(text(_COUNTS), parameters).one())
        return counts, tuple(CheckResult(*row) for row in connection.execute(text(_CHECKS), parameters))


def sort_days(spans: Sequence[Span], time_zone: ZoneInfo, now: datetime) -> LoadedDays:
    """Tells complete days from the others; a day that is not over yet is none of them.

    Args:
        spans: as `read_loaded_spans` gives them.
        time_zone: whose days.
        now: aware.
    """
    complete: list[Day] = []
    incomplete: list[Day] = []
    missing: list[Day] = []
    for day in _days_until(spans[0][0], now, time_zone) if spans else ():
        touched = [span for span in spans if span[0] < day.end and span[1] > day.start]
        if any(start <= day.start and day.end <= end for start, end in touched):
            complete.append(day)
        else:
            (incomplete if touched else missing).append(day)
    return LoadedDays(tuple(complete), tuple(incomplete), tuple(missing))


def _days_until(first: datetime, now: datetime, time_zone: ZoneInfo) -> Iterator[Day]:
    return (day for day in days_between(first, now, time_zone) if day.end <= now)
