"""Figures of a day or a longer period that need the history, computed from `student_task_days` when asked for.

None is stored, or loading an old day would change every later one. Each is a scalar in SQL with the blanks `{first}`
and `{last}`: the first and the last day of the period, which are the same for a day.
"""

from typing import Final

from schemas.figures import Figure
from schemas.language import Text

_DAYS: Final = "student_task_days WHERE day BETWEEN {first} AND {last}"
_UP_TO: Final = "student_task_days WHERE day > {{last}} - {days} AND day <= {{last}}"
_PRESENT: Final = f"(SELECT DISTINCT user_id FROM {_DAYS}) AS present"
_ASKED: Final = "OFFSET 0"
"""The history is asked of its index, once a student: without this, PostgreSQL may read all of it for a hash table."""
_EARLIER: Final = (
    "EXISTS (SELECT FROM student_task_days AS earlier"
    f" WHERE earlier.user_id = present.user_id AND earlier.day < {{first}} {_ASKED})"
)

NEW_STUDENTS: Final = Figure(
    name="new_students",
    sql=f"(SELECT count(*) FROM {_PRESENT} WHERE NOT {_EARLIER})",
    kind="count",
    is_sum=True,
    title=Text("Новых студентов", "New students"),
    short=Text("Новых", "New"),
    meaning=Text(
        "Студенты, у которых это первые попытки за всю загруженную историю.",
        "Students whose first attempts these are, in all of the history that is loaded.",
    ),
    edges="Loading older days makes new students of later days returning ones: it is computed when asked for.",
    source="usual",
)
RETURNING_STUDENTS: Final = Figure(
    name="returning_students",
    sql=f"(SELECT count(*) FROM {_PRESENT} WHERE {_EARLIER})",
    kind="count",
    is_sum=False,
    title=Text("Вернувшихся студентов", "Returning students"),
    short=Text("Вернулись", "Back"),
    meaning=Text("Студенты, у которых были попытки раньше.", "Students who had attempts before."),
    edges="New and returning students together are the unique users.",
    source="usual",
)
TASKS_TOUCHED: Final = Figure(
    name="tasks_touched",
    sql=f"(SELECT count(*) FROM (SELECT DISTINCT course, task FROM {_DAYS} AND task <> '') AS touched)",
    kind="count",
    is_sum=False,
    title=Text("Задач с попытками", "Tasks touched"),
    short=Text("Задач", "Tasks"),
    meaning=Text("Разные задачи, по которым была хотя бы одна попытка.", "Different tasks with at least one attempt."),
    edges="Attempts whose course or task cannot be read count in no task.",
    source="ours",
)
TASKS_SOLVED_FIRST_TIME: Final = Figure(
    name="tasks_solved_first_time",
    sql=f"""(
        SELECT count(*)
        FROM (SELECT DISTINCT user_id, course, task FROM {_DAYS} AND correct > 0 AND task <> '') AS solved
        WHERE NOT EXISTS (
            SELECT FROM student_task_days AS earlier
            WHERE earlier.user_id = solved.user_id AND earlier.course = solved.course AND earlier.task = solved.task
                AND earlier.day < {{first}} AND earlier.correct > 0
            {_ASKED}
        )
    )""",
    kind="count",
    is_sum=True,
    title=Text("Решено задач впервые", "Tasks solved for the first time"),
    short=Text("Решено", "Solved"),
    meaning=Text(
        "Сколько раз студент впервые решил задачу: двое решивших одну задачу считаются за два.",
        "How often a student solved a task for the first time: two students who solve one task count as two.",
    ),
    edges="A task that is solved again does not count again.",
    source="ours",
)
ACTIVE_7_DAYS: Final = Figure(
    name="active_7_days",
    sql=f"(SELECT count(*) FROM (SELECT DISTINCT user_id FROM {_UP_TO.format(days=7)}) AS present)",
    kind="count",
    is_sum=False,
    title=Text("Активных за 7 дней", "Active in 7 days"),
    short=Text("За 7 дней", "7 days"),
    meaning=Text(
        "Разные студенты с попытками за 7 дней, последний из которых — этот.",
        "Different students with attempts in the 7 days that end with this one.",
    ),
    edges="Days that are not loaded count as days without attempts.",
    source="usual",
)
ACTIVE_28_DAYS: Final = Figure(
    name="active_28_days",
    sql=f"(SELECT count(*) FROM (SELECT DISTINCT user_id FROM {_UP_TO.format(days=28)}) AS present)",
    kind="count",
    is_sum=False,
    title=Text("Активных за 28 дней", "Active in 28 days"),
    short=Text("За 28 дней", "28 days"),
    meaning=Text(
        "Разные студенты с попытками за 28 дней, последний из которых — этот.",
        "Different students with attempts in the 28 days that end with this one.",
    ),
    edges="Days that are not loaded count as days without attempts.",
    source="usual",
)
MEDIAN_MINUTES: Final = Figure(
    name="median_minutes",
    sql=f"""(
        SELECT round(percentile_cont(0.5) WITHIN GROUP (ORDER BY minutes)::numeric, 1)
        FROM (SELECT sum(active_seconds) / 60 AS minutes FROM {_DAYS} GROUP BY user_id) AS spent
    )""",
    kind="minutes",
    is_sum=False,
    title=Text("Минут на задачах, медиана", "Median minutes on task"),
    short=Text("Минут", "Minutes"),
    meaning=Text(
        "Медиана по студентам: сумма промежутков не длиннее 30 минут между соседними попытками по одной задаче. Порог "
        "произвольный, поэтому показатель вспомогательный.",
        "Median over the students of the sum of the gaps of at most 30 minutes between consecutive attempts on one "
        "task. Any threshold is arbitrary, so the figure is a secondary one.",
    ),
    edges="A single attempt takes no time; a gap over midnight counts on neither day.",
    source="moodleR; Journal of Learning Analytics 2023 on thresholds",
)

PERIOD_FIGURES: Final = (
    NEW_STUDENTS,
    RETURNING_STUDENTS,
    TASKS_TOUCHED,
    TASKS_SOLVED_FIRST_TIME,
    ACTIVE_7_DAYS,
    ACTIVE_28_DAYS,
    MEDIAN_MINUTES,
)
