"""The configured database for a command that only looks: neither a folder nor a table is made."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from flows.running.configuration import Configuration
from flows.running.home import home_folder, home_path
from tasks.database import embedded_database, open_as_it_is
from tasks.errors import PermanentError

if TYPE_CHECKING:
    from prefect_sqlalchemy import SqlAlchemyConnector
    from sqlalchemy.engine import Engine


def find_database(configuration: Configuration, *, making: bool = False) -> "SqlAlchemyConnector":
    """How to connect to the user's database, or to the embedded one, which is started if it is there.

    Args:
        making: the embedded one is made if it is not there.

    Raises:
        PermanentError: there is no embedded one yet, or it does not start.
    """
    if configuration.database is not None:
        return configuration.database
    folder = home_path() / "postgres"
    if making:
        home_folder("postgres")
    elif not (folder / "PG_VERSION").exists():
        raise PermanentError(f"there is no database in {folder} yet: run codegrader setup, or set CODEGRADER_HOME")
    return embedded_database(folder)


def describe_database(configuration: Configuration) -> str:
    """What it is, without secrets."""
    if configuration.database is None:
        return f"embedded PostgreSQL in {home_path() / 'postgres'}"
    parts = configuration.database.connection_info
    return f"PostgreSQL, database {parts.database} at {parts.host or 'the local socket'}"


@contextmanager
def opened(configuration: Configuration) -> "Iterator[Engine]":
    """Connections to the configured database, whatever is in it.

    Raises:
        PermanentError: see `find_database`.
    """
    engine = open_as_it_is(find_database(configuration))
    try:
        yield engine
    finally:
        engine.dispose()
