"""Student days: what each student did on each task, a row a day, from that day's attempts alone.

Everything about tasks, courses and students is computed from these rows, so the cost of a day does not grow with the
history, and late, repeated or reordered loads give the same rows. The definitions follow Open edX Aspects and Moodle,
see `docs/figures.md`.
"""

from typing import Any, Final

from sqlalchemy.engine import Connection

from schemas.tables import attempts, student_task_days

LONGEST_GAP: Final = "interval '30 minutes'"
"""A longer pause between two attempts is not time on the task. Any such threshold is arbitrary."""

# Of runs and submits alike the order is that of the time, and of equal times that of the id. A gap over midnight counts
# on neither day, or a day would depend on the one before it.
_ROLLED_UP: Final = f"""
    SELECT
        days.day, user_id, course, task, max(host) AS host,
        count(*)::int AS attempts,
        count(*) FILTER (WHERE attempt_type = 'run')::int AS runs,
        count(*) FILTER (WHERE attempt_type = 'submit')::int AS submits,
        count(*) FILTER (WHERE is_graded)::int AS graded,
        count(*) FILTER (WHERE is_success)::int AS correct,
        min(is_correct) FILTER (WHERE is_graded AND nth_graded = 1) AS first_correct,
        min(nth_graded) FILTER (WHERE is_success)::int AS graded_to_success,
        min(created_at) AS first_at, max(created_at) AS last_at,
        max(active)::float8 AS active_seconds, min(active) FILTER (WHERE is_success)::float8 AS active_to_success
    FROM unnest(CAST(%(days)s AS date[]), CAST(%(starts)s AS timestamptz[]), CAST(%(ends)s AS timestamptz[]))
        AS days (day, day_start, day_end)
    CROSS JOIN LATERAL (
        SELECT
            *,
            count(*) FILTER (WHERE is_graded) OVER past AS nth_graded,
            coalesce(extract(epoch FROM sum(gap) FILTER (WHERE gap <= {LONGEST_GAP}) OVER past), 0) AS active
        FROM (
            SELECT
                id, user_id, coalesce(course, '') AS course, coalesce(task, '') AS task, attempt_type, is_correct,
                created_at,
                -- The sourced id reads course:host-task:student.
                split_part(substr(lis_result_sourcedid, length(course) + 2), '-' || task, 1) AS host,
                attempt_type = 'submit' AND is_correct IS NOT NULL AS is_graded,
                attempt_type = 'submit' AND is_correct = 1 AS is_success,
                created_at - lag(created_at) OVER (
                    PARTITION BY user_id, coalesce(course, ''), coalesce(task, '') ORDER BY created_at, id
                ) AS gap
            FROM {attempts.name}
            WHERE created_at >= days.day_start AND created_at < days.day_end
        ) AS ordered
        WINDOW past AS (PARTITION BY user_id, course, task ORDER BY created_at, id)
    ) AS done
    GROUP BY days.day, user_id, course, task
"""
_KEY: Final = [column.name for column in student_task_days.primary_key]
_OTHERS: Final = [column.name for column in student_task_days.columns if column.name not in _KEY]
# A row that is made again just as it was is not touched. The rows of a day lie side by side, to be read in one go.
_ROLL_UP: Final = f"""
    WITH fresh AS ({_ROLLED_UP}),
    gone AS (
        DELETE FROM {student_task_days.name} AS old
        WHERE day = ANY(CAST(%(days)s AS date[]))
            AND NOT EXISTS (SELECT FROM fresh WHERE {" AND ".join(f"fresh.{name} = old.{name}" for name in _KEY)})
    )
    INSERT INTO {student_task_days.name} AS kept SELECT * FROM fresh ORDER BY day
    ON CONFLICT ({", ".join(_KEY)}) DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in _OTHERS)}
    WHERE kept.* IS DISTINCT FROM excluded.*
"""


def roll_up(connection: Connection, days: dict[str, Any]) -> None:
    """Makes the rows of these days anew, within the caller's transaction.

    Args:
        days: dates (`days`) with the moments at which each begins and ends (`starts`, `ends`).
    """
    connection.exec_driver_sql(_ROLL_UP, days)
