"""Coverage: which days are loaded and which are missing, asked of the database, where the watermark is kept."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Final

from schemas.period import Day
from schemas.summary import CheckResult, LoadCounts
from schemas.tables import loaded_windows
from tasks.database import translate_errors

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

_COUNTED: Final = [field.name for field in fields(LoadCounts)]
_MISSING: Final = f"""
    SELECT days.day
    FROM unnest(CAST(:days AS date[]), CAST(:starts AS timestamptz[]), CAST(:ends AS timestamptz[]))
        AS days (day, day_start, day_end)
    CROSS JOIN LATERAL (
        SELECT range_agg(tstzrange(window_start, window_end)) AS spans
        FROM {loaded_windows.name}
        WHERE window_start < days.day_end AND window_end > days.day_start
            AND (CAST(:since AS timestamptz) IS NULL OR loaded_at >= :since)
    ) AS covered
    WHERE covered.spans @> tstzrange(days.day_start, days.day_end) IS NOT TRUE
"""
_FIRST: Final = f"SELECT min(window_start) FROM {loaded_windows.name}"
_RECORDS: Final = f"""
    SELECT (window_start AT TIME ZONE 'UTC')::time, window_end - window_start, avg(fetched)::float8
    FROM {loaded_windows.name}
    WHERE window_start > (SELECT max(window_start) FROM {loaded_windows.name}) - interval '7 days'
    GROUP BY 1, 2
"""
_COUNTS: Final = f"""
    SELECT count(*), {", ".join(f"coalesce(sum({name}), 0)::bigint" for name in _COUNTED)}
    FROM {loaded_windows.name}
    WHERE flow_run_id = CAST(:flow_run_id AS uuid)
"""
_CHECKS: Final = f"""
    SELECT
        outcome ->> 'check',
        outcome ->> 'severity',
        sum((outcome ->> 'rows')::bigint)::bigint,
        coalesce((array_agg(outcome ->> 'sample') FILTER (WHERE outcome ->> 'sample' <> ''))[1], '')
    FROM {loaded_windows.name}, json_array_elements(checks) WITH ORDINALITY AS checked (outcome, place)
    WHERE flow_run_id = CAST(:flow_run_id AS uuid)
    GROUP BY 1, 2
    ORDER BY min(place)
"""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a flow run loaded, except for what another has loaded again since.

    Attributes:
        windows: how many windows.
        checks: the outcome of every data check, over all of these windows.
    """

    windows: int
    counts: LoadCounts
    checks: tuple[CheckResult, ...]


def missing_days(engine: "Engine", days: Sequence[Day], since: datetime | None = None) -> tuple[Day, ...]:
    """Those of the days that are not wholly covered by loaded windows, in the given order.

    Args:
        days: whole days, or parts of them: it is their span that counts. No date twice.
        since: what was loaded before that moment is taken for missing; None: it counts whenever it was loaded.

    Raises:
        DatabaseUnavailableError, PermanentError: see `tasks.database.translate_errors`.
    """
    from sqlalchemy import text

    spans = {
        "days": [day.date for day in days],
        "starts": [day.start for day in days],
        "ends": [day.end for day in days],
        "since": since,
    }
    with translate_errors(engine), engine.connect() as connection:
        missing = set(connection.scalars(text(_MISSING), spans))
    return tuple(day for day in days if day.date in missing)


def first_loaded(engine: "Engine") -> datetime | None:
    """The moment from which on anything was ever loaded, in UTC; None if nothing was.

    Raises:
        DatabaseUnavailableError, PermanentError: see `tasks.database.translate_errors`.
    """
    from sqlalchemy import text

    with translate_errors(engine), engine.connect() as connection:
        moment: datetime | None = connection.scalar(text(_FIRST))
    return moment


def usual_records(engine: "Engine") -> dict[tuple[time, timedelta], float]:
    """How many records the windows of the last seven days that are loaded had on average.

    Returns:
        By the time of day in UTC at which a window begins, and its length.

    Raises:
        DatabaseUnavailableError, PermanentError: see `tasks.database.translate_errors`.
    """
    from sqlalchemy import text

    with translate_errors(engine), engine.connect() as connection:
        return {(start, length): records for start, length, records in connection.execute(text(_RECORDS))}


def loaded_by(engine: "Engine", flow_run_id: str) -> Loaded:
    """What a flow run has loaded so far.

    Raises:
        DatabaseUnavailableError, PermanentError: see `tasks.database.translate_errors`.
    """
    from sqlalchemy import text

    run = {"flow_run_id": flow_run_id}
    with translate_errors(engine), engine.connect() as connection:
        windows, *counts = connection.execute(text(_COUNTS), run).one()
        checks = tuple(CheckResult(*row) for row in connection.execute(text(_CHECKS), run))
    return Loaded(windows, LoadCounts(*counts), checks)
