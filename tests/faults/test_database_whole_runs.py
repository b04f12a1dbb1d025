"""Whole runs whose database goes away under them: they end as others do, or the next one makes up for it."""

from collections.abc import Iterator

import pytest

from tests.faults import fault
from tests.faults.database_servers import OwnServer, own_server
from tests.faults.gate import Trip
from tests.faults.gated import FIRST, LAST, Gated, Left, fresh_database, gated, two_days
from tests.faults.killing import assert_nothing_half_loaded


@pytest.fixture(scope="module")
def server() -> Iterator[OwnServer]:
    with own_server() as server:
        yield server


@pytest.fixture(scope="module")
def untouched(prefect_server: str, server: OwnServer) -> Left:
    """What a run leaves that nothing happened to."""
    with fresh_database(server.connector, "untouched") as database, gated(prefect_server, database, two_days()) as run:
        state = run.pipeline.run(FIRST, LAST)
        assert state.is_completed(), state.message
        return run.left()


@pytest.fixture
def run(prefect_server: str, server: OwnServer) -> Iterator[Gated]:
    with fresh_database(server.connector, "struck") as database, gated(prefect_server, database, two_days()) as run:
        yield run


@pytest.mark.stress
@fault(
    "database",
    "the server restarts in the middle of a run's `COPY`, and again while the figures are computed",
    "the run itself tries again, and leaves tables and sheet as if nothing had happened",
)
def test_a_run_outlives_restarts(run: Gated, server: OwnServer, untouched: Left) -> None:
    gate = run.gate("database")
    second = Trip(server.restart, 1, lambda step: step.startswith("INSERT INTO daily_metrics"))

    def restart_now_and_later() -> None:
        gate.trip = second
        server.restart()

    gate.trip = Trip(restart_now_and_later, 4, "copied data".__eq__, "halfway")
    state = run.pipeline.run(FIRST, LAST)
    assert second.happened.is_set()
    assert state.is_completed(), state.message
    assert run.left() == untouched


@pytest.mark.slow
@fault(
    "database",
    "the connection is cut while the figures are read for the sheet",
    "read again by the same run; the sheet is as if nothing had happened",
)
def test_figures_that_cannot_be_read_are_read_again(run: Gated, untouched: Left) -> None:
    trip = run.gate("database").trip = Trip(lambda: None, 2, lambda step: step.startswith("SELECT day, attempts"))
    state = run.pipeline.run(FIRST, LAST)
    assert trip.happened.is_set()
    assert state.is_completed(), state.message
    assert run.left() == untouched


@pytest.mark.stress
@fault(
    "database",
    "the database goes away in the middle of a run, and stays away",
    "the run fails with one line; what is loaded stays, the sheet is left as it is, and the next run completes both",
)
def test_a_database_that_stays_away_costs_nothing(run: Gated, untouched: Left) -> None:
    gate = run.gate("database")
    gate.trip = Trip(gate.close, 3, lambda step: step.startswith("INSERT INTO loaded_windows"), "answered")
    state = run.pipeline.run(FIRST, LAST)
    assert state.is_failed()
    assert "load failed: database" in str(state.message)
    assert len(str(state.message).splitlines()) == 1
    assert_nothing_half_loaded(run)
    assert not run.world.sheets.requests
    gate.open()
    state = run.pipeline.run(FIRST, LAST)
    assert state.is_completed(), state.message
    assert run.left() == untouched
