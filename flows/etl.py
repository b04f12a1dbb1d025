"""The daily flow, from the grader's API to the reader's inbox.

Without a deployment: `python -m flows.etl --start-date 2023-04-01 --end-date 2023-04-30`.
"""

import sys
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from prefect import flow, get_run_logger
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.task_runners import ThreadPoolTaskRunner
from sqlalchemy.engine import Engine

from flows.running.configuration import Configuration, open_database
from flows.running.failure import mail_failure
from flows.running.foreground import flow_command
from flows.running.home import home_folder
from flows.running.loading import LOADERS, Limits, Loading, distrust, load_windows
from flows.running.publication import Publication, Targets
from flows.running.publishing import publish
from flows.running.stages import Stages, begin_run, conclude, describe_counts, fail
from schemas.parameters import HEAL_DAYS, DayOrMoment, HealDays, LookbackDays, Share, WindowHours
from schemas.period import Plan
from schemas.summary import RunSummary, StageFailure
from tasks.coverage import find_gaps
from tasks.errors import CodegraderError
from tasks.extract import delete_expired
from tasks.heartbeat import heartbeat
from tasks.plan import day_before, plan_daily, plan_period, plan_range


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
    sheet: bool = True,
    mail: bool = True,
    lookback_days: LookbackDays = 1,
    heal_days: HealDays = HEAL_DAYS,
    window_hours: WindowHours = 6,
    max_rejected_share: Share = 0.05,
    max_duplicates_share: Share = 0.05,
) -> State[Any]:
    """Collects the attempts of a range of days, checks and keeps them, and publishes the daily figures.

    Without dates it is the daily run: the day before its scheduled time, then the lookback, then any gap.
    If it fails, its last line says why and what to do. Run again with the same dates, it does what is left.

    Args:
        start_date: First day, such as 2023-04-01, in the reporting time zone. Empty: the last day, or yesterday.
        end_date: Last day, inclusive, such as 2023-04-30. Empty: the same as the first.
        refresh: Ask the API again, even for what it has answered before: its records were corrected, say.
        publish: Write the sheet, the report and the mail. Off: only load, and compute the figures.
        sheet: Write the figures to the Google Sheet. Off: it stays as it is.
        mail: Send the mail. Off: not even the one about a failure.
        lookback_days: Daily run only: fetch this many earlier days again, to catch late records. 0: none.
        heal_days: Daily run only: load earlier days that are missing, up to this many days back. 0: none.
        window_hours: Hours of attempts in one request to the API, 1 to 24. Fewer, such as 3, if it is too slow.
        max_rejected_share: Publish nothing if more than this share of the records fails an error check; 0.05 is 5 %.
        max_duplicates_share: Publish nothing if more than this share of the records are exact copies; 0.05 is 5 %.
    """
    try:
        configuration = begin_run(codegrader_etl.fn)
        time_zone = configuration.settings.time_zone
        is_daily = start_date is None and end_date is None
        first = day_before(_scheduled_at(), time_zone) if is_daily else start_date
        period = plan_period(first, end_date, time_zone, datetime.now(UTC))
        with open_database(configuration) as engine:
            if is_daily:
                gaps, reach = partial(find_gaps, engine), {"lookback_days": lookback_days, "heal_days": heal_days}
                plan = plan_daily(period, window_hours, gaps, **reach, refresh=refresh)
            else:
                plan = plan_range(period, window_hours, refresh=refresh)
            targets = Targets(report=publish, sheet=sheet, mail=mail)
            state = _run(configuration, engine, plan, Limits(max_rejected_share, max_duplicates_share), targets)
            return _tell_if_well(state, configuration.settings.heartbeat_url) if is_daily else state
    except CodegraderError as error:
        return fail(error)


def _scheduled_at() -> datetime:
    """When the run was to start: a late run does its own day, not the day before the one on which it came to run."""
    moment: datetime | None = flow_run.scheduled_start_time
    return moment or datetime.now(UTC)


def _tell_if_well(state: State[Any], heartbeat_url: str | None) -> State[Any]:
    """Calls the dead-man's switch of a good run. That it does not answer is its own alarm, and fails no run."""
    if heartbeat_url and state.is_completed() and not heartbeat(heartbeat_url, return_state=True).is_completed():
        get_run_logger().warning("the dead-man's switch could not be called: see the task heartbeat")
    return state


def _run(configuration: Configuration, engine: Engine, plan: Plan, limits: Limits, targets: Targets) -> State[Any]:
    """Loads, then publishes, and goes on where it can if a part fails."""
    logger, stages, started_at, cache_folder = get_run_logger(), Stages(), datetime.now(UTC), home_folder("cache")
    logger.info("%s: %d windows, days of %s", plan.period, len(plan.windows), plan.period.time_zone.key)
    if plan.gaps:
        logger.info("gap fill: %s were not loaded", ", ".join(str(gap.date) for gap in plan.gaps))
    load = partial(load_windows, plan, configuration.api, engine, cache_folder)
    loading = stages.run("load", load, lambda done: describe_counts(done.counts)) or Loading()
    for result in loading.checks:
        logger.info("%s", result)
    doubts = [StageFailure("checks", reason) for reason in distrust(loading.counts, limits)]
    for doubt in doubts:
        logger.error(doubt.message)
    stages.failures += [*loading.failures(), *doubts]
    summary = RunSummary(plan.period, started_at, len(plan.windows), loading.counts, loading.checks)
    summary = publish(Publication(stages, summary, configuration, engine, targets))
    delete_expired(cache_folder)
    return conclude(summary)


main: Final = flow_command(
    codegrader_etl, "etl", "Stopped. What is loaded stays; give the same command again to go on."
)

if __name__ == "__main__":
    sys.exit(main())
