"""The configured database for a command that only looks: neither a folder nor a table is made."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
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
    folder = home_folder("postgres") if making else _folder()
    if not making and not (folder / "PG_VERSION").exists():
        raise PermanentError(f"there is no database in {folder} yet: run python -m flows.setup, or set CODEGRADER_HOME")
    return embedded_database(folder)


def describe_database(configuration: Configuration) -> str:
    """What it is, without secrets."""
    if configuration.database is None:
        return f"embedded PostgreSQL in {_folder()}"
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


def _folder() -> Path:
    return home_path() / "postgres"
