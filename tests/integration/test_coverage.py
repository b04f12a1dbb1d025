"""What is loaded and what is missing, as the database knows it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine

from schemas.attempt import Checked
from schemas.period import Day, Window, days_between
from schemas.summary import LoadCounts
from tasks.coverage import find_gaps, loaded_by, loaded_since, missing_days, read_loaded_spans, sort_days
from tasks.database import open_as_it_is
from tasks.errors import PermanentError
from tasks.load import load_window
from tests.fixtures.records import WINDOW, frame_of, numbered, record, submit
from tests.integration.loading import FLOW_RUN, column, empty_all, load, span

if TYPE_CHECKING:
    from prefect_sqlalchemy import SqlAlchemyConnector

DAYS = ("2023-05-01", "2023-05-02", "2023-05-03", "2023-05-04")
NOTHING = Checked(frame_of([]), (), 0, 0, ())
FIRST = datetime(2023, 4, 1, tzinfo=UTC)
NOON = datetime(2023, 5, 1, 12, tzinfo=UTC)


def days(count: int, zone: str = "UTC", first: datetime = FIRST) -> list[Day]:
    return list(days_between(first, first + timedelta(days=count), ZoneInfo(zone)))[:count]


def mark(engine: Engine, *windows: Window, at: datetime = NOON, run: str = FLOW_RUN) -> None:
    for window in windows:
        load_window(engine, window, NOTHING, run, at)


def missing(engine: Engine, wanted: list[Day], since: datetime | None = None) -> list[int]:
    return [day.date.day for day in missing_days(engine, wanted, since)]


def test_where_nothing_is_loaded_every_day_is_missing(engine: Engine) -> None:
    assert missing(engine, days(3)) == [1, 2, 3]
    assert missing(engine, []) == []
    assert find_gaps(engine, days(3)) == ()
    assert read_loaded_spans(engine) == ()


hours = st.integers(0, 24 * 5)


@given(st.lists(st.tuples(hours, st.integers(1, 24)), max_size=12))
def test_a_day_is_there_if_every_hour_of_it_is(engine: Engine, spans: list[tuple[int, int]]) -> None:
    empty_all(engine)
    mark(engine, *{Window(FIRST + timedelta(hours=a), FIRST + timedelta(hours=a + length)) for a, length in spans})
    loaded = {hour for a, length in spans for hour in range(a, a + length)}
    expected = [day for day in range(5) if not loaded.issuperset(range(24 * day, 24 * day + 24))]
    assert [day - 1 for day in missing(engine, days(5))] == expected


def test_a_day_is_that_of_its_time_zone_and_of_a_part_only_that_part_counts(engine: Engine) -> None:
    in_moscow = days(3, "Europe/Moscow", datetime(2023, 3, 31, 21, tzinfo=UTC))
    mark(engine, span("2023-04-02 00:00", "2023-04-03 00:00"))
    assert missing(engine, in_moscow) == [1, 2, 3]
    mark(engine, span("2023-04-01 21:00", "2023-04-02 00:00"))
    assert missing(engine, in_moscow) == [1, 3]
    (first, *_) = days(3)
    evening = replace(first, start=first.start + timedelta(hours=21))
    assert missing(engine, [evening]) == []
    assert missing(engine, [replace(evening, start=evening.start - timedelta(hours=1))]) == [1]


def test_what_was_loaded_too_long_ago_does_not_count(engine: Engine) -> None:
    mark(engine, span("2023-04-01 00:00", "2023-04-02 00:00"), at=NOON - timedelta(seconds=1))
    mark(engine, span("2023-04-02 00:00", "2023-04-03 00:00"), at=NOON)
    assert missing(engine, days(2), since=NOON) == [1]
    assert missing(engine, days(2)) == []


def test_what_lies_before_the_first_load_is_no_gap(engine: Engine) -> None:
    mark(engine, span("2023-04-05 00:00", "2023-04-06 00:00"), span("2023-04-02 06:00", "2023-04-02 12:00"))
    assert [day.date.day for day in find_gaps(engine, days(5))] == [2, 3, 4]


def test_what_a_run_loaded_is_added_up_over_its_windows(engine: Engine) -> None:
    later = Window(WINDOW.end, WINDOW.end + timedelta(hours=6))
    other = Window(later.end, later.end + timedelta(hours=6))
    counts = load(engine, [*numbered(5), submit(is_correct=None), record(lti_user_id=None)])
    counts += load(engine, [record(created_at=f"{later.start:%Y-%m-%d %H:%M:%S}", lti_user_id=None)], later)
    load(engine, [], other, run=str(uuid4()))

    loaded = loaded_by(engine, FLOW_RUN)

    assert loaded.windows == 2
    assert loaded.counts == counts
    outcomes = {result.check: (result.severity, result.rows) for result in loaded.checks}
    assert outcomes["user id present"] == ("error", 2)
    assert outcomes["submit with verdict"] == ("warning", 1)
    assert outcomes["valid time"] == ("error", 0)
    assert next(result.sample for result in loaded.checks if result.check == "submit with verdict")
    assert [result.check for result in loaded.checks][:2] == ["shape", "duplicate rows"]


def test_what_another_run_has_loaded_again_is_its_own(engine: Engine) -> None:
    another = str(uuid4())
    load(engine, numbered(5))
    load(engine, numbered(5), run=another)
    loaded = loaded_by(engine, FLOW_RUN)
    assert (loaded.windows, loaded.counts, loaded.checks) == (0, LoadCounts(), ())
    assert loaded_by(engine, another).counts == LoadCounts(fetched=5, unchanged=5)


# --- what status asks


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


def test_rejected_and_duplicates_are_counted_by_check_from_a_moment_on(engine: Engine) -> None:
    first, second = span("2023-05-01", "2023-05-02"), span("2023-05-02", "2023-05-03")
    early = submit(created_at="2023-05-01 10:00:00.000000")
    late = submit(created_at="2023-05-02 10:00:00.000000")
    load(engine, [early | {"is_correct": 7}], first)
    load(engine, [late, late, late | {"is_correct": 7}, late | {"is_correct": 8}], second)

    loaded = loaded_since(engine, second.start)

    assert (loaded.windows, loaded.counts.fetched, loaded.counts.rejected, loaded.counts.duplicates) == (1, 4, 2, 1)
    assert {result.check: result.rows for result in loaded.checks}["allowed verdicts"] == 2
    assert loaded_since(engine, first.start).counts.rejected == 3


def test_a_database_without_tables_is_left_without(empty: "SqlAlchemyConnector") -> None:
    engine = open_as_it_is(empty)
    with pytest.raises(PermanentError, match="no tables yet: run python -m"):
        read_loaded_spans(engine)
    assert column(engine, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [0]
    engine.dispose()
