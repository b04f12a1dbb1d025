"""Students who may need a hand: stuck on a task now, struggling this week, or gone quiet. Say "look", not "failing"."""

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

from sqlalchemy.engine import Engine

from schemas.courses import course_name
from schemas.language import Language, Text, Value
from schemas.section import Column, Findings, Headline, Row, Section
from schemas.small_numbers import FEWEST_STUDENTS
from schemas.summary import RunSummary
from schemas.wording import COURSE, SMALL_COURSES, TASK
from tasks.database import read_rows
from tasks.learning import read_names

STUCK_SUBMITS: Final = 10
"""So many graded submits on one task, none right: wheel-spinning (Beck and Gong, 2013)."""
RECENT_DAYS: Final = 7
STRUGGLING_SUBMITS: Final = 5
STRUGGLING_SHARE: Final = 0.15
ACTIVE_DAYS: Final = 28

# Candidates are those of the last days, so that the cost does not grow with the history.
_STUCK: Final = f"""
    SELECT course, task, user_id, graded
    FROM (
        SELECT course, task, user_id
        FROM student_task_days
        WHERE day > %(last)s - {RECENT_DAYS} AND day <= %(last)s AND task <> ''
        GROUP BY course, task, user_id
        HAVING sum(graded) > 0 AND sum(correct) = 0
    ) AS recent
    CROSS JOIN LATERAL (
        SELECT sum(graded) AS graded, sum(correct) AS correct
        FROM student_task_days AS done
        WHERE done.user_id = recent.user_id AND done.course = recent.course AND done.task = recent.task
            AND done.day <= %(last)s
    ) AS history
    WHERE correct = 0 AND graded >= {STUCK_SUBMITS}
    ORDER BY course, task, graded DESC, user_id
"""
_STRUGGLING: Final = f"""
    SELECT course, '', user_id, graded
    FROM (
        SELECT *, percent_rank() OVER (
            PARTITION BY course ORDER BY graded::float8 / nullif(solved, 0) NULLS LAST
        ) AS place
        FROM (
            SELECT course, user_id, sum(graded) AS graded, count(DISTINCT task) FILTER (WHERE correct > 0) AS solved
            FROM student_task_days
            WHERE day > %(last)s - {RECENT_DAYS} AND day <= %(last)s AND task <> ''
            GROUP BY course, user_id
        ) AS week
        WHERE graded >= {STRUGGLING_SUBMITS}
    ) AS placed
    WHERE place >= 1 - {STRUGGLING_SHARE} AND place > 0
    ORDER BY course, place DESC, user_id
"""
_QUIET: Final = f"""
    SELECT course, '', user_id, unsolved
    FROM (
        SELECT course, user_id, max(last_day) AS last_day, count(*) FILTER (WHERE NOT is_solved) AS unsolved
        FROM (
            SELECT course, task, user_id, max(day) AS last_day, sum(correct) > 0 AS is_solved
            FROM student_task_days
            WHERE day > %(last)s - {ACTIVE_DAYS} AND day <= %(last)s AND task <> ''
            GROUP BY course, task, user_id
        ) AS tried
        GROUP BY course, user_id
    ) AS known
    WHERE last_day <= %(last)s - {RECENT_DAYS} AND unsolved > 0
    ORDER BY course, unsolved DESC, user_id
"""
_LARGE_COURSES: Final = f"""
    SELECT course
    FROM (
        SELECT DISTINCT course, user_id
        FROM student_task_days
        WHERE day > %(last)s - {ACTIVE_DAYS} AND day <= %(last)s
    ) AS present
    GROUP BY course
    HAVING count(*) >= {FEWEST_STUDENTS}
"""
_KINDS: Final = {
    "stuck": (_STUCK, Text("застрял на задаче", "stuck on a task")),
    "struggling": (_STRUGGLING, Text("тяжёлая неделя", "struggling this week")),
    "quiet": (_QUIET, Text("затих", "gone quiet")),
}

