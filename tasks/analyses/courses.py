"""Courses: who was active in each of the last weeks, who was new, and what was solved."""

from datetime import date, timedelta
from typing import Final

from sqlalchemy.engine import Engine

from schemas.courses import course_name
from schemas.language import Language, Text
from schemas.section import Column, Findings, Row, Section
from schemas.small_numbers import withhold
from schemas.summary import RunSummary
from schemas.wording import ATTEMPTS_SPAN, COURSE
from tasks.database import read_rows

DAYS: Final = 28

# Who is new, and what was solved before, is asked of the index once a student and once a student's task: OFFSET 0 keeps
# PostgreSQL from reading the whole history for a hash table.
_WEEKS: Final = """
    WITH done AS (
        SELECT course, task, user_id, date_trunc('week', day)::date AS week, attempts, correct
        FROM student_task_days
        WHERE day BETWEEN %(first)s AND %(last)s AND course <> ''
    ),
    present AS (SELECT course, week, user_id, sum(attempts) AS attempts FROM done GROUP BY course, week, user_id),
    joined AS (
        SELECT course, min(week) AS week
        FROM present
        GROUP BY course, user_id
        HAVING NOT EXISTS (
            SELECT FROM student_task_days AS earlier
            WHERE earlier.user_id = present.user_id AND earlier.course = present.course AND earlier.day < min(week)
            OFFSET 0
        )
    ),
    solved AS (
        SELECT course, min(week) AS week
        FROM done
        WHERE correct > 0
        GROUP BY course, task, user_id
        HAVING NOT EXISTS (
            SELECT FROM student_task_days AS earlier
            WHERE earlier.user_id = done.user_id AND earlier.course = done.course AND earlier.task = done.task
                AND earlier.day < %(first)s AND earlier.correct > 0
            OFFSET 0
        )
    )
    SELECT course, week, active, coalesce(new, 0), active - coalesce(new, 0), attempts, coalesce(first_solved, 0)
    FROM (SELECT course, week, count(*) AS active, sum(attempts)::bigint AS attempts FROM present GROUP BY 1, 2) AS seen
    LEFT JOIN (SELECT course, week, count(*) AS new FROM joined GROUP BY 1, 2) AS begun USING (course, week)
    LEFT JOIN (SELECT course, week, count(*) AS first_solved FROM solved GROUP BY 1, 2) AS won USING (course, week)
    ORDER BY course, week
"""

_WEEKS_TITLE: Final = Text("Курсы по неделям", "Courses by week")
_WEEK: Final = Text("Неделя с", "Week of")
_ACTIVE: Final = Text("Активных студентов", "Active students")
_NEW: Final = Text("Новых на курсе", "New to the course")
_RETURNING: Final = Text("Вернувшихся", "Returning")
_ATTEMPTS: Final = Text("Попыток", "Attempts")
_SOLVED: Final = Text("Решено впервые", "Solved for the first time")
_SOLVED_MEANING: Final = Text(
    "Сколько раз студент впервые решил задачу.", "How often a student solved a task for the first time."
)


def analyse_courses(engine: Engine, summary: RunSummary) -> Findings:
    """The four weeks that end with the period.

    Raises:
        TransientError, PermanentError: the database cannot be read.
    """
    language, last = summary.language, summary.period.last_day
    first = last - timedelta(days=DAYS - 1)
    weeks = withhold(
        course_weeks(engine, first, last, language),
        language,
        group="active_students",
        hidden=("new_students", "returning_students", "solved"),
        within="week",
        added_up=("solved",),
    )
    return Findings((weeks,) if weeks.rows else ())


def course_weeks(engine: Engine, first: date, last: date, language: Language) -> Section:
    """A row a course and week, Monday to Sunday, as far as it lies in the span; who is new had no attempt before."""
    weeks = read_rows(engine, _WEEKS, {"first": first, "last": last})
    rows = tuple(Row((course_name(course), *values)) for course, *values in weeks)
    columns = (
        Column("course", COURSE.to(language), "text"),
        Column("week", _WEEK.to(language), "day"),
        Column("active_students", _ACTIVE.to(language), "count"),
        Column("new_students", _NEW.to(language), "count"),
        Column("returning_students", _RETURNING.to(language), "count"),
        Column("attempts", _ATTEMPTS.to(language), "count"),
        Column("solved", _SOLVED.to(language), "count", meaning=_SOLVED_MEANING.to(language)),
    )
    note = ATTEMPTS_SPAN.to(language, first=first, last=last)
    return Section("courses", _WEEKS_TITLE.to(language), columns, rows, (note,), grouped_by="course")
