"""What a run leaves in the Prefect dashboard: a summary with every section, the chart, and progress on the way."""

import base64
import platform
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final
from urllib.parse import quote
from uuid import UUID

from prefect import get_run_logger
from prefect.artifacts import (
    create_image_artifact,
    create_markdown_artifact,
    create_progress_artifact,
    update_progress_artifact,
)

from flows.running.stages import describe_counts
from schemas.language import Language, Link, Value, write_number
from schemas.section import Section
from schemas.summary import RunSummary
from schemas.wording import SOME_ROWS
from tasks.rendering import web_address, write_row

LONG: Final = 8
"""From so many steps on, a run shows its progress in the dashboard."""
MOST_ROWS: Final = 50
"""Rows of a section that the dashboard shows; the report has them all."""
SHOWN_EVERY_S: Final = 2
"""To show it costs as much time as to load a small window."""


class Progress:
    """Progress of a long run: in the log at each step, in the dashboard every few seconds."""

    def __init__(self, what: str, total: int) -> None:
        self._what, self._total, self._done = what, total, 0
        self._artifact: UUID | None = None
        self._shown_at = time.monotonic()
        if total >= LONG:
            artifact = create_progress_artifact(0.0, key="codegrader-progress", description=what)
            assert isinstance(artifact, UUID), "in a synchronous flow, nothing is to be awaited"
            self._artifact = artifact

    def advance(self, level: int, message: str, *arguments: object, is_shown: bool = False) -> None:
        """Counts one step and logs what it came to, behind how far the run is, such as `3/28: `.

        Args:
            is_shown: whether a quiet console shows that line; it always shows how far the run is.
        """
        self._done += 1
        extra = {"progress": (self._what, self._done, self._total), "is_shown": is_shown}
        get_run_logger().log(level, f"%d/%d: {message}", self._done, self._total, *arguments, extra=extra)
        now = time.monotonic()
        if self._artifact and (self._done == self._total or now >= self._shown_at + SHOWN_EVERY_S):
            update_progress_artifact(self._artifact, 100 * self._done / self._total, description=self._what)
            self._shown_at = now


def write_artifacts(summary: RunSummary, chart: bytes | None, report: Path | None) -> None:
    """Writes the artifacts; the run does not fail for want of one.

    Args:
        chart: the picture, a PNG; None if there is none.
        report: the report's page, on the machine of the worker; None if it was not written.
    """
    try:
        create_markdown_artifact(
            describe_run(summary, report), key="codegrader-summary", description="What this run came to"
        )
        if chart:
            image = f"data:image/png;base64,{base64.b64encode(chart).decode()}"
            create_image_artifact(image, key="codegrader-chart", description="Attempts, users and success rate by day")
    except Exception:  # noqa: BLE001 (whatever Prefect's server has against it, the figures are published elsewhere)
        get_run_logger().warning("the run's artifacts could not be written", exc_info=True)


def describe_run(summary: RunSummary, report: Path | None) -> str:
    """The run in Markdown: outcome, counts, failures, where sheet and report are; sections that list nobody."""
    lines = [f"# {summary.period}", "", "**Succeeded**" if summary.succeeded else "**Failed**", ""]
    lines += [f"- {escape(headline.text)}" for headline in summary.headlines]
    for failure in summary.failures:
        lines.append(f"- **{failure.stage}**: {escape(failure.message)}")
        lines += [f"  - missing: {window} UTC" for window in failure.missing[:50]]
    lines += ["", f"{summary.windows} windows: {describe_counts(summary.counts)}", ""]
    lines += [f"- {stage}: skipped, not set up" for stage in summary.skipped]
    if summary.sheet_url:
        lines.append(f"- [Google Sheet]({summary.sheet_url})")
    if report:
        # A page opened from the dashboard may not link to a file, least of all to one of another machine.
        lines.append(f"- Report: `{report}` on {platform.node()}")
    for section in summary.sections:
        if not section.is_personal:
            lines += _describe_section(section, summary.language)
    return "\n".join(lines)


def _describe_section(section: Section, language: Language) -> Iterator[str]:
    yield from ("", f"## {escape(section.title)}", "")
    rows = section.shown(MOST_ROWS)
    if rows:
        yield _line(escape(column.title) for column in section.columns)
        yield _line("--:" if column.is_number else ":--" for column in section.columns)
    for values in [*(row.values for row in rows), *([section.total] if section.total else [])]:
        cells = map(escape, write_row(section.columns, values, language))
        yield _line(_link(cell, value) for cell, value in zip(cells, values, strict=True))
    notes = [escape(note) for note in section.notes]
    if len(rows) < len(section.rows):
        shown, all_rows = (write_number(len(each), language) for each in (rows, section.rows))
        notes.insert(0, SOME_ROWS.to(language, shown=shown, rows=all_rows))
    yield from ("", *(f"- {note}" for note in notes))


def _link(cell: str, value: Value) -> str:
    url = web_address(value.url) if isinstance(value, Link) else None
    return f"[{cell}]({quote(url, safe=':/?&=+%')})" if url else cell


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def escape(text: str) -> str:
    """Text from outside that Markdown will show as it is."""
    return "".join(f"\\{character}" if character in "\\`*_{}[]()<>#+-!|~" else character for character in text)
