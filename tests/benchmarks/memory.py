"""Peak memory: a year against a month, whole processes."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from tests.benchmarks.measure import Ratio, at_most
from tests.benchmarks.processes import run
from tests.benchmarks.records import FIRST_DAY, month
from tests.fixtures.pipelines import Pipelines
from tests.sandbox.grader import RecordList

YEAR: Final = 365
MONTH: Final = 30


def compare(pipelines: Pipelines) -> Iterator[Ratio]:
    """Measures one run over each, each with a database of its own."""
    records = [record for day in month(YEAR) for record in day.records]
    peaks = {}
    for days in (MONTH, YEAR):
        pipeline = pipelines.make(RecordList(records))
        last_day = FIRST_DAY + timedelta(days=days - 1)
        with pipeline.engine():
            arguments = ["-m", "flows.etl", "--start-date", str(FIRST_DAY), "--end-date", str(last_day)]
            peaks[days] = run(arguments, pipeline.variables())
    details = ", ".join(
        f"{days} days {taken.peak_mib:.0f} MiB in {taken.seconds:.0f} s" for days, taken in peaks.items()
    )
    yield at_most("peak memory: year / month", peaks[YEAR].peak_mib / peaks[MONTH].peak_mib, 1.2, details)
