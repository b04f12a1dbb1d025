"""How a run begins, passes its stages, of which one's failure is not another's, and ends."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, TypeVar
from zoneinfo import ZoneInfo

from prefect import get_run_logger
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed, Failed

from flows.running.configuration import Configuration, load_configuration
from flows.running.home import home_folder, home_path
from flows.running.logs import start_logging
from schemas.parameters import find_beyond_limits
from schemas.summary import LoadCounts, RunSummary, Stage, StageFailure
from tasks.errors import ArgumentError, CodegraderError
from tasks.plan import MAX_DAYS, plan_period

FURTHEST_AHEAD: Final = timedelta(hours=14)
"""How far the earliest time zone is ahead of UTC: its today may be tomorrow here."""
REFUSED: Final = "Refused"
"""The name of a run's state whose arguments cannot be used. Whoever started it sees it; nobody gets a mail."""

Result = TypeVar("Result")


def check_arguments(
    flow: Callable[..., Any], given: Mapping[str, Any], now: datetime, max_days: int | None = MAX_DAYS
) -> None:
    """Refuses a command's arguments that cannot be right in any time zone, before anything starts.

    Which one is the reporting time zone is not known then.

    Raises:
        ArgumentError: a value lies beyond its parameter's limits; or see `tasks.plan.plan_period`.
    """
    _check_limits(flow, given)
    plan_period(
        given.get("start_date"), given.get("end_date"), ZoneInfo("UTC"), now + FURTHEST_AHEAD, max_days=max_days
    )


def begin_run(flow: Callable[..., Any]) -> Configuration:
    """Begins the current run: finds its configuration, opens its log, and checks its parameters by their limits.

    Raises:
        ArgumentError: a parameter lies beyond its limits.
        InvalidInputError: nothing is set up, or the log folder cannot be written to.
    """
    configuration = load_configuration()
    log_dir = configuration.settings.log_dir
    start_logging(Path(log_dir) if log_dir else home_folder("logs"), configuration.secrets())
    if configuration.database is None:
        get_run_logger().info("no database Block: the embedded PostgreSQL in %s is used", home_path() / "postgres")
    _check_limits(flow, flow_run.parameters)
    return configuration


def _check_limits(flow: Callable[..., Any], given: Mapping[str, Any]) -> None:
    """Says what the form would have refused, to those who did not use it."""
    if problems := list(find_beyond_limits(flow, given)):
        raise ArgumentError("; ".join(problems))


@dataclass(slots=True)
class Stages:
    """The stages of one run, and what has failed so far."""

    failures: list[StageFailure] = field(default_factory=list)

    def run(
        self, stage: Stage, act: Callable[[], Result], describe: Callable[[Result], str], *, is_shown: bool = False
    ) -> Result | None:
        """What `act` returns, described in the log, with counts; None if it failed, which is noted and logged.

        Args:
            is_shown: whether a quiet console shows that, since it says where a reader finds something.
        """
        logger = get_run_logger()
        logger.info("%s: started", stage)
        started = time.perf_counter()
        try:
            result = act()
        except Exception as error:  # noqa: BLE001 (it is noted, and the other stages go on)
            self.note(stage, error)
            return None
        seconds = time.perf_counter() - started
        logger.info("%s: %s in %.1f s", stage, describe(result), seconds, extra={"is_shown": is_shown})
        return result

    def note(self, stage: Stage, error: Exception) -> None:
        """Notes and logs that a stage, or a part of it, has failed; a fault of ours with its traceback."""
        failure = explain(error, stage)
        # What ails two parts of a stage is told once.
        if failure not in self.failures:
            self.failures.append(failure)
        get_run_logger().error("%s: failed: %s", stage, failure.message, exc_info=error)


def explain(error: BaseException, stage: Stage) -> StageFailure:
    """Why a stage failed, in one line: our own errors explain themselves."""
    if isinstance(error, CodegraderError):
        return StageFailure(error.stage or stage, str(error))
    return StageFailure(stage, f"unexpected error ({type(error).__name__}): see the run's log")


def describe_counts(counts: LoadCounts) -> str:
    """The counts in words, without those that are zero."""
    parts = [f"{counts.fetched:,} fetched", f"{counts.new:,} new", f"{counts.changed:,} changed"]
    parts += [
        f"{number:,} {name if number > 1 else name.removesuffix('s')}"
        for name in ("unchanged", "rejected", "duplicates", "warnings")
        if (number := getattr(counts, name))
    ]
    return ", ".join(parts)


def conclude(summary: RunSummary) -> State[Any]:
    """The run's final state, with what it came to, or which stages failed, why, and what is missing, in one line."""
    if summary.succeeded:
        unchanged = summary.counts.new == summary.counts.changed == 0
        counts = describe_counts(summary.counts)
        return Completed(message=f"{summary.period}: {counts}{' (nothing has changed)' if unchanged else ''}")
    failed = "; ".join(
        f"{failure.stage} failed: {failure.message}"
        + (f" (missing: {len(failure.missing)} windows from {failure.missing[0]} UTC)" if failure.missing else "")
        for failure in summary.failures
    )
    return Failed(message=f"{summary.period}: {failed}")


def fail(error: CodegraderError) -> State[Any]:
    """The state of a run that one of our errors has ended: its message says all that a traceback would hide."""
    return Failed(name=REFUSED if isinstance(error, ArgumentError) else None, message=str(error))
