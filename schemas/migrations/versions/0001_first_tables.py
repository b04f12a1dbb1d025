"""The first tables, and the view that keeps dashboards of the earlier script going.

A migration is a record of what was done, so it spells the tables out once more instead of importing them: later changes
to `schemas.tables` must not change what this one did.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create_attempts()
    _create_rejected_records()
    _create_loaded_windows()
    _create_daily_metrics()
    _create_user_config()


def _create_attempts() -> None:
    op.create_table(
        "attempts",
        sa.Column("id", pg.UUID, nullable=False),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("oauth_consumer_key", sa.Text),
        sa.Column("lis_result_sourcedid", sa.Text),
        sa.Column("lis_outcome_service_url", sa.Text),
        sa.Column("is_correct", sa.SmallInteger),
        sa.Column("attempt_type", sa.Text),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("course", sa.Text),
        sa.Column("task", sa.Text),
        sa.Column("passback_params", sa.Text, comment="The LTI parameters as JSON text, where they name no course."),
        sa.PrimaryKeyConstraint("id", name="attempts_pkey"),
        sa.CheckConstraint("is_correct IN (0, 1)", name=op.f("attempts_verdict_check")),
    )
    op.create_index("attempts_created_at_idx", "attempts", ["created_at"])


def _create_rejected_records() -> None:
    op.create_table(
        "rejected_records",
        sa.Column("window_start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("window_end", sa.DateTime(timezone=True), nullable=False),
        sa.Column("record_id", pg.UUID, nullable=False, comment="Made from the record's content."),
        sa.Column(
            "attempt_id", pg.UUID, comment="The identity it would have as an attempt; NULL without user or time."
        ),
        sa.Column("reasons", pg.ARRAY(sa.Text), nullable=False, comment="Names of the checks that it failed."),
        sa.Column("record", sa.JSON, nullable=False, comment="The record as the API sent it."),
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
        sa.Column("window_start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("window_end", sa.DateTime(timezone=True), nullable=False),
        *(sa.Column(name, sa.Integer, nullable=False, comment=comment) for name, comment in counts.items()),
        sa.Column(
            "checks", sa.JSON, nullable=False, comment="check, severity, rows and masked sample of each data check."
        ),
        sa.Column("flow_run_id", pg.UUID, comment="The Prefect flow run that loaded it last."),
        sa.Column("loaded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "figures_due", sa.Boolean, nullable=False, comment="The days it touches are not yet in daily_metrics."
        ),
        sa.PrimaryKeyConstraint("window_start", "window_end", name="loaded_windows_pkey"),
    )


def _create_daily_metrics() -> None:
    op.create_table(
        "daily_metrics",
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False, comment="All attempts of the day, of every type."),
        sa.Column("successful_attempts", sa.Integer, nullable=False, comment="Attempts with is_correct = 1."),
        sa.Column("unique_users", sa.Integer, nullable=False, comment="Distinct user_id with at least one attempt."),
        sa.Column("runs", sa.Integer, nullable=False, comment="Attempts of type run: tried in the editor."),
        sa.Column("submits", sa.Integer, nullable=False, comment="Attempts of type submit: handed in for grading."),
        sa.Column(
            "success_rate", sa.Numeric(5, 4), comment="Submits with is_correct = 1 per submit; NULL without any."
        ),
        sa.Column("complete", sa.Boolean, nullable=False, comment="Every moment of the day lies in a loaded window."),
        sa.Column("time_zone", sa.Text, nullable=False, comment="The reporting time zone whose day it is."),
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
