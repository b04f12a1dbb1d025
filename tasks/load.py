"""Load: one window into PostgreSQL, in one transaction: attempts, rejected records and the watermark, or nothing."""

import io
import json
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from schemas.attempt import Attempt, Checked
from schemas.period import Window
from schemas.summary import LoadCounts
from schemas.tables import attempts, loaded_windows, rejected_records
from tasks.database import explained, writing

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

_COLUMNS: Final = ", ".join(Attempt._fields)
_CONTENT: Final = [name for name in Attempt._fields if name != "id"]
_NULL: Final = "\\N"
_ESCAPES: Final = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})

# Kept for the connection's life and emptied at each commit: one for each load would bloat the catalogue.
_STAGE: Final = f"CREATE TEMPORARY TABLE IF NOT EXISTS staged (LIKE {attempts.name}) ON COMMIT DELETE ROWS"
_COPY: Final = f"COPY staged ({_COLUMNS}) FROM STDIN"
_UPSERT: Final = f"""
    WITH written AS (
        INSERT INTO {attempts.name} AS kept ({_COLUMNS}) SELECT {_COLUMNS} FROM staged
        ON CONFLICT (id) DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in _CONTENT)}
        WHERE ({", ".join(f"kept.{name}" for name in _CONTENT)})
              IS DISTINCT FROM ({", ".join(f"excluded.{name}" for name in _CONTENT)})
        RETURNING kept.xmax = 0 AS is_new
    )
    SELECT count(*) FILTER (WHERE is_new), count(*) FILTER (WHERE NOT is_new) FROM written
"""
_INSERT_MISSING: Final = f"""
    WITH written AS (
        INSERT INTO {attempts.name} ({_COLUMNS}) SELECT {_COLUMNS} FROM staged ON CONFLICT (id) DO NOTHING RETURNING id
    )
    SELECT count(*) FROM written
"""
# A record that came back valid leaves the rejected: those of this window are replaced by what it holds now, and an
# attempt loaded here is no longer outside of another window.
_FORGET_REJECTED: Final = f"""
    DELETE FROM {rejected_records.name}
    WHERE window_start >= %(start)s AND window_end <= %(end)s OR attempt_id IN (SELECT id FROM staged)
"""
# A record outside the window that its own window has loaded is not missing anywhere.
_KEEP_REJECTED: Final = f"""
    INSERT INTO {rejected_records.name} (window_start, window_end, record_id, attempt_id, reasons, record)
    SELECT %(start)s, %(end)s, %(record_id)s, %(attempt_id)s, %(reasons)s, %(record)s
    WHERE %(conflicting)s OR NOT EXISTS (SELECT FROM {attempts.name} WHERE id = %(attempt_id)s)
"""
_FORGET_PARTS: Final = f"DELETE FROM {loaded_windows.name} WHERE window_start >= %(start)s AND window_end <= %(end)s"
_MARK_LOADED: Final = f"""
    INSERT INTO {loaded_windows.name} (
        window_start, window_end, fetched, new, changed, unchanged, rejected, duplicates, warnings, checks,
        flow_run_id, loaded_at, figures_due
    ) VALUES (
        %(start)s, %(end)s, %(fetched)s, %(new)s, %(changed)s, %(unchanged)s, %(rejected)s, %(duplicates)s,
        %(warnings)s, %(checks)s, %(flow_run_id)s, %(loaded_at)s, true
    )
"""


def load_window(
    engine: "Engine", window: Window, checked: Checked, flow_run_id: str | None, loaded_at: datetime
) -> LoadCounts:
    """Loads one window; loading it again changes nothing.

    Args:
        flow_run_id: the Prefect flow run that does it, for the record.
        loaded_at: when, aware.

    Returns:
        What became of the window's records.

    Raises:
        TransientError, PermanentError: see `tasks.database.explained`; nothing was loaded.
    """
    span = {"start": window.start, "end": window.end}
    with explained(engine), writing(engine) as connection:
        driver: Any = connection.connection.dbapi_connection
        with driver.cursor() as cursor:
            _stage(cursor, checked.accepted)
            cursor.execute(_UPSERT)
            new, changed = cursor.fetchone()
            counts = _count(checked, new, changed)
            cursor.execute(_FORGET_REJECTED, span)
            for record in checked.rejected:
                conflicting = "inside the window" not in record.reasons
                cursor.execute(
                    _KEEP_REJECTED,
                    span | record._asdict() | {"reasons": list(record.reasons), "conflicting": conflicting},
                )
            cursor.execute(_FORGET_PARTS, span)
            checks = json.dumps([asdict(result) for result in checked.results])
            cursor.execute(
                _MARK_LOADED,
                span | asdict(counts) | {"checks": checks, "flow_run_id": flow_run_id, "loaded_at": loaded_at},
            )
    return counts


def load_missing(engine: "Engine", rows: Iterable[Attempt]) -> int:
    """Loads attempts that no window brought, in one transaction. What is there already stays as it is: it was fetched.

    Args:
        rows: each id once.

    Returns:
        How many were not there yet.

    Raises:
        TransientError, PermanentError: see `tasks.database.explained`; nothing was loaded.
    """
    with explained(engine), writing(engine) as connection:
        driver: Any = connection.connection.dbapi_connection
        with driver.cursor() as cursor:
            _stage(cursor, rows)
            cursor.execute(_INSERT_MISSING)
            (new,) = cursor.fetchone()
    return int(new)


def _stage(cursor: Any, rows: Iterable[Attempt]) -> None:
    cursor.execute(_STAGE)
    cursor.copy_expert(_COPY, io.StringIO(to_copy_text(rows)))


def to_copy_text(rows: Iterable[Attempt]) -> str:
    """Rows in PostgreSQL's COPY text format."""
    return "".join(map(_to_copy_line, rows))


def _to_copy_line(row: Attempt) -> str:
    line = "\t".join([_NULL if value is None else value if type(value) is str else str(value) for value in row])
    # Hardly any row holds one of the characters that COPY wants escaped, so they are looked for in all of it at once.
    if line.count("\t") > len(row) - 1 or line.count("\\") > row.count(None) or "\n" in line or "\r" in line:
        line = "\t".join(_NULL if value is None else str(value).translate(_ESCAPES) for value in row)
    return f"{line}\n"


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
