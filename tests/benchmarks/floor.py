"""The least that any program must do: orjson, memoised parsing, COPY, one upsert, the figures in SQL. No checks."""

import ast
import hashlib
import io
from datetime import date
from functools import lru_cache
from typing import Any, Final

import orjson

NULL: Final = "\\N"
COLUMNS: Final = (
    "id, user_id, oauth_consumer_key, lis_result_sourcedid, lis_outcome_service_url, is_correct, attempt_type, "
    "created_at, course, task"
)
CREATE: Final = """
    CREATE TABLE IF NOT EXISTS floor_attempts (
        id UUID PRIMARY KEY, user_id TEXT, oauth_consumer_key TEXT, lis_result_sourcedid TEXT,
        lis_outcome_service_url TEXT, is_correct SMALLINT, attempt_type TEXT, created_at TIMESTAMPTZ, course TEXT,
        task TEXT
    );
    CREATE INDEX IF NOT EXISTS floor_attempts_created_at ON floor_attempts (created_at);
    CREATE TABLE IF NOT EXISTS floor_metrics (
        day DATE PRIMARY KEY, attempts INTEGER, successful_attempts INTEGER, unique_users INTEGER
    );
    CREATE TEMPORARY TABLE IF NOT EXISTS floor_staged (LIKE floor_attempts) ON COMMIT DELETE ROWS
"""
UPSERT: Final = f"""
    INSERT INTO floor_attempts ({COLUMNS}) SELECT {COLUMNS} FROM floor_staged ON CONFLICT (id) DO UPDATE SET
        user_id = excluded.user_id, oauth_consumer_key = excluded.oauth_consumer_key,
        lis_result_sourcedid = excluded.lis_result_sourcedid, is_correct = excluded.is_correct,
        lis_outcome_service_url = excluded.lis_outcome_service_url, attempt_type = excluded.attempt_type,
        created_at = excluded.created_at, course = excluded.course, task = excluded.task
"""
FIGURES: Final = """
    INSERT INTO floor_metrics
    SELECT %(day)s, count(*), count(*) FILTER (WHERE is_correct = 1), count(DISTINCT user_id)
    FROM floor_attempts WHERE created_at >= %(day)s AND created_at < %(day)s + interval '1 day'
    ON CONFLICT (day) DO UPDATE SET attempts = excluded.attempts,
        successful_attempts = excluded.successful_attempts, unique_users = excluded.unique_users
"""


@lru_cache(maxsize=16_384)
def parse(text: str) -> tuple[str, str]:
    """The columns that the LTI parameters give, as COPY takes them: those before the verdict, those after the time."""
    parameters = ast.literal_eval(text)
    sourced_id = parameters["lis_result_sourcedid"]
    course, _, rest = sourced_id.rpartition(":")[0].partition(":")[2].partition(":")
    before = f"{parameters['oauth_consumer_key']}\t{sourced_id}\t{parameters.get('lis_outcome_service_url', NULL)}"
    return before, f"course-v1:{course}\t{rest.rpartition('-')[2]}"


def process(connection: Any, text: str, day: date) -> None:
    """Takes one day's answer to the database, and computes the day's figures."""
    lines = []
    for record in orjson.loads(text):
        before, after = parse(record["passback_params"])
        user, moment, kind, verdict = (
            record["lti_user_id"], record["created_at"], record["attempt_type"], record["is_correct"]
        )  # fmt: skip
        identity = hashlib.md5(f"{user} {moment} {kind} {before}".encode(), usedforsecurity=False).hexdigest()
        verdict = NULL if verdict is None else verdict
        lines.append(f"{identity}\t{user}\t{before}\t{verdict}\t{kind}\t{moment}\t{after}\n")
    with connection, connection.cursor() as cursor:
        cursor.execute(CREATE)
        cursor.copy_expert(f"COPY floor_staged ({COLUMNS}) FROM STDIN", io.StringIO("".join(lines)))
        cursor.execute(UPSERT)
        cursor.execute(FIGURES, {"day": day})
