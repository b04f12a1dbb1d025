"""Learning figures: what `student_task_days` says about days, periods and tasks, read when it is asked for."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from sqlalchemy.engine import Engine

from schemas.figures import Figure
from schemas.language import Language, Link, Text
from schemas.period_figures import PERIOD_FIGURES
from schemas.small_numbers import FEWEST_STUDENTS
from schemas.tables import student_task_days, task_titles
from schemas.task_figures import FIRST_SUBMITS, STUDENT_TASKS, TASK_FIGURES
from tasks.database import read_rows

SHORT_ID: Final = 8
_RETIRED: Final = Text("{name} (снята)", "{name} (retired)")

Values = Mapping[str, float | None]
"""Figures by their names."""
Span = tuple[date, date]
"""The first and the last day, which are the same for a day."""

_OVER: Final = f"""
    SELECT {", ".join(each.sql.format(first="first", last="last") for each in PERIOD_FIGURES)}
    FROM unnest(CAST(%(firsts)s AS date[]), CAST(%(lasts)s AS date[])) WITH ORDINALITY AS spans (first, last, place)
    ORDER BY place
"""
_WEEKS: Final = f"""
    SELECT course, task, (%(last)s - first_graded) / 7, avg(first_correct)
    FROM {FIRST_SUBMITS.format(first="%(first)s", last="%(last)s")}
    WHERE first_correct IS NOT NULL
    GROUP BY 1, 2, 3
    HAVING count(*) >= {FEWEST_STUDENTS}
"""
_NAMES: Final = f"""
    SELECT course, task, title, position, coalesce(retired, false), host
    FROM (
        SELECT course, task, max(host) AS host
        FROM {student_task_days.name}
        WHERE day BETWEEN %(first)s AND %(last)s AND task <> ''
        GROUP BY course, task
    ) AS seen
    LEFT JOIN {task_titles.name} USING (course, task)
"""


@dataclass(frozen=True, slots=True)
class Task:
    """A task and what it is called.

    Attributes:
        title: the author's; None where nobody has named it.
        position: its place in the course, as the author counts.
        host: where the course is, such as `lms.university.example`.
    """

    course: str
    task: str
    title: str | None
    position: int | None
    retired: bool
    host: str | None

    def name(self, language: Language) -> str:
        """Its title, or enough of its id to find it by; a retired task says so."""
        short = self.task if len(self.task) <= SHORT_ID else f"{self.task[:SHORT_ID]}…"
        name = self.title or short
        return _RETIRED.to(language, name=name) if self.retired else name

    def link(self, language: Language) -> Link:
        """Its name, which leads to its page in the LMS."""
        return Link(self.name(language), self.url)

    @property
    def url(self) -> str | None:
        """Its page in the LMS, by Open edX's own route."""
        return f"https://{self.host}/courses/{self.course}/jump_to_id/{self.task}" if self.host else None


def read_over(engine: Engine, spans: Iterable[Span]) -> dict[Span, Values]:
    """The period figures over each of these spans of days.

    Raises:
        TransientError, PermanentError: see `tasks.database.translate_errors`.
    """
    names, wanted = [each.name for each in PERIOD_FIGURES], list(dict.fromkeys(spans))
    rows = read_rows(engine, _OVER, {"firsts": [first for first, _ in wanted], "lasts": [last for _, last in wanted]})
    return {span: dict(zip(names, values, strict=True)) for span, values in zip(wanted, rows, strict=True)}


def read_tasks(
    engine: Engine, first: date, last: date, figures: Sequence[Figure] = TASK_FIGURES, rows_of: str = STUDENT_TASKS
) -> dict[tuple[str, str], Values]:
    """Figures of each task with an attempt in the period, by course and task, see `schemas.task_figures`.

    Args:
        rows_of: what they are computed from: `STUDENT_TASKS`, or what is enough for these figures.

    Raises:
        TransientError, PermanentError: see `tasks.database.translate_errors`.
    """
    query = f"""
        SELECT course, task, {", ".join(each.sql for each in figures)}
        FROM {rows_of.format(first="%(first)s", last="%(last)s")}
        GROUP BY course, task
        ORDER BY course, task
    """
    names = [each.name for each in figures]
    rows = read_rows(engine, query, {"first": first, "last": last})
    return {(course, task): dict(zip(names, values, strict=True)) for course, task, *values in rows}


def read_weeks(engine: Engine, last: date, weeks: int) -> dict[tuple[str, str], list[float | None]]:
    """The share of first submits that are right in each of the weeks up to a day, the oldest first, by course and task.

    None: fewer than a minimum of students handed it in for the first time in that week.

    Raises:
        TransientError, PermanentError: see `tasks.database.translate_errors`.
    """
    found: dict[tuple[str, str], list[float | None]] = defaultdict(lambda: [None] * weeks)
    for course, task, before, share in read_rows(
        engine, _WEEKS, {"first": last - timedelta(days=7 * weeks - 1), "last": last}
    ):
        found[course, task][-1 - before] = float(share)
    return found


def read_names(engine: Engine, first: date, last: date) -> dict[tuple[str, str], Task]:
    """What the tasks with an attempt in the period are called, by course and task.

    Raises:
        TransientError, PermanentError: see `tasks.database.translate_errors`.
    """
    return {(row[0], row[1]): Task(*row) for row in read_rows(engine, _NAMES, {"first": first, "last": last})}
