"""Figures of a task over a period, as they stood at the end of its last day.

Each is an aggregate, in SQL, over the rows of one task in `student_tasks`: one row a student, course and task. Only
submits count unless a meaning says otherwise, in the order of time; a submit without verdict counts in no share.
"""

from dataclasses import replace
from typing import Final

from schemas.figures import Figure
from schemas.language import Text

FEWEST_STUDENTS: Final = 30
"""The discrimination of a task is not shown of fewer students who have enough other tasks."""
OTHER_TASKS: Final = 5
"""As in `student_tasks`, which knows the share of the student's other tasks only from so many on."""

STUDENT_TASKS: Final = "student_tasks({first}, {last})"
"""What the figures are computed from: a function, made by migration 0003."""
FIRST_SUBMITS: Final = """(
    SELECT course, task, mod(first, 2) AS first_correct, DATE '0001-01-01' + first / 2 AS first_graded
    FROM (
        SELECT course, task, min((day - DATE '0001-01-01') * 2 + first_correct) AS first
        FROM student_task_days
        WHERE day BETWEEN {first} AND {last} AND task <> ''
        GROUP BY course, task, user_id
    ) AS coded
) AS first_submits"""
"""Enough of it for who tried, whose first submit was right and on which day, in a fifth of the time: day and verdict
are one number, of which the least is found without sorting."""


def _unsolved_after(submits: int) -> str:
    known = f"min(unsolved) FILTER (WHERE ended_after <= {submits})"
    return f"CASE WHEN sum(graded) > 0 THEN round(coalesce({known}, 1), 4) END"


def _minutes(share: float) -> str:
    return f"round((percentile_cont({share}) WITHIN GROUP (ORDER BY minutes_to_success))::numeric, 1)"


_N: Final = "count(*)::float8"
_UNSOLVED: Final = "(count(*) FILTER (WHERE NOT solved))::float8 / count(*)"
_Z: Final = 1.959963984540054
"""The normal distribution's quantile for an interval of 95 %."""


def _wilson(sign: str) -> str:
    centre = f"{_UNSOLVED} + {_Z**2 / 2} / {_N}"
    width = f"{_Z} * sqrt({_UNSOLVED} * (1 - {_UNSOLVED}) / {_N} + {_Z**2 / 4} / {_N} ^ 2)"
    return f"round((({centre} {sign} {width}) / (1 + {_Z**2} / {_N}))::numeric, 4)"


