"""The earlier script's table becomes attempts, as if they had been fetched, and a fetch finds nothing to add."""

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine

from flows.installing.legacy import import_legacy
from schemas.attempt import Attempt
from tasks.anomalies import read_anomalies
from tasks.database import open_engine
from tasks.errors import PermanentError
from tasks.legacy import read_days
from tests.fixtures.legacy_table import insert, make_table
from tests.fixtures.records import ANOTHER_STUDENT, STUDENT, attempts_of, numbered, passback, record, submit
from tests.integration.loading import LOADED, column, contents, do, empty_all, load, rows, versions
from tests.integration.test_anomalies import MONDAYS, OUTAGE, load_day

if TYPE_CHECKING:
    from prefect_sqlalchemy import SqlAlchemyConnector

UTC = ZoneInfo("UTC")
RECORDS = [
    *numbered(20),
    submit(),
    submit(is_correct=0, created_at="2023-05-31 06:00:00"),
    record(passback_params=passback(lis_outcome_service_url=...), created_at="2023-05-31 11:59:59.999999"),
    record(attempt_type="exam", created_at="2023-05-31 11:00:00.5"),
]
TIMELESS = f"INSERT INTO user_config (user_id, attempt_type) VALUES ('{STUDENT}', 'run')"
REJECTING = """
    CREATE FUNCTION break_off() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN IF NEW.user_id = '{user}' THEN RAISE 'no luck'; END IF; RETURN NEW; END $$;
    CREATE TRIGGER break_off BEFORE INSERT ON attempts FOR EACH ROW EXECUTE FUNCTION break_off()
"""


@pytest.fixture
def engine(empty: "SqlAlchemyConnector") -> Iterator[Engine]:
    """Connections to a database with our schema and, made before it, the earlier script's table."""
    bare = empty.get_engine()
    make_table(bare)
    bare.dispose()
    engine = open_engine(empty)
    yield engine
    engine.dispose()


def run(engine: Engine, time_zone: ZoneInfo = UTC) -> str:
    """The last line of an import."""
    return list(import_legacy(engine, time_zone))[-1]


def attempts(engine: Engine) -> list[Attempt]:
    found = rows(engine, f"SELECT {', '.join(Attempt._fields)} FROM attempts ORDER BY id")
    return [attempt._replace(id=str(attempt.id)) for attempt in (Attempt(*row) for row in found)]


def test_a_row_becomes_the_attempt_that_its_record_would_become_and_neither_fetch_nor_import_changes_it(
    engine: Engine,
) -> None:
    insert(engine, RECORDS)
    assert run(engine).startswith("user_config: 24 rows: 24 new attempts, 0 there already, 0 duplicates, 0 left out;")
    assert attempts(engine) == sorted(attempts_of(RECORDS), key=lambda attempt: attempt.id or "")
    before = {table: versions(engine, table) for table in LOADED}
    assert "24 rows: 0 new attempts, 24 there already" in run(engine)
    assert {table: versions(engine, table) for table in LOADED} == before
    counts = load(engine, RECORDS)
    assert (counts.new, counts.changed, counts.unchanged) == (0, 0, 24)
    assert versions(engine) == before["attempts"]


def test_what_pandas_made_of_null_is_null_again(engine: Engine) -> None:
    insert(engine, [record(passback_params="?"), submit(passback_params=passback(lis_outcome_service_url=...))])
    run(engine)
    assert rows(
        engine,
        "SELECT is_correct, lis_result_sourcedid IS NULL, lis_outcome_service_url, course IS NULL FROM attempts"
        " ORDER BY is_correct",
    ) == [(1, False, None, False), (None, True, None, True)]


def test_what_was_fetched_is_not_overwritten_but_parameters_without_a_course_are_completed_by_a_fetch(
    engine: Engine,
) -> None:
    odd = record(lti_user_id=ANOTHER_STUDENT, passback_params="not parsable")
    insert(engine, [submit(is_correct=0), odd])
    load(engine, [submit(is_correct=1)])
    before = versions(engine)
    assert "2 rows: 1 new attempts, 1 there already" in run(engine)
    assert set(before) < set(versions(engine))
    stored = "SELECT passback_params FROM attempts WHERE user_id = '" + ANOTHER_STUDENT + "'"
    assert column(engine, stored) == [None]
    counts = load(engine, [submit(is_correct=1), odd])
    assert (counts.new, counts.changed, counts.unchanged) == (0, 1, 1)
    assert column(engine, stored) == ['"not parsable"']


