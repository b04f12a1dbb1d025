"""The daily flow, from the grader's API to the reader's inbox.

Without a deployment: `python -m flows.etl --start-date 2023-04-01 --end-date 2023-04-30`.
"""

import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prefect import flow, get_run_logger
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Failed
from prefect.task_runners import ThreadPoolTaskRunner

from flows.running.arguments import parse_arguments
from flows.running.configuration import Configuration, load_configuration, open_database
from flows.running.daily import plan_daily
from flows.running.failure import mail_failure
from flows.running.home import home_folder
from flows.running.loading import LOADERS, Loading, load_windows
from flows.running.logs import start_logging
from flows.running.publishing import compute_figures, publish_summary
from flows.running.stages import Stages, conclude, describe_counts
from flows.running.trust import Limits, distrust
from schemas.parameters import DayOrMoment, HealDays, LookbackDays, Share, WindowHours
from schemas.period import Plan
from schemas.summary import RunSummary, StageFailure
from tasks.check import format_results
from tasks.errors import CodegraderError, InvalidInputError
from tasks.extract import delete_expired
from tasks.plan import plan_period, split_into_windows

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine


def _name_run() -> str:
    """Such as `2023-04-01 to 2023-04-30`; a run without dates is named after the day before its scheduled time."""
    start, end = flow_run.parameters.get("start_date"), flow_run.parameters.get("end_date")
    if start is None and end is None:
        return f"day before {_scheduled_at():%Y-%m-%d}"
    return f"{start or end} to {end}" if end and end != start else f"{start}"


@flow(
    name="codegrader-etl",
    flow_run_name=_name_run,
    task_runner=ThreadPoolTaskRunner(max_workers=LOADERS),  # type: ignore[arg-type]
    on_failure=[mail_failure],
    on_crashed=[mail_failure],
)
def codegrader_etl(
    start_date: DayOrMoment = None,
    end_date: DayOrMoment = None,
    refresh: bool = False,
    publish: bool = True,
    lookback_days: LookbackDays = 1,
    heal_days: HealDays = 30,
    window_hours: WindowHours = 6,
    max_rejected_share: Share = 0.05,
    max_duplicates_share: Share = 0.05,
) -> State[Any]:
    """Collects the attempts of a range of days, checks and keeps them, and publishes the daily figures.

    Without dates it is the daily run: the day before its scheduled time, then the lookback, then any gap.

    Args:
        start_date: First day, such as 2023-04-01, in the reporting time zone. Empty: the day before the run.
        end_date: Last day, inclusive. Empty: the same as the first.
        refresh: Ask the API again, even where its answer is cached.
        publish: Write sheet, report and mail. Off: load and compute the figures only.
        lookback_days: Daily run only: so many days before the day are asked for again, for records that came late.
        heal_days: Daily run only: days within so many before it that are not loaded yet are loaded as well.
        window_hours: Length of the windows that the API is asked for, 1 to 24 hours.
        max_rejected_share: If more than this share of the records fails the checks (0 to 1), nothing is published.
        max_duplicates_share: If more than this share of the records are exact copies (0 to 1), nothing is published.
    """
    # Our own errors explain themselves: a state with their message says all that a traceback would hide.
    try:
        configuration = load_configuration()
        log_dir = configuration.settings.log_dir
        start_logging(Path(log_dir) if log_dir else home_folder("logs"), configuration.secrets())
        limits = Limits(max_rejected_share, max_duplicates_share)
        _check_limits(window_hours, limits, lookback_days, heal_days)
        time_zone = configuration.settings.time_zone
        yesterday = _scheduled_at().astimezone(time_zone).date() - timedelta(days=1)
        period = plan_period(start_date, end_date, time_zone, datetime.now(UTC), yesterday)
        with open_database(configuration) as engine:
            if start_date is None and end_date is None:
                plan = plan_daily(
                    engine, period, window_hours, lookback_days=lookback_days, heal_days=heal_days, refresh=refresh
                )
            else:
                windows = tuple(split_into_windows(period, window_hours))
                plan = Plan(period, windows, frozenset(windows if refresh else ()))
            return _run(configuration, engine, plan, limits, publishing=publish)
    except CodegraderError as error:
        return Failed(message=str(error))


def _scheduled_at() -> datetime:
    """When the run was to start: a late run does its own day, not the day before the one on which it came to run."""
    moment: datetime | None = flow_run.scheduled_start_time
    return moment or datetime.now(UTC)


def _check_limits(window_hours: int, limits: Limits, lookback_days: int, heal_days: int) -> None:
    """Says what the form would have refused, to those who did not use it."""
    if not 1 <= window_hours <= 24:
        raise InvalidInputError(f"window_hours is {window_hours}: choose 1 to 24")
    for name, share in limits._asdict().items():
        if not 0 <= share <= 1:
            raise InvalidInputError(f"{name} is {share}: choose a share, from 0 to 1")
    if min(lookback_days, heal_days) < 0:
        raise InvalidInputError("lookback_days and heal_days cannot be negative: choose 0 or more")


def _run(configuration: Configuration, engine: "Engine", plan: Plan, limits: Limits, *, publishing: bool) -> State[Any]:
    """Loads, then publishes, and goes on where it can if a part fails."""
    get_run_logger().info("%s: %d windows, days of %s", plan.period, len(plan.windows), plan.period.time_zone.key)
    started_at = datetime.now(UTC)
    stages = Stages()
    cache_folder = home_folder("cache")
    loading = _load(stages, plan, configuration, engine, cache_folder)
    stages.failures += loading.failures()
    summary = RunSummary(plan.period, started_at, len(plan.windows), loading.counts, loading.checks, figures=())
    doubts = [StageFailure("checks", reason) for reason in distrust(loading.counts, limits)]
    for doubt in doubts:
        get_run_logger().error(doubt.message)
    stages.failures += doubts
    summary = compute_figures(stages, summary, engine)
    if publishing:
        summary = publish_summary(stages, summary, configuration, engine, trusted=not doubts)
    delete_expired(cache_folder)
    return conclude(replace(summary, failures=tuple(stages.failures)))


def _load(stages: Stages, plan: Plan, configuration: Configuration, engine: "Engine", cache_folder: Path) -> Loading:
    loading = stages.run(
        "load",
        lambda: load_windows(plan, configuration.api, engine, cache_folder),
        lambda done: describe_counts(done.counts),
    )
    loading = loading or Loading()
    for line in format_results(loading.checks).splitlines():
        get_run_logger().info(line)
    return loading


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
