"""The database breaks off, restarts, is locked, slow, full or closed: nothing is half-loaded, the next try has all."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from threading import Thread
from typing import Any, Final
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine, text

from schemas.period import days_between
from schemas.summary import LoadCounts
from tasks.database import LOADING, open_engine
from tasks.errors import CodegraderError, DatabaseUnavailableError, PermanentError
from tasks.figures import compute_figures, read_figures
from tests.faults import fault, faults
from tests.faults.database_servers import OwnServer, behind, gate_before
from tests.faults.days import lasting
from tests.faults.gate import Gate, Moment, Trip
from tests.fixtures.database import like
from tests.fixtures.records import STUDENT, WINDOW, record, submit
from tests.fixtures.waiting import wait_until
from tests.integration.loading import LOADED, column, contents, empty_all, load

Tables = dict[str, list[str]]
UTC_ZONE: Final = ZoneInfo("UTC")
DAYS: Final = list(days_between(WINDOW.start, WINDOW.end, UTC_ZONE))
NOTHING_HALF: Final = "nothing of the window is there; the next try leaves the tables that one load would have left"
AGAIN: Final = "nothing of the window is there; told in one line, and tried again where that helps"
LAST: Final = "INSERT INTO loaded_windows"
EMPTY: Final[Tables] = {table: [] for table in LOADED}
# Many enough that they are copied in several parts.
RECORDS: Final = [
    *[record(lti_user_id=f"{n:032x}", created_at=f"2023-05-31 09:{n // 60:02}:{n % 60:02}.000000") for n in range(120)],
    *[submit()] * 2,
    record(lti_user_id=None),
]
COUNTS: Final = LoadCounts(fetched=123, new=121, rejected=1, duplicates=1)


def load_and_compute(engine: Engine) -> None:
    load(engine, RECORDS)
    compute_figures(engine, DAYS, UTC_ZONE)


@pytest.fixture
def engine(own_server: OwnServer) -> Iterator[Engine]:
    """Connections to a server to which anything may be done."""
    engine = open_engine(own_server.connector)
    yield engine
    empty_all(engine)
    engine.dispose()


@pytest.fixture
def expected(engine: Engine) -> Tables:
    """What one load and its figures leave where nothing goes wrong."""
    load_and_compute(engine)
    left = lasting(engine)
    empty_all(engine)
    return left


@contextmanager
def told(kind: type[CodegraderError], *named: str) -> Iterator[None]:
    """What is done fails with such an error, which is one line and names what matters."""
    with pytest.raises(kind) as failure:
        yield
    (line,) = str(failure.value).splitlines()
    assert STUDENT not in line
    for one in named:
        assert one in line


# --- connections


@pytest.fixture
def gate(own_server: OwnServer) -> Iterator[Gate]:
    """A gate in front of the server of `engine`."""
    with gate_before(own_server.connector) as gate:
        yield gate


@pytest.fixture
def gated(gate: Gate, own_server: OwnServer) -> Iterator[Engine]:
    """Connections to the database of `engine`, through the gate."""
    gated = open_engine(behind(gate, own_server.connector))
    yield gated
    gated.dispose()


@pytest.mark.parametrize(
    ("chosen", "number", "moment", "restarts"),
    faults(
        "database",
        NOTHING_HALF,
        {
            "the connection is cut in the middle of `COPY`": ["copied data", 2, "halfway", False],
            "the connection is cut after `COPY`": ["end of copied data", 1, "answered", False],
            "the connection is cut before the last statement's answer": [LAST, 1, "answered", False],
            "the connection is cut before `COMMIT`": ["COMMIT", 1, "before", False],
            "the server restarts in the middle of `COPY`": ["copied data", 2, "halfway", True],
            "the server restarts between two statements of a transaction": [LAST, 1, "before", True],
        },
    ),
)
def test_a_connection_that_breaks_off_leaves_nothing(
    own_server: OwnServer,
    gate: Gate,
    gated: Engine,
    engine: Engine,
    expected: Tables,
    chosen: str,
    number: int,
    moment: Moment,
    *,
    restarts: bool,
) -> None:
    trip = gate.trip = Trip(number=number, chosen=lambda step: step.startswith(chosen), moment=moment)
    if restarts:
        trip.act = own_server.restart
    with told(DatabaseUnavailableError):
        load(gated, RECORDS)
    assert trip.happened.wait(60)
    assert contents(engine, *LOADED) == EMPTY
    load_and_compute(gated)
    assert lasting(engine) == expected


@fault(
    "database",
    "`COMMIT` is carried out, but its answer is lost",
    "the window is tried again, and found there: nothing is counted twice",
)
def test_a_commit_whose_answer_is_lost_counts_once(gate: Gate, gated: Engine, engine: Engine, expected: Tables) -> None:
    gate.trip = Trip(chosen="COMMIT".__eq__, moment="answered")
    with told(DatabaseUnavailableError):
        load(gated, RECORDS)
    assert column(engine, "SELECT count(*) FROM attempts") == [121]
    assert load(gated, RECORDS) == replace(COUNTS, new=0, unchanged=121)
    load_and_compute(gated)
    assert lasting(engine) == expected


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
    gate: Gate, gated: Engine, engine: Engine, expected: Tables, chosen: str, moment: Moment
) -> None:
    load(gated, RECORDS)
    gate.trip = Trip(chosen=lambda step: step.startswith(chosen), moment=moment)
    with told(DatabaseUnavailableError):
        compute_figures(gated, DAYS, UTC_ZONE)
    assert read_figures(engine) == ()
    assert column(engine, "SELECT figures_due FROM loaded_windows") == [True]
    compute_figures(gated, DAYS, UTC_ZONE)
    assert lasting(engine) == expected


@pytest.mark.parametrize(
    "restarts",
    faults(
        "database",
        "it is noticed before the next statement, and nobody else notices",
        {"every connection is cut while none is in use": [False], "the server restarts between two stages": [True]},
    ),
)
def test_connections_that_died_between_two_stages_are_replaced(
    own_server: OwnServer, gate: Gate, gated: Engine, engine: Engine, expected: Tables, *, restarts: bool
) -> None:
    load(gated, RECORDS)
    (own_server.restart if restarts else gate.cut)()
    compute_figures(gated, DAYS, UTC_ZONE)
    assert lasting(engine) == expected


@fault("database", "a server that takes connections and never answers", "told in one line, once its time is up")
def test_a_server_that_never_answers_is_given_up(own_server: OwnServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent_one = like(own_server.connector, host="127.0.0.1", port=silent.getsockname()[1])
        patient = type(silent_one)(connection_info=silent_one.connection_info, connect_args={"connect_timeout": 1})
        with told(DatabaseUnavailableError):
            open_engine(patient)


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
            for option, value in (("TCP_KEEPIDLE", 30), ("TCP_KEEPCNT", 3), ("TCP_USER_TIMEOUT", 60_000)):
                assert peer.getsockopt(socket.IPPROTO_TCP, getattr(socket, option)) == value


# --- who else is at work


@fault("database", "another session holds a lock on a table", "waited for, up to five minutes; then all is loaded")
def test_a_lock_is_waited_for(engine: Engine) -> None:
    waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'attempts'::regclass")
    loaded: list[LoadCounts] = []
    loader = Thread(target=lambda: loaded.append(load(engine, RECORDS)))
    with engine.begin() as other:
        other.execute(text("LOCK TABLE attempts IN ACCESS EXCLUSIVE MODE"))
        loader.start()
        wait_until(lambda: other.scalar(waiting) == 1, seconds=30)
        assert loaded == []
    loader.join(30)
    assert loaded == [COUNTS]


# What the server does instead of the last statement.
INSTEAD: Final = """
    CREATE FUNCTION instead() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN %s; RETURN NEW; END $$;
    CREATE TRIGGER instead BEFORE INSERT ON loaded_windows FOR EACH ROW EXECUTE FUNCTION instead()
