"""A thousand real submissions, of which every figure is known, all the way from the API to the reader."""

import csv
import signal
import time
from collections import Counter
from pathlib import Path

import pytest

from flows.running.loading import LOADERS
from tests.faults import fault
from tests.fixtures.pipelines import Pipeline, Pipelines
from tests.records import record
from tests.sandbox.grader import RecordList, RecordsFile
from tests.sandbox.world import SPREADSHEET_ID

pytestmark = pytest.mark.slow

FIRST, LAST = "2017-10-02", "2017-10-14"
BY_DAY = """
    SELECT created_at::date::text, count(*), count(*) FILTER (WHERE is_correct = 1), count(DISTINCT user_id)
    FROM user_config GROUP BY 1 ORDER BY 1
"""


@pytest.fixture
def pipeline(pipelines: Pipelines, real_records: Path) -> Pipeline:
    return pipelines.make(RecordsFile(real_records))


def test_every_figure_is_right_and_the_same_everywhere(pipeline: Pipeline) -> None:
    state = pipeline.run(FIRST, LAST)

    assert state.is_completed(), state.message
    expected = [tuple(map(str, row)) for row in pipeline.rows(BY_DAY)]
    assert sum(int(row[1]) for row in expected) == 1000
    assert sum(int(row[2]) for row in expected) == 208
    assert ("2017-10-08", "304", "69", "55") in expected

    metrics = (
        "SELECT day::text, attempts::text, successful_attempts::text, unique_users::text FROM daily_metrics ORDER BY 1"
    )
    assert pipeline.rows(metrics) == expected
    sheet = pipeline.world.sheets.cells(SPREADSHEET_ID, "RawData")
    assert sheet[0] == ["Дата", "Всего попыток", "Успешных попыток", "Уникальных пользователей"]
    assert [tuple(row) for row in sheet[1:]] == expected
    with (pipeline.home / "reports" / f"{FIRST}_{LAST}.csv").open(encoding="utf-8-sig", newline="") as file:
        report = list(csv.reader(file))
    assert [tuple(row[:4]) for row in report[1:14]] == expected
    (mail,) = pipeline.world.smtp.messages
    plain = mail.get_body(("plain",))
    assert plain is not None
    words = plain.get_content().split()
    assert all(figure in words for row in expected for figure in row[1:])


def test_all_connections_are_used_and_no_more_than_are_allowed(pipelines: Pipelines) -> None:
    hourly = [record(created_at=f"2023-05-31 {hour:02}:30:00.000000") for hour in range(24)]
    pipeline = pipelines.make(RecordList(hourly), latency_per_record=0.5)
    state = pipeline.run("2023-05-31", window_hours=1, publish=False)
    assert state.is_completed(), state.message
    assert pipeline.world.grader.max_parallel_seen == 4


@fault("records", "the same run twice", "the second asks for nothing and touches no row")
def test_a_second_run_asks_for_nothing_and_touches_nothing(pipeline: Pipeline) -> None:
    pipeline.run(FIRST, LAST)
    tables, asked = pipeline.tables(), len(pipeline.world.grader.requests)

    state = pipeline.run(FIRST, LAST)

    assert state.is_completed(), state.message
    assert "nothing has changed" in str(state.message)
    assert len(pipeline.world.grader.requests) == asked
    assert pipeline.tables() == tables
    assert pipeline.rows("SELECT sum(new), sum(changed), sum(unchanged) FROM loaded_windows") == [(0, 0, 1000)]


def test_refresh_asks_again(pipeline: Pipeline) -> None:
    pipeline.run(FIRST, FIRST)
    asked = len(pipeline.world.grader.requests)

    pipeline.run(FIRST, FIRST, refresh=True)

    assert len(pipeline.world.grader.requests) == 2 * asked


@fault("records", "two runs over overlapping halves, in either order", "the tables of one run")
def test_overlapping_halves_in_either_order_make_the_same_tables(pipelines: Pipelines, real_records: Path) -> None:
    whole, forwards, backwards = (pipelines.make(RecordsFile(real_records)) for _ in range(3))
    halves = [(FIRST, "2017-10-09"), ("2017-10-07", LAST)]
    for pipeline, ranges in ((whole, [(FIRST, LAST)]), (forwards, halves), (backwards, halves[::-1])):
        pipeline.set_up()
        for first, last in ranges:
            assert pipeline.run(first, last).is_completed()
        # The days that both halves have are asked for once.
        windows = Counter((request.start, request.end) for request in pipeline.world.grader.requests)
        assert len(windows) == 52
        assert set(windows.values()) == {1}

    assert forwards.contents() == whole.contents()
    assert backwards.contents() == whole.contents()


def test_a_killed_run_is_completed_by_the_next(pipelines: Pipelines, real_records: Path) -> None:
    whole, killed = (pipelines.make(RecordsFile(real_records)) for _ in range(2))
    whole.set_up()
    whole.run(FIRST, LAST)
    killed.set_up()
    process = killed.start(FIRST, LAST)
    wait_for_requests(killed, 20)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert killed.rows("SELECT count(*) FROM daily_metrics") == [(0,)]

    state = killed.run(FIRST, LAST)

    assert state.is_completed(), state.message
    assert killed.contents() == whole.contents()
    # What was under way at most is asked for once more.
    assert len(killed.world.grader.requests) <= 52 + LOADERS


def wait_for_requests(pipeline: Pipeline, number: int) -> None:
    deadline = time.monotonic() + 60
    while len(pipeline.world.grader.requests) < number:
        assert time.monotonic() < deadline, "the run does not ask the API"
        time.sleep(0.01)
