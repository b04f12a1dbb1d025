"""Measures everything in one run, prints the table and writes `docs/performance.md`: `make bench`."""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from prefect.settings import PREFECT_API_URL, temporary_settings

from tests.benchmarks import data_path, history, memory, orchestration, page, scaling, slow_api
from tests.benchmarks.measure import Ratio
from tests.fixtures.pipelines import Pipelines
from tests.fixtures.prefect_server import prefect_server_running

SIZES = (10_000, 100_000, 1_000_000)
LARGEST = 10_000_000


def _history(pipelines: Pipelines, sizes: Sequence[int]) -> Iterator[Ratio]:
    ratios, growth = history.compare(pipelines, sizes)
    yield from ratios
    page.draw_growth(growth)


def measurements(pipelines: Pipelines, server: str, *, full: bool) -> dict[str, Callable[[], Iterator[Ratio]]]:
    """What can be measured, by name.

    Args:
        full: also what takes long: ten million attempts, and the backfill of a million.
    """
    usual = {
        "start": orchestration.compare_start,
        "data_path": lambda: data_path.compare(pipelines),
        "share": lambda: orchestration.compare_share(pipelines),
        "history": lambda: _history(pipelines, (*SIZES, LARGEST) if full else SIZES),
        "week": lambda: slow_api.compare(pipelines),
        "memory": lambda: memory.compare(pipelines),
    }
    return usual | ({"scaling": lambda: scaling.compare(pipelines, server)} if full else {})


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures.

    Returns:
        0; that a ratio was not reached is said in the table.
    """
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", help="measure these alone, such as data_path, and write no page")
    parser.add_argument("--full", action="store_true", help="also what takes long: ten million attempts")
    options = parser.parse_args(arguments)
    ratios = []
    with TemporaryDirectory(prefix="codegrader-") as directory, ExitStack() as stack:
        folder = Path(directory)
        (folder / "server").mkdir()
        server = stack.enter_context(prefect_server_running(folder / "server"))
        stack.enter_context(temporary_settings({PREFECT_API_URL: server}))
        known = measurements(Pipelines(folder, server, stack), server, full=options.full)
        for name in options.names or known:
            for ratio in known[name]():
                print(f"{ratio.what}: {ratio.value:.2f} ({ratio.limit}); {ratio.details}", flush=True)
                ratios.append(ratio)
    if options.names:
        return 0
    print(f"\n{page.describe_machine()}\n\n{page.to_markdown(ratios)}")
    page.write_page(ratios)
    return 0


if __name__ == "__main__":
    sys.exit(main())
