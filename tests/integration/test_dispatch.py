"""How chunks are handed out, whatever becomes of their runs; the database is real, the runs are played."""

import logging
from collections import deque
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import httpx
import pytest
from prefect.client.schemas.objects import FlowRun, State
from prefect.logging import disable_run_logger
from prefect.states import Cancelled, Completed, Crashed, Failed, Running, Scheduled
from sqlalchemy import Engine

from flows.backfilling.chunks import Chunk, split_into_chunks
from flows.backfilling.dispatch import NOT_HERE, START_PATIENCE, ChildRuns, ChunkLoad, Dispatch
from flows.running.loading import Limits
from schemas.attempt import Checked
from schemas.period import Day, Window
from tasks.load import load_window
from tasks.plan import plan_period
from tests.fixtures.records import frame_of

NOW = datetime(2023, 7, 1, tzinfo=UTC)
SPRING = split_into_chunks(plan_period("2023-03-30", "2023-05-02", ZoneInfo("UTC"), NOW), 1)
MARCH, APRIL, MAY = map(str, SPRING)


class PlayedRuns:
    """Runs that take a few looks each, load what they are told to, and end as the script says.

    At every other look their server cannot be reached, from which nothing may be concluded.
    """

    def __init__(self, engine: Engine) -> None:
        self.endings: dict[str, deque[State]] = {}
        self.days_loaded: dict[str, deque[int]] = {}
        self.active: dict[str, FlowRun] = {}
        self.started: list[tuple[str, str, str]] = []
        self.most_at_once = 0
        self._is_away = False
        self._engine = engine
        self._under_way: dict[UUID, tuple[Chunk, Collection[Day], int]] = {}

    def find_active(self) -> dict[str, FlowRun]:
        return self.active

    def add_active(self, chunk: Chunk, created: datetime = NOW) -> None:
        run = FlowRun(id=uuid4(), created=created, flow_id=uuid4(), name="left behind")
        self.active[str(chunk)] = run
        self._under_way[run.id] = (chunk, chunk.days, 1)

    def start(self, chunk: Chunk, first: Day, last: Day) -> FlowRun:
        self.started.append((str(chunk), f"{first.date:%m-%d}", f"{last.date:%m-%d}"))
        run = FlowRun(id=uuid4(), created=NOW, flow_id=uuid4(), name="played")
        self._under_way[run.id] = (chunk, [day for day in chunk.days if first.date <= day.date <= last.date], 2)
        return run

    def read_states(self, ids: Collection[UUID]) -> dict[UUID, State]:
        self.most_at_once = max(self.most_at_once, len(self._under_way))
        self._is_away = not self._is_away
        if self._is_away:
            return {}
        return {run_id: self._look(run_id) for run_id in list(ids)}

    def _look(self, run_id: UUID) -> State:
        chunk, days, looks = self._under_way.pop(run_id)
        if looks > 1:
            self._under_way[run_id] = (chunk, days, looks - 1)
            return Running()
        self.active.pop(str(chunk), None)
        endings = self.endings.get(str(chunk))
        limits = self.days_loaded.get(str(chunk))
        for day in list(days)[: limits.popleft() if limits else None]:
            load_window(self._engine, Window(day.start, day.end), Checked(frame_of([]), (), 0, 0, ()), str(run_id), NOW)
        return endings.popleft() if endings else Completed()


@pytest.fixture
def runs(engine: Engine) -> PlayedRuns:
    return PlayedRuns(engine)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("flows.backfilling.dispatch.POLL_S", 0.0)
    with disable_run_logger():
        yield


def load_all(engine: Engine, runs: PlayedRuns, max_parallel: int = 2, since: datetime | None = None) -> list[ChunkLoad]:
    loads = [ChunkLoad(chunk, since) for chunk in SPRING]
    Dispatch(engine, cast("ChildRuns", runs), loads, max_parallel).run()
    return loads


def outcomes(loads: list[ChunkLoad]) -> list[str]:
    return [load.outcome for load in loads]


@pytest.mark.parametrize("max_parallel", [1, 2, 3])
def test_every_chunk_is_loaded_by_one_run_some_at_a_time(engine: Engine, runs: PlayedRuns, max_parallel: int) -> None:
    assert outcomes(load_all(engine, runs, max_parallel)) == ["loaded"] * 3
    assert runs.started == [(MARCH, "03-30", "03-31"), (APRIL, "04-01", "04-30"), (MAY, "05-01", "05-02")]
    assert runs.most_at_once == max_parallel


def test_what_is_loaded_is_skipped_the_rest_is_asked_for_from_first_to_last_and_refresh_loads_all_again(
    engine: Engine, runs: PlayedRuns
) -> None:
    load_all(engine, runs)
    runs.started.clear()
    assert outcomes(load_all(engine, runs)) == outcomes(load_all(engine, runs, since=NOW)) == ["skipped"] * 3
    assert runs.started == []

    with engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM loaded_windows WHERE window_start IN ('2023-04-05Z', '2023-04-09Z')")
    assert outcomes(load_all(engine, runs)) == ["skipped", "loaded", "skipped"]
    assert runs.started == [(APRIL, "04-05", "04-09")]

    # The played runs load as of NOW, which is too early to count.
    assert outcomes(load_all(engine, runs, since=NOW + timedelta(seconds=1))) == ["failed"] * 3
    assert len(runs.started) == 4


