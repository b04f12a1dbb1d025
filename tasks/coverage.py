"""Coverage: which days are loaded and which are missing, and what became of the records that were fetched.

It asks the database, where the watermark is kept, and changes nothing there. What is read raises what
`tasks.database.translate_errors` does.
"""

from collections.abc import Iterable, Sequence
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
_SPANS: Final = f"""
    SELECT lower(span), upper(span)
    FROM (
        SELECT unnest(range_agg(tstzrange(window_start, window_end))) AS span
        FROM {loaded_windows.name}
        WHERE loaded_at >= coalesce(%(since)s, '-infinity'::timestamptz)
    ) AS spans
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
    """What was loaded; of flow runs, but for what another has loaded again since.

    Attributes:
        windows: how many windows.
        checks: the outcome of every data check, over all of these windows.
    """

    windows: int
    counts: LoadCounts
    checks: tuple[CheckResult, ...]


def missing_days(engine: Engine, days: Iterable[Day], since: datetime | None = None) -> tuple[Day, ...]:
    """Those of the days that are not wholly covered by loaded windows, in the given order.

    Args:
        days: whole days, or parts of them: it is their span that counts.
        since: what was loaded before that moment is taken for missing; None: it counts whenever it was loaded.
    """
    spans = _read_spans(engine, since)
    return tuple(day for day in days if not _is_covered(day, spans))


def find_gaps(engine: Engine, days: Iterable[Day]) -> tuple[Day, ...]:
    """Those of the days that are not wholly loaded, in the given order; what lies before the first load is no gap."""
    spans = _read_spans(engine)
    return tuple(day for day in days if spans and day.end > spans[0][0] and not _is_covered(day, spans))


def _read_spans(engine: Engine, since: datetime | None = None) -> tuple[Span, ...]:
    return tuple(read_rows(engine, _SPANS, {"since": since}))


def _is_covered(day: Day, spans: Iterable[Span]) -> bool:
    return any(start <= day.start and day.end <= end for start, end in spans)


def loaded_by(engine: Engine, *flow_run_ids: str) -> Loaded:
    """What these flow runs have loaded so far."""
    return _sum_up(engine, "WHERE flow_run_id = ANY(CAST(%(value)s AS uuid[]))", list(flow_run_ids))


def loaded_since(engine: Engine, moment: datetime) -> Loaded:
    """What became of the records of the windows that end after a moment."""
    return _sum_up(engine, "WHERE window_end > %(value)s", moment)


def _sum_up(engine: Engine, condition: str, value: object) -> Loaded:
    parameters = {"value": value}
    ((windows, *counts),) = read_rows(engine, f"{_COUNTS} {condition}", parameters)
    outcomes = read_rows(engine, f"{_CHECKS} {condition} {_BY_CHECK}", parameters)
    return Loaded(windows, LoadCounts(*counts), tuple(CheckResult(*row) for row in outcomes))


def read_loaded_spans(engine: Engine) -> tuple[Span, ...]:
    """What is loaded, windows that touch each other as one, oldest first; that there are no tables is an error too."""
    ((table,),) = read_rows(engine, "SELECT to_regclass(%(name)s)", {"name": loaded_windows.name})
    if table is None:
        raise PermanentError("the database has no tables yet: run python -m flows.setup")
    return _read_spans(engine)


def sort_days(spans: Sequence[Span], time_zone: ZoneInfo, now: datetime) -> LoadedDays:
    """Tells complete days from the others, by `read_loaded_spans`; a day that is not over yet is none of them."""
    complete: list[Day] = []
    incomplete: list[Day] = []
    missing: list[Day] = []
    for day in days_between(spans[0][0], now, time_zone) if spans else ():
        if day.end > now:
            break
        if _is_covered(day, spans):
            complete.append(day)
        elif any(start < day.end and end > day.start for start, end in spans):
            incomplete.append(day)
        else:
            missing.append(day)
    return LoadedDays(tuple(complete), tuple(incomplete), tuple(missing))
