"""What the learning figures cost: of a daily run, of a rebuild, and the memory of an export."""

from collections.abc import Iterator, Sequence
from functools import partial
from time import perf_counter

from tasks.figures import rebuild_figures
from tests.benchmarks import floor, history
from tests.benchmarks.measure import Ratio, alternate, at_most, run
from tests.benchmarks.plain import without_learning
from tests.benchmarks.records import month
from tests.fixtures.pipelines import Pipeline, Pipelines
from tests.sandbox.grader import RecordList

MILLION_DAYS, A_DAY = 250, 4_000


def compare_day(pipelines: Pipelines) -> Iterator[Ratio]:
    """Measures the command that refreshes one day, on a table of 100,000 attempts, with and without them."""
    pipeline = history.make_filled(pipelines, history.REFERENCE)
    with pipeline.engine():
        taken = alternate({how: partial(history.run_day, pipeline, how) for how in ("with", "without")}, history.ROUNDS)
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
