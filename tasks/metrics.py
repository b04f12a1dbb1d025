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
        count(a.id),
        count(*) FILTER (WHERE a.is_correct = 1),
        count(DISTINCT a.user_id),
        count(*) FILTER (WHERE a.attempt_type = 'run'),
        count(*) FILTER (WHERE a.attempt_type = 'submit'),
        round(
            count(*) FILTER (WHERE a.attempt_type = 'submit' AND a.is_correct = 1)::numeric
            / nullif(count(*) FILTER (WHERE a.attempt_type = 'submit'), 0),
            4
        ),
        coalesce(covered.spans @> tstzrange(days.day_start, days.day_end), false),
        :time_zone
    FROM unnest(CAST(:days AS date[]), CAST(:starts AS timestamptz[]), CAST(:ends AS timestamptz[]))
        AS days (day, day_start, day_end)
    CROSS JOIN LATERAL (
        SELECT range_agg(tstzrange(window_start, window_end)) AS spans
        FROM {loaded_windows.name}
        WHERE window_start < days.day_end AND window_end > days.day_start
    ) AS covered
    LEFT JOIN {attempts.name} AS a ON a.created_at >= days.day_start AND a.created_at < days.day_end
    GROUP BY days.day, days.day_start, days.day_end, covered.spans
    HAVING count(a.id) > 0 OR covered.spans IS NOT NULL
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
_DUE: Final = f"SELECT window_start, window_end FROM {loaded_windows.name} WHERE figures_due"
_SETTLE: Final = f"UPDATE {loaded_windows.name} SET figures_due = false WHERE figures_due"
_FOREIGN: Final = f"SELECT EXISTS (SELECT FROM {daily_metrics.name} WHERE time_zone <> :time_zone)"
_EXTENT: Final = f"""
    SELECT least(min_attempt, min_window), greatest(max_attempt, max_window)
    FROM (SELECT min(created_at) AS min_attempt, max(created_at) AS max_attempt FROM {attempts.name}) AS a,
         (SELECT min(window_start) AS min_window, max(window_end) - interval '1 microsecond' AS max_window
          FROM {loaded_windows.name}) AS w
"""
_READ: Final = f"""
    SELECT day, attempts, successful_attempts, unique_users, runs, submits, success_rate::float8, complete
    FROM {daily_metrics.name}
    WHERE day BETWEEN :first AND :last
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
    from sqlalchemy import text

    zone = {"time_zone": time_zone.key}
    with explained(engine), writing(engine) as connection:
        wanted = {day.date: day for day in days}
        if connection.scalar(text(_FOREIGN), zone):
            wanted |= _all_days(connection, time_zone)
            connection.execute(daily_metrics.delete())
        for start, end in connection.execute(text(_DUE)):
            wanted |= {day.date: day for day in days_between(start, end, time_zone)}
        chosen = [wanted[day] for day in sorted(wanted)]
        connection.execute(text(_COMPUTE), _to_arrays(chosen) | zone)
        connection.execute(text(_SETTLE))
    return len(chosen)


def read_figures(engine: "Engine", first: date = date.min, last: date = date.max) -> tuple[DailyFigures, ...]:
    """Reads the figures of the days from `first` to `last`, inclusive, oldest first.

    Raises:
        TransientError, PermanentError: see `tasks.database.explained`.
    """
    from sqlalchemy import text

    with explained(engine), engine.connect() as connection:
        return tuple(DailyFigures(*row) for row in connection.execute(text(_READ), {"first": first, "last": last}))


def _all_days(connection: "Connection", time_zone: ZoneInfo) -> dict[date, Day]:
    from sqlalchemy import text

    first, last = connection.execute(text(_EXTENT)).one()
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
