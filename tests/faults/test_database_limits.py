"""A database that is there but does not do its part: locked, too slow, full, closed to writing, or of another age."""

from collections.abc import Iterator
from threading import Thread
from typing import TYPE_CHECKING, Final

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text

from schemas.period import days_between
from schemas.summary import LoadCounts
from tasks import database
from tasks.database import open_engine
from tasks.errors import DatabaseUnavailableError, PermanentError
from tasks.figures import compute_figures
from tests.faults import fault
from tests.faults.database_servers import SmallDisk, like, small_disk
from tests.integration.loading import LOADED, column, contents, do, load
from tests.integration.test_figures import UTC_ZONE
from tests.integration.test_migrations import ROOT, catalogue
from tests.records import WINDOW, numbered, record
from tests.waiting import wait_until

if TYPE_CHECKING:
    from prefect_sqlalchemy import SqlAlchemyConnector

RECORDS: Final = [*numbered(20), record(lti_user_id=None)]
EMPTY: Final[dict[str, list[str]]] = {table: [] for table in LOADED}
WAITING: Final = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'attempts'::regclass"
SLOW: Final = """
    CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(60); RETURN NEW; END $$;
    CREATE TRIGGER dawdle BEFORE INSERT ON loaded_windows FOR EACH ROW EXECUTE FUNCTION dawdle()
"""
CONFIGURATION: Final = Config()
CONFIGURATION.set_main_option("script_location", str(ROOT / "schemas" / "migrations"))
REVISIONS: Final = ["base", *(one.revision for one in ScriptDirectory.from_config(CONFIGURATION).walk_revisions())]


def assert_loads_all(engine: Engine) -> None:
    counts = load(engine, RECORDS)
    assert (counts.fetched, counts.loaded, counts.rejected) == (21, 20, 1)
    assert column(engine, "SELECT count(*) FROM attempts") == [20]


def in_one_line(failure: pytest.ExceptionInfo[BaseException]) -> str:
    (line,) = str(failure.value).splitlines()
    return line


# --- who else is at work


@fault("database", "another session holds a lock on a table", "waited for, up to five minutes; then all is loaded")
def test_a_lock_is_waited_for(engine: Engine) -> None:
    loaded: list[LoadCounts] = []
    loader = Thread(target=lambda: loaded.append(load(engine, RECORDS)))
    with engine.begin() as other:
        other.execute(text("LOCK TABLE attempts IN ACCESS EXCLUSIVE MODE"))
        loader.start()
        wait_until(lambda: other.scalar(text(WAITING)) == 1, seconds=30)
        assert loaded == []
    loader.join(30)
    assert loaded == [LoadCounts(fetched=21, new=20, rejected=1)]


@fault(
    "database",
    "another session keeps its lock on a table for too long",
    "nothing of the window is there; told in one line, and tried again",
)
def test_a_lock_that_is_kept_is_given_up(
    engine: Engine, connector: "SqlAlchemyConnector", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "LOCK_TIMEOUT", "100ms")
    impatient = open_engine(like(connector))
    with engine.begin() as other:
        other.execute(text("LOCK TABLE attempts IN ACCESS EXCLUSIVE MODE"))
        with pytest.raises(DatabaseUnavailableError, match="lock timeout: see who holds the lock") as failure:
            load(impatient, RECORDS)
    assert in_one_line(failure)
    assert contents(engine, *LOADED) == EMPTY
    assert_loads_all(impatient)
    impatient.dispose()


@fault(
    "database",
    "a statement takes longer than its limit",
    "nothing of the window is there; told in one line, and tried again",
)
def test_a_statement_that_takes_too_long_is_given_up(
    engine: Engine, connector: "SqlAlchemyConnector", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "STATEMENT_TIMEOUT", "500ms")
    impatient = open_engine(like(connector))
    do(engine, SLOW)
    with pytest.raises(DatabaseUnavailableError, match="statement timeout: see what slows the server") as failure:
        load(impatient, RECORDS)
    assert in_one_line(failure)
    assert contents(engine, *LOADED) == EMPTY
    do(engine, "DROP TRIGGER dawdle ON loaded_windows")
    assert_loads_all(impatient)
    impatient.dispose()


