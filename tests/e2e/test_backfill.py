"""A range loaded by runs that two workers share: who started them is killed, and one of the workers."""

import contextvars
import json
import os
import re
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from flows.installing import server_objects
from flows.running.loading import LOADERS
from tests.fixtures.pipelines import Pipeline, Pipelines
from tests.fixtures.records import submit
from tests.fixtures.server_objects import Server
from tests.fixtures.waiting import wait_until
from tests.fixtures.workers import deploy, workers_running
from tests.sandbox.grader import RecordList

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

# The ends of two months.
FIRST, LAST = date(2022, 1, 30), date(2022, 2, 4)
DAYS = (LAST - FIRST).days + 1
LATER = "2022-02-01 to 2022-02-04"
FEBRUARY = datetime(2022, 2, 1, tzinfo=UTC)
HELD_FROM = FEBRUARY - timedelta(hours=6)


class GatedRecords(RecordList):
    """An attempt each half past noon; the last window of January and those of February wait for the gate to open.

    All of January would take the API's connections, which all runs share, from February's run.
    """

    def __init__(self) -> None:
        super().__init__(
            submit(lti_user_id=f"{day:032x}", created_at=f"{FIRST + timedelta(days=day)} 12:30:00")
            for day in range(DAYS)
        )
        self.reached, self.opened = threading.Event(), threading.Event()

    def between(self, start: datetime, end: datetime) -> Sequence[object]:
        # Whichever comes first: with January's last, those of February are one more than there are connections.
        if start >= FEBRUARY:
            self.reached.set()
        if start >= HELD_FROM:
            self.opened.wait(200)
        return super().between(start, end)


@pytest.fixture
def records() -> Iterator[GatedRecords]:
    records = GatedRecords()
    yield records
    records.opened.set()


@pytest.fixture
def pipeline(pipelines: Pipelines, records: GatedRecords) -> Pipeline:
    pipeline = pipelines.make(records)
    deploy(pipeline.server)
    # Started by this process, the database outlives every worker.
    pipeline.rows("SELECT 1")
    return pipeline


@pytest.fixture(params=["by hand", pytest.param("by the automation", marks=pytest.mark.stress)])
def mark_as_crashed(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[UUID], object]]:
    """Marks a run whose worker has died.

    The automation does it after a silence of less than a minute, where users wait for ten; it is also tried alone, in
    `test_dead_runs`, where it takes seconds.
    """
    from prefect.client.orchestration import get_client
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
    from prefect.states import Crashed

    with get_client(sync_client=True) as client:
        if request.param == "by hand":
            yield lambda run: client.set_flow_run_state(run, Crashed())
            return
        monkeypatch.setattr(server_objects, "SILENCE", timedelta(seconds=50))
        with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: 30}):
            list(server_objects.put_automations(client, is_expected=False))
            yield lambda _: None
        for automation in client.read_automations():
            client.delete_automation(automation.id)


def backfill(pipeline: Pipeline, start: date = FIRST, end: date = LAST, **parameters: Any) -> "State":
    from flows.backfill import codegrader_backfill

    with pipeline.environment({}):
        state: State = codegrader_backfill(start, end, **parameters, return_state=True)
    return state


def child_runs(pipeline: Pipeline, since: datetime) -> list[dict[str, Any]]:
    wanted = {"flow_runs": {"tags": {"all_": ["backfill"]}}, "flows": {"name": {"any_": ["codegrader-etl"]}}}
    runs = Server(pipeline.server).ask("POST", "flow_runs/filter", wanted)
    return [run for run in runs if datetime.fromisoformat(run["created"]) > since]


def outcomes(pipeline: Pipeline, state: "State") -> list[str]:
    """The outcome of each chunk, as the table says that a backfill leaves in the dashboard."""
    run = {"any_": [str(state.state_details.flow_run_id)]}
    wanted = {"artifacts": {"key": {"any_": ["codegrader-backfill"]}, "flow_run_id": run}}
    (artifact,) = Server(pipeline.server).ask("POST", "artifacts/filter", wanted)
    return [row["outcome"] for row in json.loads(artifact["data"])]