def test_rows_that_cannot_be_trusted_are_counted_and_left(engine: Engine) -> None:
    future = "2099-01-01 00:00:00"
    do(engine, TIMELESS, TIMELESS)
    insert(engine, [submit(), record(lti_user_id=None), record(lti_user_id=" ")])
    insert(engine, [submit(is_correct=0.5, created_at="2023-05-31 07:00:00"), record(created_at=future)])
    times = ("infinity", "-infinity", "0044-03-15 12:00:00 BC", "1999-12-31 23:59:59")
    insert(engine, [record(created_at=time) for time in times])
    before = contents(engine, "user_config")
    said = "\n".join(import_legacy(engine, UTC))
    assert STUDENT not in said
    assert "11 rows: 1 new attempts, 0 there already, 0 duplicates, 10 left out" in said
    for reason in ("user id present 2", "valid time 5", "allowed verdicts 1"):
        assert reason in said
    assert column(engine, "SELECT count(*) FROM attempts") == [1]
    assert contents(engine, "user_config") == before


def test_duplicates_collapse(engine: Engine) -> None:
    conflict = [submit(is_correct=verdict) for verdict in (0, 1, None)]
    insert(engine, [*RECORDS, *conflict, *RECORDS[::-1]])
    line = run(engine)
    assert "51 rows: 24 new attempts, 0 there already, 25 duplicates, 2 left out (failed: unique id 2)" in line
    counts = load(engine, [*RECORDS, *conflict])
    assert (counts.new, counts.changed, counts.unchanged) == (0, 0, 24)


def test_the_figures_of_every_day_are_computed_and_no_window_counts_as_loaded(engine: Engine) -> None:
    insert(engine, [submit(), submit(is_correct=0, created_at="2023-05-31 22:00:00"), record(lti_user_id=None)])
    assert "figures of 2 days computed" in run(engine, ZoneInfo("Europe/Moscow"))
    assert rows(
        engine, "SELECT day::text, attempts, successful_attempts, unique_users, complete FROM daily_metrics ORDER BY 1"
    ) == [("2023-05-31", 1, 1, 1, False), ("2023-06-01", 1, 0, 1, False)]
    assert contents(engine, "loaded_windows", "rejected_records") == {"loaded_windows": [], "rejected_records": []}


def test_an_import_that_is_broken_off_goes_on_from_there(engine: Engine) -> None:
    do(
        engine,
        "INSERT INTO user_config (user_id, is_correct, attempt_type, created_at) SELECT number::text, 'NaN', 'run', "
        "timestamp '2023-04-01' + number * interval '1 minute' FROM generate_series(0, 4319) AS number",
        *REJECTING.format(user="3000").split(";\n    "),
    )
    with pytest.raises(PermanentError, match="no luck"):
        run(engine)
    assert column(engine, "SELECT count(*) FROM attempts") == [2 * 1440]
    do(engine, "DROP TRIGGER break_off ON attempts")
    assert "4,320 rows: 1,440 new attempts, 2,880 there already" in run(engine)
    assert column(engine, "SELECT attempts FROM daily_metrics") == [1440] * 3
    # A day at a time, of which each is told as soon as it is kept, through a cursor of the server's.
    lengths, queries = [], []
    for day in read_days(engine):
        lengths.append(len(day))
        under_way = "SELECT query FROM pg_stat_activity WHERE datname = current_database()"
        queries += [query for query in column(engine, under_way) if query.startswith("FETCH FORWARD 1000 ")]
    assert lengths == [1440] * 3
    assert queries


def test_our_own_view_is_not_imported_nor_an_empty_table(engine: Engine, engine_of_all_tests: Engine) -> None:
    assert "0 rows: 0 new attempts" in run(engine)
    with_view = engine_of_all_tests
    load(with_view, RECORDS)
    assert len(list(import_legacy(with_view, UTC))) == 1
    do(with_view, "ALTER VIEW user_config RENAME TO other")
    try:
        assert "nothing is to be imported" in run(with_view)
    finally:
        do(with_view, "ALTER VIEW other RENAME TO user_config")
        empty_all(with_view)


def test_another_programs_table_of_that_name_is_told_by_the_column_that_it_lacks(engine: Engine) -> None:
    do(engine, "ALTER TABLE user_config DROP COLUMN is_correct")
    with pytest.raises(PermanentError, match='column "is_correct" does not exist'):
        list(import_legacy(engine, UTC))


@pytest.mark.parametrize(("days_off", "is_found"), [((), True), ((OUTAGE,), False)])
def test_an_import_judges_no_day_off(engine: Engine, days_off: tuple[date, ...], is_found: bool) -> None:
    """It computes what fetched days are due as well, and so judges them."""
    for day in MONDAYS:
        load_day(engine, day)
    insert(engine, RECORDS)
    list(import_legacy(engine, UTC, days_off))
    assert bool(read_anomalies(engine, OUTAGE, OUTAGE)) is is_found
