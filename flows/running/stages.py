"""One stage's failure is not another's: runs a stage, notes its failure, logs what it did and how long it took."""

import time
from collections.abc import Callable
from typing import Any, TypeVar

from prefect import get_run_logger
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from schemas.summary import LoadCounts, RunSummary, Stage, StageFailure
from tasks.errors import CodegraderError

Result = TypeVar("Result")


class Stages:
    """The stages of one run, and what has failed so far."""

    def __init__(self) -> None:
        self.failures: list[StageFailure] = []

    def run(
        self, stage: Stage, act: Callable[[], Result], describe: Callable[[Result], str], *, is_shown: bool = False
    ) -> Result | None:
        """Runs one stage.

        Args:
            stage: its name.
            act: does it.
            describe: says what it did, with counts, for the log.
            is_shown: whether a quiet console shows that, since it says where a reader finds something.

        Returns:
            What `act` returned; None if it failed, which is noted and logged.
        """
        logger = get_run_logger()
        logger.info("%s: started", stage)
        started = time.perf_counter()
        try:
            result = act()
        except Exception as error:  # noqa: BLE001 (it is noted, and the other stages go on)
            self.note(stage, error)
        else:
            seconds = time.perf_counter() - started
            logger.info("%s: %s in %.1f s", stage, describe(result), seconds, extra={"is_shown": is_shown})
            return result
        return None

    def note(self, stage: Stage, error: Exception) -> None:
        """Notes and logs that a stage, or a part of it, has failed."""
        message = str(error)
        if not isinstance(error, CodegraderError):
            # A fault of ours: the log gets its traceback, the reader its name.
            get_run_logger().error("%s: unexpected error", stage, exc_info=error)
            message = f"unexpected error ({type(error).__name__}): see the run's log"
        self.failures.append(StageFailure(stage, message))
        get_run_logger().error("%s: failed: %s", stage, message)


def describe_failure(state: State[Any], stage: Stage) -> tuple[Stage, str]:
    """Where a task run failed, if not at this stage, and why, in one line: our own errors explain themselves."""
    error = state.result(raise_on_failure=False)
    if isinstance(error, CodegraderError):
        return error.stage or stage, str(error)
    return stage, f"unexpected error ({type(error).__name__}): see the run's log"


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
