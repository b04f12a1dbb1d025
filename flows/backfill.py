"""The backfill: a long range, loaded by child runs of the daily deployment that any number of workers share.

Without a deployment of its own: `python -m flows.backfill --start-date 2020-01-01 --end-date 2023-12-31`. The child
runs need a server with the deployment `codegrader-etl/daily`, and a worker.
"""

import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from prefect import flow, get_run_logger
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed

from flows.backfilling.chunks import describe_days, split_into_chunks
from flows.backfilling.dispatch import ChunkLoad, count_outcomes, load_chunks, write_outcomes
from flows.running.configuration import open_database
from flows.running.failure import mail_failure
from flows.running.foreground import flow_command
from flows.running.loading import Limits, distrust
from flows.running.publication import Publication, Targets
from flows.running.publishing import publish
from flows.running.stages import Stages, begin_run, conclude, fail
from schemas.parameters import ChunkMonths, DayOrMoment, MaxParallel, Share
from schemas.period import Period
from schemas.summary import CheckResult, LoadCounts, RunSummary, StageFailure
from tasks.check import add_results
from tasks.errors import CodegraderError
from tasks.plan import plan_period


def _name_run() -> str:
    start, end = flow_run.parameters.get("start_date"), flow_run.parameters.get("end_date")
    return f"backfill {start} to {end}" if end and end != start else f"backfill {start or 'yesterday'}"


@flow(name="codegrader-backfill", flow_run_name=_name_run, on_failure=[mail_failure], on_crashed=[mail_failure])
def codegrader_backfill(
    start_date: DayOrMoment = None,
    end_date: DayOrMoment = None,
    refresh: bool = False,
    sheet: bool = True,
    mail: bool = True,
    chunk_months: ChunkMonths = 1,
    max_parallel: MaxParallel = 2,
    max_rejected_share: Share = 0.05,
    max_duplicates_share: Share = 0.05,
) -> State[Any]:
    """Loads a long range, month by month, by runs that all workers share, and publishes once at the end.

    Days that are loaded are left out. Stopped, or failed in part, it goes on where it was if started again.
    It needs a Prefect server (PREFECT_API_URL) with the deployment codegrader-etl/daily, and at least one worker.

    Args:
        start_date: First day, such as 2020-01-01, in the reporting time zone. Empty: the last day, or yesterday.
        end_date: Last day, inclusive, such as 2023-12-31. Empty: the same as the first.
        refresh: Ask the API again for all of the range, even for days that are loaded.
        sheet: Write the figures to the Google Sheet. Off: it stays as it is.
        mail: Send the mail. Off: not even the one about a failure.
        chunk_months: Calendar months that one run loads, 1 to 12. More, such as 3, if they are nearly empty.
        max_parallel: Runs under way at once, 1 to 50. More than there are workers only wait.
        max_rejected_share: Publish nothing if more than this share of a run's records fails the checks; 0.05 is 5 %.
        max_duplicates_share: Publish nothing if more than this share of a run's records are exact copies; 0.05 is 5 %.
    """
    try:
        configuration = begin_run(codegrader_backfill.fn)
        limits = Limits(max_rejected_share, max_duplicates_share)
        # To the minute: today's part is named after its end.
        now = datetime.now(UTC).replace(second=0, microsecond=0)
        period = plan_period(start_date, end_date, configuration.settings.time_zone, now, max_days=None)
        # Of a run that is tried once more, the first time counts: what it has asked for since is not asked again.
        since = flow_run.scheduled_start_time if refresh else None
        chunks = split_into_chunks(period, chunk_months)
        get_run_logger().info("%s: %d chunks, days of %s", period, len(chunks), period.time_zone.key)
        with open_database(configuration) as engine:
            parameters = {"refresh": refresh, "publish": False, **limits._asdict()}
            loads = load_chunks(engine, chunks, parameters, since, max_parallel)
            write_outcomes(loads)
            stages = Stages(list(find_failures(loads, limits)))
            targets = Targets(report=True, sheet=sheet, mail=mail)
            summary = publish(Publication(stages, _sum_up(period, loads), configuration, engine, targets))
    except CodegraderError as error:
        return fail(error)
    return Completed(message=f"{period}: {count_outcomes(loads)}") if summary.succeeded else conclude(summary)


def find_failures(loads: Sequence[ChunkLoad], limits: Limits) -> Iterator[StageFailure]:
    """What is missing, in one line; what is not to be published; and what else was wrong where nothing is missing."""
    failed = [load for load in loads if load.outcome == "failed"]
    if missing := [day for load in failed for day in load.missing]:
        advice = "see the log for the reasons, then start the backfill again: it loads only what is missing"
        yield StageFailure("load", f"not loaded: {describe_days(missing)}: {advice}")
    for load in loads:
        reasons = list(distrust(load.loaded.counts, limits))
        yield from (StageFailure("checks", f"{load.chunk}: {reason}") for reason in reasons)
        if load in failed and not load.missing and not reasons:
            yield StageFailure("load", f"{load.chunk}: {load.reason}")


def _sum_up(period: Period, loads: Sequence[ChunkLoad]) -> RunSummary:
    counts, checks = LoadCounts(), tuple[CheckResult, ...]()
    for load in loads:
        counts += load.loaded.counts
        checks = add_results(checks, load.loaded.checks)
    started_at = flow_run.scheduled_start_time or datetime.now(UTC)
    return RunSummary(period, started_at, sum(load.loaded.windows for load in loads), counts, checks)


main: Final = flow_command(
    codegrader_backfill,
    "backfill",
    "Stopped. Runs under way go on at their workers, and what is loaded stays; give the same command again.",
    max_days=None,
)

if __name__ == "__main__":
    sys.exit(main())
