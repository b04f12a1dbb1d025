"""Extract to load, for all windows of a period: some at a time, each by itself, whatever becomes of the others.

And then whether what was loaded is fit to be published, or too much of it was rejected or is there twice.
"""

import logging
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.futures import PrefectFuture
from prefect.runtime import flow_run, task_run
from sqlalchemy.engine import Engine

from flows.running.artifacts import Progress
from flows.running.stages import describe_counts, explain
from schemas.blocks import GraderApi
from schemas.period import Plan, Window
from schemas.summary import CheckResult, LoadCounts, StageFailure
from tasks.check import add_results, check
from tasks.extract import extract
from tasks.grader_api import MAX_CONNECTIONS, parse_records
from tasks.load import load_window
from tasks.retries import is_database_fault
from tasks.transform import transform

LOADERS: Final = MAX_CONNECTIONS + 2
"""Windows under way at once: while some are loaded, the connections to the API are not idle."""


@dataclass(slots=True)
class Loading:
    """What loading has come to so far.

    Attributes:
        missing: the windows that are not loaded, by the failure that cost them.
    """

    counts: LoadCounts = field(default_factory=LoadCounts)
    checks: tuple[CheckResult, ...] = ()
    missing: dict[StageFailure, list[Window]] = field(default_factory=dict)

    def failures(self) -> tuple[StageFailure, ...]:
        """One failure for each reason, with the windows that it cost."""
        return tuple(replace(failure, missing=tuple(map(str, lost))) for failure, lost in self.missing.items())


def _name_run() -> str:
    return f"load {task_run.parameters['window']}"


# One task run for transform, check and load together: they take milliseconds, and a task run costs ten of them.
@task(
    task_run_name=_name_run,
    description="Fetches one window's records, transforms, checks and loads them.",
    cache_policy=NO_CACHE,
    retries=3,
    retry_delay_seconds=[2, 10, 30],
    retry_condition_fn=is_database_fault,
)
def load(
    window: Window, api: GraderApi, engine: Engine, cache_folder: Path, *, refresh: bool
) -> tuple[LoadCounts, tuple[CheckResult, ...]]:
    """Takes one window all the way into the database: what became of its records, and the outcome of the checks."""
    ask = extract.with_options(result_storage=cache_folder, refresh_cache=refresh)
    records = parse_records(ask(api, window))
    now = datetime.now(UTC)
    checked = check(records, transform(records), window, now)
    counts = load_window(engine, window, checked, flow_run.get_id(), now)
    return counts, checked.results


def load_windows(plan: Plan, api: GraderApi, engine: Engine, cache_folder: Path) -> Loading:
    """Loads all windows of a plan. One that fails is noted and fails alone."""
    loading = Loading()
    progress = Progress("windows loaded", len(plan.windows))
    submitted = (
        (window, load.submit(window, api, engine, cache_folder, refresh=window in plan.refresh))
        for window in plan.windows
    )
    for window, future in _finished(submitted):
        future.wait()
        state = future.state
        if state.is_completed():
            counts, checks = state.result()
            loading.counts += counts
            loading.checks = add_results(loading.checks, checks)
            progress.advance(logging.INFO, "%s UTC: %s", window, describe_counts(counts))
        else:
            failure = explain(state.result(raise_on_failure=False), "load")
            is_first = failure not in loading.missing
            loading.missing.setdefault(failure, []).append(window)
            progress.advance(logging.ERROR, "%s UTC is not loaded: %s", window, failure.message, is_shown=is_first)
    return loading


def _finished(
    submitted: Iterable[tuple[Window, PrefectFuture[Any]]],
) -> Iterator[tuple[Window, PrefectFuture[Any]]]:
    """Hands the runs out in order, with few of them under way: a year's windows at once would all be held in memory."""
    under_way: deque[tuple[Window, PrefectFuture[Any]]] = deque()
    for run in submitted:
        under_way.append(run)
        if len(under_way) > 2 * LOADERS:
            yield under_way.popleft()
    yield from under_way


class Limits(NamedTuple):
    """Above which shares of the records, from 0 to 1, nothing is published; named as the flows' parameters."""

    max_rejected_share: float
    max_duplicates_share: float


def distrust(counts: LoadCounts, limits: Limits) -> Iterator[str]:
    """Why these records are not to be published, and what to do, a line for each reason; none where they are."""
    if counts.rejected > limits.max_rejected_share * counts.fetched:
        yield (
            f"{counts.rejected:,} of {counts.fetched:,} records failed the checks, more than "
            f"{limits.max_rejected_share:.1%}: nothing was published; see the table rejected_records, then mend the "
            "source or raise max_rejected_share"
        )
    if counts.duplicates > limits.max_duplicates_share * counts.fetched:
        yield (
            f"{counts.duplicates:,} of {counts.fetched:,} records are exact duplicates, more than "
            f"{limits.max_duplicates_share:.1%}: nothing was published; see whether the API cuts its times to the "
            "second or the minute, which makes attempts look alike, then mend the source or raise max_duplicates_share"
        )
