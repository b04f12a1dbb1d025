"""Some thousand attempts all the way from the API to the reader, counted once more by a few plain lines."""

import csv
import signal
from collections import Counter
from typing import Any

import pytest

from flows.running.loading import LOADERS
from tests.faults import fault
from tests.fixtures.histories import FIRST, LAST, WINDOWS, History, generated_history, real_history
from tests.fixtures.pipelines import Pipeline, Pipelines
from tests.fixtures.records import record
from tests.fixtures.waiting import wait_until
from tests.sandbox.grader import RecordList
from tests.sandbox.world import SPREADSHEET_ID

pytestmark = pytest.mark.slow


@pytest.fixture
def pipeline(pipelines: Pipelines) -> Pipeline:
    return pipelines.make(generated_history().source)


def test_every_figure_of_generated_attempts_is_right_and_the_same_everywhere(pipelines: Pipelines) -> None:
    assert_every_figure_is_right(pipelines, generated_history())


def test_every_figure_of_real_submissions_is_right_and_the_same_everywhere(
    pipelines: Pipelines, real_records: list[dict[str, Any]]
) -> None:
    history = real_history(real_records)
    assert history.days["2017-10-08"] == ("304", "69", "55")
    assert_every_figure_is_right(pipelines, history)


def assert_every_figure_is_right(pipelines: Pipelines, history: History) -> None:
    pipeline = pipelines.make(history.source)
    expected = [(day, *figures) for day, figures in history.days.items()]

    state = pipeline.run(history.first, history.last)

    assert state.is_completed(), state.message
    stored = (
        "SELECT day::text, attempts::text, successful_attempts::text, unique_users::text FROM daily_metrics ORDER BY 1"
    )
    assert pipeline.rows(stored) == expected
    view = """
        SELECT created_at::date::text, count(*)::text, (count(*) FILTER (WHERE is_correct = 1))::text,
            count(DISTINCT user_id)::text
        FROM user_config GROUP BY 1 ORDER BY 1
    """
    assert pipeline.rows(view) == expected
    sheet = pipeline.world.sheets.cells(SPREADSHEET_ID, "RawData")
    assert sheet[0] == ["Дата", "Всего попыток", "Успешных попыток", "Уникальных пользователей"]
    assert [tuple(row) for row in sheet[1:]] == expected
    path = pipeline.home / "reports" / f"{history.first}_{history.last}.csv"
    with path.open(encoding="utf-8-sig", newline="") as file:
        _, *report = csv.reader(file)
    assert [tuple(row[:4]) for row in report] == expected
    (mail,) = pipeline.world.smtp.messages
    plain = mail.get_body(("plain",))
    assert plain is not None
    words = plain.get_content().replace("\xa0", "").split()
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
    records = sum(int(attempts) for attempts, *_ in generated_history().days.values())
    assert pipeline.rows("SELECT sum(new), sum(changed), sum(unchanged) FROM loaded_windows") == [(0, 0, records)]


def test_refresh_asks_again(pipeline: Pipeline) -> None:
    pipeline.run(FIRST, FIRST)
    asked = len(pipeline.world.grader.requests)

    pipeline.run(FIRST, FIRST, refresh=True)

    assert len(pipeline.world.grader.requests) == 2 * asked


@fault("records", "two runs over overlapping halves, in either order", "the tables of one run")
def test_overlapping_halves_in_either_order_make_the_same_tables(pipelines: Pipelines) -> None:
    whole, forwards, backwards = (pipelines.make(generated_history().source) for _ in range(3))
    halves = [(FIRST, "2023-03-17"), ("2023-03-15", LAST)]
    for pipeline, ranges in ((whole, [(FIRST, LAST)]), (forwards, halves), (backwards, halves[::-1])):
        pipeline.set_up()
        for first, last in ranges:
            assert pipeline.run(first, last).is_completed()
        # The days that both halves have are asked for once.
        windows = Counter((request.start, request.end) for request in pipeline.world.grader.requests)
        assert len(windows) == WINDOWS
        assert set(windows.values()) == {1}

    assert forwards.contents() == whole.contents()
    assert backwards.contents() == whole.contents()


def test_a_killed_run_is_completed_by_the_next(pipelines: Pipelines) -> None:
    whole, killed = (pipelines.make(generated_history().source) for _ in range(2))
    whole.set_up()
    whole.run(FIRST, LAST)
    killed.set_up()
    process = killed.start(FIRST, LAST)
    wait_until(lambda: len(killed.world.grader.requests) >= 20, 60)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert killed.rows("SELECT count(*) FROM daily_metrics") == [(0,)]

    state = killed.run(FIRST, LAST)

    assert state.is_completed(), state.message
    assert killed.contents() == whole.contents()
    # What was under way at most is asked for once more.
    assert len(killed.world.grader.requests) <= WINDOWS + LOADERS
