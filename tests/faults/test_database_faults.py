"""The connection to the database breaks in every way: nothing is half-loaded, and the next try loads it all."""

import os
import socket
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine, text

from schemas.period import days_between
from schemas.summary import LoadCounts
from tasks.database import exclusive_transaction, open_engine, translate_errors
from tasks.errors import DatabaseUnavailableError
from tasks.figures import compute_figures, read_figures
from tests.faults import fault
from tests.faults.database_servers import OwnServer, behind, gate_before, like, own_server
from tests.faults.gate import Gate, Moment, Trip
from tests.faults.gated import LASTING
from tests.integration.loading import LOADED, column, contents, do, load
from tests.records import WINDOW, record, submit

if TYPE_CHECKING:
    from prefect_sqlalchemy import SqlAlchemyConnector

UTC_ZONE: Final = ZoneInfo("UTC")
NOTHING_HALF: Final = "nothing of the window is there; the next try leaves the tables that one load would have left"
EMPTY: Final[dict[str, list[str]]] = {table: [] for table in LOADED}
# Many enough that they are copied in several parts.
RECORDS = [
    record(lti_user_id=f"{number:032x}", created_at=f"2023-05-31 09:{number // 60:02}:{number % 60:02}.000000")
    for number in range(120)
] + [submit(), submit(), record(lti_user_id=None)]
COUNTS = LoadCounts(fetched=123, new=121, rejected=1, duplicates=1)
DAYS = list(days_between(WINDOW.start, WINDOW.end, UTC_ZONE))


@pytest.fixture
def gate(connector: "SqlAlchemyConnector") -> Iterator[Gate]:
    """A gate in front of the server of `engine`."""
    with gate_before(connector) as gate:
        yield gate


@pytest.fixture
def gated(gate: Gate, connector: "SqlAlchemyConnector") -> Iterator[Engine]:
    """Connections to the database of `engine`, through the gate."""
    gated = open_engine(behind(gate, connector))
    yield gated
    gated.dispose()


@pytest.fixture(scope="module")
def server() -> Iterator[OwnServer]:
    with own_server() as server:
        yield server


def nothing() -> None:
    """The connection is broken off all the same."""


def lasting(engine: Engine) -> dict[str, list[Any]]:
    return {table: column(engine, query) for table, query in LASTING.items()}


@pytest.fixture(scope="module")
def expected(server: OwnServer) -> dict[str, list[Any]]:
    """What one load and its figures leave where nothing goes wrong."""
    untouched = open_engine(server.connector)
    load(untouched, RECORDS)
    compute_figures(untouched, DAYS, UTC_ZONE)
    left = lasting(untouched)
    do(untouched, f"TRUNCATE {', '.join(LOADED)}")
    untouched.dispose()
    return left


def assert_told_in_one_line(failure: pytest.ExceptionInfo[BaseException], advice: str) -> None:
    assert len(str(failure.value).splitlines()) == 1
    assert advice in str(failure.value)


def assert_loaded_by_the_next_try(engine: Engine, expected: dict[str, list[Any]]) -> None:
    counts = load(engine, RECORDS)
    assert (counts.fetched, counts.loaded, counts.rejected, counts.duplicates) == (123, 121, 1, 1)
    compute_figures(engine, DAYS, UTC_ZONE)
    assert lasting(engine) == expected


# --- connections


@pytest.mark.parametrize(
    ("chosen", "number", "moment"),
    [
        pytest.param(
            "copied data", 2, "halfway",
            marks=fault("database", "the connection is cut in the middle of `COPY`", NOTHING_HALF),
        ),
        pytest.param(
            "end of copied data", 1, "answered",
            marks=fault("database", "the connection is cut after `COPY`", NOTHING_HALF),
        ),
        pytest.param(
            "INSERT INTO loaded_windows", 1, "answered",
            marks=fault("database", "the connection is cut before the last statement's answer", NOTHING_HALF),
        ),
        pytest.param(
            "COMMIT", 1, "before",
            marks=fault("database", "the connection is cut before `COMMIT`", NOTHING_HALF),
        ),
    ],
)  # fmt: skip
def test_a_connection_that_is_cut_leaves_nothing(
    gate: Gate,
    gated: Engine,
    engine: Engine,
    expected: dict[str, list[Any]],
    chosen: str,
    number: int,
    moment: Moment,
) -> None:
    trip = gate.trip = Trip(nothing, number, lambda step: step.startswith(chosen), moment)
    with pytest.raises(DatabaseUnavailableError, match="server closed the connection") as failure:
        load(gated, RECORDS)
    assert trip.happened.is_set()
    assert_told_in_one_line(failure, "see that PostgreSQL runs and can be reached, then run again")
    assert contents(engine, *LOADED) == EMPTY
    assert_loaded_by_the_next_try(gated, expected)


