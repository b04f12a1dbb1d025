"""Dispatch: has child runs of the daily deployment load the chunks, some at a time, and says what became of each.

A chunk is loaded, skipped or failed. A child run whose worker dies is marked as crashed by an automation, see
`flows.installing.server_objects`.
"""

import logging
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

import httpx
from prefect import get_run_logger, task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter
from prefect.client.schemas.objects import TERMINAL_STATES, FlowRun, StateType
from prefect.deployments import run_deployment
from prefect.exceptions import ObjectNotFound
from prefect.futures import as_completed
from prefect.task_runners import ThreadPoolTaskRunner
from sqlalchemy.engine import Engine

from flows.backfilling.chunks import Chunk, describe_days, to_parameters
from flows.running.artifacts import Progress
from flows.running.stages import describe_counts
from schemas.period import Day
from tasks.coverage import Loaded, loaded_by, missing_days
from tasks.errors import InvalidInputError

DEPLOYMENT: Final = "codegrader-etl/daily"
TAG: Final = "backfill"
ACTIVE: Final = [kind for kind in StateType if kind not in TERMINAL_STATES]
START_PATIENCE: Final = timedelta(minutes=1)
POLL_S: Final = 1.0
MOST_STARTS: Final = 2
"""A chunk whose run crashed is started once more: a worker may die by chance, two suggest that the chunk kills them."""
NOT_HERE: Final = (
    "its run has completed, but its days are not in this database: set DATABASE_URL to one that all workers share, and "
    "run python -m flows.setup"
)


@dataclass(frozen=True, slots=True)
class ChunkLoad:
    """How it went with one chunk.

    Attributes:
        loaded: what its runs have loaded.
        reason: why it failed.
        missing: the days that are missing after it failed.
    """

    chunk: Chunk
    outcome: Literal["loaded", "skipped", "failed"]
    loaded: Loaded
    reason: str = ""
    missing: tuple[Day, ...] = ()


def load_chunks(
    engine: Engine, chunks: Sequence[Chunk], parameters: Mapping[str, Any], since: datetime | None, max_parallel: int
) -> list[ChunkLoad]:
    """Has all chunks loaded, `max_parallel` at once; one that fails does not stop the others.

    Args:
        parameters: those of the child runs, but for the dates.
        since: what was loaded before that moment is loaded again; None: what is loaded is left.

    Raises:
        CodegraderError: there is no deployment, or the database cannot be used; runs that are under way go on.
    """
    loads: list[ChunkLoad] = []
    progress = Progress("chunks done", len(chunks))
    shared = {"engine": engine, "parameters": parameters, "since": since}
    with ThreadPoolTaskRunner[ChunkLoad](max_workers=max_parallel) as runner:
        for future in as_completed([runner.submit(load_chunk, {"chunk": chunk, **shared}) for chunk in chunks]):
            load = future.result()
            loads.append(load)
            has_failed = load.outcome == "failed"
            said = load.reason or (describe_counts(load.loaded.counts) if load.loaded.windows else "loaded before")
            level = logging.ERROR if has_failed else logging.INFO
            progress.advance(level, "%s: %s: %s", load.chunk, load.outcome, said, is_shown=has_failed)
    return sorted(loads, key=lambda load: str(load.chunk))


