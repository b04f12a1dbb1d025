"""The daily flow, from the grader's API to the reader's inbox.

Without a deployment: `python -m flows.etl --start-date 2023-04-01 --end-date 2023-04-30`.
"""

import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prefect import flow, get_run_logger
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed, Failed
from prefect.task_runners import ThreadPoolTaskRunner

from flows.arguments import parse_arguments
from flows.configuration import Configuration, load_configuration
from flows.home import home_folder
from flows.loading import Loading, describe_counts, load_windows
from flows.logs import start_logging
from flows.publishing import publish
from flows.stages import Stages
from schemas.period import Period, Window
from schemas.summary import LoadCounts, RunSummary, StageFailure
from tasks.check import format_results
from tasks.database import embedded_database, open_engine
from tasks.errors import CodegraderError, InvalidInputError
from tasks.extract import delete_expired
from tasks.grader_api import MAX_CONNECTIONS
from tasks.plan import plan_period, split_into_windows

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine


def _name_run() -> str:
    start, end = flow_run.parameters.get("start_date"), flow_run.parameters.get("end_date")
    return f"{start or 'yesterday'} to {end}" if end and end != start else f"{start or 'yesterday'}"


@flow(
    name="codegrader-etl",
    flow_run_name=_name_run,
    task_runner=ThreadPoolTaskRunner(max_workers=MAX_CONNECTIONS),  # type: ignore[arg-type]
)
def codegrader_etl(
    start_date: date | str | None = None,
    end_date: date | str | None = None,
    refresh: bool = False,
    window_hours: int = 6,
    max_rejected_share: float = 0.05,
) -> State[Any]:
    """Collects the attempts of a range of days, checks and keeps them, and publishes the daily figures.

    Args:
        start_date: First day, such as 2023-04-01, in the reporting time zone. Empty: yesterday.
        end_date: Last day, inclusive. Empty: the same as the first.
        refresh: Ask the API again, even where its answer is cached.
        window_hours: Length of the windows that the API is asked for, 1 to 24 hours.
        max_rejected_share: If more than this share of the records fails the checks (0 to 1), nothing is published.
    """
    # Our own errors explain themselves: a state with their message says all that a traceback would hide.
    try:
        configuration = load_configuration()
        log_dir = configuration.settings.log_dir
        start_logging(Path(log_dir) if log_dir else home_folder("logs"), configuration.secrets())
        _check_limits(window_hours, max_rejected_share)
        period = plan_period(start_date, end_date, configuration.settings.time_zone, datetime.now(UTC))
        windows = split_into_windows(period, window_hours)
        summary = _run(configuration, period, windows, max_rejected_share, refresh=refresh)
    except CodegraderError as error:
        return Failed(message=str(error))
    return _conclude(summary)


def _check_limits(window_hours: int, max_rejected_share: float) -> None:
    if not 1 <= window_hours <= 24:
        raise InvalidInputError(f"window_hours is {window_hours}: choose 1 to 24")
    if not 0 <= max_rejected_share <= 1:
        raise InvalidInputError(f"max_rejected_share is {max_rejected_share}: choose a share, from 0 to 1")


def _run(
    configuration: Configuration,
    period: Period,
    windows: Sequence[Window],
    max_rejected_share: float,
    *,
    refresh: bool,
) -> RunSummary:
    """Loads, then publishes, and goes on where it can if a part fails.

    Raises:
        CodegraderError: the database cannot be used, so that nothing can be done.
    """
    logger = get_run_logger()
    started_at = datetime.now(UTC)
    logger.info("%s: %d windows, days of %s", period, len(windows), period.time_zone.key)
    stages = Stages()
    engine = _open_database(configuration)
    try:
        cache_folder = home_folder("cache")
        loading = _load(stages, windows, configuration, engine, cache_folder, refresh=refresh)
        stages.failures += loading.failures()
        trusted = not _too_many_rejected(loading.counts, max_rejected_share, stages)
        summary = RunSummary(period, started_at, len(windows), loading.counts, loading.checks, figures=())
        summary = publish(stages, summary, configuration, engine, trusted=trusted)
        delete_expired(cache_folder)
        return summary
    finally:
        engine.dispose()


def _open_database(configuration: Configuration) -> "Engine":
    connector = configuration.database
    if connector is None:
        folder = home_folder() / "postgres"
        get_run_logger().info("no database Block: the embedded PostgreSQL in %s is used", folder)
        connector = embedded_database(folder)
    return open_engine(connector)


def _load(
    stages: Stages,
    windows: Sequence[Window],
    configuration: Configuration,
    engine: "Engine",
    cache_folder: Path,
    *,
    refresh: bool,
) -> Loading:
    loading = stages.run(
        "load",
        lambda: load_windows(windows, configuration.api, engine, cache_folder, refresh=refresh),
        lambda done: describe_counts(done.counts),
    )
    loading = loading or Loading()
    for line in format_results(loading.checks).splitlines():
        get_run_logger().info(line)
    return loading


def _too_many_rejected(counts: LoadCounts, max_rejected_share: float, stages: Stages) -> bool:
    if counts.rejected <= max_rejected_share * counts.fetched:
        return False
    message = (
        f"{counts.rejected:,} of {counts.fetched:,} records failed the checks, more than {max_rejected_share:.1%}: "
        "nothing was published; see the table rejected_records, then mend the source or raise max_rejected_share"
    )
    get_run_logger().error(message)
    stages.failures.append(StageFailure("checks", message))
    return True


def _conclude(summary: RunSummary) -> State[Any]:
    counts = describe_counts(summary.counts)
    if summary.succeeded:
        unchanged = summary.counts.new == summary.counts.changed == 0
        return Completed(message=f"{summary.period}: {counts}{' (nothing has changed)' if unchanged else ''}")
    failed = "; ".join(
        f"{failure.stage} failed: {failure.message}"
        + (f" (missing: {len(failure.missing)} windows from {failure.missing[0]} UTC)" if failure.missing else "")
        for failure in summary.failures
    )
    return Failed(message=f"{summary.period}: {failed}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the flow once, in this process.

    Returns:
        0 if it succeeded, 1 if it failed; 2 where the arguments cannot be used, before anything is started.
    """
    try:
        parameters = parse_arguments(arguments, datetime.now(UTC))
    except InvalidInputError as error:
        print(error, file=sys.stderr)
        return 2
    state = codegrader_etl(**parameters, return_state=True)
    print(state.message, file=sys.stdout if state.is_completed() else sys.stderr)
    return 0 if state.is_completed() else 1


if __name__ == "__main__":
    sys.exit(main())
