"""The schema: made by the migrations, the same as `schemas.tables` says, and kind to what was there before."""

import subprocess
import sys
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Engine, create_engine, text

from schemas.tables import metadata
from tasks import database
from tasks.database import exclusive_transaction, migrate, open_engine, try_database
from tasks.errors import DatabaseUnavailableError, PermanentError
from tests.faults import fault
from tests.fixtures.database import like
from tests.fixtures.legacy_table import PARAMETERS, insert, make_table
from tests.fixtures.prefect_server import ROOT
from tests.fixtures.records import STUDENT, URL, numbered, submit
from tests.fixtures.waiting import wait_until
from tests.integration.loading import column, contents, do, load, rows

if TYPE_CHECKING:
    from prefect_sqlalchemy import SqlAlchemyConnector

CATALOGUE = """
    SELECT c.relname, 'column', a.attname, a.attnum, format_type(a.atttypid, a.atttypmod), a.attnotnull,
           col_description(c.oid, a.attnum), pg_get_expr(d.adbin, d.adrelid)
    FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid
    LEFT JOIN pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum
    WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND a.attnum > 0 AND NOT a.attisdropped
    UNION ALL
    SELECT c.relname, 'constraint', k.conname, 0, pg_get_constraintdef(k.oid), NULL, NULL, NULL
    FROM pg_class AS c JOIN pg_constraint AS k ON k.conrelid = c.oid
    WHERE c.relnamespace = 'public'::regnamespace
    UNION ALL
    SELECT tablename, 'index', indexname, 0, indexdef, NULL, NULL, NULL FROM pg_indexes WHERE schemaname = 'public'
    ORDER BY 1, 2, 4, 3
"""


def catalogue(engine: Engine) -> list[Any]:
    return [row for row in rows(engine, CATALOGUE) if not row[0].startswith("codegrader_schema")]


@pytest.fixture
def bare(empty: "SqlAlchemyConnector") -> Engine:
    """Connections to a database without any table."""
    engine: Engine = empty.get_engine()
    return engine


@fault(
    "database",
    "the schema is older than this version, or not there yet",
    "brought up to date before anything is loaded",
)
def test_the_migrations_make_what_the_tables_say(engine: Engine, bare: Engine) -> None:
    metadata.create_all(bare)
    assert catalogue(engine) == catalogue(bare)
    assert {row[0] for row in catalogue(bare)} == set(metadata.tables)


def test_migrating_again_changes_nothing(engine: Engine) -> None:
    load(engine, numbered(3))
    before, held = catalogue(engine), contents(engine, "attempts", "codegrader_schema", "user_config")
    migrate(engine)
    migrate(engine)
    assert (catalogue(engine), contents(engine, "attempts", "codegrader_schema", "user_config")) == (before, held)


def test_every_session_is_in_utc_and_waits_for_nothing_for_ever(engine: Engine) -> None:
    assert column(engine, "SHOW TimeZone") == ["UTC"]
    assert column(engine, "SHOW application_name") == ["codegrader"]
    assert column(engine, "SHOW statement_timeout") == ["10min"]
    assert column(engine, "SHOW lock_timeout") == ["5min"]


# --- the view that stands in for the earlier script's table


def test_the_view_shows_the_attempts_in_utc_whatever_the_session(engine: Engine) -> None:
    load(engine, [submit(), *numbered(2)])
    with engine.connect() as connection:
        connection.execute(text("SET TimeZone = 'Asia/Tokyo'"))
        columns = list(connection.execute(text("SELECT * FROM user_config")).keys())
        assert columns == ["id", "user_id", *PARAMETERS, "is_correct", "attempt_type", "created_at"]
        shown = connection.execute(text("SELECT * FROM user_config WHERE user_id = :user"), {"user": STUDENT}).one()
        assert connection.scalar(text("SELECT count(*) FROM user_config")) == 3
    # Ruff's rule is for times of ours; the earlier table had them without an offset.
    assert shown.created_at == datetime(2023, 5, 31, 9, 16, 11, 313646)  # noqa: DTZ001
    assert (shown.is_correct, shown.attempt_type, shown.lis_outcome_service_url) == (1.0, "submit", URL)
    assert isinstance(shown.is_correct, float)
    assert [shown.id] == column(engine, "SELECT id FROM attempts WHERE user_id = :user", user=STUDENT)


@fault("database", "the database holds the earlier script's table", "left alone beside the new tables")
def test_a_table_of_the_earlier_script_is_left_alone(bare: Engine, empty: "SqlAlchemyConnector") -> None:
    make_table(bare)
    insert(bare, [submit()])
    table, kept = [row for row in catalogue(bare) if row[0] == "user_config"], contents(bare, "user_config")
    engine = open_engine(empty)
    migrate(engine)
    load(engine, numbered(2))
    assert [row for row in catalogue(engine) if row[0] == "user_config"] == table
    assert contents(engine, "user_config") == kept
    assert column(engine, "SELECT count(*) FROM attempts") == [2]
    engine.dispose()


@fault("database", "the learning figures' table is of an earlier shape", "made anew, and filled by the next run")
def test_rows_of_student_days_of_an_earlier_shape_are_made_anew(bare: Engine, engine: Engine) -> None:
    migrate(bare)
    load(bare, numbered(3))
    do(bare, "UPDATE loaded_windows SET figures_due = false")
    do(bare, "DROP FUNCTION student_tasks; DROP TABLE student_task_days; CREATE TABLE student_task_days (day date)")
    for name in ("student_tasks", "task_survival"):
        do(bare, f"CREATE FUNCTION {name}(date, date) RETURNS TABLE (task text) LANGUAGE sql AS 'SELECT NULL::text'")
    do(bare, "UPDATE codegrader_schema SET version_num = '0002'")
    migrate(bare)
    assert catalogue(bare) == catalogue(engine)
    assert column(bare, "SELECT DISTINCT figures_due FROM loaded_windows") == [True]
    assert column(bare, "SELECT count(place) FROM student_tasks('2023-01-01', '2023-01-02')") == [0]
    assert column(bare, "SELECT to_regproc('task_survival')::text") == [None]
    assert column(bare, "SELECT count(*) FROM attempts") == [3]


