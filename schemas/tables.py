"""The tables. The migrations build them; a test holds the two against each other.

Grain: `attempts`, one row an attempt. `rejected_records`, one row a record that failed a check, for each window that
brought it. `loaded_windows`, one row a window, as it was last loaded. `daily_metrics`, one row a day of the reporting
time zone. `student_task_days`, one row a student, task and such a day, made from that day's attempts alone.
`task_titles`, one row a task that somebody has named. `anomalies`, one row a figure of a day, in all or in a course,
that was not to be expected.
"""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from schemas.figures import DAILY_FIGURES
from schemas.language import Kind

metadata = sa.MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
        "ck": "%(table_name)s_%(constraint_name)s_check",
    }
)

_TYPES: Mapping[Kind, sa.types.TypeEngine[Any]] = {"count": sa.Integer(), "share": sa.Numeric(5, 4)}
_moment = sa.DateTime(timezone=True)

attempts = sa.Table(
    "attempts",
    metadata,
    sa.Column("id", pg.UUID, primary_key=True),
    sa.Column("user_id", sa.Text, nullable=False),
    sa.Column("oauth_consumer_key", sa.Text),
    sa.Column("lis_result_sourcedid", sa.Text),
    sa.Column("lis_outcome_service_url", sa.Text),
    sa.Column("is_correct", sa.SmallInteger, sa.CheckConstraint("is_correct IN (0, 1)", name="verdict")),
    sa.Column("attempt_type", sa.Text),
    sa.Column("created_at", _moment, nullable=False),
    sa.Column("course", sa.Text),
    sa.Column("task", sa.Text),
    sa.Column("passback_params", sa.Text, comment="The LTI parameters as JSON text, where they name no course."),
    sa.Index(None, "created_at"),
)

rejected_records = sa.Table(
    "rejected_records",
    metadata,
    sa.Column("window_start", _moment, primary_key=True),
    sa.Column("window_end", _moment, primary_key=True),
    sa.Column("record_id", pg.UUID, primary_key=True, comment="Made from the record's content."),
    sa.Column("attempt_id", pg.UUID, comment="The identity it would have as an attempt; NULL without user or time."),
    sa.Column("reasons", pg.ARRAY(sa.Text), nullable=False, comment="Names of the checks that it failed."),
    # json, not jsonb: jsonb refuses the NUL and lone surrogates for which a record may have been rejected.
    sa.Column("record", sa.JSON, nullable=False, comment="The record as the API sent it."),
    sa.Index(None, "attempt_id"),
)

loaded_windows = sa.Table(
    "loaded_windows",
    metadata,
    sa.Column("window_start", _moment, primary_key=True),
    sa.Column("window_end", _moment, primary_key=True),
    sa.Column("fetched", sa.Integer, nullable=False, comment="new + changed + unchanged + rejected + duplicates."),
    sa.Column("new", sa.Integer, nullable=False),
    sa.Column("changed", sa.Integer, nullable=False),
    sa.Column("unchanged", sa.Integer, nullable=False),
    sa.Column("rejected", sa.Integer, nullable=False),
    sa.Column("duplicates", sa.Integer, nullable=False, comment="Exact copies of another record of the window."),
    sa.Column("warnings", sa.Integer, nullable=False, comment="Warnings on loaded records; a record can have several."),
    sa.Column("checks", sa.JSON, nullable=False, comment="check, severity, rows and masked sample of each data check."),
    sa.Column("flow_run_id", pg.UUID, comment="The Prefect flow run that loaded it last."),
    sa.Column("loaded_at", _moment, nullable=False),
    sa.Column("figures_due", sa.Boolean, nullable=False, comment="The days it touches are not yet in daily_metrics."),
)

daily_metrics = sa.Table(
    "daily_metrics",
    metadata,
    sa.Column("day", sa.Date, primary_key=True),
    *(
        sa.Column(figure.name, _TYPES[figure.kind], nullable=figure.kind == "share", comment=figure.meaning.en)
        for figure in DAILY_FIGURES
    ),
    sa.Column("complete", sa.Boolean, nullable=False, comment="Every moment of the day lies in a loaded window."),
    sa.Column("time_zone", sa.Text, nullable=False, comment="The reporting time zone whose day it is."),
)

_COUNTS = {
    "attempts": "All attempts, of every type.",
    "runs": "Attempts of type run.",
    "submits": "Attempts of type submit, graded or not.",
    "graded": "Submits with a verdict.",
    "correct": "Submits with is_correct = 1.",
}

student_task_days = sa.Table(
    "student_task_days",
    metadata,
    sa.Column("day", sa.Date, comment="In the time zone of daily_metrics."),
    sa.Column("user_id", sa.Text),
    sa.Column("course", sa.Text, comment="Empty where the LTI parameters name none."),
    sa.Column("task", sa.Text, comment="Empty where the LTI parameters name none."),
    sa.Column("host", sa.Text, comment="Where the course is, from the LTI parameters."),
    *(sa.Column(name, sa.Integer, nullable=False, comment=comment) for name, comment in _COUNTS.items()),
    sa.Column("first_correct", sa.SmallInteger, comment="Verdict of the day's first graded submit."),
    sa.Column("graded_to_success", sa.Integer, comment="Graded submits up to the day's first right one."),
    sa.Column("first_at", _moment, nullable=False),
    sa.Column("last_at", _moment, nullable=False),
    sa.Column("active_seconds", sa.Float, nullable=False, comment="Sum of the gaps of at most 30 minutes."),
    sa.Column("active_to_success", sa.Float, comment="The same up to the day's first right submit."),
    # What a student did on a task before, on a course before, and what all did in a span of days. Where the day came
    # first, PostgreSQL 18 would ask for every day of the history in turn.
    sa.PrimaryKeyConstraint("user_id", "course", "task", "day"),
    sa.Index(None, "user_id", "course", "day"),
    sa.Index(None, "day"),
)

task_titles = sa.Table(
    "task_titles",
    metadata,
    sa.Column("course", sa.Text, primary_key=True),
    sa.Column("task", sa.Text, primary_key=True),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("position", sa.Integer, comment="The task's place in its course, as the author counts."),
    sa.Column("retired", sa.Boolean, nullable=False),
)

anomalies = sa.Table(
    "anomalies",
    metadata,
    sa.Column("day", sa.Date, primary_key=True, comment="In the time zone of daily_metrics."),
    sa.Column("course", sa.Text, primary_key=True, comment="Empty for all courses together."),
    sa.Column("figure", sa.Text, primary_key=True),
    *(sa.Column(name, sa.Float, nullable=False) for name in ("value", "expected", "low", "high")),
)
