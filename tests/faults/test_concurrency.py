"""Runs and loaders that get in each other's way, in processes of their own: the tables are a serial run's."""

import multiprocessing
import random
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import pytest
from sqlalchemy import Engine

from schemas.period import Window
from schemas.record import Record
from tests.faults import fault
from tests.fixtures.pipelines import Pipeline, Pipelines
from tests.integration.loading import column, contents, empty_all, load, span
from tests.records import record, submit
from tests.sandbox.grader import RecordList
from tests.sandbox.world import SPREADSHEET_ID

if TYPE_CHECKING:
    from prefect_sqlalchemy import SqlAlchemyConnector

pytestmark = pytest.mark.stress

LOADERS: Final = 8
ROUNDS: Final = 30
LOADED: Final = ("attempts", "rejected_records")
WINDOWS_THERE: Final = """
    SELECT (window_start, window_end, fetched, new + changed + unchanged, rejected, duplicates)::text
    FROM loaded_windows ORDER BY 1
"""
DEADLOCKS: Final = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"


def hourly(number: int) -> Window:
    """One of the windows that the loaders load, an hour each."""
    first = span("2023-05-30 00:00", "2023-05-30 01:00")
    return Window(first.start + number * timedelta(hours=1), first.end + number * timedelta(hours=1))


def records_of(window: Window) -> list[Record]:
    """Usual, repeated, contradictory and bad records of a window, and one at its end, which is the next one's."""
    hour = f"{window.start:%Y-%m-%d %H}"
    return [
        *[record(lti_user_id=f"{number:032x}", created_at=f"{hour}:{number:02}:00") for number in range(1, 31)],
        *[submit(created_at=f"{hour}:31:00")] * 2,
        *[submit(created_at=f"{hour}:32:00", is_correct=verdict) for verdict in (0, 1, None, "?")],
        record(created_at=f"{hour}:33:00", lti_user_id=None),
        record(created_at=f"{window.start:%Y-%m-%d %H:%M:%S}"),
        record(created_at=f"{window.end:%Y-%m-%d %H:%M:%S}"),
    ]


def load_as_one_of_many(components: dict[str, Any], loader: int, together: Any, neighbours: bool) -> Counter[str]:
    """In a process of its own: loads window after window, each at the same time as the others do.

    Args:
        neighbours: every other loader takes the windows in reverse, so that they meet in all ways.
    """
    from prefect_sqlalchemy import ConnectionComponents, SqlAlchemyConnector

    from tasks.database import open_engine

    engine = open_engine(SqlAlchemyConnector(connection_info=ConnectionComponents(**components)))
    order = [hourly(number) for number in range(ROUNDS)]
    if neighbours and loader % 2:
        order.reverse()
    done: Counter[str] = Counter()
    try:
        for window in order:
            records = records_of(window)
            random.Random(loader).shuffle(records)
            together.wait(60)
            counts = load(engine, records, window)
            done.update(new=counts.new, changed=counts.changed, loads=1)
    finally:
        engine.dispose()
    return done


def components_of(connector: "SqlAlchemyConnector") -> dict[str, Any]:
    """How to connect, for another process."""
    info: Any = connector.connection_info
    return {name: getattr(info, name) for name in ("driver", "username", "database", "host", "port")}


@pytest.mark.parametrize(
    "neighbours",
    [
        pytest.param(
            False,
            id="the same window",
            marks=fault("concurrency", "eight processes load one window at once", "loaded once; no deadlock"),
        ),
        pytest.param(
            True,
            id="one forwards, one backwards",
            marks=fault("concurrency", "eight processes load windows in opposite orders", "loaded once; no deadlock"),
        ),
    ],
)
def test_eight_processes_load_what_one_would(
    connector: "SqlAlchemyConnector", engine: Engine, neighbours: bool
) -> None:
    for number in range(ROUNDS):
        load(engine, records_of(hourly(number)), hourly(number))
    alone, windows = contents(engine, *LOADED), column(engine, WINDOWS_THERE)
    empty_all(engine)

    spawn = multiprocessing.get_context("spawn")
    with spawn.Manager() as manager, ProcessPoolExecutor(LOADERS, mp_context=spawn) as pool:
        together = manager.Barrier(LOADERS)
        running = [
            pool.submit(load_as_one_of_many, components_of(connector), loader, together, neighbours)
            for loader in range(LOADERS)
        ]
        done: Counter[str] = sum((one.result(600) for one in running), Counter())

    assert contents(engine, *LOADED) == alone
    assert column(engine, WINDOWS_THERE) == windows
    assert done == Counter(new=len(alone["attempts"]), changed=0, loads=LOADERS * ROUNDS)
    assert column(engine, DEADLOCKS) == [0]


# --- whole runs

DAYS: Final = tuple(f"2023-05-{day:02}" for day in range(20, 30))
RANGES: Final = ((0, 4), (2, 7), (1, 6), (5, 9))
"""Days, from and to: each overlaps two others or three."""


def records_of_ten_days() -> list[Record]:
    """Enough good records that a few bad ones do not keep the figures from being published."""
    hours = [span(f"{day} {hour:02}:00", f"{day} {hour:02}:59") for day in DAYS for hour in range(0, 24, 3)]
    found = [one for window in hours for one in records_of(window)[:33]]
    bad = [submit(created_at=f"{day} 05:00:00", is_correct="?") for day in DAYS]
    return sorted([*found, *bad], key=lambda one: str(one["created_at"]))


def tables(pipeline: Pipeline) -> dict[str, list[tuple[Any, ...]]]:
    """All that is loaded, but for who loaded it and when."""
    return pipeline.contents() | {
        "rejected_records": pipeline.rows(
            "SELECT window_start, record_id, attempt_id, reasons FROM rejected_records ORDER BY 1, 2"
        ),
        "loaded_windows": pipeline.rows(WINDOWS_THERE),
    }


@fault(
    "concurrency", "four runs over overlapping ranges at once, from nothing", "the tables are those of one serial run"
)
def test_four_runs_at_once_leave_what_one_would(pipelines: Pipelines) -> None:
    serial, crowded = (pipelines.make(RecordList(records_of_ten_days())) for _ in range(2))
    serial.set_up()
    assert serial.run(DAYS[0], DAYS[-1]).is_completed()
    crowded.set_up()

    running = [crowded.start(DAYS[first], DAYS[last]) for first, last in RANGES]
    for process in running:
        output, _ = process.communicate(timeout=600)
        assert process.returncode == 0, output

    assert tables(crowded) == tables(serial)
    assert crowded.rows("SELECT count(*), count(DISTINCT id) FROM attempts")[0] == (33 * 80 - 80, 33 * 80 - 80)
    assert crowded.rows(DEADLOCKS) == [(0,)]
    # The sheet is a copy: the next run brings it up to date, whichever of the four wrote last.
    assert crowded.run(DAYS[0], DAYS[-1]).is_completed()
    assert crowded.world.sheets.cells(SPREADSHEET_ID, "RawData") == serial.world.sheets.cells(SPREADSHEET_ID, "RawData")
