"""Records on their way into a database, and what is found there afterwards."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Engine, text

from schemas.period import Window
from schemas.record import Record
from schemas.summary import LoadCounts
from tasks.check import check
from tasks.load import load_window
from tasks.transform import transform
from tests.fixtures.records import NOW, WINDOW

FLOW_RUN: Final = "0192f0c4-6d2e-7a9b-8f31-5f6f0c1d2e3a"
LOADED: Final = (
    "attempts",
    "rejected_records",
    "loaded_windows",
    "daily_metrics",
    "student_task_days",
    "task_titles",
    "anomalies",
)


def load(
    engine: Engine,
    records: Sequence[Record],
    window: Window = WINDOW,
    *,
    now: datetime = NOW,
    run: str | None = FLOW_RUN,
) -> LoadCounts:
    """Takes one window's records through every step up to the database."""
    return load_window(engine, window, check(records, transform(records), window, now), run, now)


def span(start: str, end: str) -> Window:
    """A window between two moments, in UTC, such as `2023-05-31 06:00`."""
    return Window(datetime.fromisoformat(start).replace(tzinfo=UTC), datetime.fromisoformat(end).replace(tzinfo=UTC))


def rows(engine: Engine, query: str, **parameters: object) -> list[Any]:
    """The rows of a query, as tuples whose fields have names as well."""
    with engine.connect() as connection:
        return list(connection.execute(text(query), parameters))


def column(engine: Engine, query: str, **parameters: object) -> list[Any]:
    """The first column of a query's rows."""
    return [row[0] for row in rows(engine, query, **parameters)]


def do(engine: Engine, *statements: str) -> None:
    """Runs statements in one transaction."""
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


def contents(engine: Engine, *tables: str) -> dict[str, list[str]]:
    """Tables as text, every column of every row, in an order of their own."""
    return {table: column(engine, f"SELECT t::text FROM {table} AS t ORDER BY 1") for table in tables}


def versions(engine: Engine, table: str = "attempts") -> list[str]:
    """Which transaction wrote each row, and where it lies: unchanged only as long as nobody touches the row."""
    return column(engine, f"SELECT (xmin, ctid, t)::text FROM {table} AS t ORDER BY 1")


def empty_all(engine: Engine) -> None:
    """Leaves nothing but the schema."""
    do(engine, f"TRUNCATE {', '.join(LOADED)}")


def in_pieces(records: Iterable[Record], windows: Iterable[Window]) -> list[tuple[Window, list[Record]]]:
    """What the API answers for each window, should it take both ends as inclusive."""
    known = list(records)
    return [(window, [one for one in known if window.start <= moment_of(one) <= window.end]) for window in windows]


def moment_of(one: Record) -> datetime:
    """When it was, of a record that says it as the API usually does."""
    return datetime.fromisoformat(one["created_at"]).replace(tzinfo=UTC)
