"""A week against an API that takes 10 ms a record, whole processes: ours, ours once more, the script's."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from tests.benchmarks.measure import Ratio, at_least
from tests.benchmarks.processes import run
from tests.benchmarks.records import FIRST_DAY, month
from tests.fixtures.pipelines import Pipelines
from tests.sandbox.grader import RecordList

if TYPE_CHECKING:
    from tests.fixtures.pipelines import Pipeline

DAYS: Final = 7
A_DAY: Final = 2_200
SECONDS_A_RECORD: Final = 0.010


def compare(pipelines: Pipelines) -> Iterator[Ratio]:
    """Measures the three, one after the other: most of the time is the API's."""
    records = [record for day in month(DAYS, a_day=A_DAY) for record in day.records]
    pipeline = pipelines.make(RecordList(records), latency_per_record=SECONDS_A_RECORD)
    last_day = FIRST_DAY + timedelta(days=DAYS - 1)
    ours = ["-m", "flows.etl", "--start-date", str(FIRST_DAY), "--end-date", str(last_day)]
    with pipeline.engine():
        first = run(ours, pipeline.variables()).seconds
        asked = len(pipeline.world.grader.requests)
        again = run(ours, pipeline.variables()).seconds
        asked_again = len(pipeline.world.grader.requests) - asked
        script = run(["-m", "tests.benchmarks.script", _arguments_of_script(pipeline)], pipeline.variables()).seconds
    details = f"{len(records):,} records, ours {first:.1f} s, script {script:.1f} s"
    yield at_least("a week, API at 10 ms a record: script / ours", script / first, 3.4, details)
    details = f"first {first:.1f} s and {asked} requests, again {again:.1f} s and {asked_again} requests"
    once_more = at_least("the same range again: first / again", first / again, 6, details)
    yield once_more if asked_again == 0 else once_more._replace(reached=False)


def _arguments_of_script(pipeline: "Pipeline") -> str:
    """What the script asks for, and where it writes to."""
    grader = pipeline.world.grader
    return json.dumps(
        {
            "url": grader.url,
            "client": grader.client,
            "key": grader.client_key,
            "start": f"{FIRST_DAY} 00:00:00.000000",
            "end": f"{FIRST_DAY + timedelta(days=DAYS)} 00:00:00.000000",
            "host": str(pipeline.home / "postgres"),
        }
    )