STUDENTS_TRIED: Final = Figure(
    name="students_tried",
    sql="count(*)",
    kind="count",
    is_sum=False,
    title=Text("Пробовали", "Students who tried"),
    short=Text("Пробовали", "Tried"),
    meaning=Text("Студенты хотя бы с одной попыткой, в том числе запуском.", "Students with any attempt, runs too."),
    edges="A student with runs alone counts.",
    source="Open edX Aspects, docs/reference/in_context_dashboards.rst",
)
STUDENTS_SOLVED: Final = Figure(
    name="students_solved",
    sql="count(*) FILTER (WHERE solved)",
    kind="count",
    is_sum=False,
    title=Text("Решили", "Students who solved it"),
    short=Text("Решили", "Solved"),
    meaning=Text("Студенты, у которых верна хотя бы одна отправка.", "Students with at least one right submit."),
    edges="Later wrong submits change nothing.",
    source="Open edX Aspects, docs/reference/in_context_dashboards.rst (there: the last submit)",
)
STUDENTS_LOST: Final = Figure(
    name="students_lost",
    sql="count(*) FILTER (WHERE lost)",
    kind="count",
    is_sum=False,
    title=Text("Ушли, не решив", "Students lost"),
    short=Text("Ушли", "Lost"),
    meaning=Text(
        "Не решили, и 7 дней до конца периода у них нет ни одной попытки на курсе.",
        "They have not solved it, and had no attempt on the course in the last 7 days of the period.",
    ),
    edges="On the newest tasks nobody is lost yet: students are still on them.",
    source="ours, after Open edX Aspects, at_risk_learner_filter.sql",
)
FIRST_SUBMIT_CORRECTNESS: Final = Figure(
    name="first_submit_correctness",
    sql="round(avg(first_correct), 4)",
    kind="share",
    is_sum=False,
    title=Text("Верно с первой отправки", "First submit right"),
    short=Text("С первой", "First"),
    meaning=Text(
        "Доля студентов, у которых первая проверенная отправка верна, среди тех, у кого такая есть.",
        "Students whose first graded submit is right, of those who have one.",
    ),
    edges="A first submit without a verdict is passed over; NULL if nobody has a graded submit.",
    source="Open edX Aspects, docs/reference/in_context_dashboards.rst (its SQL divides by all attempts)",
)
MEDIAN_SUBMITS_TO_SUCCESS: Final = Figure(
    name="median_submits_to_success",
    sql="min(ended_after) FILTER (WHERE unsolved <= 0.5)",
    kind="count",
    is_sum=False,
    title=Text("Отправок до успеха, медиана", "Median submits to success"),
    short=Text("Отправок", "Submits"),
    meaning=Text(
        "После скольких проверенных отправок решила половина (оценка Каплана — Майера: кто не решил, учтён до своей "
        "последней отправки). Прочерк: половина не решила.",
        "After how many graded submits half have solved it (Kaplan and Meier's estimate: who has not solved it counts "
        "up to their last submit). A dash: fewer than half have.",
    ),
    edges="NULL if the estimate never falls to one half; a mean over those who solved it would flatter hard tasks.",
    source="Kaplan and Meier 1958; Eagle and Barnes on survival analysis in tutoring; statsmodels.SurvfuncRight",
)
UNSOLVED_AFTER_3: Final = Figure(
    name="unsolved_after_3",
    sql=_unsolved_after(3),
    kind="share",
    is_sum=False,
    title=Text("Не решено после 3 отправок", "Unsolved after 3 submits"),
    short=Text("После 3", "After 3"),
    meaning=Text("Доля не решивших после трёх проверенных отправок, по той же оценке.", "By the same estimate."),
    edges="1 if nobody solved it within so many; NULL if nobody has a graded submit.",
    source="Kaplan and Meier 1958; Eagle and Barnes on survival analysis in tutoring; statsmodels.SurvfuncRight",
)
UNSOLVED_AFTER_10: Final = Figure(
    name="unsolved_after_10",
    sql=_unsolved_after(10),
    kind="share",
    is_sum=False,
    title=Text("Не решено после 10 отправок", "Unsolved after 10 submits"),
    short=Text("После 10", "After 10"),
    meaning=Text("Доля не решивших после десяти проверенных отправок, по той же оценке.", "By the same estimate."),
    edges="As the share after 3.",
    source="Kaplan and Meier 1958; Eagle and Barnes on survival analysis in tutoring; statsmodels.SurvfuncRight",
)
MEDIAN_MINUTES_TO_SUCCESS: Final = Figure(
    name="median_minutes_to_success",
    sql=_minutes(0.5),
    kind="minutes",
    is_sum=False,
    title=Text("Минут до успеха, медиана", "Median minutes to success"),
    short=Text("Минут", "Minutes"),
    meaning=Text(
        "По решившим: сумма промежутков не длиннее 30 минут между попытками по задаче, до первой верной отправки.",
        "Of those who solved it: the sum of the gaps of at most 30 minutes between attempts on the task, up to the "
        "first right submit.",
    ),
    edges="NULL if nobody solved it; a gap over midnight does not count.",
    source="moodleR; Journal of Learning Analytics 2023 on thresholds",
)
P90_MINUTES_TO_SUCCESS: Final = Figure(
    name="p90_minutes_to_success",
    sql=_minutes(0.9),
    kind="minutes",
    is_sum=False,
    title=Text("Минут до успеха, 90 %", "Minutes to success, 90%"),
    short=Text("90 %", "90%"),
    meaning=Text("Быстрее этого решили девять из десяти решивших.", "Nine in ten of those who solved it were faster."),
    edges="As the median.",
    source="moodleR; Journal of Learning Analytics 2023 on thresholds",
)
DISCRIMINATION: Final = Figure(
    name="discrimination",
    sql=(
        f"CASE WHEN count(others_right_first) >= {FEWEST_STUDENTS}"
        " THEN round(corr(first_correct, others_right_first)::numeric, 4) END"
    ),
    kind="number",
    is_sum=False,
    title=Text("Различающая способность", "Discrimination"),
    short=Text("Различает", "Discr."),
    meaning=Text(
        f"Корреляция первой отправки (верна или нет) с долей верных первых отправок студента по другим задачам. Нужно "
        f"{FEWEST_STUDENTS} студентов, у каждого {OTHER_TASKS} других задач. Ниже 0,3 — посмотрите на задачу, ниже "
        f"нуля — на её проверку.",
        f"Correlation of the first submit (right or not) with the share of the student's right first submits on other "
        f"tasks. It takes {FEWEST_STUDENTS} students with {OTHER_TASKS} other tasks each. Below 0.3 look at the task, "
        f"below zero at its checker.",
    ),
    edges="NULL below the minimum, or if all first submits are alike.",
    source="Moodle, calculator.php (discrimination index)",
)
SHARE_UNSOLVED: Final = Figure(
    name="share_unsolved",
    sql=f"round(({_UNSOLVED})::numeric, 4)",
    kind="share",
    is_sum=False,
    title=Text("Не решили", "Unsolved"),
    short=Text("Не решили", "Unsolved"),
    meaning=Text("Доля пробовавших, которые не решили.", "Share of those who tried who have not solved it."),
    edges="It is 1 where nobody solved it.",
    source="Open edX Aspects, docs/reference/in_context_dashboards.rst",
)
UNSOLVED_LOW: Final = Figure(
    name="unsolved_low",
    sql=_wilson("-"),
    kind="share",
    is_sum=False,
    title=Text("Не решили, не меньше", "Unsolved, at least"),
    short=Text("От", "From"),
    meaning=Text("Нижняя граница этой доли (Уилсон, 95 %).", "Lower bound of that share (Wilson, 95%)."),
    edges="Small groups have wide intervals: few students do not top a list by it.",
    source="Wilson 1927",
)
UNSOLVED_HIGH: Final = Figure(
    name="unsolved_high",
    sql=_wilson("+"),
    kind="share",
    is_sum=False,
    title=Text("Не решили, не больше", "Unsolved, at most"),
    short=Text("До", "To"),
    meaning=Text("Верхняя граница этой доли (Уилсон, 95 %).", "Upper bound of that share (Wilson, 95%)."),
    edges="As the lower bound.",
    source="Wilson 1927",
)