"""
NO_MORE: Final = "DROP FUNCTION instead CASCADE"


# By name: the error, what it names, for which user alone, and the statements that begin and end the trouble.
TROUBLES: Final[dict[str, tuple[type[CodegraderError], str, str | None, str, str]]] = {
    "another session keeps its lock on a table for too long": (
        DatabaseUnavailableError, "lock timeout", None, "BEGIN; LOCK TABLE attempts", "COMMIT"
    ),
    "a statement takes longer than its limit": (
        DatabaseUnavailableError, "statement timeout", None, INSTEAD % "PERFORM pg_sleep(60)", NO_MORE
    ),
    "other loaders write for too long": (
        DatabaseUnavailableError, "lock timeout", None,
        f"SELECT pg_advisory_lock({LOADING})", f"SELECT pg_advisory_unlock({LOADING})"
    ),
    "the last statement of a window is refused": (
        PermanentError, "no luck", None, INSTEAD % f"RAISE 'no luck' USING DETAIL = 'the row of {STUDENT}'", NO_MORE
    ),
    "the server ends the connection in the middle of a window": (
        DatabaseUnavailableError, "", None, INSTEAD % "PERFORM pg_terminate_backend(pg_backend_pid())", NO_MORE
    ),
    "the server's disk is full": (
        DatabaseUnavailableError, "make room", None, INSTEAD % "RAISE disk_full", NO_MORE
    ),
    "all connections that the server allows are taken": (
        DatabaseUnavailableError, "connections", "crowded", "CREATE ROLE crowded LOGIN CONNECTION LIMIT 0", ""
    ),
    "a user who may only read": (
        PermanentError, "permission denied", "onlooker",
        "CREATE ROLE onlooker LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO onlooker", "DROP OWNED BY onlooker"
    ),
    "a database that takes no writing, such as a replica": (
        PermanentError, "read-only transaction", None,
        "ALTER DATABASE {} SET default_transaction_read_only = on", "ALTER DATABASE {} RESET ALL"
    ),
}  # fmt: skip


@pytest.mark.parametrize(("kind", "named", "user", "begin", "end"), faults("database", AGAIN, TROUBLES))
def test_a_server_that_does_not_do_its_part_is_given_up(
    own_server: OwnServer,
    engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
    expected: Tables,
    kind: type[CodegraderError],
    named: str,
    user: str | None,
    begin: str,
    end: str,
) -> None:
    monkeypatch.setattr("tasks.database.LOCK_TIMEOUT", "300ms")
    monkeypatch.setattr("tasks.database.STATEMENT_TIMEOUT", "1s")
    troubled = like(own_server.connector, **({"username": user} if user else {}))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as other:
        other.exec_driver_sql(begin.format(engine.url.database))
        try:
            with told(kind, named):
                load(open_engine(troubled), RECORDS)
        finally:
            troubled.get_engine().dispose()
            drop = f"DROP ROLE {user}" if user else ""
            other.exec_driver_sql(f"{end.format(engine.url.database)};{drop}")
    assert contents(engine, *LOADED) == EMPTY
    load_and_compute(engine)
    assert lasting(engine) == expected
