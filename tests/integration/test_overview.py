"""What status asks the database: it changes nothing there, whatever is or is not in it."""

from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine

from schemas.summary import CheckResult
from tasks.database import open_as_it_is
from tasks.errors import PermanentError
from tasks.overview import read_loaded_spans, read_recent, sort_days
from tests.integration.loading import column, load, span
from tests.records import submit

if TYPE_CHECKING:
    from prefect_sqlalchemy import SqlAlchemyConnector

DAYS = ("2023-05-01", "2023-05-02", "2023-05-03", "2023-05-04")


def test_windows_that_touch_are_one_span(engine: Engine) -> None:
    for start, end in pairwise(DAYS[:3]):
        load(engine, [], span(start, end))
    load(engine, [], span("2023-05-03 06:00", "2023-05-03 12:00"))

    spans = read_loaded_spans(engine)

    assert spans == (
        (datetime(2023, 5, 1, tzinfo=UTC), datetime(2023, 5, 3, tzinfo=UTC)),
        (datetime(2023, 5, 3, 6, tzinfo=UTC), datetime(2023, 5, 3, 12, tzinfo=UTC)),
    )
    found = sort_days(spans, ZoneInfo("UTC"), datetime(2023, 5, 5, tzinfo=UTC))
    assert [day.date.isoformat() for day in found.complete] == list(DAYS[:2])
    assert [day.date.isoformat() for day in (*found.incomplete, *found.missing)] == list(DAYS[2:])


def test_nothing_is_loaded(engine: Engine) -> None:
    assert read_loaded_spans(engine) == ()


def test_rejected_and_duplicates_are_counted_by_check_from_a_moment_on(engine: Engine) -> None:
    first, second = span("2023-05-01", "2023-05-02"), span("2023-05-02", "2023-05-03")
    early = submit(created_at="2023-05-01 10:00:00.000000")
    late = submit(created_at="2023-05-02 10:00:00.000000")
    load(engine, [early | {"is_correct": 7}], first)
    load(engine, [late, late, late | {"is_correct": 7}, late | {"is_correct": 8}], second)

    counts, checks = read_recent(engine, second.start)

    assert (counts.fetched, counts.rejected, counts.duplicates) == (4, 2, 1)
    assert CheckResult("allowed verdicts", "error", 2) in checks
    assert all(result.rows for result in checks)
    assert read_recent(engine, first.start)[0].rejected == 3


def test_a_database_without_tables_is_left_without(empty: "SqlAlchemyConnector") -> None:
    engine = open_as_it_is(empty)
    with pytest.raises(PermanentError, match="no tables yet: run python -m"):
        read_loaded_spans(engine)
    assert column(engine, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [0]
    engine.dispose()
