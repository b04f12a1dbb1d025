"""A backfill by two workers against one: 4 connections a worker, an API that takes 1 ms a record."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate

from tasks.grader_api import CONCURRENCY_LIMIT, MAX_CONNECTIONS
from tests.benchmarks.measure import Ratio, at_least
from tests.benchmarks.processes import run
from tests.benchmarks.records import FIRST_DAY, month
from tests.fixtures.pipelines import Pipelines
from tests.fixtures.workers import deploy, workers_running
from tests.sandbox.grader import RecordList

A_DAY: Final = 4_000
DAYS: Final = 250
SECONDS_A_RECORD: Final = 0.001


def compare(pipelines: Pipelines, server: str) -> Iterator[Ratio]:
    """Measures the backfill of the same million attempts with one worker and with two, each with its own database."""
    deploy(server)
    with get_client(sync_client=True) as client:
        # What `flows.setup` makes, for two workers.
        limit = GlobalConcurrencyLimitCreate(name=CONCURRENCY_LIMIT, limit=2 * MAX_CONNECTIONS)
        client.create_global_concurrency_limit(limit)
    records = RecordList([record for day in month(DAYS, a_day=A_DAY) for record in day.records])
    last_day = FIRST_DAY + timedelta(days=DAYS - 1)
    arguments = ["-m", "flows.backfill", "--start-date", str(FIRST_DAY), "--end-date", str(last_day)]
    seconds, asked, contents = {}, {}, {}
    for count in (1, 2):
        pipeline = pipelines.make(records, latency_per_record=SECONDS_A_RECORD)
        with pipeline.engine(), workers_running(pipeline, count):
            seconds[count] = run(arguments, pipeline.variables()).seconds
            asked[count] = len(pipeline.world.grader.requests)
            contents[count] = pipeline.contents()
    details = ", ".join(f"{count} workers {seconds[count]:.0f} s, {asked[count]:,} requests" for count in seconds)
    ratio = at_least("a million attempts backfilled: one worker / two", seconds[1] / seconds[2], 1.7, details)
    yield ratio if asked[2] <= asked[1] and contents[1] == contents[2] else ratio._replace(reached=False)
