"""The data path of a month, without the API: ours, the floor's, the script's; and what Prefect adds to ours."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import text

from schemas.period import Window, days_between
from tasks.check import check
from tasks.figures import compute_figures
from tasks.grader_api import parse_records
from tasks.load import load_window
from tasks.transform import transform
from tests.benchmarks import floor, script
from tests.benchmarks.measure import Ratio, alternate, at_least, at_most
from tests.benchmarks.plain import without_learning
from tests.benchmarks.records import FIRST_DAY, NOW, month, source_of
from tests.fixtures.pipelines import Pipelines

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

UTC_ZONE: Final = ZoneInfo("UTC")
DAYS: Final = 30
WINDOWS: Final = 4 * DAYS
ALLOWED: Final = 0.080 * WINDOWS + 3
TABLES: Final = (
    "attempts", "rejected_records", "loaded_windows", "daily_metrics", "script_attempts", "floor_attempts",
    "floor_metrics", "student_task_days", "anomalies",
)  # fmt: skip


def compare(pipelines: Pipelines) -> Iterator[Ratio]:
    """Measures the three ways, day by day, on the same records and the same database."""
    days = month(DAYS)
    with pipelines.make().engine() as engine:

        def by_driver(process: Callable[..., object], *answers: tuple[Any, ...]) -> None:
            with connection_of(engine) as connection:
                for answer in answers:
                    process(connection, *answer)

        def run_ours() -> None:
            # Neither the floor nor the script has learning figures; what these cost has rows of its own.
            with without_learning():
                for day in days:
                    process(engine, day.text, day.window)

        def run_floor() -> None:
            floor.parse.cache_clear()
            by_driver(floor.process, *((day.text, day.day) for day in days))

        def empty(_: str) -> None:
            with engine.begin() as connection:
                connection.execute(text(f"TRUNCATE {', '.join(TABLES)}"))

        with connection_of(engine) as connection, connection, connection.cursor() as cursor:
            cursor.execute(script.CREATE)
            cursor.execute(floor.CREATE)
        ways: dict[str, Callable[[], object]] = {
            "ours": run_ours,
            "floor": run_floor,
            "script": lambda: by_driver(script.process, *((json.loads(day.text),) for day in days)),
        }
        taken = alternate(ways, rounds=5, before=empty)
    details = ", ".join(f"{name} {seconds:.2f} s" for name, seconds in taken.items())
    yield at_most("data path of a month: ours / floor", taken["ours"] / taken["floor"], 1.6, details)
    yield at_least("data path of a month: script / ours", taken["script"] / taken["ours"], 2.0, details)


def compare_share(pipelines: Pipelines) -> Iterator[Ratio]:
    """Measures the flow in this process, without publishing, and the data path of the same windows alone."""
    days = month(DAYS)
    warm, measured, bare = (pipelines.make(source_of(days)) for _ in range(3))
    warm.run(str(FIRST_DAY), publish=False)
    measured.set_up()
    started = time.perf_counter()
    state = measured.run(str(FIRST_DAY), str(FIRST_DAY + timedelta(days=DAYS - 1)), publish=False)
    whole = time.perf_counter() - started
    assert state.is_completed(), state.message
    with bare.engine() as engine:
        started = time.perf_counter()
        for day in days:
            for hour in range(0, 24, 6):
                start = day.window.start + timedelta(hours=hour)
                window = Window(start, start + timedelta(hours=6))
                process(engine, day.text_between(window), window)
        alone = time.perf_counter() - started
    share = whole - alone
    details = f"whole {whole:.1f} s, data path alone {alone:.1f} s, share {1000 * share / WINDOWS:.0f} ms a window"
    yield at_most(f"Prefect's share of {WINDOWS} windows / what is allowed", share / ALLOWED, 1, details)


def process(engine: "Engine", answer: str, window: Window) -> None:
    """The pipeline's own way from one window's answer to the figures of its days."""
    records = parse_records(answer)
    load_window(engine, window, check(records, transform(records), window, NOW), None, NOW)
    compute_figures(engine, list(days_between(window.start, window.end, UTC_ZONE)), UTC_ZONE)


@contextmanager
def connection_of(engine: "Engine") -> Iterator[Any]:
    """The driver's own connection."""
    pooled = engine.raw_connection()
    try:
        yield pooled.dbapi_connection
    finally:
        pooled.close()
