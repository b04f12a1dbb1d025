"""What the learning figures cost: of a daily run, of a rebuild, and the memory of an export."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from time import perf_counter
from unittest.mock import patch

import tasks.figures
from flows.running import publishing
from tasks.analyses.checks import analyse_checks
from tasks.analyses.days import analyse_days
from tasks.analyses.hours import analyse_hours
from tasks.analyses.records import analyse_records
from tasks.analyses.term import analyse_term
from tasks.figures import rebuild_figures
from tests.benchmarks import floor, history
from tests.benchmarks.measure import Ratio, alternate, at_most, run
from tests.benchmarks.records import month
from tests.fixtures.pipelines import Pipeline, Pipelines
from tests.sandbox.grader import RecordList

MILLION_DAYS, A_DAY = 250, 4_000


@contextmanager
def without_learning() -> Iterator[None]:
    """The product as it was before it had any learning figures."""
    plain = (analyse_days, analyse_term, analyse_hours, analyse_records, analyse_checks)
    with (
        patch.object(tasks.figures, "roll_up", lambda *_: None),
        patch.object(tasks.figures, "judge_days", lambda *_: None),
        patch.object(publishing, "ANALYSES", plain),
        patch.object(publishing, "_refresh_titles", lambda _: None),
    ):
        yield


def compare_day(pipelines: Pipelines) -> Iterator[Ratio]:
    """Measures refreshing one day on a table of 100,000 attempts, with and without them."""
    pipeline = history.make_filled(pipelines, history.REFERENCE)

    def plainly() -> None:
        with without_learning():
            history.run_day(pipeline)

    taken = alternate({"with": partial(history.run_day, pipeline), "without": plainly}, history.ROUNDS)
    details = ", ".join(f"{name} {seconds:.2f} s" for name, seconds in taken.items())
    yield at_most("a day: with learning figures / without", taken["with"] / taken["without"], 1.25, details)


def compare_rebuild(pipelines: Pipelines) -> Iterator[Ratio]:
    """Measures the rebuild of a million attempts against the floor's load of the same."""
    from tests.benchmarks import data_path

    days = month(MILLION_DAYS, a_day=A_DAY)
    with pipelines.make().engine() as engine:
        with data_path.connection_of(engine) as connection:
            started = perf_counter()
            for day in days:
                floor.process(connection, day.text, day.day)
            loading = perf_counter() - started
        with without_learning():
            for day in days:
                data_path.process(engine, day.text, day.window)
        started = perf_counter()
        rebuild_figures(engine, data_path.UTC_ZONE)
        rebuilding = perf_counter() - started
    details = f"rebuild {rebuilding:.1f} s, the floor's load {loading:.1f} s"
    yield at_most("rebuild of a million attempts / the floor's load", rebuilding / loading, 1.5, details)


def compare_export(pipelines: Pipelines, sizes: Sequence[int]) -> Iterator[Ratio]:
    """Measures the peak memory of exporting all attempts of tables of these sizes."""
    peaks = {rows: _export(pipelines.make(RecordList([])), rows) for rows in sizes}
    details = ", ".join(f"{rows:,} attempts {peak:.0f} MiB" for rows, peak in peaks.items())
    smallest, largest = min(sizes), max(sizes)
    what = f"peak memory of an export: {largest:,} / {smallest:,} attempts"
    yield at_most(what, peaks[largest] / peaks[smallest], 1.15, details)


def _export(pipeline: Pipeline, rows: int) -> float:
    with pipeline.engine() as engine:
        history.fill(engine, rows)
        span = ["--start-date", "2000-01-01", "--end-date", "2023-04-01"]
        arguments = ["-m", "flows.export", "--what", "attempts", *span, "-o", str(pipeline.home / "attempts.csv")]
        return run(arguments, pipeline.variables()).peak_mib
