"""Twenty thousand rows of the earlier script's table, and then the pipeline over the same days finds nothing to add."""

from datetime import UTC, datetime

import pytest

from flows import setup
from schemas.record import Record
from tasks.database import embedded_database
from tests.fixtures.legacy_table import insert, make_table
from tests.fixtures.pipelines import Pipeline, Pipelines
from tests.sandbox.grader import RecordList, SyntheticRecords
from tests.sandbox.world import SPREADSHEET_ID

pytestmark = pytest.mark.slow

FIRST, LAST = "2023-04-03", "2023-04-07"
FIGURES = "SELECT day::text, attempts, successful_attempts, unique_users FROM daily_metrics ORDER BY 1"


@pytest.fixture(scope="module")
def records() -> list[Record]:
    span = datetime(2023, 4, 3, tzinfo=UTC), datetime(2023, 4, 7, 23, 59, 59, 999999, tzinfo=UTC)
    found = [dict(record) for record in SyntheticRecords().between(*span) if isinstance(record, dict)]
    assert len(found) > 20_000
    return found


@pytest.fixture
def pipeline(pipelines: Pipelines, records: list[Record]) -> Pipeline:
    """A pipeline whose database holds what the earlier script has left, some rows twice."""
    pipeline = pipelines.make(RecordList(records))
    engine = embedded_database(pipeline.home / "postgres").get_engine()
    make_table(engine)
    insert(engine, records)
    insert(engine, records[::50])
    engine.dispose()
    return pipeline


def import_legacy(pipeline: Pipeline, capsys: pytest.CaptureFixture[str]) -> list[str]:
    capsys.readouterr()
    with pipeline.environment({}):
        assert setup.main(["--env-file", str(pipeline.home / "no.env"), "--import-legacy"]) == 0
    return [line for line in capsys.readouterr().out.splitlines() if line.startswith("user_config: ")]


def test_what_was_imported_is_what_is_fetched(
    pipeline: Pipeline, records: list[Record], capsys: pytest.CaptureFixture[str]
) -> None:
    count, duplicates = len(records), len(records[::50])
    lines = import_legacy(pipeline, capsys)

    assert len(lines) == 6
    assert lines[0].startswith("user_config: 5,000 rows read, ")
    assert lines[-1] == (
        f"user_config: {count + duplicates:,} rows: {count:,} new attempts, 0 there already, "
        f"{duplicates:,} duplicates, 0 left out; figures of 5 days computed; the table is left as it is"
    )
    without_verdict = sum(record["is_correct"] is None for record in records)
    assert pipeline.rows("SELECT count(*) FROM attempts WHERE is_correct IS NULL") == [(without_verdict,)]
    assert pipeline.rows("SELECT count(*) FROM loaded_windows") == [(0,)]
    imported, figures = pipeline.tables()["attempts"], pipeline.rows(FIGURES)

    state = pipeline.run(FIRST, LAST)

    assert state.is_completed(), state.message
    assert f"{count:,} fetched, 0 new, 0 changed, {count:,} unchanged" in str(state.message)
    assert pipeline.tables()["attempts"] == imported
    assert pipeline.rows(FIGURES) == figures
    assert sum(row[1] for row in figures) == count
    sheet = pipeline.world.sheets.cells(SPREADSHEET_ID, "RawData")
    assert [tuple(row) for row in sheet[1:]] == [tuple(map(str, row)) for row in figures]
    assert f"0 new attempts, {count:,} there already" in import_legacy(pipeline, capsys)[-1]
    assert pipeline.tables()["attempts"] == imported
