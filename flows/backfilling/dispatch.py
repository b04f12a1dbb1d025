"""Dispatch: has child runs of the daily deployment load the chunks, some at a time, and says what became of each.

A chunk is loaded, skipped or failed. A child run whose worker dies is marked as crashed by an automation, see
`flows.installing.server_objects`.
"""

import logging
import time
from collections import Counter, deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, Literal
from uuid import UUID

import httpx
from prefect import get_run_logger
from prefect.artifacts import create_table_artifact
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import FlowRunFilter
from prefect.client.schemas.objects import TERMINAL_STATES, FlowRun, State, StateType
from prefect.deployments import run_deployment
from prefect.exceptions import ObjectNotFound
from prefect.states import Crashed

from flows.backfilling.chunks import Chunk, describe_days, to_parameters
from flows.running.artifacts import Progress
from flows.running.loading import Limits
from flows.running.stages import describe_counts
from schemas.period import Day
from schemas.summary import CheckResult, LoadCounts
from tasks.check import add_results
from tasks.coverage import loaded_by, missing_days
from tasks.errors import InvalidInputError

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

DEPLOYMENT: Final = "codegrader-etl/daily"
TAG: Final = "backfill"
REFRESH_TAG: Final = "refresh"
ACTIVE: Final = [kind for kind in StateType if kind not in TERMINAL_STATES]
START_PATIENCE: Final = timedelta(minutes=1)
POLL_S: Final = 2.0
MOST_STARTS: Final = 2
"""A chunk whose run crashed is started once more: a worker may die by chance, two suggest that the chunk kills them."""
NOT_HERE: Final = (
    "its run has completed, but its days are not in this database: set DATABASE_URL to one that all workers share, and "
    "run python -m flows.setup"
)


class ChildRuns:
    """The child runs of one backfill, and those that an earlier one has left under way.

    Args:
        limits: see the flow `codegrader-etl`.
        refresh: whether they ask the API again; then only runs that do so too are taken over from an earlier backfill.

    Raises:
        InvalidInputError: the deployment is not there.
    """

    def __init__(self, client: SyncPrefectClient, limits: Limits, *, refresh: bool) -> None:
        self._client = client
        self._tags = [TAG, REFRESH_TAG] if refresh else [TAG]
        self._parameters = {"refresh": refresh, "publish": False, **limits._asdict()}
        self._has_warned = False
        try:
            self._deployment = client.read_deployment_by_name(DEPLOYMENT)
        except ObjectNotFound:
            raise InvalidInputError(
                f"the deployment {DEPLOYMENT} is not on this Prefect server: run: prefect --no-prompt deploy --all"
            ) from None

    def find_active(self) -> dict[str, FlowRun]:
        """The runs that are not at their end, by each of their tags, of which one is the chunk's name."""
        ours = {"deployment_id": {"any_": [self._deployment.id]}, "tags": {"all_": self._tags}}
        active = FlowRunFilter.model_validate({**ours, "state": {"type": {"any_": ACTIVE}}})
        return {tag: run for run in self._client.read_flow_runs(flow_run_filter=active) for tag in run.tags}

    def start(self, chunk: Chunk, first: Day, last: Day) -> FlowRun:
        """Has the days of a chunk from `first` to `last` loaded by whichever worker is free."""
        run = run_deployment(
            DEPLOYMENT,
            parameters=to_parameters(first, last, chunk.time_zone) | self._parameters,
            flow_run_name=str(chunk),
            tags=[*self._tags, str(chunk)],
            timeout=0,
            as_subflow=True,
        )
        assert isinstance(run, FlowRun), "in a synchronous flow, nothing is to be awaited"
        return run

    def read_states(self, ids: Collection[UUID]) -> dict[UUID, State]:
        """The states of these runs; none while the server cannot be reached."""
        wanted = FlowRunFilter.model_validate({"id": {"any_": list(ids)}})
        try:
            runs = self._client.read_flow_runs(flow_run_filter=wanted)
        except httpx.TransportError as error:
            get_run_logger().warning("the Prefect server cannot be reached (%s): waiting for it", type(error).__name__)
            return {}
        self._warn_of_waiting(runs)
        states: dict[UUID, State] = dict.fromkeys(ids, Crashed(message="the run was deleted"))
        return states | {run.id: run.state for run in runs if run.state}

    def _warn_of_waiting(self, runs: Collection[FlowRun]) -> None:
        """Says once that runs are not started, until they are."""
        now = datetime.now(UTC)
        scheduled = [run for run in runs if run.state and run.state.is_scheduled()]
        waiting = [run for run in scheduled if (run.expected_start_time or run.created or now) < now - START_PATIENCE]
        if waiting and not self._has_warned:
            get_run_logger().warning(
                f"{len(waiting)} child runs wait for a worker: there is none, or all are busy; to start one more: "
                f"prefect worker start --pool {self._deployment.work_pool_name}"
            )
        self._has_warned = bool(waiting)


