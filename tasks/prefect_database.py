"""Prefect's own database where none is named: `prefect`, on the embedded PostgreSQL.

SQLite, Prefect's default, locks as a whole for each writer, and keeps waiting whoever runs beside another.
"""

import atexit
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from sqlalchemy import NullPool, create_engine, text
from sqlalchemy.engine import URL, Connection

from tasks.database import embedded_database, embedded_server, translate_errors

NAME: Final = "prefect"

CONTROL: Final = "default_version = '1.6'\nrelocatable = true\n"
SCRIPT: Final = """
CREATE FUNCTION gin_trgm_no_entries(text, bigint, bigint) RETURNS bigint
    LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN 0; END';
CREATE OPERATOR CLASS gin_trgm_ops FOR TYPE text USING gin AS
    FUNCTION 2 gin_trgm_no_entries(text, bigint, bigint),
    FUNCTION 3 gin_trgm_no_entries(text, bigint, bigint),
    FUNCTION 4 gin_trgm_no_entries(text, bigint, bigint);
"""
"""What stands in for the extension pg_trgm, which the embedded PostgreSQL comes without.

Prefect's migrations make seven indexes with it, which speed up the search for names among very many. Here the indexes
stay empty: the function that extracts a name's entries extracts none. The planner never uses them, since no operator
belongs to the class; a search reads the table instead. Pointers are passed as bigint: on 64 bits they are the same.
Restored from a dump on a server that has the real extension, the indexes are the real ones.
"""


def prefect_database(folder: Path) -> str:
    """Starts or joins the embedded PostgreSQL, makes Prefect's database there if it is missing; its address.

    Raises:
        CodegraderError: the embedded PostgreSQL cannot be started or used.
    """
    parts = embedded_database(folder).connection_info
    atexit.register(_forget_the_dead, folder)
    # With the host as an argument: only so may it be a Unix socket's folder.
    query = {"host": parts.host} | ({"port": str(parts.port)} if parts.port else {})
    address = URL.create("postgresql+psycopg2", parts.username, database=parts.database, query=query)
    with _connected(address) as connection:
        if not connection.scalar(text("SELECT true FROM pg_database WHERE datname = :name"), {"name": NAME}):
            connection.execute(text(f"CREATE DATABASE {NAME}"))
    address = address.set(database=NAME)
    with _connected(address) as connection:
        if not connection.scalar(text("SELECT true FROM pg_extension WHERE extname = 'pg_trgm'")):
            _create_extension(connection, folder.parent)
    return address.set(drivername="postgresql+asyncpg").render_as_string()


@contextmanager
def _connected(address: URL) -> Iterator[Connection]:
    engine = create_engine(address, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with translate_errors(engine), engine.connect() as connection:
        yield connection


def _create_extension(connection: Connection, parent: Path) -> None:
    """Creates the extension from files that PostgreSQL, which may run as another user, can read where they are."""
    with TemporaryDirectory(dir=parent) as folder:
        files = Path(folder, "extension")
        files.mkdir()
        (files / "pg_trgm.control").write_text(CONTROL)
        (files / "pg_trgm--1.6.sql").write_text(SCRIPT)
        for path in (Path(folder), files, *files.iterdir()):
            path.chmod(0o755)
        connection.execute(text("SELECT set_config('extension_control_path', :path, false)"), {"path": folder})
        connection.execute(text("CREATE EXTENSION pg_trgm"))


def _forget_the_dead(folder: Path) -> None:
    """Takes processes that were killed off the list of those that use the server: else nobody would be the last to.

    The last one stops it; a run that is cancelled or crashes has no chance to say that it goes.
    """
    import psutil

    if not folder.exists():
        return
    server = embedded_server(folder)
    with server._lock:
        users = server.global_process_id_list
        users.put([process for process in users.get_and_add(os.getpid()) if psutil.pid_exists(process)])
