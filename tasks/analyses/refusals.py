"""Refusals: tasks of which no submit was right on a day, though many were in the weeks before: a broken checker?"""

from math import log
from typing import Final

from sqlalchemy.engine import Engine

from schemas.courses import course_name
from schemas.language import Counted, Text, write_day, write_percent
from schemas.section import Column, Findings, Headline, Row, Section
from schemas.small_numbers import FEWEST_STUDENTS
from schemas.summary import RunSummary
from schemas.wording import COURSE, DAY, TASK
from tasks.database import read_rows
from tasks.learning import read_names

SECTION: Final = "refusals"
WEEKS: Final = 4
CHANCE: Final = 1e-4
"""A day is told of if the chance that all of its students fail is smaller, each failing as often as those of the weeks
before. Among 300 tasks that is one day a month without a cause."""

# A student counts once a day, since whoever fails tries again; the share is of students, each with a day's submits.
_REFUSED: Final = f"""
    SELECT day, course, task, students, submits, round(solved / (before + 1), 4)::float8
    FROM (
        SELECT day, course, task, count(*) AS students, sum(graded)::bigint AS submits
        FROM student_task_days
        WHERE day BETWEEN %(first)s AND %(last)s AND task <> '' AND graded > 0
        GROUP BY day, course, task
        HAVING sum(correct) = 0 AND count(*) >= {FEWEST_STUDENTS}
    ) AS refused
    CROSS JOIN LATERAL (
        SELECT count(*) AS before, count(*) FILTER (WHERE correct > 0)::numeric AS solved
        FROM student_task_days AS done
        WHERE done.course = refused.course AND done.task = refused.task AND done.graded > 0
            AND done.day >= refused.day - {7 * WEEKS} AND done.day < refused.day
    ) AS earlier
    WHERE solved > 0 AND students * ln(1 - solved / (before + 1)) < {log(CHANCE)}
    ORDER BY day, students DESC, course, task
"""

_TITLE: Final = Text("Задачи, где перестали принимать решения", "Tasks that stopped taking solutions")
_STUDENTS: Final = Text("Студентов", "Students")
_SUBMITS: Final = Text("Отправок, ни одной верной", "Submits, none right")
_BEFORE: Final = Text("Раньше решали", "Solved before")
_BEFORE_MEANING: Final = Text(
    f"Доля студентов, у которых за день была верная отправка, за {WEEKS} недели до этого дня.",
    f"Of a day's students those with a right submit, over the {WEEKS} weeks before.",
)
_RULE: Final = Text(
    f"Названы задачи, которые за день не решил никто из не менее чем {FEWEST_STUDENTS} студентов, хотя по прежним "
    f"неделям такое случается реже одного раза из {1 / CHANCE:.0f}.",
    f"Named are tasks that none of at least {FEWEST_STUDENTS} students of a day has solved, though by the weeks before "
    f"that would happen less than once in {1 / CHANCE:.0f}.",
)
_TOLD: Final = Text(
    "«{task}», {day}: ни одной верной из {submits}, раньше решали {share}: проверьте проверяющую программу",
    "“{task}”, {day}: none of {submits} was right, {share} used to solve it: look at its checker",
)
_SHORT: Final = Text("«{task}» не принимает решений", "“{task}” takes no solution")
_COUNTED: Final = Counted(("отправки", "отправок", "отправок"), ("submit", "submits"))


def analyse_refusals(engine: Engine, summary: RunSummary) -> Findings:
    """A row for each such task and day of the period, and a headline that names the task.

    Raises:
        TransientError, PermanentError: the database cannot be read.
    """
    language, first, last = summary.language, summary.period.first_day, summary.period.last_day
    found = read_rows(engine, _REFUSED, {"first": first, "last": last})
    if not found:
        return Findings()
    names = read_names(engine, first, last)
    rows, headlines = [], []
    for day, course, key, students, submits, share in found:
        task = names[course, key].link(language)
        rows.append(Row((day, course_name(course), task, students, submits, share), "error"))
        said = {"submits": _COUNTED.to(language, submits), "share": write_percent(share, language, decimals=0)}
        told = _TOLD.to(language, task=task.text, day=write_day(day, language), **said)
        headlines.append(Headline(told, "alarm", _SHORT.to(language, task=task.text), task.url, SECTION))
    columns = (
        Column("day", DAY.to(language), "day"),
        Column("course", COURSE.to(language), "text"),
        Column("task", TASK.to(language), "text"),
        Column("students", _STUDENTS.to(language), "count"),
        Column("submits", _SUBMITS.to(language), "count"),
        Column("before", _BEFORE.to(language), "share", meaning=_BEFORE_MEANING.to(language)),
    )
    section = Section(SECTION, _TITLE.to(language), columns, tuple(rows), (_RULE.to(language),))
    return Findings((section,), tuple(headlines))
