"""From `.env` to Blocks: a database's address in parts, its password where it is kept secret."""

from typing import Any

import pytest

from flows.installing.environment import Environment
from flows.installing.environment_blocks import configure
from tasks.errors import InvalidInputError


def environment(database_url: str) -> Environment:
    values: dict[str, Any] = {
        "GRADER_API_URL": "https://grader.example",
        "GRADER_CLIENT": "university",
        "GRADER_CLIENT_KEY": "key",
        "DATABASE_URL": database_url,
    }
    return Environment.model_validate(values)


def parts(database_url: str) -> Any:
    database: Any = configure(environment(database_url)).database
    return database.connection_info


@pytest.mark.parametrize(
    ("url", "password", "host", "query"),
    [
        ("postgresql://me:geheim@db.example:5433/results", "geheim", "db.example", {}),
        ("postgresql+psycopg2://me:geh%40im%25@db.example:5433/results", "geh@im%", "db.example", {}),
        ("postgresql://me@db.example:5433/results?password=geheim&sslmode=require", "geheim", "db.example", "sslmode"),
        ("postgresql://me:geheim@[::1]:5433/results", "geheim", "::1", {}),
        ("postgresql://me:a/b:c?d#e@db.example:5433/results", "a/b:c?d#e", "db.example", {}),
    ],
)
def test_an_address_is_taken_apart(url: str, password: str, host: str, query: object) -> None:
    found = parts(url)
    assert (found.username, found.host, found.port, found.database) == ("me", host, 5433, "results")
    assert found.password.get_secret_value() == password
    assert found.query == ({"sslmode": "require"} if query else {})
    assert "geheim" not in repr(found)


def test_a_socket_needs_no_password() -> None:
    found = parts("postgresql:///results?host=/run/postgresql")
    assert (found.host, found.password, found.query) == (None, None, {"host": "/run/postgresql"})
    assert found.create_url().render_as_string() == "postgresql+psycopg2:///results?host=%2Frun%2Fpostgresql"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:geheim@pass@db.example/results",
        "postgresql://me:geheim@db.example:port/results",
        "postgresql://me:geheim@db.example",
        "postgresql://me:geheim@db.example/",
        "postgresql://",
    ],
)
def test_an_address_that_cannot_be_used_is_told_without_quoting_it(url: str) -> None:
    with pytest.raises(InvalidInputError, match="DATABASE_URL cannot be read: write it as") as refusal:
        configure(environment(url))
    assert "geheim" not in str(refusal.value)
    assert "pass@" not in str(refusal.value)
    assert refusal.value.__cause__ is None
    assert refusal.value.__context__ is None
