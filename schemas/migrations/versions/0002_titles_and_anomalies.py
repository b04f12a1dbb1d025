"""The titles of tasks, and the anomalies of days."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# What the figures of a day count, for a reader who does not know the columns.
COMMENTS = {
    "attempts": "All attempts: runs, submits and any others.",
    "successful_attempts": "Attempts whose verdict is “correct” (is_correct = 1).",
    "unique_users": (
        "Different students with at least one attempt. It cannot be summed: over several days each counts once."
    ),
    "runs": "Attempts of type run: the program was tried in the editor.",
    "submits": "Attempts of type submit: the program was handed in for grading.",
    "success_rate": "Submits whose verdict is “correct”, divided by all submits; runs do not count.",
}


def upgrade() -> None:
    _create_task_titles()
    _create_anomalies()
    for name, comment in COMMENTS.items():
        op.alter_column("daily_metrics", name, comment=comment)


def _create_task_titles() -> None:
    op.create_table(
        "task_titles",
        sa.Column("course", sa.Text, nullable=False),
        sa.Column("task", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("position", sa.Integer, comment="The task's place in its course, as the author counts."),
        sa.Column("retired", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("course", "task", name="task_titles_pkey"),
    )


def _create_anomalies() -> None:
    op.create_table(
        "anomalies",
        sa.Column("day", sa.Date, nullable=False, comment="In the time zone of daily_metrics."),
        sa.Column("course", sa.Text, nullable=False, comment="Empty for all courses together."),
        sa.Column("figure", sa.Text, nullable=False),
        *(sa.Column(name, sa.Float, nullable=False) for name in ("value", "expected", "low", "high")),
        sa.PrimaryKeyConstraint("day", "course", "figure", name="anomalies_pkey"),
    )
