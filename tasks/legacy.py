"""Legacy: the earlier script's table `user_config`, read back into the records from which that script made it.

Of a record that can be trusted the table holds all that matters, so transform and check give its row the identity, the
course and the task that they will give the record, should the API be asked for it once more. What is read raises what
`tasks.database.translate_errors` does.
"""

from collections.abc import Iterator
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.engine import Engine, Row

from schemas.record import Record
from tasks.database import read_rows, translate_errors
from tasks.errors import PermanentError

TABLE: Final = "user_config"

_IS_TABLE: Final = f"SELECT relkind IN ('r', 'p') FROM pg_class WHERE oid = to_regclass('{TABLE}')"
# The script wrote what pandas made of null: 'NaN', also as text. The driver cannot read times outside of Python's
# calendar, infinity among them. Rows of one attempt come one after the other, so that one batch holds them all.
_READ: Final = f"""
    SELECT
        CASE WHEN created_at BETWEEN '0001-01-01' AND '9999-12-31 23:59:59.999999' THEN created_at END AS created_at,
        NULLIF(user_id, 'NaN') AS user_id,
        NULLIF(attempt_type, 'NaN') AS attempt_type,
        NULLIF(lis_result_sourcedid, 'NaN') AS lis_result_sourcedid,
        NULLIF(oauth_consumer_key, 'NaN') AS oauth_consumer_key,
        NULLIF(lis_outcome_service_url, 'NaN') AS lis_outcome_service_url,
        NULLIF(is_correct, 'NaN') AS is_correct,
        id
    FROM {TABLE}
    ORDER BY 1, 2, 3, 4
"""
_IDENTITY: Final = slice(4)
_LTI_PARAMETERS: Final = ("oauth_consumer_key", "lis_result_sourcedid", "lis_outcome_service_url")
_COLUMNS: Final = ("id", "user_id", *_LTI_PARAMETERS, "is_correct", "attempt_type", "created_at")
_FIND_COLUMNS: Final = f"""
    SELECT attname FROM pg_attribute WHERE attrelid = to_regclass('{TABLE}') AND attnum > 0 AND NOT attisdropped
"""


def has_table(engine: Engine) -> bool:
    """Whether the earlier script's table is there; a view of that name is ours."""
    return (True,) in read_rows(engine, _IS_TABLE, {})


def read_batches(engine: Engine, rows: int) -> Iterator[list[Record]]:
    """Reads the whole table through a cursor of the server's, so that memory holds a batch at a time.

    Args:
        rows: length of a batch; it is longer where the rows of one attempt would else be torn apart.

    Raises:
        PermanentError: also if the table lacks a column.
    """
    there = {name for (name,) in read_rows(engine, _FIND_COLUMNS, {})}
    if missing := [name for name in _COLUMNS if name not in there]:
        raise PermanentError(
            f"the table {TABLE} lacks {', '.join(missing)}, so it is not the earlier script's: add what is "
            "missing, or rename the table if it is another program's"
        )
    with translate_errors(engine), engine.connect() as connection:
        batch: list[Record] = []
        last: Any = None
        for row in connection.execution_options(yield_per=rows).execute(text(_READ)):
            # Rows without a user or a time are of no attempt.
            if len(batch) >= rows and (None in row[:2] or row[_IDENTITY] != last):
                yield batch
                batch = []
            batch.append(_to_record(row))
            last = row[_IDENTITY]
        if batch:
            yield batch


def _to_record(row: Row[Any]) -> Record:
    return {
        "id": row.id,
        "lti_user_id": row.user_id,
        "passback_params": {name: getattr(row, name) for name in _LTI_PARAMETERS},
        "is_correct": row.is_correct,
        "attempt_type": row.attempt_type,
        "created_at": None if row.created_at is None else row.created_at.isoformat(" "),
    }