_TITLE: Final = Text("Кому помочь", "Students who may need a hand")
_LIST_TITLE: Final = Text("Кому помочь: список", "Students who may need a hand: the list")
_STATE: Final = Text("Что видно", "What is seen")
_STUDENTS: Final = Text("Студентов", "Students")
_STUDENT: Final = Text("Студент", "Student")
_NUMBER: Final = Text("Отправок или задач", "Submits or tasks")
_NOTES: Final = (
    Text(
        f"Застрял: не меньше {STUCK_SUBMITS} проверенных отправок одной задачи, ни одной верной, последняя не раньше "
        f"{RECENT_DAYS} дней назад. Упорство бывает полезно: посмотрите, а не судите.",
        f"Stuck: at least {STUCK_SUBMITS} graded submits on one task, none right, the last within {RECENT_DAYS} days. "
        f"Persistence can pay: look, do not judge.",
    ),
    Text(
        f"Тяжёлая неделя: {STRUGGLING_SHARE:.0%} студентов курса, у которых больше всего отправок на решённую задачу, "
        f"среди тех, у кого за неделю их не меньше {STRUGGLING_SUBMITS}. Мера относительна: такие есть и на здоровом "
        f"курсе.",
        f"Struggling: the {STRUGGLING_SHARE:.0%} of a course's students with most submits for a task solved, of those "
        f"with at least {STRUGGLING_SUBMITS} in the week. It is relative: a healthy course has them too.",
    ),
    Text(
        f"Затих: за {ACTIVE_DAYS} дней были попытки и есть нерешённое, но уже {RECENT_DAYS} дней тихо.",
        f"Gone quiet: attempts within {ACTIVE_DAYS} days, something unsolved, and nothing for {RECENT_DAYS} days.",
    ),
)
_BY_COURSE: Final = Text("Кому помочь, по курсам", "Students who may need a hand, by course")
_TOLD: Final = Text("Кому помочь: {counts}", "Students who may need a hand: {counts}")


def analyse_students(engine: Engine, summary: RunSummary) -> Findings:
    """Counts by course and task where a course is large enough, and the list of pseudonyms if that was asked for.

    Raises:
        TransientError, PermanentError: the database cannot be read.
    """
    language, last = summary.language, summary.period.last_day
    listed = list_students(engine, last, language)
    if not listed.rows:
        return Findings()
    large = {course_name(course) for (course,) in read_rows(engine, _LARGE_COURSES, {"last": last})}
    public = [row.values for row in listed.rows if row.values[0] in large]
    counts = Counter(values[:3] for values in public)
    section = Section(
        "students",
        _TITLE.to(language),
        (*listed.columns[:3], Column("students", _STUDENTS.to(language), "count")),
        tuple(Row((*key, count)) for key, count in counts.items()),
        (*(note.to(language) for note in _NOTES), SMALL_COURSES.to(language, fewest=FEWEST_STUDENTS)),
    )
    by_course = _count_by_course(public, language)
    told = ", ".join(f"{state} — {count}" for state, count in Counter(values[2] for values in public).items())
    headlines = (Headline(_TOLD.to(language, counts=told), "todo", section=section.name),) if counts else ()
    sections = (*([by_course, section] if counts else []), *([listed] if summary.lists_students else []))
    return Findings(sections, headlines)


def _count_by_course(public: Sequence[tuple[Value, ...]], language: Language) -> Section:
    """A row a course, a column for each thing that is seen."""
    states = {name: state.to(language) for name, (_, state) in _KINDS.items()}
    totals = Counter((course, state) for course, _, state, *_ in public)
    rows = tuple(
        Row((course, *(totals[course, state] for state in states.values())))
        for course in dict.fromkeys(course for course, _ in totals)
    )
    columns = (
        Column("course", COURSE.to(language), "text"),
        *(Column(name, state, "count") for name, state in states.items()),
    )
    return Section("hands", _BY_COURSE.to(language), columns, rows, is_brief=True)


def list_students(engine: Engine, last: date, language: Language) -> Section:
    """A row for each student and what is seen of them at the end of the day `last`, by pseudonym.

    Raises:
        TransientError, PermanentError: the database cannot be read.
    """
    names = read_names(engine, last - timedelta(days=RECENT_DAYS), last)
    rows = tuple(
        Row((course_name(course), names[course, task].link(language) if task else "", state.to(language), *who))
        for query, state in _KINDS.values()
        for course, task, *who in read_rows(engine, query, {"last": last})
    )
    columns = (
        Column("course", COURSE.to(language), "text"),
        Column("task", TASK.to(language), "text"),
        Column("state", _STATE.to(language), "text"),
        Column("student", _STUDENT.to(language), "text"),
        Column("number", _NUMBER.to(language), "count"),
    )
    return Section("student_list", _LIST_TITLE.to(language), columns, rows, is_personal=True)
