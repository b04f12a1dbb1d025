"""What the measurements are shown as: the table, the page `docs/performance.md`, and the plot of growth."""

import os
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from tests.benchmarks.measure import Ratio
from tests.fixtures.prefect_server import ROOT

PAGE: Final = ROOT / "docs" / "performance.md"
PLOT: Final = ROOT / "docs" / "images" / "growth.png"
START: Final = "<!-- From one run of `make bench`, which writes all below. Do not edit by hand. -->\n"


def describe_machine() -> str:
    """Processor, cores, memory and Python."""
    names = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    processor = names[0].partition(":")[2].strip() if names else platform.processor()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    system = f"{platform.system()}, Python {platform.python_version()}"
    return f"{processor}, {os.cpu_count()} cores, {memory:.0f} GiB, {system}"


def to_markdown(ratios: Sequence[Ratio]) -> str:
    """The table of ratios, with the figures behind them."""
    lines = ["| what | ratio | must be | | figures |", "|---|--:|---|---|---|"]
    for what, value, limit, reached, details in ratios:
        lines.append(f"| {what} | {value:.2f} | {limit} | {'yes' if reached else '**no**'} | {details} |")
    return "\n".join(lines) + "\n"


def write_page(ratios: Sequence[Ratio]) -> None:
    """Writes the lower part of the page anew; what was written by hand stays."""
    before, _, _ = PAGE.read_text("utf-8").partition(START)
    table = f"{START}\nMachine: {describe_machine()}.\n\n{to_markdown(ratios)}\n![growth](images/{PLOT.name})\n"
    PAGE.write_text(before + table, "utf-8")


def draw_growth(seconds: Mapping[int, float]) -> None:
    """Draws how long the daily run takes by the number of attempts in the table."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 3.5), layout="constrained")
    axes = figure.subplots()
    axes.plot(list(seconds), list(seconds.values()), marker="o", color="#2563eb")
    axes.set_xscale("log")
    axes.set_ylim(0, 1.2 * max(seconds.values()))
    axes.set_xlabel("attempts in the table")
    axes.set_ylabel("seconds")
    axes.set_title("A daily run of 3,500 records, publishing included", loc="left")
    axes.grid(visible=True, alpha=0.3)
    figure.savefig(PLOT, dpi=110)
