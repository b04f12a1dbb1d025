"""Whole processes: a week against a slow API, a year against a month, two workers against one."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate

from tasks.grader_api import CONCURRENCY_LIMIT, MAX_CONNECTIONS
from tests.benchmarks.measure import Ratio, at_least, at_most, run
from tests.benchmarks.records import FIRST_DAY, month, source_of
from tests.fixtures.pipelines import Pipelines
from tests.fixtures.workers import deploy, workers_running

WEEK: Final = 7
MONTH: Final = 30
YEAR: Final = 365
DAYS_OF_A_MILLION: Final = 250


def _command(flow: str, days: int) -> list[str]:
    """A flow's command over the first so many days."""
    last_day = FIRST_DAY + timedelta(days=days - 1)
    return ["-m", f"flows.{flow}", "--start-date", str(FIRST_DAY), "--end-date", str(last_day)]


def compare_week(pipelines: Pipelines) -> Iterator[Ratio]:
    """Measures ours, ours once more, and the script's, one after the other: most of the time is the API's."""
    pipeline = pipelines.make(source_of(month(WEEK, a_day=2_200)), latency_per_record=0.010)
    grader, variables = pipeline.world.grader, pipeline.variables()
    of_script = {
        "url": grader.url,
        "client": grader.client,
        "key": grader.client_key,
        "start": f"{FIRST_DAY} 00:00:00.000000",
        "end": f"{FIRST_DAY + timedelta(days=WEEK)} 00:00:00.000000",
        "host": str(pipeline.home / "postgres"),
    }
    with pipeline.engine():
        first = run(_command("etl", WEEK), variables).seconds
        asked = len(grader.requests)
        again = run(_command("etl", WEEK), variables).seconds
        asked_again = len(grader.requests) - asked
        script = run(["-m", "tests.benchmarks.script", json.dumps(of_script)], variables).seconds
    details = f"ours {first:.1f} s, script {script:.1f} s"
    yield at_least("a week, API at 10 ms a record: script / ours", script / first, 3.4, details)
    details = f"first {first:.1f} s and {asked} requests, again {again:.1f} s and {asked_again} requests"
    once_more = at_least("the same range again: first / again", first / again, 6, details)
    yield once_more if asked_again == 0 else once_more._replace(reached=False)


def compare_memory(pipelines: Pipelines) -> Iterator[Ratio]:
    """Measures the peak of a year and that of a month, each with a database of its own."""
    records = source_of(month(YEAR))
    peaks = {}
    for days in (MONTH, YEAR):
        pipeline = pipelines.make(records)
        with pipeline.engine():
            peaks[days] = run(_command("etl", days), pipeline.variables()).peak_mib
    details = ", ".join(f"{days} days {peak:.0f} MiB" for days, peak in peaks.items())
    yield at_most("peak memory: year / month", peaks[YEAR] / peaks[MONTH], 1.2, details)


def compare_workers(pipelines: Pipelines, server: str) -> Iterator[Ratio]:
    """Measures the backfill of the same million attempts by one worker and by two, each with its own database."""
    deploy(server)
    with get_client(sync_client=True) as client:
        # What `flows.setup` makes, for two workers.
        limit = GlobalConcurrencyLimitCreate(name=CONCURRENCY_LIMIT, limit=2 * MAX_CONNECTIONS)
        client.create_global_concurrency_limit(limit)
    records = source_of(month(DAYS_OF_A_MILLION, a_day=4_000))
    seconds, asked, contents = {}, {}, {}
    for count in (1, 2):
        pipeline = pipelines.make(records, latency_per_record=0.001)
        with pipeline.engine(), workers_running(pipeline, count):
            seconds[count] = run(_command("backfill", DAYS_OF_A_MILLION), pipeline.variables()).seconds
            asked[count] = len(pipeline.world.grader.requests)
            contents[count] = pipeline.contents()
    details = ", ".join(f"{count} workers {seconds[count]:.0f} s, {asked[count]:,} requests" for count in seconds)
    ratio = at_least("a million attempts backfilled: one worker / two", seconds[1] / seconds[2], 1.7, details)
    yield ratio if asked[2] <= asked[1] and contents[1] == contents[2] else ratio._replace(reached=False)