@fault("database", "all connections that the server allows are taken", "told in one line, and tried again")
def test_a_server_without_a_free_connection_is_told(engine: Engine, connector: "SqlAlchemyConnector") -> None:
    do(engine, "CREATE ROLE crowded LOGIN CONNECTION LIMIT 0")
    with pytest.raises(DatabaseUnavailableError, match="too many connections") as failure:
        open_engine(like(connector, username="crowded"))
    assert in_one_line(failure)
    do(engine, "DROP ROLE crowded")


# --- where there is no room, and no right


@pytest.fixture
def on_small_disk(postgresql: "SqlAlchemyConnector") -> Iterator[tuple["SqlAlchemyConnector", SmallDisk]]:
    """A database with the schema, on a disk that can be filled up, and that disk."""
    admin = like(postgresql).get_engine(isolation_level="AUTOCOMMIT")
    with small_disk(24) as disk, admin.connect() as connection:
        connection.execute(text(f"CREATE TABLESPACE small LOCATION '{disk.folder}'"))
        connection.execute(text("CREATE DATABASE on_small_disk TABLESPACE small"))
        yield like(postgresql, database="on_small_disk"), disk
        connection.execute(text("DROP DATABASE on_small_disk WITH (FORCE)"))
        connection.execute(text("DROP TABLESPACE small"))
    admin.dispose()


@fault(
    "database",
    "the server's disk is full",
    "nothing of the window is there; told in one line, and loaded once there is room",
)
def test_a_full_disk_leaves_nothing(on_small_disk: tuple["SqlAlchemyConnector", SmallDisk]) -> None:
    connector, disk = on_small_disk
    engine = open_engine(connector)
    disk.fill()
    with pytest.raises(DatabaseUnavailableError, match="No space left on device: make room on the server") as failure:
        load(engine, RECORDS)
    assert in_one_line(failure)
    assert contents(engine, *LOADED) == EMPTY
    disk.make_room()
    assert_loads_all(engine)
    compute_figures(engine, list(days_between(WINDOW.start, WINDOW.end, UTC_ZONE)), UTC_ZONE)
    assert column(engine, "SELECT attempts FROM daily_metrics") == [20]
    engine.dispose()


@fault("database", "a user who may only read", "nothing is written; one line names the right that is missing")
def test_a_user_who_may_only_read_writes_nothing(engine: Engine, connector: "SqlAlchemyConnector") -> None:
    do(engine, "CREATE ROLE onlooker LOGIN", "GRANT SELECT ON ALL TABLES IN SCHEMA public TO onlooker")
    reader = open_engine(like(connector, username="onlooker"))
    with pytest.raises(
        PermanentError, match=r"permission denied .*: check DATABASE_URL and the user's rights"
    ) as load_:
        load(reader, RECORDS)
    with pytest.raises(PermanentError, match=r"permission denied .*: check DATABASE_URL and the user's rights"):
        compute_figures(reader, list(days_between(WINDOW.start, WINDOW.end, UTC_ZONE)), UTC_ZONE)
    reader.dispose()
    assert in_one_line(load_)
    assert contents(engine, *LOADED) == EMPTY
    assert_loads_all(engine)
    do(engine, "DROP OWNED BY onlooker", "DROP ROLE onlooker")


@fault("database", "a database that takes no writing, such as a replica", "nothing is written; told in one line")
def test_a_database_that_takes_no_writing_is_told(engine: Engine, connector: "SqlAlchemyConnector") -> None:
    name = engine.url.database
    do(engine, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    replica = open_engine(like(connector))
    with pytest.raises(PermanentError, match="read-only transaction: check DATABASE_URL") as failure:
        load(replica, RECORDS)
    replica.dispose()
    assert in_one_line(failure)
    assert contents(engine, *LOADED) == EMPTY
    do(engine, f"ALTER DATABASE {name} RESET default_transaction_read_only")
    assert_loads_all(engine)


# --- of another age


@fault(
    "database",
    "the schema is older than this version, or not there yet",
    "brought up to date before anything is loaded",
)
@pytest.mark.parametrize("revision", REVISIONS)
def test_an_older_schema_is_brought_up_to_date(engine: Engine, empty: "SqlAlchemyConnector", revision: str) -> None:
    bare = like(empty).get_engine()
    with bare.begin() as connection:
        CONFIGURATION.attributes["connection"] = connection
        if revision != "base":
            command.upgrade(CONFIGURATION, revision)
    bare.dispose()
    upgraded = open_engine(empty)
    assert catalogue(upgraded) == catalogue(engine)
    assert_loads_all(upgraded)
    upgraded.dispose()
