"""Coverage: which days are loaded and which are missing, and what became of the records that were fetched.

It asks the database, where the watermark is kept, and changes nothing there. What is read raises what
`tasks.database.translate_errors` does.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy.engine import Engine

from schemas.period import Day, days_between
from schemas.summary import CheckResult, LoadCounts
from schemas.tables import loaded_windows
from tasks.database import read_rows
from tasks.errors import PermanentError

_COUNTED: Final = [field.name for field in fields(LoadCounts)]
_MISSING: Final = f"""
    SELECT days.day
    FROM unnest(CAST(%(days)s AS date[]), CAST(%(starts)s AS timestamptz[]), CAST(%(ends)s AS timestamptz[]))
        AS days (day, day_start, day_end)
    CROSS JOIN LATERAL (
        SELECT range_agg(tstzrange(window_start, window_end)) AS spans
        FROM {loaded_windows.name}
        WHERE window_start < days.day_end AND window_end > days.day_start
            AND (CAST(%(since)s AS timestamptz) IS NULL OR loaded_at >= %(since)s)
    ) AS covered
    WHERE covered.spans @> tstzrange(days.day_start, days.day_end) IS NOT TRUE
"""
_SPANS: Final = f"""
    SELECT lower(span), upper(span)
    FROM (SELECT unnest(range_agg(tstzrange(window_start, window_end))) AS span FROM {loaded_windows.name}) AS spans
    ORDER BY span
"""
_COUNTS: Final = f"""
    SELECT count(*), {", ".join(f"coalesce(sum({name}), 0)::bigint" for name in _COUNTED)}
    FROM {loaded_windows.name}
"""
_CHECKS: Final = f"""
    SELECT
        outcome ->> 'check',
        outcome ->> 'severity',
        sum((outcome ->> 'rows')::bigint)::bigint,
        coalesce((array_agg(outcome ->> 'sample') FILTER (WHERE outcome ->> 'sample' <> ''))[1], '')
    FROM {loaded_windows.name}, json_array_elements(checks) WITH ORDINALITY AS checked (outcome, place)
"""
_BY_CHECK: Final = "GROUP BY 1, 2 ORDER BY min(place)"

Span = tuple[datetime, datetime]
"""Half-open, in UTC."""


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


@dataclass(frozen=True, slots=True)
class Loaded:
    """What was loaded; of a flow run, but for what another has loaded again since.

    Attributes:
        windows: how many windows.
        checks: the outcome of every data check, over all of these windows.
    """

    windows: int
    counts: LoadCounts
    checks: tuple[CheckResult, ...]


def missing_days(engine: Engine, days: Sequence[Day], since: datetime | None = None) -> tuple[Day, ...]:
    """Those of the days that are not wholly covered by loaded windows, in the given order.

    Args:
        days: whole days, or parts of them: it is their span that counts. No date twice.
        since: what was loaded before that moment is taken for missing; None: it counts whenever it was loaded.
    """
    spans = {
        "days": [day.date for day in days],
        "starts": [day.start for day in days],
        "ends": [day.end for day in days],
        "since": since,
    }
    missing = {day for (day,) in read_rows(engine, _MISSING, spans)}
    return tuple(day for day in days if day.date in missing)


def find_gaps(engine: Engine, days: Sequence[Day]) -> tuple[Day, ...]:
    """Those of the days that are not wholly loaded, in the given order; what lies before the first load is no gap."""
    ((first,),) = read_rows(engine, f"SELECT min(window_start) FROM {loaded_windows.name}", {})
    return () if first is None else tuple(day for day in missing_days(engine, days) if day.end > first)


def loaded_by(engine: Engine, flow_run_id: str) -> Loaded:
    """What a flow run has loaded so far."""
    return _sum_up(engine, "WHERE flow_run_id = CAST(%(value)s AS uuid)", flow_run_id)


def loaded_since(engine: Engine, moment: datetime) -> Loaded:
    """What became of the records of the windows that end after a moment."""
    return _sum_up(engine, "WHERE window_end > %(value)s", moment)


def _sum_up(engine: Engine, condition: str, value: object) -> Loaded:
    parameters = {"value": value}
    ((windows, *counts),) = read_rows(engine, f"{_COUNTS} {condition}", parameters)
    outcomes = read_rows(engine, f"{_CHECKS} {condition} {_BY_CHECK}", parameters)
    return Loaded(windows, LoadCounts(*counts), tuple(CheckResult(*row) for row in outcomes))


def read_loaded_spans(engine: Engine) -> tuple[Span, ...]:
    """What is loaded, windows that touch each other as one, oldest first.

    Raises:
        PermanentError: also if the tables are not there.
    """
    ((table,),) = read_rows(engine, "SELECT to_regclass(%(name)s)", {"name": loaded_windows.name})
    if table is None:
        raise PermanentError("the database has no tables yet: run python -m flows.setup")
    return tuple(read_rows(engine, _SPANS, {}))


def sort_days(spans: Sequence[Span], time_zone: ZoneInfo, now: datetime) -> LoadedDays:
    """Tells complete days from the others, by `read_loaded_spans`; a day that is not over yet is none of them."""
    complete: list[Day] = []
    incomplete: list[Day] = []
    missing: list[Day] = []
    for day in days_between(spans[0][0], now, time_zone) if spans else ():
        if day.end > now:
            break
        touched = [span for span in spans if span[0] < day.end and span[1] > day.start]
        if any(start <= day.start and day.end <= end for start, end in touched):
            complete.append(day)
        else:
            (incomplete if touched else missing).append(day)
    return LoadedDays(tuple(complete), tuple(incomplete), tuple(missing))
