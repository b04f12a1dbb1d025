"""One window into PostgreSQL: all of it or nothing, and the second time nothing new."""

import io
import json
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from schemas.attempt import Attempt
from schemas.record import Record, identity_of, to_json
from schemas.summary import LoadCounts
from tasks.grader_api import parse_records
from tasks.load import to_copy_text
from tests.faults import fault
from tests.fixtures.odd_records import windows
from tests.fixtures.records import (
    ANOTHER_STUDENT,
    NOW,
    STUDENT,
    WINDOW,
    attempts_of,
    frame_of,
    numbered,
    passback,
    record,
    submit,
)
from tests.integration.loading import FLOW_RUN, LOADED, column, contents, empty_all, load, rows, span, versions

MIXED = [
    *numbered(5),
    submit(),
    submit(is_correct=0, lti_user_id=ANOTHER_STUDENT, passback_params="None"),
    submit(is_correct=0, lti_user_id=ANOTHER_STUDENT, passback_params="None"),
    record(lti_user_id=None),
    record(created_at="?"),
    record(created_at="2023-05-31 12:00:00"),
]
REASONS = ["user id present", "valid time", "inside the window"]


def test_everything_of_an_attempt_is_kept(engine: Engine) -> None:
    records = [
        submit(),
        record(lti_user_id="Ж\t\\N\n", attempt_type="", passback_params=None, created_at="2023-05-31 11:59:59.999999"),
    ]
    load(engine, records)
    kept = [
        Attempt(*row) for row in rows(engine, f"SELECT {', '.join(Attempt._fields)} FROM attempts ORDER BY created_at")
    ]
    assert [attempt._replace(id=str(attempt.id)) for attempt in kept] == attempts_of(records)


def test_a_load_is_recorded_with_what_became_of_every_record(engine: Engine) -> None:
    counts = load(engine, MIXED)
    assert counts == LoadCounts(fetched=11, new=7, rejected=3, duplicates=1, warnings=1)
    (window,) = rows(engine, "SELECT * FROM loaded_windows")
    assert (window.window_start, window.window_end) == (WINDOW.start, WINDOW.end)
    assert {name: getattr(window, name) for name in asdict(counts)} == asdict(counts)
    assert (str(window.flow_run_id), window.loaded_at, window.figures_due) == (FLOW_RUN, NOW, True)
    found = {one["check"]: one["rows"] for one in window.checks if one["rows"]}
    assert set(found.values()) == {1}
    assert set(found) == {"duplicate rows", *REASONS, "LTI parameters parsed"}
    assert STUDENT not in json.dumps(window.checks)
    # Without records, and by no run.
    assert load(engine, [], run=None) == LoadCounts()
    assert rows(engine, "SELECT fetched, flow_run_id FROM loaded_windows") == [(0, None)]


def test_loading_again_touches_no_attempt(engine: Engine) -> None:
    first = load(engine, MIXED)
    before, kept = versions(engine), contents(engine, "attempts", "rejected_records")
    again = load(engine, MIXED[::-1], now=NOW + timedelta(days=1))
    assert again == LoadCounts(fetched=11, unchanged=7, rejected=3, duplicates=1, warnings=1)
    assert again.loaded == first.loaded
    assert versions(engine) == before
    assert contents(engine, "attempts", "rejected_records") == kept
    assert column(engine, "SELECT new FROM loaded_windows") == [0]


@pytest.mark.parametrize(
    "change",
    [
        {"is_correct": 0},
        {"is_correct": None},
        {"passback_params": passback(lis_outcome_service_url=...)},
        {"passback_params": passback(oauth_consumer_key=...)},
    ],
)
def test_only_an_attempt_that_changed_is_written_again(engine: Engine, change: Record) -> None:
    others, changed = numbered(5), submit(**change)
    load(engine, [*others, submit()])
    before = versions(engine)
    counts = load(engine, [*others, changed])
    assert (counts.new, counts.changed, counts.unchanged) == (0, 1, 5)
    after, kept = versions(engine), contents(engine, "attempts")
    assert len(set(before) - set(after)) == len(set(after) - set(before)) == 1
    assert load(engine, [*others, changed]).changed == 0
    empty_all(engine)
    load(engine, [*others, changed])
    assert contents(engine, "attempts") == kept


# --- rejected records


def test_a_rejected_record_is_kept_as_it_came_with_its_reasons(engine: Engine) -> None:
    odd = submit(is_correct=[{"\x00": "\ud800"}], lti_user_id=" ", remark=1e999)
    load(engine, [odd])
    (kept,) = rows(engine, "SELECT * FROM rejected_records")
    assert (kept.window_start, kept.window_end) == (WINDOW.start, WINDOW.end)
    assert kept.reasons == ["user id present", "allowed verdicts"]
    assert kept.record == odd | {"remark": "Infinity"}
    assert kept.attempt_id is None


