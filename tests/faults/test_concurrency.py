"""Runs and loaders that get in each other's way, in processes of their own: the tables are a serial run's."""

import multiprocessing
import random
from concurrent.futures import ProcessPoolExecutor
from typing import TYPE_CHECKING, Any, Final

import pytest
from sqlalchemy import Engine

from tests.faults import fault
from tests.faults.days import lasting, whole_days
from tests.fixtures.pipelines import Pipeline, Pipelines
from tests.fixtures.records import record
from tests.integration.loading import column, empty_all, load, span
from tests.sandbox.world import SPREADSHEET_ID

if TYPE_CHECKING:
    from prefect_sqlalchemy import SqlAlchemyConnector

pytestmark = pytest.mark.stress

LOADERS: Final = 8
DAY: Final = whole_days(1)
HOURS: Final = [span(f"2023-04-01 {hour:02}:00", f"2023-04-01 {hour + 1:02}:00") for hour in range(23)]
RANGES: Final = ((1, 5), (3, 8), (2, 7), (6, 10))
"""Days of April, from and to: each overlaps two others or three."""
DEADLOCKS: Final = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"


def load_all(engine: Engine, loader: int, *, backwards: bool = False, together: Any = None) -> int:
    """Loads hour after hour, in an order of its own within each, and when the others do; how many attempts were new."""
    new = 0
    for hour in HOURS[::-1] if backwards else HOURS:
        # Also one on the hour, and one on the next, which is outside.
        on_the_hour = [record(created_at=f"{moment:%Y-%m-%d %H:%M:%S}") for moment in (hour.start, hour.end)]
        records: list[Any] = [*DAY.between(hour.start, hour.end), *on_the_hour]
        random.Random(loader).shuffle(records)
        if together:
            together.wait(60)
        counts = load(engine, records, hour)
        assert counts.changed == 0
        new += counts.new
    return new


def load_as_one_of_many(components: dict[str, Any], loader: int, backwards: bool, together: Any) -> int:
    """In a process of its own."""
    from prefect_sqlalchemy import ConnectionComponents, SqlAlchemyConnector

    from tasks.database import open_engine

    engine = open_engine(SqlAlchemyConnector(connection_info=ConnectionComponents(**components)))
    try:
        return load_all(engine, loader, backwards=backwards, together=together)
    finally:
        engine.dispose()


@pytest.mark.parametrize(
    "opposed",
    [
        pytest.param(opposed, id=what, marks=fault("concurrency", f"eight processes load {what}", "once; no deadlock"))
        for what, opposed in {"one window at once": False, "windows in opposite orders": True}.items()
    ],
)
def test_eight_processes_load_what_one_would(connector: "SqlAlchemyConnector", engine: Engine, opposed: bool) -> None:
    info: Any = connector.connection_info
    components = {name: getattr(info, name) for name in ("driver", "username", "database", "host", "port")}
    new = load_all(engine, 0)
    alone = lasting(engine)
    empty_all(engine)

    spawn = multiprocessing.get_context("spawn")
    with spawn.Manager() as manager, ProcessPoolExecutor(LOADERS, mp_context=spawn) as pool:
        together = manager.Barrier(LOADERS)
        running = [
            pool.submit(load_as_one_of_many, components, loader, opposed and loader % 2 == 1, together)
            for loader in range(LOADERS)
        ]
        assert sum(one.result(600) for one in running) == new > 0

    assert lasting(engine) == alone
    assert column(engine, DEADLOCKS) == [0]


@fault(
    "concurrency", "four runs over overlapping ranges at once, from nothing", "the tables are those of one serial run"
)
def test_four_runs_at_once_leave_what_one_would(pipelines: Pipelines) -> None:
    serial, crowded = (pipelines.make(whole_days(10)) for _ in range(2))
    serial.set_up()
    assert serial.run("2023-04-01", "2023-04-10").is_completed()
    crowded.set_up()

    running = [crowded.start(f"2023-04-{first:02}", f"2023-04-{last:02}") for first, last in RANGES]
    for process in running:
        output, _ = process.communicate(timeout=600)
        assert process.returncode == 0, output

    assert tables(crowded) == tables(serial)
    assert crowded.rows(DEADLOCKS) == [(0,)]
    # The sheet is a copy: the next run brings it up to date, whichever of the four wrote last.
    assert crowded.run("2023-04-01", "2023-04-10").is_completed()
    assert crowded.world.sheets.cells(SPREADSHEET_ID, "RawData") == serial.world.sheets.cells(SPREADSHEET_ID, "RawData")


def tables(pipeline: Pipeline) -> dict[str, list[str]]:
    with pipeline.engine() as engine:
        return lasting(engine)
