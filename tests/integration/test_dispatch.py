"""How a chunk is handed out, whatever becomes of its runs; the database is real, the runs are played."""

import logging
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import httpx
import pytest
from prefect.client.schemas.objects import FlowRun, State
from prefect.states import Cancelled, Completed, Crashed, Failed, Running, Scheduled
from sqlalchemy import Engine

from flows.backfilling import dispatch
from flows.backfilling.chunks import Chunk, split_into_chunks
from flows.backfilling.dispatch import NOT_HERE, START_PATIENCE, ChunkLoad, load_chunk, wait_for
from schemas.attempt import Checked
from schemas.period import Day, Window
from tasks.load import load_window
from tasks.plan import plan_period
from tests.fixtures.records import frame_of

NOW = datetime(2023, 7, 1, tzinfo=UTC)
(APRIL,) = split_into_chunks(plan_period("2023-04-01", "2023-04-30", ZoneInfo("UTC"), NOW), 1)


def a_run(state: State[Any], **fields: Any) -> FlowRun:
    return FlowRun(id=uuid4(), flow_id=uuid4(), name="played", state=state, state_type=state.type, **fields)


class PlayedRuns:
    """Runs that load some of the days that they are told to, and end as the story says; after these, all and well."""

    def __init__(self, engine: Engine, endings: list[State[Any]], days: list[int], *, left_behind: bool) -> None:
        self.started: list[tuple[str, str]] = []
        self._engine, self._endings, self._days = engine, endings, days
        self._left_behind = self._play(APRIL, *APRIL.days) if left_behind else None

    def find_active(self, _chunk: Chunk) -> FlowRun | None:
        return self._left_behind

    def start(self, chunk: Chunk, first: Day, last: Day, parameters: Mapping[str, Any]) -> FlowRun:
        assert parameters == {"publish": False}
        self.started.append((f"{first.date:%m-%d}", f"{last.date:%m-%d}"))
        return self._play(chunk, *(day for day in chunk.days if first.date <= day.date <= last.date))

    def _play(self, _chunk: Chunk, *days: Day) -> FlowRun:
        run = a_run(self._endings.pop(0) if self._endings else Completed())
        for day in days[: self._days.pop(0) if self._days else None]:
            load_window(self._engine, Window(day.start, day.end), Checked(frame_of([]), (), 0, 0, ()), str(run.id), NOW)
        return run


@pytest.fixture(autouse=True)
def _plain_logger(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch, "get_run_logger", lambda: logging.getLogger("backfill"))
    monkeypatch.setattr(dispatch, "POLL_S", 0.0)


@dataclass
class Story:
    """What becomes of April's runs: how they end, how many days each loads, and what is expected.

    Attributes:
        starts: the days of the runs that are started.
        reason: why it failed; empty if it is loaded.
        left_behind: the first of them was started by an earlier backfill.
    """

    starts: list[tuple[str, str]]
    reason: str = ""
    endings: list[State[Any]] = field(default_factory=list)
    days: list[int] = field(default_factory=list)
    left_behind: bool = False
    missing: int = 0


WHOLE, REST = ("04-01", "04-30"), ("04-11", "04-30")
STORIES = {
    "ends well": Story([WHOLE]),
    "fails": Story([WHOLE], "out of order", [Failed(message="out of order")], [28], missing=2),
    "fails with all loaded": Story([WHOLE], "too much is rejected", [Failed(message="too much is rejected")]),
    "crashes": Story([WHOLE, REST], "", [Crashed()], [10]),
    "crashes twice": Story([WHOLE, REST], "no memory", [Crashed(), Crashed(message="no memory")], [10, 0], missing=20),
    "crashes with all loaded": Story([WHOLE], "", [Crashed()]),
    "is cancelled by a person": Story([WHOLE], "Cancelled", [Cancelled()], [1], missing=29),
    "loads into another database": Story([WHOLE], NOT_HERE, [], [0], missing=30),
    "was left behind and loads all": Story([], left_behind=True),
    "was left behind and asked for less": Story([REST], "", [], [10], left_behind=True),
    "was cancelled with the backfill that started it": Story(
        [REST, ("04-16", "04-30")], "", [Cancelled(), Crashed()], [10, 5], left_behind=True
    ),
}


def load(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, story: Story, since: datetime | None = None
) -> tuple[ChunkLoad, list[tuple[str, str]]]:
    """How it goes with April, and the first and last days of the runs that were started."""
    runs = PlayedRuns(engine, [*story.endings], [*story.days], left_behind=story.left_behind)
    monkeypatch.setattr(dispatch, "find_active", runs.find_active)
    monkeypatch.setattr(dispatch, "start", runs.start)
    return load_chunk.fn(APRIL, engine, {"publish": False}, since), runs.started


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES)
def test_whatever_becomes_of_a_chunks_runs(engine: Engine, monkeypatch: pytest.MonkeyPatch, story: Story) -> None:
    done, started = load(engine, monkeypatch, story)
    assert done.outcome == ("failed" if story.reason else "loaded")
    assert started == story.starts
    assert (done.reason, len(done.missing)) == (story.reason, story.missing)
    assert done.loaded.windows == 30 - story.missing


def test_what_is_loaded_is_skipped_the_rest_is_asked_for_and_refresh_loads_all_again(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(engine, monkeypatch, Story([]))
    for since in (None, NOW):
        done, started = load(engine, monkeypatch, Story([]), since)
        assert (done.outcome, started) == ("skipped", [])

    with engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM loaded_windows WHERE window_start IN ('2023-04-05Z', '2023-04-09Z')")
    assert load(engine, monkeypatch, Story([]))[1] == [("04-05", "04-09")]

    # The played runs load as of NOW, which is too early to count.
    done, started = load(engine, monkeypatch, Story([]), NOW + timedelta(seconds=1))
    assert (done.outcome, started) == ("failed", [WHOLE])


def test_a_wait_says_once_that_no_worker_takes_the_run_and_outlasts_the_server(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    due, now = datetime.now(UTC) - 2 * START_PATIENCE, datetime.now(UTC)
    early, late = (a_run(Scheduled(), expected_start_time=moment, work_pool_name="a-pool") for moment in (now, due))
    answers: list[Any] = [early, httpx.ConnectError("refused"), late, late, a_run(Running()), a_run(Completed())]

    def answer(_run_id: UUID) -> FlowRun:
        if isinstance(answers[0], Exception):
            raise answers.pop(0)
        assert caplog.text.count("waits for a worker") == (len(answers) < 4)
        run: FlowRun = answers.pop(0)
        return run

    client = SimpleNamespace(read_flow_run=answer)
    monkeypatch.setattr(dispatch, "get_client", lambda **_: nullcontext(client))
    assert wait_for(early).state_type == "COMPLETED"
    assert answers == []
    assert caplog.text.count("prefect worker start --pool a-pool") == 1
    assert caplog.text.count("the Prefect server cannot be reached (ConnectError)") == 1
