"""Metrics: each day's figures, computed in SQL from all attempts of the day, whichever run brought them."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from prefect import task
from prefect.cache_policies import NO_CACHE

from schemas.period import Day, days_between
from schemas.summary import DailyFigures
from schemas.tables import attempts, daily_metrics, loaded_windows
from tasks.database import explained, writing
from tasks.retries import is_transient

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection, Engine

# Figures of a day of which nothing is known, neither a loaded window nor an attempt, are not zero: there are none.
_COMPUTE: Final = f"""
    INSERT INTO {daily_metrics.name} AS kept (
        day, attempts, successful_attempts, unique_users, runs, submits, success_rate, complete, time_zone
    )
    SELECT
        days.day,
        figures.attempts,
        figures.successful_attempts,
        figures.unique_users,
        figures.runs,
        figures.submits,
        round(figures.solved::numeric / nullif(figures.submits, 0), 4),
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
        SELECT
            count(*) AS attempts,
            count(*) FILTER (WHERE is_correct = 1) AS successful_attempts,
            count(DISTINCT user_id) AS unique_users,
            count(*) FILTER (WHERE attempt_type = 'run') AS runs,
            count(*) FILTER (WHERE attempt_type = 'submit') AS submits,
            count(*) FILTER (WHERE attempt_type = 'submit' AND is_correct = 1) AS solved
        FROM {attempts.name}
        WHERE created_at >= days.day_start AND created_at < days.day_end
    ) AS figures
    WHERE figures.attempts > 0 OR covered.spans IS NOT NULL
    ON CONFLICT (day) DO UPDATE SET
        attempts = excluded.attempts,
        successful_attempts = excluded.successful_attempts,
        unique_users = excluded.unique_users,
        runs = excluded.runs,
        submits = excluded.submits,
        success_rate = excluded.success_rate,
        complete = excluded.complete
    WHERE (kept.attempts, kept.successful_attempts, kept.unique_users, kept.runs, kept.submits, kept.success_rate,
           kept.complete)
        IS DISTINCT FROM (excluded.attempts, excluded.successful_attempts, excluded.unique_users, excluded.runs,
           excluded.submits, excluded.success_rate, excluded.complete)
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
    SELECT day, attempts, successful_attempts, unique_users, runs, submits, success_rate::float8, complete
    FROM {daily_metrics.name}
    WHERE day BETWEEN %(first)s AND %(last)s
    ORDER BY day
"""


def compute_metrics(engine: "Engine", days: Iterable[Day], time_zone: ZoneInfo) -> int:
    """Computes the figures of the given days, and of every other day that a load has touched since its last time.

    Computing them again changes no row. If the reporting time zone is another one than before, all are rebuilt.

    Returns:
        How many days were computed.

    Raises:
        TransientError, PermanentError: see `tasks.database.explained`; the figures stand as they were.
    """
    zone = {"time_zone": time_zone.key}
    with explained(engine), writing(engine) as connection:
        wanted = {day.date: day for day in days}
        if connection.exec_driver_sql(_FOREIGN, zone).scalar():
            wanted |= _all_days(connection, time_zone)
            connection.execute(daily_metrics.delete())
        for start, end in connection.exec_driver_sql(_SETTLE):
            wanted |= {day.date: day for day in days_between(start, end, time_zone)}
        chosen = [wanted[day] for day in sorted(wanted)]
        connection.exec_driver_sql(_COMPUTE, _to_arrays(chosen) | zone)
    return len(chosen)


def read_figures(engine: "Engine", first: date = date.min, last: date = date.max) -> tuple[DailyFigures, ...]:
    """Reads the figures of the days from `first` to `last`, inclusive, oldest first.

    Raises:
        TransientError, PermanentError: see `tasks.database.explained`.
    """
    with explained(engine), engine.connect() as connection:
        return tuple(DailyFigures(*row) for row in connection.exec_driver_sql(_READ, {"first": first, "last": last}))


def _all_days(connection: "Connection", time_zone: ZoneInfo) -> dict[date, Day]:
    first, last = connection.exec_driver_sql(_EXTENT).one()
    if first is None:
        return {}
    return {day.date: day for day in days_between(first, last + timedelta(microseconds=1), time_zone)}


def _to_arrays(days: Sequence[Day]) -> dict[str, Any]:
    return {
        "days": [day.date for day in days],
        "starts": [day.start for day in days],
        "ends": [day.end for day in days],
    }


@task(
    task_run_name="metrics",
    description="Computes the figures of each day from all its attempts.",
    cache_policy=NO_CACHE,
    retries=2,
    retry_delay_seconds=5,
    retry_condition_fn=is_transient,
)
def metrics(engine: "Engine", days: Sequence[Day], time_zone: ZoneInfo) -> int:
    """Computes the daily figures; see `compute_metrics`."""
    return compute_metrics(engine, days, time_zone)


@task(
    task_run_name="daily figures",
    description="Reads the figures of the days that are reported.",
    cache_policy=NO_CACHE,
    retries=2,
    retry_delay_seconds=5,
    retry_condition_fn=is_transient,
)
def daily_figures(engine: "Engine", first: date = date.min, last: date = date.max) -> tuple[DailyFigures, ...]:
    """Reads the figures of the days from `first` to `last`; see `read_figures`."""
    return read_figures(engine, first, last)
