"""Load: one window into PostgreSQL, in one transaction: attempts, rejected records and the watermark, or nothing.

Raises what `tasks.database.translate_errors` does; nothing is loaded then.
"""

import io
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import numpy as np
import pandas as pd
from sqlalchemy.engine import Engine

from schemas.attempt import Attempt, Checked
from schemas.period import Window
from schemas.summary import LoadCounts
from schemas.tables import attempts, loaded_windows, rejected_records
from tasks.database import exclusive_transaction, translate_errors

_COLUMNS: Final = Attempt._fields
_LISTED: Final = ", ".join(_COLUMNS)
_CONTENT: Final = [name for name in _COLUMNS if name != "id"]
_NULL: Final = "\\N"
_ESCAPED: Final = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}
_ESCAPES: Final = str.maketrans(_ESCAPED)

# Kept for the connection's life and emptied at each commit: one for each load would bloat the catalogue.
_STAGE: Final = f"CREATE TEMPORARY TABLE IF NOT EXISTS staged (LIKE {attempts.name}) ON COMMIT DELETE ROWS"
_UPSERT: Final = f"""
    WITH written AS (
        INSERT INTO {attempts.name} AS kept ({_LISTED}) SELECT {_LISTED} FROM staged
        ON CONFLICT (id) DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in _CONTENT)}
        WHERE ({", ".join(f"kept.{name}" for name in _CONTENT)})
              IS DISTINCT FROM ({", ".join(f"excluded.{name}" for name in _CONTENT)})
        RETURNING kept.xmax = 0 AS is_new
    )
    SELECT count(*) FILTER (WHERE is_new), count(*) FILTER (WHERE NOT is_new) FROM written
"""
_INSERT_MISSING: Final = (
    f"INSERT INTO {attempts.name} ({_LISTED}) SELECT {_LISTED} FROM staged ON CONFLICT (id) DO NOTHING"
)
# A record that came back valid leaves the rejected: those of this window are replaced by what it holds now, and an
# attempt loaded here is no longer outside of another window. The row of this window replaces those of its parts.
_FORGET: Final = f"""
    DELETE FROM {rejected_records.name}
    WHERE window_start >= %(start)s AND window_end <= %(end)s OR attempt_id IN (SELECT id FROM staged);
    DELETE FROM {loaded_windows.name} WHERE window_start >= %(start)s AND window_end <= %(end)s
"""
# A record outside the window that its own window has loaded is not missing anywhere.
_KEEP_REJECTED: Final = f"""
    INSERT INTO {rejected_records.name} (window_start, window_end, record_id, attempt_id, reasons, record)
    SELECT %(start)s, %(end)s, %(record_id)s, %(attempt_id)s, %(reasons)s, %(record)s
    WHERE %(conflicting)s OR NOT EXISTS (SELECT FROM {attempts.name} WHERE id = %(attempt_id)s)
"""


def load_window(
    engine: Engine, window: Window, checked: Checked, flow_run_id: str | None, loaded_at: datetime
) -> LoadCounts:
    """Loads one window, and says what became of its records; loading it again changes nothing.

    Args:
        flow_run_id: the Prefect flow run that does it, for the record.
        loaded_at: when, aware.
    """
    span = {"start": window.start, "end": window.end}
    with translate_errors(engine), exclusive_transaction(engine) as connection:
        driver: Any = connection.connection.dbapi_connection
        with driver.cursor() as cursor:
            _copy_to_stage(cursor, checked.accepted)
            cursor.execute(f"{_FORGET}; {_UPSERT}", span)
            counts = _count(checked, *cursor.fetchone())
            for record in checked.rejected:
                conflicting = "inside the window" not in record.reasons
                cursor.execute(
                    _KEEP_REJECTED,
                    span | record._asdict() | {"reasons": list(record.reasons), "conflicting": conflicting},
                )
        watermark = {
            "window_start": window.start,
            "window_end": window.end,
            **asdict(counts),
            "checks": [asdict(result) for result in checked.results],
            "flow_run_id": flow_run_id and UUID(flow_run_id),
            "loaded_at": loaded_at,
            "figures_due": True,
        }
        connection.execute(loaded_windows.insert(), watermark)
    return counts


def load_missing(engine: Engine, rows: pd.DataFrame) -> int:
    """Loads attempts that no window brought, each id once, and says how many were not there yet.

    What is there already stays as it is: it was fetched.
    """
    with translate_errors(engine), exclusive_transaction(engine) as connection:
        driver: Any = connection.connection.dbapi_connection
        with driver.cursor() as cursor:
            _copy_to_stage(cursor, rows)
            cursor.execute(_INSERT_MISSING)
            return int(cursor.rowcount)


def _copy_to_stage(cursor: Any, rows: pd.DataFrame) -> None:
    cursor.execute(_STAGE)
    cursor.copy_expert(f"COPY staged ({_LISTED}) FROM STDIN", io.StringIO(to_copy_text(rows)))


def to_copy_text(rows: pd.DataFrame) -> str:
    """A frame of attempts in PostgreSQL's COPY text format."""
    columns = [_to_texts(rows[name]) for name in _COLUMNS]
    for number, column in enumerate(columns):
        # Hardly any holds one of the characters that COPY wants escaped, so they are looked for in all of it at once.
        together = "".join(filter(None, column))
        if any(character in together for character in _ESCAPED):
            columns[number] = [text and text.translate(_ESCAPES) for text in column]
    fields = ([_NULL if text is None else text for text in column] for column in columns)
    return "\n".join([*map("\t".join, zip(*fields, strict=True)), ""])


def _to_texts(column: "pd.Series[Any]") -> list[str | None]:
    if column.name == "created_at":
        return list(np.datetime_as_string(column.to_numpy("datetime64[us]"), timezone="UTC").tolist())
    if column.name == "is_correct":
        return [None if verdict is None else str(verdict) for verdict in column]
    return list(column.tolist())


def _count(checked: Checked, new: int, changed: int) -> LoadCounts:
    return LoadCounts(
        fetched=len(checked.accepted) + len(checked.rejected) + checked.duplicates,
        new=new,
        changed=changed,
        unchanged=len(checked.accepted) - new - changed,
        rejected=len(checked.rejected),
        duplicates=checked.duplicates,
        warnings=checked.warnings,
    )
