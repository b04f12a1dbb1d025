"""Measures everything in one run, prints the table and writes `docs/performance.md`: `make bench`."""

import argparse
import os
import platform
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from prefect.settings import PREFECT_API_URL, temporary_settings

from tests.benchmarks import data_path, history, learning, whole_runs
from tests.benchmarks.measure import Ratio
from tests.fixtures.pipelines import Pipelines
from tests.fixtures.prefect_server import ROOT, prefect_server_running

SIZES: Final = (100_000, 1_000_000)
LARGEST: Final = 10_000_000
PAGE: Final = ROOT / "docs" / "performance.md"
START: Final = "<!-- From one run of `make bench`, which writes all below. Do not edit by hand. -->\n"


def to_markdown(ratios: Sequence[Ratio]) -> str:
    """The machine, and the table of ratios with the figures behind them."""
    names = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    processor = names[0].partition(":")[2].strip() if names else platform.processor()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    system = f"{platform.system()}, Python {platform.python_version()}"
    lines = [f"Machine: {processor}, {os.cpu_count()} cores, {memory:.0f} GiB, {system}.", ""]
    lines += ["| what | ratio | must be | | figures |", "|---|--:|---|---|---|"]
    for what, value, limit, reached, details in ratios:
        lines.append(f"| {what} | {value:.2f} | {limit} | {'yes' if reached else '**no**'} | {details} |")
    return "\n".join(lines) + "\n"


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
        pipelines = Pipelines(folder, server, stack)
        known = {
            "data_path": lambda: data_path.compare(pipelines),
            "share": lambda: data_path.compare_share(pipelines),
            "history": lambda: history.compare(pipelines, (*SIZES, LARGEST) if options.full else SIZES),
            "week": lambda: whole_runs.compare_week(pipelines),
            "memory": lambda: whole_runs.compare_memory(pipelines),
            "day": lambda: learning.compare_day(pipelines),
            "rebuild": lambda: learning.compare_rebuild(pipelines),
            "export": lambda: learning.compare_export(pipelines, (SIZES[0], LARGEST if options.full else SIZES[1])),
        }
        if options.full:
            known["workers"] = lambda: whole_runs.compare_workers(pipelines, server)
        for name in options.names or known:
            for ratio in known[name]():
                print(f"{ratio.what}: {ratio.value:.2f} ({ratio.limit}); {ratio.details}", flush=True)
                ratios.append(ratio)
    if not options.names:
        table = to_markdown(ratios)
        print(f"\n{table}")
        before, _, _ = PAGE.read_text("utf-8").partition(START)
        PAGE.write_text(f"{before}{START}\n{table}", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
