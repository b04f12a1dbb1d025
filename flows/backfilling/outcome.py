"""Outcome: what became of each chunk of a backfill, as a table in the log and in the dashboard."""

from collections import Counter
from collections.abc import Sequence

from prefect import get_run_logger
from prefect.artifacts import create_markdown_artifact

from flows.backfilling.dispatch import ChunkLoad
from flows.running.artifacts import escape
from flows.running.failure import page_of

COLUMNS = ("days", "outcome", "windows", "fetched", "new", "changed", "rejected", "reason")


def log_outcome(loads: Sequence[ChunkLoad]) -> None:
    """A line for each chunk, and one for all."""
    rows = [COLUMNS, *map(_cells, loads)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        get_run_logger().info("  ".join(cells).rstrip())
    get_run_logger().info(count_outcomes(loads))


def write_outcome(loads: Sequence[ChunkLoad]) -> None:
    """The same as an artifact; each chunk leads to the page of its last run."""
    lines = [count_outcomes(loads), "", f"| {' | '.join(COLUMNS)} |", "|---|---|" + "--:|" * 5 + "---|"]
    for load in loads:
        days, *numbers, reason = _cells(load)
        page = load.run_id and page_of(load.run_id)
        lines.append(f"| {' | '.join([f'[{days}]({page})' if page else days, *numbers, escape(reason)])} |")
    create_markdown_artifact("\n".join(lines), key="codegrader-backfill", description="What became of each chunk")


def count_outcomes(loads: Sequence[ChunkLoad]) -> str:
    """Such as `12 chunks: 9 loaded, 2 skipped, 1 failed; 5,120 records new, 3 changed`."""
    outcomes = Counter(load.outcome for load in loads)
    chunks = ", ".join(f"{outcomes[outcome]} {outcome}" for outcome in ("loaded", "skipped", "failed"))
    new, changed = (sum(getattr(load.counts, name) for load in loads) for name in ("new", "changed"))
    return f"{len(loads)} chunks: {chunks}; {new:,} records new, {changed:,} changed"


def _cells(load: ChunkLoad) -> tuple[str, ...]:
    counts = load.counts
    numbers = (load.windows, counts.fetched, counts.new, counts.changed, counts.rejected)
    return (str(load.chunk), load.outcome, *(f"{number:,}" for number in numbers), load.reason)
