"""Figures: each day's figures, computed in SQL from all attempts of the day, whichever run brought them.

Where the database fails, see `tasks.database.translate_errors`, they stand as they were.
"""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from prefect import task
from prefect.cache_policies import NO_CACHE
from sqlalchemy.engine import Connection, Engine

from schemas.figures import DAILY_FIGURES
from schemas.period import Day, days_between
from schemas.tables import anomalies, attempts, daily_metrics, loaded_windows, student_task_days
from tasks.anomalies import judge_days
from tasks.database import exclusive_transaction, read_rows, translate_errors
from tasks.retries import is_transient
from tasks.student_days import roll_up

MANY_DAYS: Final = 7
"""After more, PostgreSQL is told what the rows of students are like; else it would plan without for a minute."""

_NAMES: Final = [figure.name for figure in DAILY_FIGURES]
_KEPT: Final = [*_NAMES, "complete"]
"""What is computed of a day, beside its date and its time zone."""


def _list(names: Iterable[str], prefix: str) -> str:
    return ", ".join(f"{prefix}.{name}" for name in names)


# Figures of a day of which nothing is known, neither a loaded window nor an attempt, are not zero: there are none.
_COMPUTE: Final = f"""
    INSERT INTO {daily_metrics.name} AS kept (day, {", ".join(_KEPT)}, time_zone)
    SELECT
        days.day,
        {_list(_NAMES, "figures")},
        coalesce(covered.spans @> tstzrange(days.day_start, days.day_end), false),
        %(time_zone)s
    FROM unnest(CAST(%(days)s AS date[]), CAST(%(starts)s AS timestamptz[]), CAST(%(ends)s AS timestamptz[]))
        AS days (day, day_start, day_end)
    CROSS JOIN LATERAL (
        SELECT range_agg(tstzrange(window_start, window_end)) AS spans
        FROM {loaded_windows.name}
        WHERE window_start < days.day_end AND window_end > days.day_start
    ) AS covered
    -- A day at a time, not grouped by day: grouping would sort all attempts by the day's spans.
    CROSS JOIN LATERAL (
        SELECT count(*) AS known, {", ".join(f"{figure.sql} AS {figure.name}" for figure in DAILY_FIGURES)}
        FROM {attempts.name}
        WHERE created_at >= days.day_start AND created_at < days.day_end
    ) AS figures
    WHERE figures.known > 0 OR covered.spans IS NOT NULL
    ON CONFLICT (day) DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in _KEPT)}
    WHERE ({_list(_KEPT, "kept")}) IS DISTINCT FROM ({_list(_KEPT, "excluded")})
"""
_SETTLE: Final = (
    f"UPDATE {loaded_windows.name} SET figures_due = false WHERE figures_due RETURNING window_start, window_end"
)
_FOREIGN: Final = f"SELECT EXISTS (SELECT FROM {daily_metrics.name} WHERE time_zone <> %(time_zone)s)"
_EXTENT: Final = f"""
    SELECT least(min_attempt, min_window), greatest(max_attempt, max_window)
    FROM (SELECT min(created_at) AS min_attempt, max(created_at) AS max_attempt FROM {attempts.name}) AS a,
         (SELECT min(window_start) AS min_window, max(window_end) - interval '1 microsecond' AS max_window
          FROM {loaded_windows.name}) AS w
"""
_READ: Final = f"""
    SELECT day, complete, {", ".join(_NAMES)}
    FROM {daily_metrics.name}
    WHERE day BETWEEN %(first)s AND %(last)s
    ORDER BY day
"""
_OVER: Final = f"""
    SELECT {", ".join(figure.sql for figure in DAILY_FIGURES)}
    FROM {attempts.name}
    WHERE created_at >= %(start)s AND created_at < %(end)s
"""


@dataclass(frozen=True, slots=True)
class DayFigures:
    """One day's figures, as kept in `daily_metrics`.

    Attributes:
        complete: every moment of the day lies in a loaded window.
        values: by the figure's name, see `schemas.figures`.
    """

    day: date
    complete: bool
    values: Mapping[str, float | None]


def compute_figures(
    engine: Engine, days: Iterable[Day], time_zone: ZoneInfo, days_off: Container[date] = frozenset()
) -> int:
    """Computes the figures of the given days, and of every other day that a load has touched since its last time.

    Computing them again changes no row. If the reporting time zone is another one than before, all are rebuilt.

    Args:
        days_off: neither judged nor judging, see `tasks.anomalies`.

    Returns:
        How many days were computed.
    """
    zone = {"time_zone": time_zone.key}
    with translate_errors(engine), exclusive_transaction(engine) as connection:
        if connection.exec_driver_sql(_FOREIGN, zone).scalar():
            return _rebuild(connection, time_zone, days_off)
        wanted = {day.date: day for day in days}
        for start, end in connection.exec_driver_sql(_SETTLE):
            wanted |= {day.date: day for day in days_between(start, end, time_zone)}
        return _compute(connection, [wanted[day] for day in sorted(wanted)], time_zone, days_off)


def rebuild_figures(engine: Engine, time_zone: ZoneInfo, days_off: Container[date] = frozenset()) -> int:
    """Computes the figures of every day anew, and says how many days there are."""
    with translate_errors(engine), exclusive_transaction(engine) as connection:
        return _rebuild(connection, time_zone, days_off)


def _rebuild(connection: Connection, time_zone: ZoneInfo, days_off: Container[date]) -> int:
    for table in (daily_metrics, student_task_days, anomalies):
        connection.execute(table.delete())
    connection.exec_driver_sql(_SETTLE)
    first, last = connection.exec_driver_sql(_EXTENT).one()
    days = days_between(first, last + timedelta(microseconds=1), time_zone) if first else ()
    return _compute(connection, list(days), time_zone, days_off)


def _compute(connection: Connection, days: Sequence[Day], time_zone: ZoneInfo, days_off: Container[date]) -> int:
    spans = {
        "days": [day.date for day in days],
        "starts": [day.start for day in days],
        "ends": [day.end for day in days],
    }
    roll_up(connection, spans)
    if len(days) > MANY_DAYS:
        connection.exec_driver_sql(f"ANALYZE {student_task_days.name}")
    connection.exec_driver_sql(_COMPUTE, spans | {"time_zone": time_zone.key})
    judge_days(connection, [day.date for day in days], time_zone, days_off)
    return len(days)


def read_figures(engine: Engine, first: date = date.min, last: date = date.max) -> tuple[DayFigures, ...]:
    """Reads the figures of the days from `first` to `last`, inclusive, oldest first."""
    rows = read_rows(engine, _READ, {"first": first, "last": last})
    return tuple(DayFigures(day, complete, dict(zip(_NAMES, values, strict=True))) for day, complete, *values in rows)


def read_figures_over(engine: Engine, start: datetime, end: datetime) -> Mapping[str, float | None]:
    """Computes the same figures over all attempts of `[start, end)`: a student of several days counts once."""
    (values,) = read_rows(engine, _OVER, {"start": start, "end": end})
    return dict(zip(_NAMES, values, strict=True))


@task(
    task_run_name="figures",
    description="Computes the figures of each day that a load has touched, from all its attempts.",
    cache_policy=NO_CACHE,
    retries=2,
    retry_delay_seconds=5,
    retry_condition_fn=is_transient,
)
def figures(engine: Engine, time_zone: ZoneInfo, days_off: Container[date]) -> int:
    """Computes the figures of the days that loads have touched; see `compute_figures`."""
    return compute_figures(engine, (), time_zone, days_off)