# --- what cannot be migrated, and who migrates first


@fault(
    "database",
    "the schema is newer than this version",
    "refused in one line before anything is written; the schema is left alone",
)
def test_a_schema_from_the_future_is_left_alone(bare: Engine, empty: "SqlAlchemyConnector") -> None:
    migrate(bare)
    do(bare, "UPDATE codegrader_schema SET version_num = '9999'")
    before = catalogue(bare)
    for attempt in (try_database, open_engine):
        with pytest.raises(PermanentError, match=r"not known to this version \(newest: 0003\): update") as refusal:
            attempt(empty)
        assert len(str(refusal.value).splitlines()) == 1
    assert catalogue(bare) == before
    assert column(bare, "SELECT version_num FROM codegrader_schema") == ["9999"]


@fault("database", "the server is too old", "refused in one line before anything is written")
def test_too_old_a_server_is_told_apart(connector: "SqlAlchemyConnector", monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "OLDEST_POSTGRESQL", 99)
    with pytest.raises(PermanentError, match=r"PostgreSQL 18 is too old: 99 or newer is needed"):
        open_engine(connector)


@fault("database", "a migration fails half-way", "nothing of it is there")
def test_a_migration_that_fails_leaves_nothing(bare: Engine) -> None:
    do(bare, "CREATE TABLE daily_metrics (mine int)")
    before = catalogue(bare)
    with pytest.raises(PermanentError, match="daily_metrics"), database.translate_errors(bare):
        migrate(bare)
    assert catalogue(bare) == before
    assert column(bare, "SELECT to_regclass('codegrader_schema')::text") == [None]


@fault("database", "no such database, user or host, or nothing listens there", "told in one line")
@pytest.mark.parametrize(
    ("change", "error", "complaint"),
    [
        ({"database": "nowhere"}, PermanentError, 'database "nowhere" does not exist: check DATABASE_URL'),
        ({"username": "nobody"}, PermanentError, 'role "nobody" does not exist: check DATABASE_URL'),
        ({"host": "/nowhere"}, DatabaseUnavailableError, "No such file or directory"),
        (
            {"host": "127.0.0.1", "port": 1},
            DatabaseUnavailableError,
            "database test at 127.0.0.1: .*Connection refused",
        ),
    ],
)
def test_a_database_that_does_not_let_us_in_is_explained_in_one_line(
    connector: "SqlAlchemyConnector", change: dict[str, object], error: type[Exception], complaint: str
) -> None:
    with pytest.raises(error, match=complaint) as refusal:
        open_engine(like(connector, **change))
    assert len(str(refusal.value).splitlines()) == 1


@fault("database", "a user who may not make tables", "one line names the right that is missing")
def test_a_user_without_the_right_to_make_tables_is_told_so(bare: Engine, empty: "SqlAlchemyConnector") -> None:
    do(bare, "CREATE ROLE guest LOGIN")
    with pytest.raises(PermanentError, match=r"permission denied.*: check DATABASE_URL and the user's rights"):
        open_engine(like(empty, username="guest"))
    do(bare, "DROP ROLE guest")


@fault("database", "two processes bring the schema up to date at once", "one waits for the other; both go on")
def test_two_processes_that_migrate_at_once_wait_for_each_other(bare: Engine) -> None:
    waiting = (
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database = "
        "(SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    code = "import sys, sqlalchemy; from tasks.database import migrate; migrate(sqlalchemy.create_engine(sys.argv[1]))"
    address = f"postgresql+psycopg2:///{bare.url.database}?host={bare.url.host}&user=postgres"
    command = [sys.executable, "-c", code, address]
    with exclusive_transaction(bare):
        processes = [subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) for _ in range(2)]
        wait_until(lambda: column(bare, waiting) == [2], seconds=60)
    assert [process.communicate(timeout=30)[1] for process in processes] == ["", ""]
    assert [process.returncode for process in processes] == [0, 0]
    engine = create_engine(bare.url)
    assert column(engine, "SELECT version_num FROM codegrader_schema") == ["0003"]
    assert load(engine, numbered(3)).new == 3
    engine.dispose()


# --- a try, which leaves the database as it was

TABLES = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1"


def test_an_empty_database_stays_empty(empty: "SqlAlchemyConnector", bare: Engine) -> None:
    for _ in range(2):
        assert try_database(empty) == "PostgreSQL 18.4"
        assert column(bare, TABLES) == []


def test_a_database_that_was_set_up_stays_as_it_is(connector: "SqlAlchemyConnector", engine: Engine) -> None:
    before = column(engine, TABLES)
    assert try_database(connector) == "PostgreSQL 18.4"
    assert column(engine, TABLES) == before


def test_what_would_hinder_setup_is_told_before(empty: "SqlAlchemyConnector", bare: Engine) -> None:
    make_table(bare)
    assert try_database(empty)
    do(bare, "CREATE TABLE attempts (mine int)")
    with pytest.raises(PermanentError, match='relation "attempts" already exists'):
        try_database(empty)
    assert column(bare, "SELECT to_regclass('rejected_records')::text") == [None]