@dataclass(slots=True)
class ChunkLoad:
    """How it goes with one chunk.

    Attributes:
        since: what was loaded before that moment is loaded again; None: what is loaded is left.
        outcome: empty until it is known.
        reason: why it failed.
        missing: the days that are missing after it failed.
        windows: how many all its runs have loaded; `counts` and `checks` are of these.
        starts: how often a run was started; one that was found under way does not count.
    """

    chunk: Chunk
    since: datetime | None
    outcome: Literal["", "loaded", "skipped", "failed"] = ""
    reason: str = ""
    missing: tuple[Day, ...] = ()
    windows: int = 0
    counts: LoadCounts = field(default_factory=LoadCounts)
    checks: tuple[CheckResult, ...] = ()
    starts: int = 0


class Dispatch:
    """Loads chunks by child runs, `max_parallel` at once; more only if an earlier backfill has left more."""

    def __init__(self, engine: "Engine", children: ChildRuns, loads: Sequence[ChunkLoad], max_parallel: int) -> None:
        self._engine, self._children, self._loads, self._max_parallel = engine, children, loads, max_parallel
        self._active: dict[UUID, ChunkLoad] = {}
        self._progress = Progress("chunks done", len(loads))

    def run(self) -> None:
        """Loads all chunks and notes how each went; one that fails does not stop the others.

        Raises:
            CodegraderError: the database cannot be used; runs that are under way go on.
        """
        under_way = self._children.find_active()
        # Those that are under way count against `max_parallel`, so they come first.
        waiting = deque(sorted(self._loads, key=lambda load: str(load.chunk) not in under_way))
        while waiting or self._active:
            while waiting and len(self._active) < self._max_parallel:
                self._begin(waiting.popleft())
            if self._active:
                time.sleep(POLL_S)
                states = self._children.read_states(self._active)
                for run_id in [run_id for run_id, state in states.items() if state.is_final()]:
                    self._end(self._active.pop(run_id), run_id, states[run_id])

    def _begin(self, load: ChunkLoad) -> None:
        """Takes over the run that an earlier backfill has started; else starts one for what is missing."""
        run = self._children.find_active().get(str(load.chunk))
        if run:
            get_run_logger().info("%s: taken over: run %s of an earlier backfill is under way", load.chunk, run.id)
            if load.since and run.created and run.created < load.since:
                load.since = run.created
            self._active[run.id] = load
        elif missing := missing_days(self._engine, load.chunk.days, load.since):
            self._start(load, missing)
        else:
            self._finish(load, "skipped")

    def _start(self, load: ChunkLoad, missing: Sequence[Day]) -> None:
        run = self._children.start(load.chunk, missing[0], missing[-1])
        get_run_logger().info("%s: run %s is to load %s", load.chunk, run.id, describe_days(missing))
        load.starts += 1
        self._active[run.id] = load

    def _end(self, load: ChunkLoad, run_id: UUID, state: State) -> None:
        loaded = loaded_by(self._engine, str(run_id))
        load.windows += loaded.windows
        load.counts += loaded.counts
        load.checks = add_results(load.checks, loaded.checks)
        load.missing = missing_days(self._engine, load.chunk.days, load.since)
        # A run that was found under way may have been asked for less, or been cancelled along with its own backfill.
        most_starts = MOST_STARTS if state.is_crashed() else 1
        if not load.missing and not state.is_failed():
            self._finish(load, "loaded")
        elif not state.is_failed() and load.starts < most_starts:
            ended = f"its run ended as {state.name} ({state.message})"
            get_run_logger().warning("%s: %s: starting another", load.chunk, ended)
            self._start(load, load.missing)
        else:
            ended_as = state.message or state.name or "no reason is known"
            self._finish(load, "failed", NOT_HERE if state.is_completed() else ended_as)

    def _finish(self, load: ChunkLoad, outcome: Literal["loaded", "skipped", "failed"], reason: str = "") -> None:
        load.outcome, load.reason = outcome, reason
        has_failed = outcome == "failed"
        said = {"loaded": describe_counts(load.counts), "skipped": "loaded before", "failed": reason}[outcome]
        level = logging.ERROR if has_failed else logging.INFO
        self._progress.advance(level, "%s: %s: %s", load.chunk, outcome, said, is_shown=has_failed)


def count_outcomes(loads: Sequence[ChunkLoad]) -> str:
    """Such as `12 chunks: 9 loaded, 2 skipped, 1 failed; 5,120 records new, 3 changed`."""
    outcomes = Counter(load.outcome for load in loads)
    chunks = ", ".join(f"{outcomes[outcome]} {outcome}" for outcome in ("loaded", "skipped", "failed"))
    new, changed = (sum(getattr(load.counts, name) for load in loads) for name in ("new", "changed"))
    return f"{len(loads)} chunks: {chunks}; {new:,} records new, {changed:,} changed"


def write_outcomes(loads: Sequence[ChunkLoad]) -> None:
    """Writes an artifact of the run: a row for each chunk."""
    rows = [
        {
            "days": str(load.chunk),
            "outcome": load.outcome,
            "windows": load.windows,
            **{name: getattr(load.counts, name) for name in ("fetched", "new", "changed", "rejected")},
            "reason": load.reason,
        }
        for load in loads
    ]
    create_table_artifact(rows, key="codegrader-backfill", description=count_outcomes(loads))
