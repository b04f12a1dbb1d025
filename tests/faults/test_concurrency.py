"""Runs that get in each other's way, in processes of their own: the tables are a serial run's."""

from typing import Final

import pytest

from tests.faults import fault
from tests.faults.days import lasting, whole_days
from tests.fixtures.pipelines import Pipeline, Pipelines
from tests.sandbox.world import SPREADSHEET_ID

RANGES: Final = ((1, 5), (3, 8), (2, 7), (6, 10))
"""Days of April, from and to: each overlaps two others or three."""
DEADLOCKS: Final = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"


@pytest.mark.stress
@fault(
    "concurrency", "four runs over overlapping ranges at once, from nothing", "the tables are those of one serial run"
)
def test_four_runs_at_once_leave_what_one_would(pipelines: Pipelines) -> None:
    serial, crowded = (pipelines.make(whole_days(10)) for _ in range(2))
    serial.set_up()
    assert serial.run("2023-04-01", "2023-04-10").is_completed()
    crowded.set_up()

    for process in [crowded.start(f"2023-04-{first:02}", f"2023-04-{last:02}") for first, last in RANGES]:
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
