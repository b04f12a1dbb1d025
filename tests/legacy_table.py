"""The earlier script's table, made and filled as that script did."""

import ast
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from schemas.record import Record

if TYPE_CHECKING:
    from sqlalchemy import Engine

TABLE = """
    CREATE TABLE user_config (
        id SERIAL PRIMARY KEY,
        user_id TEXT,
        oauth_consumer_key TEXT,
        lis_result_sourcedid TEXT,
        lis_outcome_service_url TEXT,
        is_correct REAL,
        attempt_type TEXT,
        created_at TIMESTAMP
    )
"""
PARAMETERS = ("oauth_consumer_key", "lis_result_sourcedid", "lis_outcome_service_url")


def make_table(engine: "Engine") -> None:
    """Makes the table, where our view of that name is not yet, or no longer, there."""
    from sqlalchemy import text

    with engine.begin() as connection:
        connection.execute(text("DROP VIEW IF EXISTS user_config"))
        connection.execute(text(TABLE))


def insert(engine: "Engine", records: Iterable[Record]) -> None:
    """Adds records the way they went: through a data frame, which made NaN of what was null, and through psycopg2."""
    import pandas as pd
    from psycopg2.extras import execute_values

    frame = pd.DataFrame([_to_row(record) for record in records])
    with engine.begin() as connection:
        driver: Any = connection.connection.dbapi_connection
        with driver.cursor() as cursor:
            execute_values(
                cursor,
                f"INSERT INTO user_config ({', '.join(frame.columns)}) VALUES %s",
                list(frame.itertuples(index=False, name=None)),
                page_size=5_000,
            )


def _to_row(record: Record) -> Record:
    try:
        parameters = ast.literal_eval(record["passback_params"])
    except (ValueError, SyntaxError):
        parameters = {}
    return {
        "user_id": record["lti_user_id"],
        **{name: parameters.get(name) for name in PARAMETERS},
        "is_correct": record["is_correct"],
        "attempt_type": record["attempt_type"],
        "created_at": record["created_at"],
    }