@task(task_run_name="load {chunk}", cache_policy=NO_CACHE)
def load_chunk(chunk: Chunk, engine: Engine, parameters: Mapping[str, Any], since: datetime | None) -> ChunkLoad:
    """Waits for the run that an earlier backfill may have left under way, and starts one for what is missing then."""
    logger = get_run_logger()
    runs: list[FlowRun] = []
    if earlier := find_active(chunk):
        logger.info("%s: taken over: run %s of an earlier backfill is under way", chunk, earlier.id)
        runs.append(wait_for(earlier))
    for _ in range(MOST_STARTS):
        if not (missing := missing_days(engine, chunk.days, since)):
            break
        logger.info("%s: a run is to load %s", chunk, describe_days(missing))
        runs.append(wait_for(start(chunk, missing[0], missing[-1], parameters)))
        if runs[-1].state_type != StateType.CRASHED:
            break
    loaded = loaded_by(engine, *(str(run.id) for run in runs))
    if not runs:
        return ChunkLoad(chunk, "skipped", loaded)
    missing, state = missing_days(engine, chunk.days, since), runs[-1].state
    assert state, "it has ended"
    if not missing and not state.is_failed():
        return ChunkLoad(chunk, "loaded", loaded)
    reason = NOT_HERE if state.is_completed() else state.message or state.name or "no reason is known"
    return ChunkLoad(chunk, "failed", loaded, reason, missing)


def find_active(chunk: Chunk) -> FlowRun | None:
    """The run of that chunk that is not at its end."""
    wanted = {"tags": {"all_": [TAG, str(chunk)]}, "state": {"type": {"any_": ACTIVE}}}
    with get_client(sync_client=True) as client:
        return next(iter(client.read_flow_runs(flow_run_filter=FlowRunFilter.model_validate(wanted))), None)


def start(chunk: Chunk, first: Day, last: Day, parameters: Mapping[str, Any]) -> FlowRun:
    """Has the days of a chunk from `first` to `last` loaded by whichever worker is free."""
    try:
        run = run_deployment(
            DEPLOYMENT,
            parameters=to_parameters(first, last, chunk.time_zone) | dict(parameters),
            flow_run_name=str(chunk),
            tags=[TAG, str(chunk)],
            timeout=0,
        )
    except ObjectNotFound:
        advice = "run: prefect --no-prompt deploy --all"
        raise InvalidInputError(f"the deployment {DEPLOYMENT} is not on this Prefect server: {advice}") from None
    assert isinstance(run, FlowRun), "in a synchronous task, nothing is to be awaited"
    return run


def wait_for(run: FlowRun) -> FlowRun:
    """The run at its end. That the server is away, or that no worker takes the run, is told meanwhile."""
    logger, is_told = get_run_logger(), False
    while not (run.state and run.state.is_final()):
        time.sleep(POLL_S)
        try:
            with get_client(sync_client=True) as client:
                run = client.read_flow_run(run.id)
        except httpx.TransportError as error:
            logger.warning("the Prefect server cannot be reached (%s): waiting for it", type(error).__name__)
            continue
        is_late = run.expected_start_time and run.expected_start_time < datetime.now(UTC) - START_PATIENCE
        if run.state_type == StateType.SCHEDULED and is_late and not is_told:
            is_told = True
            advice = f"to start one more: prefect worker start --pool {run.work_pool_name}"
            logger.warning("%s waits for a worker: there is none, or all are busy; %s", run.name, advice)
    return run


def count_outcomes(loads: Sequence[ChunkLoad]) -> str:
    """Such as `12 chunks: 9 loaded, 2 skipped, 1 failed; 5,120 records new, 3 changed`."""
    outcomes = Counter(load.outcome for load in loads)
    chunks = ", ".join(f"{outcomes[outcome]} {outcome}" for outcome in ("loaded", "skipped", "failed"))
    new, changed = (sum(getattr(load.loaded.counts, name) for load in loads) for name in ("new", "changed"))
    return f"{len(loads)} chunks: {chunks}; {new:,} records new, {changed:,} changed"


def write_outcomes(loads: Sequence[ChunkLoad]) -> None:
    """Writes an artifact of the run: a row for each chunk."""
    rows = [
        {
            "days": str(load.chunk),
            "outcome": load.outcome,
            "windows": load.loaded.windows,
            **{name: getattr(load.loaded.counts, name) for name in ("fetched", "new", "changed", "rejected")},
            "reason": load.reason,
        }
        for load in loads
    ]
    create_table_artifact(rows, key="codegrader-backfill", description=count_outcomes(loads))
