"""Legacy: the earlier script's table `user_config`, read back into the records from which that script made it.

Of a record that can be trusted the table holds all that matters, so transform and check give its row the identity, the
course and the task that they will give the record, should the API be asked for it once more. What is read raises what
`tasks.database.translate_errors` does.
"""

from collections.abc import Iterator
from itertools import groupby
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.engine import Engine, Row

from schemas.record import Record
from tasks.database import read_rows, translate_errors

TABLE: Final = "user_config"
FETCHED_ROWS: Final = 1_000

_IS_TABLE: Final = f"SELECT relkind IN ('r', 'p') FROM pg_class WHERE oid = to_regclass('{TABLE}')"
_LTI_PARAMETERS: Final = ("oauth_consumer_key", "lis_result_sourcedid", "lis_outcome_service_url")
_COLUMNS: Final = ("id", "user_id", *_LTI_PARAMETERS, "is_correct", "attempt_type", "created_at")
# The driver cannot read times outside of Python's calendar, infinity among them.
_READ: Final = f"""
    SELECT
        {", ".join(_COLUMNS[:-1])},
        CASE WHEN created_at BETWEEN '0001-01-01' AND '9999-12-31 23:59:59.999999' THEN created_at END AS created_at
    FROM {TABLE}
    ORDER BY created_at
"""


def has_table(engine: Engine) -> bool:
    """Whether the earlier script's table is there; a view of that name is ours."""
    return (True,) in read_rows(engine, _IS_TABLE, {})


def read_days(engine: Engine) -> Iterator[list[Record]]:
    """Reads the whole table a day at a time, so that all rows of one attempt come together; those without a time last.

    It is read through a cursor of the server's, so that memory holds no more than that.
    """
    with translate_errors(engine), engine.connect() as connection:
        found = connection.execution_options(yield_per=FETCHED_ROWS).execute(text(_READ))
        for _, rows in groupby(found, key=lambda row: row.created_at and row.created_at.date()):
            yield list(map(_to_record, rows))


def _to_record(row: Row[Any]) -> Record:
    # The script wrote what pandas made of null: NaN, also as text.
    found = {name: None if str(value) in ("NaN", "nan") else value for name, value in row._mapping.items()}
    return {
        "id": found["id"],
        "lti_user_id": found["user_id"],
        "passback_params": {name: found[name] for name in _LTI_PARAMETERS},
        "is_correct": found["is_correct"],
        "attempt_type": found["attempt_type"],
        "created_at": found["created_at"] and found["created_at"].isoformat(" "),
    }
