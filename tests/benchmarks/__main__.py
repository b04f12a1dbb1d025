"""Measures everything in one run, prints the table and writes `docs/performance.md`: `make bench`."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from prefect.settings import PREFECT_API_URL, temporary_settings

from tests.benchmarks import data_path, history, memory, orchestration, page, scaling, slow_api
from tests.benchmarks.measure import Ratio
from tests.e2e.prefect_server import prefect_server_running
from tests.fixtures.pipelines import Pipelines, stop_embedded_database

SIZES = (10_000, 100_000, 1_000_000)
LARGEST = 10_000_000


def measure(pipelines: Pipelines, server: str, *, full: bool) -> Iterator[Ratio]:
    """Takes one measurement after the other.

    Args:
        full: also those that take long: ten million attempts, and the backfill of a million.
    """
    yield from orchestration.compare_start()
    with pipelines.make().engine() as engine:
        yield from data_path.compare(engine)
    yield from orchestration.compare_share(pipelines)
    ratios, growth = history.compare(pipelines, (*SIZES, LARGEST) if full else SIZES)
    yield from ratios
    page.draw_growth(growth)
    yield from slow_api.compare(pipelines)
    yield from memory.compare(pipelines)
    if full:
        yield from scaling.compare(pipelines, server)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures.

    Returns:
        0; that a ratio was not reached is said in the table.
    """
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--full", action="store_true", help="also what takes long: ten million attempts")
    options = parser.parse_args(arguments)
    ratios = []
    with TemporaryDirectory(prefix="codegrader-") as name, ExitStack() as stack:
        folder = Path(name)
        (folder / "server").mkdir()
        stack.callback(stop_embedded_database, folder / "server" / "postgres")
        server = stack.enter_context(prefect_server_running(folder / "server"))
        stack.enter_context(temporary_settings({PREFECT_API_URL: server}))
        for ratio in measure(Pipelines(folder, server, stack), server, full=options.full):
            print(f"{ratio.what}: {ratio.value:.2f} ({ratio.limit}); {ratio.details}", flush=True)
            ratios.append(ratio)
    print(f"\n{page.describe_machine()}\n\n{page.to_markdown(ratios)}")
    page.write_page(ratios)
    return 0


if __name__ == "__main__":
    sys.exit(main())
