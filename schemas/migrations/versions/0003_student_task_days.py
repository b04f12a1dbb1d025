"""What a student did on a task on one day, one row.

All windows become due, so that the next run makes these rows of every day that is loaded.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# How each student fared with each task over some days, as it stood at the end of the last of them. Submits without a
# verdict are not graded. `lost`: not solved, and nothing on the course for 7 days. `others_right_first`: the share of
# right first submits on the student's other tasks of the course, of which there must be 5. `ended_after`: how many
# graded submits there were up to success, or at all. `unsolved`: Kaplan and Meier's estimate of the share of students
# who have not solved the task after so many, where a student without success leaves at their last one. `place`: which
# of the `tasks_met` on the course it was for the student.
STUDENT_TASKS = """
    CREATE FUNCTION student_tasks(first date, last date) RETURNS TABLE (
        course text, task text, user_id text, graded bigint, solved boolean, first_correct smallint,
        minutes_to_success double precision, lost boolean, others_right_first double precision,
        ended_after bigint, unsolved numeric, place bigint, tasks_met bigint
    ) LANGUAGE sql STABLE AS $$
        WITH days AS (
            SELECT *, sum(graded) OVER past - graded AS graded_before,
                sum(active_seconds) OVER past - active_seconds AS active_before
            FROM student_task_days
            WHERE day BETWEEN $1 AND $2 AND task <> ''
            WINDOW past AS (PARTITION BY user_id, course, task ORDER BY day)
        ),
        tasks AS (
            SELECT
                course, task, user_id, sum(graded) AS graded, sum(correct) > 0 AS solved,
                (array_agg(first_correct ORDER BY day) FILTER (WHERE first_correct IS NOT NULL))[1] AS first_correct,
                min(active_before + active_to_success) / 60 AS minutes_to_success,
                coalesce(min(graded_before + graded_to_success), sum(graded)) AS ended_after,
                min(first_at) AS met_at, max(day) AS last_day
            FROM days
            GROUP BY user_id, course, task
        ),
        students AS (
            SELECT *,
                max(last_day) OVER student AS last_on_course,
                sum(first_correct) OVER student AS right_first, count(first_correct) OVER student AS tasks_graded,
                rank() OVER (student ORDER BY met_at) AS place, count(*) OVER student AS tasks_met
            FROM tasks
            WINDOW student AS (PARTITION BY user_id, course)
        ),
        ends AS (
            SELECT course, task, ended_after, count(*) FILTER (WHERE solved) AS succeeded,
                sum(count(*)) OVER (PARTITION BY course, task ORDER BY ended_after DESC) AS at_risk
            FROM students
            WHERE graded > 0
            GROUP BY course, task, ended_after
        ),
        survival AS (
            SELECT
                course, task, ended_after,
                CASE WHEN bool_or(succeeded = at_risk) OVER past THEN 0
                    ELSE round(coalesce(exp(sum(ln(1 - succeeded / at_risk::float8))
                        FILTER (WHERE succeeded < at_risk) OVER past), 1)::numeric, 9)
                END AS unsolved
            FROM ends
            WINDOW past AS (PARTITION BY course, task ORDER BY ended_after)
        )
        SELECT
            course, task, user_id, graded, solved, first_correct, minutes_to_success,
            NOT solved AND last_on_course <= $2 - 7,
            CASE WHEN first_correct IS NOT NULL AND tasks_graded > 5
                THEN (right_first - first_correct)::float8 / (tasks_graded - 1) END,
            ended_after, unsolved, place, tasks_met
        FROM students LEFT JOIN survival USING (course, task, ended_after)
    $$
"""


def upgrade() -> None:
    # A database in which 0002 ran before these were a migration of their own has them in an earlier shape.
    op.execute("DROP FUNCTION IF EXISTS student_tasks, task_survival")
    op.execute("DROP TABLE IF EXISTS student_task_days")
    _create_student_task_days()
    op.execute(STUDENT_TASKS)
    op.execute("UPDATE loaded_windows SET figures_due = true")


def _create_student_task_days() -> None:
    counts = {
        "attempts": "All attempts, of every type.",
        "runs": "Attempts of type run.",
        "submits": "Attempts of type submit, graded or not.",
        "graded": "Submits with a verdict.",
        "correct": "Submits with is_correct = 1.",
    }
    op.create_table(
        "student_task_days",
        sa.Column("day", sa.Date, nullable=False, comment="In the time zone of daily_metrics."),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("course", sa.Text, nullable=False, comment="Empty where the LTI parameters name none."),
        sa.Column("task", sa.Text, nullable=False, comment="Empty where the LTI parameters name none."),
        sa.Column("host", sa.Text, comment="Where the course is, from the LTI parameters."),
        *(sa.Column(name, sa.Integer, nullable=False, comment=comment) for name, comment in counts.items()),
        sa.Column("first_correct", sa.SmallInteger, comment="Verdict of the day's first graded submit."),
        sa.Column("graded_to_success", sa.Integer, comment="Graded submits up to the day's first right one."),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("active_seconds", sa.Float, nullable=False, comment="Sum of the gaps of at most 30 minutes."),
        sa.Column("active_to_success", sa.Float, comment="The same up to the day's first right submit."),
        sa.PrimaryKeyConstraint("user_id", "course", "task", "day", name="student_task_days_pkey"),
    )
    for columns in (["user_id", "course", "day"], ["day"]):
        op.create_index(f"student_task_days_{'_'.join(columns)}_idx", "student_task_days", columns)
