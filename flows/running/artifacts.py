"""What a run leaves in the Prefect dashboard: a summary, every section, the chart, and progress on the way."""

import base64
import platform
import time
from pathlib import Path
from typing import Final
from uuid import UUID

from prefect import get_run_logger
from prefect.artifacts import (
    create_image_artifact,
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)

from flows.running.stages import describe_counts
from schemas.summary import RunSummary
from tasks.rendering import write_row

LONG: Final = 8
"""From so many steps on, a run shows its progress in the dashboard."""
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
        for section in (section for section in summary.sections if not section.is_personal):
            titles = [column.title for column in section.columns]
            rows = [row.values for row in section.rows] + ([section.total] if section.total else [])
            create_table_artifact(
                [dict(zip(titles, write_row(section.columns, row, summary.language), strict=True)) for row in rows],
                key=f"codegrader-{section.name}",
                description=section.title,
            )
        if chart:
            image = f"data:image/png;base64,{base64.b64encode(chart).decode()}"
            create_image_artifact(image, key="codegrader-chart", description="Attempts, users and success rate by day")
    except Exception:  # noqa: BLE001 (whatever Prefect's server has against it, the figures are published elsewhere)
        get_run_logger().warning("the run's artifacts could not be written", exc_info=True)


def describe_run(summary: RunSummary, report: Path | None) -> str:
    """The run in Markdown: outcome, counts, failures, and where sheet and report are."""
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
    return "\n".join(lines)


def escape(text: str) -> str:
    """Text from outside that Markdown will show as it is."""
    return "".join(f"\\{character}" if character in "\\`*_{}[]()<>#+-!|~" else character for character in text)