TASK_FIGURES: Final = (
    STUDENTS_TRIED,
    STUDENTS_SOLVED,
    STUDENTS_LOST,
    FIRST_SUBMIT_CORRECTNESS,
    MEDIAN_SUBMITS_TO_SUCCESS,
    UNSOLVED_AFTER_3,
    UNSOLVED_AFTER_10,
    MEDIAN_MINUTES_TO_SUCCESS,
    P90_MINUTES_TO_SUCCESS,
    DISCRIMINATION,
    SHARE_UNSOLVED,
    UNSOLVED_LOW,
    UNSOLVED_HIGH,
)

PLACE: Final = Figure(
    name="place",
    sql="percentile_cont(0.5) WITHIN GROUP (ORDER BY place)",
    kind="number",
    is_sum=False,
    title=Text("Какая по счёту", "Met as number"),
    short=Text("По счёту", "Met as"),
    meaning=Text(
        "Медиана по студентам: какой по счёту на курсе они встретили эту задачу.",
        "Median over the students of the place at which they first met the task in the course.",
    ),
    edges="Tasks met at the same moment share a place.",
    source="ours",
)
REACHED: Final = replace(
    STUDENTS_TRIED, name="reached", title=Text("Дошли", "Reached it"), short=Text("Дошли", "Reached"), source="ours"
)
WENT_ON: Final = Figure(
    name="went_on",
    sql="count(*) FILTER (WHERE place < tasks_met)",
    kind="count",
    is_sum=False,
    title=Text("Пошли дальше", "Went on"),
    short=Text("Дальше", "Went on"),
    meaning=Text(
        "Встретили после неё хотя бы ещё одну задачу курса.", "They met at least one more task of the course after it."
    ),
    edges="Going back to an earlier task is not going on.",
    source="ours",
)
SHARE_WENT_ON: Final = Figure(
    name="share",
    sql="round(avg((place < tasks_met)::int), 4)",
    kind="share",
    is_sum=False,
    title=Text("Доля", "Share"),
    short=Text("Доля", "Share"),
    meaning=Text("Доля тех, кто пошёл дальше.", "Share of those who went on."),
    edges="Of those who reached it; 0 on a course's last task.",
    source="ours",
)

WAY_FIGURES: Final = (PLACE, REACHED, WENT_ON, SHARE_WENT_ON)
"""Where the task stands on the students' way through its course."""
