"""The data path for one month, day by day, without the API and without Prefect: ours, the floor's, the script's."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import text

from tests.benchmarks import floor, ours, script
from tests.benchmarks.measure import Ratio, alternate, at_least, at_most
from tests.benchmarks.records import NOW, DayOfRecords, month
from tests.fixtures.pipelines import Pipelines

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

ROUNDS: Final = 5
TABLES: Final = (
    "attempts", "rejected_records", "loaded_windows", "daily_metrics", "script_attempts", "floor_attempts",
    "floor_metrics",
)  # fmt: skip


def compare(pipelines: Pipelines) -> Iterator[Ratio]:
    """Measures the three ways on the same records and the same database."""
    days = month()
    with pipelines.make().engine() as engine:
        with _connection(engine) as connection, connection, connection.cursor() as cursor:
            cursor.execute(script.CREATE)
            cursor.execute(floor.CREATE)
        taken = alternate(
            {
                "ours": lambda: _run_ours(engine, days),
                "floor": lambda: _run_floor(engine, days),
                "script": lambda: _run_script(engine, days),
            },
            ROUNDS,
            before=lambda _: _empty(engine),
        )
    details = ", ".join(f"{name} {seconds:.2f} s" for name, seconds in taken.items())
    yield at_most("data path of a month: ours / floor", taken["ours"] / taken["floor"], 1.6, details)
    yield at_least("data path of a month: script / ours", taken["script"] / taken["ours"], 2.0, details)


def _run_ours(engine: "Engine", days: list[DayOfRecords]) -> None:
    for day in days:
        ours.process(engine, day.text, day.window, NOW)


def _run_floor(engine: "Engine", days: list[DayOfRecords]) -> None:
    floor.parse.cache_clear()
    with _connection(engine) as connection:
        for day in days:
            floor.process(connection, day.text, day.day)


def _run_script(engine: "Engine", days: list[DayOfRecords]) -> None:
    with _connection(engine) as connection:
        for day in days:
            script.process(connection, json.loads(day.text))


@contextmanager
def _connection(engine: "Engine") -> Iterator[Any]:
    """The driver's own connection."""
    pooled = engine.raw_connection()
    try:
        yield pooled.dbapi_connection
    finally:
        pooled.close()


def _empty(engine: "Engine") -> None:
    with engine.begin() as connection:
        connection.execute(text(f"TRUNCATE {', '.join(TABLES)}"))
