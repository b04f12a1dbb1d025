"""One course: what its readers are told is computed as for all courses, by connections that see its attempts alone."""

from datetime import timedelta
from functools import partial
from typing import Any, Final

from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine

from schemas.courses import PREFIX
from schemas.figures import DAILY_FIGURES
from schemas.language import Text
from schemas.period import Period, days_between, start_of
from schemas.section import Findings, Headline
from schemas.small_numbers import FEWEST_STUDENTS
from schemas.summary import RunSummary
from schemas.tables import anomalies, attempts, daily_metrics, student_task_days
from tasks.database import read_rows
from tasks.errors import InvalidInputError

DAYS: Final = 28
FURTHEST_DAYS: Final = 365
"""No analysis looks at the figures of an earlier day before the period."""
_FEW: Final = Text(
    "За {days} дней активны меньше {fewest} студентов: показателей нет, чтобы ни о ком не узнали",
    "Fewer than {fewest} students in {days} days: no figures, since they would tell of each",
)
_NOBODY: Final = Text("За {days} дней не было ни одной попытки", "There was no attempt in {days} days")
_UNKNOWN: Final = Text(
    "Попыток этого курса ещё не было: верен ли его ключ в EMAIL_TO?",
    "There has been no attempt yet: is the key of this course in EMAIL_TO right?",
)

# A view takes the table's place wherever its name stands, in the function `student_tasks` too. The figures of a day are
# not kept by course: they are computed as `tasks.figures` does it for all, on the days from which anything is shown.
_VIEWS: Final = (
    *(
        f"CREATE TEMPORARY VIEW {table.name} AS SELECT * FROM {table.name} WHERE course = ANY(%(names)s)"
        for table in (attempts, student_task_days)
    ),
    # What is unusual in the course is so in all that is seen.
    f"""
    CREATE TEMPORARY VIEW {anomalies.name} AS
    SELECT day, '' AS course, figure, value, expected, low, high
    FROM {anomalies.name}
    WHERE course = ANY(%(names)s)
    """,
    f"""
    CREATE TEMPORARY VIEW {daily_metrics.name} AS
    SELECT days.day, kept.complete, {", ".join(f"figures.{figure.name}" for figure in DAILY_FIGURES)}
    FROM unnest(CAST(%(days)s AS date[]), CAST(%(starts)s AS timestamptz[]), CAST(%(ends)s AS timestamptz[]))
        AS days (day, day_start, day_end)
    JOIN {daily_metrics.name} AS kept USING (day)
    CROSS JOIN LATERAL (
        SELECT {", ".join(f"{figure.sql} AS {figure.name}" for figure in DAILY_FIGURES)}
        FROM {attempts.name}
        WHERE created_at >= days.day_start AND created_at < days.day_end
    ) AS figures
    """,
)
_COURSES: Final = f"SELECT DISTINCT course FROM {student_task_days.name} WHERE course <> '' ORDER BY course"
_STUDENTS: Final = f"""
    SELECT count(DISTINCT user_id), count(*) > 0 OR EXISTS (SELECT FROM {student_task_days.name})
    FROM {student_task_days.name}
    WHERE day BETWEEN %(first)s AND %(last)s
"""


def see_alone(engine: Engine, course: str, period: Period) -> Engine:
    """The same connections, but each transaction sees this course alone. It can only read: the views end with it."""
    first = start_of(period.first_day - timedelta(days=FURTHEST_DAYS), period.time_zone)
    days = list(days_between(first, period.days[-1].end, period.time_zone))
    seen = {
        "names": [course, PREFIX + course],
        "days": [day.date for day in days],
        "starts": [day.start for day in days],
        "ends": [day.end for day in days],
    }
    alone = engine.execution_options()
    event.listen(alone, "begin", partial(_make_views, seen))
    return alone


def _make_views(seen: dict[str, Any], connection: Connection) -> None:
    for view in _VIEWS:
        connection.exec_driver_sql(view, seen)


def tell_of_few(engine: Engine, summary: RunSummary) -> Findings | None:
    """All that is told if too few students were active in the four weeks that end with the period.

    Raises:
        TransientError, PermanentError: see `tasks.database.translate_errors`.
    """
    last = summary.period.last_day
    ((students, is_known),) = read_rows(engine, _STUDENTS, {"first": last - timedelta(days=DAYS - 1), "last": last})
    if students >= FEWEST_STUDENTS:
        return None
    short = (_FEW if students else _NOBODY).to(summary.language, fewest=FEWEST_STUDENTS, days=DAYS)
    told = short if is_known else _UNKNOWN.to(summary.language)
    return Findings(headlines=(Headline(told, short=short),))


def find_course(engine: Engine, name: str) -> str:
    """The key of the course of that name, which may leave `course-v1:` out.

    Raises:
        InvalidInputError: there is none; the message names those that there are.
        TransientError, PermanentError: see `tasks.database.translate_errors`.
    """
    known = [course for (course,) in read_rows(engine, _COURSES, {})]
    for course in known:
        if course in (name, PREFIX + name):
            return str(course)
    raise InvalidInputError(f"there is no course {name!r}: choose one of {', '.join(known) or 'those that are loaded'}")