@fault(
    "database",
    "`COMMIT` is carried out, but its answer is lost",
    "the window is tried again, and found there: nothing is counted twice",
)
def test_a_commit_whose_answer_is_lost_counts_once(
    gate: Gate, gated: Engine, engine: Engine, expected: dict[str, list[Any]]
) -> None:
    gate.trip = Trip(nothing, 1, "COMMIT".__eq__, "answered")
    with pytest.raises(DatabaseUnavailableError):
        load(gated, RECORDS)
    assert column(engine, "SELECT count(*) FROM attempts") == [121]
    assert load(gated, RECORDS) == replace(COUNTS, new=0, unchanged=121)
    assert_loaded_by_the_next_try(gated, expected)


@fault(
    "database",
    "the connection is cut while the figures are computed",
    "the figures stand as they were, and the next try computes them",
)
@pytest.mark.parametrize(
    ("chosen", "moment"),
    [("INSERT INTO daily_metrics", "halfway"), ("UPDATE loaded", "answered"), ("COMMIT", "before")],
)
def test_figures_are_computed_whole_or_not_at_all(
    gate: Gate, gated: Engine, engine: Engine, expected: dict[str, list[Any]], chosen: str, moment: Moment
) -> None:
    load(gated, RECORDS)
    gate.trip = Trip(nothing, 1, lambda step: step.startswith(chosen), moment)
    with pytest.raises(DatabaseUnavailableError):
        compute_figures(gated, DAYS, UTC_ZONE)
    assert read_figures(engine) == ()
    assert column(engine, "SELECT figures_due FROM loaded_windows") == [True]
    compute_figures(gated, DAYS, UTC_ZONE)
    assert lasting(engine) == expected


@fault(
    "database",
    "every connection is cut while none is in use",
    "it is noticed before the next statement, and nobody else notices",
)
def test_connections_that_died_between_two_stages_are_replaced(
    gate: Gate, gated: Engine, engine: Engine, expected: dict[str, list[Any]]
) -> None:
    load(gated, RECORDS)
    gate.cut()
    compute_figures(gated, DAYS, UTC_ZONE)
    assert lasting(engine) == expected


@fault("database", "a server that takes connections and never answers", "told in one line, once its time is up")
def test_a_server_that_never_answers_is_given_up(connector: "SqlAlchemyConnector") -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent_one = like(connector, host="127.0.0.1", port=silent.getsockname()[1])
        patient = type(silent_one)(connection_info=silent_one.connection_info, connect_args={"connect_timeout": 2})
        with pytest.raises(DatabaseUnavailableError, match="timeout expired") as failure:
            open_engine(patient)
    assert_told_in_one_line(failure, "see that PostgreSQL runs")


@fault(
    "database",
    "the server's machine vanishes without a word",
    "the system is told to look for signs of life, and to give up after a minute",
)
@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="this system cannot be asked for all of it")
def test_a_silent_peer_is_looked_for(gated: Engine) -> None:
    with gated.connect() as connection:
        driver: Any = connection.connection.dbapi_connection
        with socket.socket(fileno=os.dup(driver.fileno())) as peer:
            assert peer.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            assert peer.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 30
            assert peer.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT) == 3
            assert peer.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 60_000


# --- restarts


@fault("database", "the server restarts in the middle of `COPY`", NOTHING_HALF)
def test_a_restart_in_the_middle_of_a_copy(server: OwnServer, expected: dict[str, list[Any]]) -> None:
    with gate_before(server.connector) as gate:
        engine = open_engine(behind(gate, server.connector))
        trip = gate.trip = Trip(server.restart, 2, "copied data".__eq__, "halfway")
        with pytest.raises(DatabaseUnavailableError) as failure:
            load(engine, RECORDS)
        assert trip.happened.wait(60)
        assert_told_in_one_line(failure, "see that PostgreSQL runs and can be reached, then run again")
        assert contents(engine, *LOADED) == EMPTY
        assert_loaded_by_the_next_try(engine, expected)
        do(engine, f"TRUNCATE {', '.join(LOADED)}")
        engine.dispose()


@fault("database", "the server restarts between two stages", "nobody notices; the figures are those of one run")
def test_a_restart_between_two_stages(server: OwnServer, expected: dict[str, list[Any]]) -> None:
    engine = open_engine(server.connector)
    load(engine, RECORDS)
    server.restart()
    compute_figures(engine, DAYS, UTC_ZONE)
    assert lasting(engine) == expected
    do(engine, f"TRUNCATE {', '.join(LOADED)}")
    engine.dispose()


@fault("database", "the server restarts between two statements of a transaction", "told in one line, and tried again")
def test_a_restart_between_two_statements(server: OwnServer, expected: dict[str, list[Any]]) -> None:
    engine = open_engine(server.connector)

    def delete_all() -> None:
        with translate_errors(engine), exclusive_transaction(engine) as connection:
            server.restart()
            connection.execute(text("DELETE FROM attempts"))

    with pytest.raises(DatabaseUnavailableError) as failure:
        delete_all()
    assert_told_in_one_line(failure, "see that PostgreSQL runs and can be reached, then run again")
    assert_loaded_by_the_next_try(engine, expected)
    do(engine, f"TRUNCATE {', '.join(LOADED)}")
    engine.dispose()
