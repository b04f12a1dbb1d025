"""Some thousand attempts all the way from the API to the reader, counted once more by a few plain lines."""

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from threading import Barrier
from typing import Any

import pytest

from tests.faults import fault
from tests.fixtures.histories import FIRST, LAST, History, generated_history, real_history
from tests.fixtures.pipelines import Pipeline, Pipelines, pipelines_running
from tests.fixtures.records import record
from tests.sandbox.grader import RecordList
from tests.sandbox.world import SPREADSHEET_ID

pytestmark = pytest.mark.slow

STORED = "SELECT day::text, attempts::text, successful_attempts::text, unique_users::text FROM daily_metrics ORDER BY 1"
VIEW = """
    SELECT created_at::date::text, count(*)::text, (count(*) FILTER (WHERE is_correct = 1))::text,
        count(DISTINCT user_id)::text
    FROM user_config GROUP BY 1 ORDER BY 1
"""


@pytest.fixture(scope="module")
def whole(prefect_server: str) -> Iterator[Pipeline]:
    """One that has loaded and published all of the generated history in one run."""
    with pipelines_running(prefect_server) as pipelines:
        pipeline = pipelines.make(generated_history().source)
        assert pipeline.run(FIRST, LAST).is_completed()
        yield pipeline


def test_every_figure_of_generated_attempts_is_right_and_the_same_everywhere(whole: Pipeline) -> None:
    assert_every_figure_is_right(whole, generated_history())


def test_every_figure_of_real_submissions_is_right_and_the_same_everywhere(
    pipelines: Pipelines, real_records: list[dict[str, Any]]
) -> None:
    history = real_history(real_records)
    assert history.days["2017-10-08"] == ("304", "69", "55")
    pipeline = pipelines.make(history.source)
    assert pipeline.run(history.first, history.last, window_hours=24).is_completed()
    assert_every_figure_is_right(pipeline, history)


def assert_every_figure_is_right(pipeline: Pipeline, history: History) -> None:
    expected = [(day, *figures) for day, figures in history.days.items()]
    assert pipeline.rows(STORED) == expected
    assert pipeline.rows(VIEW) == expected
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
    attempts = sum(int(row[1]) for row in expected)
    assert f"{attempts}попыт" in "".join(plain.get_content().split())


@fault("records", "the same run twice", "the second asks for nothing and touches no row")
def test_a_second_run_asks_for_nothing_and_touches_nothing(whole: Pipeline) -> None:
    whole.set_up()
    tables, asked = whole.tables(), len(whole.world.grader.requests)

    state = whole.run(FIRST, LAST)

    assert state.is_completed(), state.message
    assert "nothing has changed" in str(state.message)
    assert len(whole.world.grader.requests) == asked
    assert whole.tables() == tables
    records = sum(int(attempts) for attempts, *_ in generated_history().days.values())
    assert whole.rows("SELECT sum(new), sum(changed), sum(unchanged) FROM loaded_windows") == [(0, 0, records)]

    assert whole.run(FIRST, FIRST, refresh=True).is_completed()
    assert len(whole.world.grader.requests) == asked + 4


class ByFour(RecordList):
    """Answers four requests together, however long the fourth takes to come."""

    _barrier = Barrier(4)

    def between(self, start: datetime, end: datetime) -> Sequence[object]:
        self._barrier.wait(120)
        return super().between(start, end)


def test_all_connections_are_used_and_no_more_than_are_allowed(pipelines: Pipelines) -> None:
    hourly = [record(created_at=f"2023-05-31 {hour:02}:30:00.000000") for hour in range(24)]
    pipeline = pipelines.make(ByFour(hourly), latency_per_record=0.2)
    state = pipeline.run("2023-05-31", window_hours=2, publish=False)
    assert state.is_completed(), state.message
    assert pipeline.world.grader.max_parallel_seen == 4


@fault("records", "two runs over overlapping halves, in either order", "the tables of one run")
def test_overlapping_halves_in_either_order_make_the_same_tables(pipelines: Pipelines) -> None:
    halves, left = [("2023-03-14", "2023-03-15"), ("2023-03-15", "2023-03-16")], []
    expected = {day: figures for day, figures in generated_history().days.items() if day < LAST}
    for order in (1, -1):
        pipeline = pipelines.make(generated_history().source)
        for first, last in halves[::order]:
            assert pipeline.run(first, last, publish=False).is_completed()
        # The days that both halves have are asked for once.
        windows = Counter((request.start, request.end) for request in pipeline.world.grader.requests)
        assert (len(windows), set(windows.values())) == (4 * 3, {1})
        assert {day: tuple(figures) for day, *figures in pipeline.rows(STORED)} == expected
        left.append(pipeline.contents())
    assert left[0] == left[1]
