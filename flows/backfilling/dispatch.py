"""Dispatch: has child runs load the chunks, some at a time, and says what became of each: loaded, skipped or failed."""

import logging
import time
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Final, Literal
from uuid import UUID

from prefect import get_run_logger
from prefect.artifacts import create_table_artifact
from prefect.client.schemas.objects import State

from flows.backfilling.children import ChildRuns
from flows.backfilling.chunks import Chunk, describe_days
from flows.running.artifacts import Progress
from flows.running.stages import describe_counts
from schemas.period import Day
from schemas.summary import CheckResult, LoadCounts
from tasks.check import add_results
from tasks.coverage import loaded_by, missing_days

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

POLL_S: Final = 2.0
MOST_STARTS: Final = 2
"""A chunk whose run crashed is started once more: a worker may die by chance, two suggest that the chunk kills them."""
NOT_HERE: Final = (
    "its run has completed, but its days are not in this database: set DATABASE_URL to one that all workers share, and "
    "run python -m flows.setup"
)


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
    """Loads chunks by child runs.

    Args:
        loads: the chunks, of which nothing is known yet.
        max_parallel: how many runs are under way at once; more only if an earlier backfill has left more.
    """

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
                self._watch()

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

    def _watch(self) -> None:
        for run_id, state in self._children.read_states(self._active).items():
            if state.is_final():
                self._end(self._active.pop(run_id), run_id, state)

    def _end(self, load: ChunkLoad, run_id: UUID, state: State) -> None:
        loaded = loaded_by(self._engine, str(run_id))
        load.windows += loaded.windows
        load.counts += loaded.counts
        load.checks = add_results(load.checks, loaded.checks) or load.checks
        load.missing = missing_days(self._engine, load.chunk.days, load.since)
        # A run that was found under way may have been asked for less, or been cancelled along with its own backfill.
        most_starts = MOST_STARTS if state.is_crashed() else 1
        if not load.missing and not state.is_failed():
            self._finish(load, "loaded")
        elif not state.is_failed() and load.starts < most_starts:
            get_run_logger().warning(
                "%s: its run ended as %s (%s): starting another", load.chunk, state.name, state.message
            )
            self._start(load, load.missing)
        elif state.is_completed():
            self._finish(load, "failed", NOT_HERE)
        else:
            self._finish(load, "failed", state.message or state.name or "no reason is known")

    def _finish(self, load: ChunkLoad, outcome: Literal["loaded", "skipped", "failed"], reason: str = "") -> None:
        load.outcome, load.reason = outcome, reason
        if outcome == "failed":
            self._progress.advance(logging.ERROR, "%s: failed: %s", load.chunk, reason, is_shown=True)
        elif outcome == "skipped":
            self._progress.advance(logging.INFO, "%s: skipped, loaded before", load.chunk)
        else:
            self._progress.advance(logging.INFO, "%s: loaded: %s", load.chunk, describe_counts(load.counts))


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
