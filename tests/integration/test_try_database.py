"""Trying a database shows whether the pipeline can live in it, and leaves it as it was."""

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import Engine

from tasks.database import try_database
from tasks.errors import PermanentError
from tests.fixtures.legacy_table import make_table
from tests.integration.loading import column, do

if TYPE_CHECKING:
    from prefect_sqlalchemy import SqlAlchemyConnector

TABLES = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1"


@pytest.fixture
def bare(empty: "SqlAlchemyConnector") -> Engine:
    """Connections to the database of `empty`."""
    engine: Engine = empty.get_engine()
    return engine


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