WHOLE, REST = ("04-01", "04-30"), ("04-11", "04-30")


@dataclass
class Story:
    """What becomes of April's runs, and what is expected of the dispatch.

    Attributes:
        endings: how its runs end; after these, well.
        days: how many days each of them loads; after these, all.
        left_behind: the first of them was started by an earlier backfill.
        starts: the days of the runs that are started.
        reason: why April failed; empty if it is loaded.
    """

    starts: list[tuple[str, str]]
    reason: str = ""
    endings: list[State] = field(default_factory=list)
    days: list[int] = field(default_factory=list)
    left_behind: bool = False
    missing: int = 0


STORIES = {
    "fails": Story([WHOLE], "out of order", [Failed(message="out of order")], [28], missing=2),
    "crashes": Story([WHOLE, REST], "", [Crashed()], [10]),
    "crashes twice": Story([WHOLE, REST], "no memory", [Crashed(), Crashed(message="no memory")], [10, 0], missing=20),
    "crashes with all loaded": Story([WHOLE], "", [Crashed()]),
    "is cancelled by a person": Story([WHOLE], "Cancelled", [Cancelled()], [1], missing=29),
    "loads into another database": Story([WHOLE], NOT_HERE, [], [0], missing=30),
    "was left behind and asked for less": Story([REST], "", [], [10], left_behind=True),
    "was cancelled with the backfill that started it": Story(
        [REST, ("04-16", "04-30")], "", [Cancelled(), Crashed()], [10, 5], left_behind=True
    ),
}


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES)
def test_whatever_becomes_of_one_chunks_runs_the_others_are_loaded(
    engine: Engine, runs: PlayedRuns, story: Story
) -> None:
    runs.endings[APRIL], runs.days_loaded[APRIL] = deque(story.endings), deque(story.days)
    if story.left_behind:
        runs.add_active(SPRING[1])

    loads = load_all(engine, runs)

    assert outcomes(loads) == ["loaded", "failed" if story.reason else "loaded", "loaded"]
    assert [start[1:] for start in runs.started if start[0] == APRIL] == story.starts
    assert (loads[1].reason, len(loads[1].missing)) == (story.reason, story.missing)
    assert loads[1].windows == 30 - story.missing


def test_runs_under_way_are_taken_over_first_and_count(engine: Engine, runs: PlayedRuns) -> None:
    for chunk in SPRING[1:]:
        runs.add_active(chunk)

    loads = load_all(engine, runs, max_parallel=2)

    assert [(load.outcome, load.windows) for load in loads] == [("loaded", 2), ("loaded", 30), ("loaded", 2)]
    assert runs.started == [(MARCH, "03-30", "03-31")]
    assert runs.most_at_once == 2


def test_what_a_refreshing_run_that_was_taken_over_has_loaded_counts(engine: Engine, runs: PlayedRuns) -> None:
    runs.add_active(SPRING[0], created=NOW - timedelta(minutes=1))
    assert load_all(engine, runs, since=NOW + timedelta(minutes=1))[0].outcome == "loaded"


class FakeServer:
    """The server, as far as child runs are looked at."""

    def __init__(self, *runs: FlowRun) -> None:
        self.runs, self.is_away = list(runs), False

    def read_deployment_by_name(self, _name: str) -> Any:
        return SimpleNamespace(id=uuid4(), work_pool_name="a-pool")

    def read_flow_runs(self, **_: object) -> list[FlowRun]:
        if self.is_away:
            raise httpx.ConnectError("refused")
        return self.runs


def test_where_no_worker_takes_the_runs_it_warns_once_with_what_to_start(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("flows.backfilling.dispatch.get_run_logger", logging.getLogger)
    long_ago = datetime.now(UTC) - 2 * START_PATIENCE
    late, early = (
        FlowRun(id=uuid4(), flow_id=uuid4(), name="waiting", state=Scheduled(), expected_start_time=due)
        for due in (long_ago, datetime.now(UTC))
    )
    server: Any = FakeServer(early)
    children = ChildRuns(server, Limits(0.05, 0.05), refresh=False)
    assert children.read_states([early.id])[early.id].is_scheduled()
    assert caplog.text == ""
    server.runs.append(late)
    for _ in range(3):
        children.read_states([early.id, late.id])
    assert caplog.text.count("prefect worker start --pool a-pool") == 1


def test_a_run_that_was_deleted_has_crashed_but_not_while_the_server_is_away() -> None:
    server: Any = FakeServer()
    children, gone = ChildRuns(server, Limits(0.05, 0.05), refresh=False), uuid4()
    server.is_away = True
    assert children.read_states([gone]) == {}
    server.is_away = False
    assert children.read_states([gone])[gone].is_crashed()