def test_a_stopped_backfill_and_a_killed_worker_cost_nothing_but_time(
    pipeline: Pipeline, records: GatedRecords, mark_as_crashed: Callable[[UUID], object]
) -> None:
    from flows.notify import codegrader_notify

    began = datetime.now(UTC)
    command = [sys.executable, "-m", "flows.backfill", "--start-date", str(FIRST), "--end-date", str(LAST)]
    with workers_running(pipeline, 2) as workers:
        stopped = subprocess.Popen(command, env=os.environ | pipeline.variables(), stdout=subprocess.DEVNULL)
        is_reached = records.reached.wait(120)
        stopped.kill()
        stopped.wait()
        assert is_reached

        def kill_a_worker() -> None:
            wait_until(lambda: pipeline.log().count(": taken over: ") == 2, 60)
            (february,) = (UUID(run["id"]) for run in child_runs(pipeline, began) if LATER in run["tags"])
            next(worker for worker in workers if worker.runs(february)).kill()
            mark_as_crashed(february)
            records.opened.set()

        # With this thread's context, in which the server's address is set.
        killing = threading.Thread(target=contextvars.copy_context().run, args=(kill_a_worker,), daemon=True)
        killing.start()
        state = backfill(pipeline, max_duplicates_share=0.1)

    killing.join(1)
    assert state.is_completed(), state.message
    assert pipeline.rows("SELECT count(*), count(DISTINCT id) FROM attempts") == [(DAYS, DAYS)]
    assert pipeline.rows("SELECT count(*) FROM loaded_windows") == [(4 * DAYS,)]
    assert pipeline.rows("SELECT count(*) FROM daily_metrics WHERE complete") == [(DAYS,)]
    # What was under way when the worker died was asked for twice, and nothing of the run that was taken over.
    asked_for = Counter(request.start for request in pipeline.world.grader.requests if request.start)
    assert len(asked_for) == 4 * DAYS
    twice = [start for start, times in asked_for.items() if times == 2]
    assert 0 < len(twice) == len(pipeline.world.grader.requests) - 4 * DAYS <= LOADERS
    assert min(twice) >= FEBRUARY
    runs = child_runs(pipeline, began)
    assert Counter(run["state_name"] for run in runs) == {"Completed": 2, "Crashed": 1}
    assert f"2 loaded, 0 skipped, 0 failed; {DAYS} records new" in str(state.message)
    asked_of = [run["parameters"] for run in runs]
    assert sorted((one["publish"], one["max_duplicates_share"]) for one in asked_of) == [
        (False, 0.05),
        (False, 0.05),
        (False, 0.1),
    ]
    assert outcomes(pipeline, state) == ["loaded"] * 2
    # The backfill tells of its parts, also of one that has died.
    with pipeline.environment({}):
        assert not any(codegrader_notify(run["id"]) for run in runs)
    (mail,) = pipeline.world.smtp.messages
    assert "СБОЙ" not in mail["Subject"]
    # Each day once, by the run that loaded it: at the end of a backfill no worker has anything to do.
    assert sum(map(int, re.findall(r"days computed: (\d+)", pipeline.log()))) == DAYS

    asked = len(pipeline.world.grader.requests)
    state = backfill(pipeline)

    assert state.is_completed(), state.message
    assert "0 loaded, 2 skipped, 0 failed; 0 records new" in str(state.message)
    assert len(child_runs(pipeline, began)) == len(runs)
    assert len(pipeline.world.grader.requests) == asked


def test_what_cannot_be_used_is_refused_and_without_the_deployment_it_says_what_to_do(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Other days than those of which the runs may be under way.
    day = date(2021, 6, 1)
    state = backfill(pipeline, day, day, chunk_months=13, max_parallel=0, max_rejected_share=2, max_duplicates_share=-1)
    assert state.name == "Refused"
    for told in ("chunk_months is 13", "max_parallel is 0", "max_rejected_share is 2", "max_duplicates_share is -1"):
        assert told in str(state.message)

    monkeypatch.setattr("flows.backfilling.dispatch.DEPLOYMENT", "codegrader-etl/absent")
    state = backfill(pipeline, day, day)
    assert state.is_failed()
    assert "codegrader-etl/absent" in str(state.message)
    assert "deploy --all" in str(state.message)