@fault("records", "a record nested a thousand times", "its window is loaded")
def test_a_record_nested_too_deeply_for_json_is_rejected_and_its_window_is_loaded(engine: Engine) -> None:
    for depth in (900, 1_000):
        deep = parse_records("[" * depth + "]" * depth)
        assert load(engine, [submit(is_correct=deep), record(passback_params=deep, remark=deep)]).rejected == 1
    assert column(engine, "SELECT reasons FROM rejected_records") == [["allowed verdicts"]]


def test_a_record_that_comes_back_valid_leaves_the_rejected_and_one_that_comes_back_invalid_stays(
    engine: Engine,
) -> None:
    bad = [submit(is_correct=7), record(lti_user_id=None), record(created_at="?")]
    load(engine, bad)
    assert len(rows(engine, "SELECT FROM rejected_records")) == 3
    load(engine, [submit(), bad[1]])
    assert column(engine, "SELECT reasons FROM rejected_records") == [["user id present"]]
    load(engine, bad[:1])
    assert column(engine, "SELECT is_correct FROM attempts") == [1]
    assert column(engine, "SELECT attempt_id FROM rejected_records") == column(engine, "SELECT id FROM attempts")


@fault("records", "records that differ and claim to be one attempt", "the best verdict is loaded, the others rejected")
def test_of_a_conflict_the_losers_are_kept_beside_the_winner(engine: Engine) -> None:
    conflict = [submit(is_correct=verdict) for verdict in (0, 1, None)]
    for attempt in (conflict, conflict[::-1]):
        assert load(engine, attempt).rejected == 2
        assert column(engine, "SELECT is_correct FROM attempts") == [1]
        kept = rows(engine, "SELECT reasons, record->>'is_correct' FROM rejected_records ORDER BY 2")
        assert kept == [(["unique id"], "0"), (["unique id"], None)]


def test_a_larger_window_takes_the_place_of_its_parts(engine: Engine) -> None:
    bad = record(lti_user_id=None)
    load(engine, [bad], span("2023-05-31 06:00", "2023-05-31 09:30"))
    load(engine, [], span("2023-05-31 09:30", "2023-05-31 12:00"))
    load(engine, [], span("2023-05-31 11:00", "2023-05-31 13:00"))
    load(engine, [bad], WINDOW)
    assert rows(engine, "SELECT window_start, window_end FROM loaded_windows ORDER BY 1") == [
        (WINDOW.start, WINDOW.end),
        (datetime(2023, 5, 31, 11, tzinfo=UTC), datetime(2023, 5, 31, 13, tzinfo=UTC)),
    ]
    assert rows(engine, "SELECT window_start, window_end FROM rejected_records") == [(WINDOW.start, WINDOW.end)]


# --- whatever the API sends


@fault("records", "any payload, made up", "fetched = loaded + rejected + exact copies; each record is found again")
@fault("records", "any window, made up, twice", "the second time nothing is new")
@settings(max_examples=25)
@given(window=windows())
def test_whatever_comes_is_loaded_or_rejected_and_the_second_time_nothing_is_new(
    engine: Engine, window: list[Record]
) -> None:
    empty_all(engine)
    first = load(engine, window)
    assert first.fetched == len(window) == first.new + first.rejected + first.duplicates
    found = {*column(engine, "SELECT id::text FROM attempts")}
    found |= {*column(engine, "SELECT record_id::text FROM rejected_records")}
    for one, attempt in zip(window, attempts_of(window), strict=True):
        assert found & {attempt.id, identity_of(to_json(one))}
    kept, written = contents(engine, *LOADED[:2]), versions(engine)
    again = load(engine, window[::-1])
    assert (again.new, again.changed, again.unchanged, again.rejected) == (0, 0, first.new, first.rejected)
    assert (contents(engine, *LOADED[:2]), versions(engine)) == (kept, written)


TEXTS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\x00") | st.sampled_from("\\\t\n\r\b\f\vN.")
)


@fault("records", "any text, made up", "survives the way into the database")
@given(texts=st.lists(st.tuples(TEXTS, st.none() | TEXTS), min_size=1))
def test_any_text_survives_the_way_into_the_database(engine: Engine, texts: list[tuple[str, str | None]]) -> None:
    attempts = [
        Attempt(
            f"{number:08}-0000-0000-0000-000000000000", user, None, other, user, None, other, NOW, other, user, other
        )
        for number, (user, other) in enumerate(texts)
    ]
    columns = ", ".join(Attempt._fields)
    with engine.connect() as connection:
        driver: Any = connection.connection.dbapi_connection
        with driver.cursor() as cursor:
            cursor.execute("CREATE TEMPORARY TABLE kept (LIKE attempts) ON COMMIT DROP")
            cursor.copy_expert(f"COPY kept ({columns}) FROM STDIN", io.StringIO(to_copy_text(frame_of(attempts))))
            cursor.execute(f"SELECT id::text, {columns.removeprefix('id, ')} FROM kept ORDER BY id")
            assert [Attempt(*row) for row in cursor] == attempts
