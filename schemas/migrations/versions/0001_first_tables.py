"""The first tables, and the view that keeps dashboards of the earlier script going.

A migration is a record of what was done, so it spells the tables out once more instead of importing them: later changes
to `schemas.tables` must not change what this one did.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Column
from sqlalchemy.dialects import postgresql as pg

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _create_attempts()
    _create_rejected_records()
    _create_loaded_windows()
    _create_daily_metrics()
    _create_user_config()


def _create_attempts() -> None:
    op.create_table(
        "attempts",
        Column("id", pg.UUID, nullable=False),
        Column("user_id", sa.Text, nullable=False),
        Column("oauth_consumer_key", sa.Text),
        Column("lis_result_sourcedid", sa.Text),
        Column("lis_outcome_service_url", sa.Text),
        Column("is_correct", sa.SmallInteger),
        Column("attempt_type", sa.Text),
        Column("created_at", _MOMENT, nullable=False),
        Column("course", sa.Text),
        Column("task", sa.Text),
        Column("passback_params", sa.Text, comment="The LTI parameters as JSON text, where they name no course."),
        sa.PrimaryKeyConstraint("id", name="attempts_pkey"),
        sa.CheckConstraint("is_correct IN (0, 1)", name=op.f("attempts_verdict_check")),
    )
    op.create_index("attempts_created_at_idx", "attempts", ["created_at"])


def _create_rejected_records() -> None:
    op.create_table(
        "rejected_records",
        Column("window_start", _MOMENT, nullable=False),
        Column("window_end", _MOMENT, nullable=False),
        Column("record_id", pg.UUID, nullable=False, comment="Made from the record's content."),
        Column("attempt_id", pg.UUID, comment="The identity it would have as an attempt; NULL without user or time."),
        Column("reasons", pg.ARRAY(sa.Text), nullable=False, comment="Names of the checks that it failed."),
        Column("record", sa.JSON, nullable=False, comment="The record as the API sent it."),
        sa.PrimaryKeyConstraint("window_start", "window_end", "record_id", name="rejected_records_pkey"),
    )
    op.create_index("rejected_records_attempt_id_idx", "rejected_records", ["attempt_id"])


def _create_loaded_windows() -> None:
    counts = {
        "fetched": "new + changed + unchanged + rejected + duplicates.",
        "new": None,
        "changed": None,
        "unchanged": None,
        "rejected": None,
        "duplicates": "Exact copies of another record of the window.",
        "warnings": "Warnings on loaded records; a record can have several.",
    }
    op.create_table(
        "loaded_windows",
        Column("window_start", _MOMENT, nullable=False),
        Column("window_end", _MOMENT, nullable=False),
        *(Column(name, sa.Integer, nullable=False, comment=comment) for name, comment in counts.items()),
        Column(
            "checks", sa.JSON, nullable=False, comment="check, severity, rows and masked sample of each data check."
        ),
        Column("flow_run_id", pg.UUID, comment="The Prefect flow run that loaded it last."),
        Column("loaded_at", _MOMENT, nullable=False),
        Column("figures_due", sa.Boolean, nullable=False, comment="The days it touches are not yet in daily_metrics."),
        sa.PrimaryKeyConstraint("window_start", "window_end", name="loaded_windows_pkey"),
    )


def _create_daily_metrics() -> None:
    op.create_table(
        "daily_metrics",
        Column("day", sa.Date, nullable=False),
        Column("attempts", sa.Integer, nullable=False, comment="All attempts of the day, of every type."),
        Column("successful_attempts", sa.Integer, nullable=False, comment="Attempts with is_correct = 1."),
        Column("unique_users", sa.Integer, nullable=False, comment="Distinct user_id with at least one attempt."),
        Column("runs", sa.Integer, nullable=False, comment="Attempts of type run: tried in the editor."),
        Column("submits", sa.Integer, nullable=False, comment="Attempts of type submit: handed in for grading."),
        Column("success_rate", sa.Numeric(5, 4), comment="Submits with is_correct = 1 per submit; NULL without any."),
        Column("complete", sa.Boolean, nullable=False, comment="Every moment of the day lies in a loaded window."),
        Column("time_zone", sa.Text, nullable=False, comment="The reporting time zone whose day it is."),
        sa.PrimaryKeyConstraint("day", name="daily_metrics_pkey"),
    )


def _create_user_config() -> None:
    """Where the earlier script's table is still there, it is left alone."""
    if op.get_bind().scalar(sa.text("SELECT to_regclass('user_config')")) is not None:
        return
    op.execute("""
        CREATE VIEW user_config AS
        SELECT id, user_id, oauth_consumer_key, lis_result_sourcedid, lis_outcome_service_url,
               is_correct::real AS is_correct, attempt_type, created_at AT TIME ZONE 'UTC' AS created_at
        FROM attempts
    """)
