"""Coverage: which days are loaded and which are missing, asked of the database, where the watermark is kept."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

from schemas.period import Day
from schemas.tables import loaded_windows
from tasks.database import explained

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

_MISSING: Final = f"""
    SELECT days.day
    FROM unnest(CAST(:days AS date[]), CAST(:starts AS timestamptz[]), CAST(:ends AS timestamptz[]))
        AS days (day, day_start, day_end)
    CROSS JOIN LATERAL (
        SELECT range_agg(tstzrange(window_start, window_end)) AS spans
        FROM {loaded_windows.name}
        WHERE window_start < days.day_end AND window_end > days.day_start
    ) AS covered
    WHERE covered.spans @> tstzrange(days.day_start, days.day_end) IS NOT TRUE
"""
_FIRST: Final = f"SELECT min(window_start) FROM {loaded_windows.name}"


def missing_days(engine: "Engine", days: Sequence[Day]) -> tuple[Day, ...]:
    """Those of the days that are not wholly covered by loaded windows, in the given order.

    Raises:
        DatabaseUnavailableError, PermanentError: see `tasks.database.explained`.
    """
    from sqlalchemy import text

    spans = {
        "days": [day.date for day in days],
        "starts": [day.start for day in days],
        "ends": [day.end for day in days],
    }
    with explained(engine), engine.connect() as connection:
        missing = set(connection.scalars(text(_MISSING), spans))
    return tuple(day for day in days if day.date in missing)


def first_loaded(engine: "Engine") -> datetime | None:
    """The moment from which on anything was ever loaded, in UTC; None if nothing was.

    Raises:
        DatabaseUnavailableError, PermanentError: see `tasks.database.explained`.
    """
    from sqlalchemy import text

    with explained(engine), engine.connect() as connection:
        moment: datetime | None = connection.scalar(text(_FIRST))
    return moment
