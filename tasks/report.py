"""Report: the run's outcome as a page that stands alone, the figures as CSV, and the chart as a picture."""

import base64
import csv
import io
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from prefect import task
from prefect.cache_policies import NO_CACHE

from schemas.labels import LABELS, Labels, Language
from schemas.summary import RunSummary
from tasks.chart import draw_chart
from tasks.errors import PermanentError
from tasks.rendering import render

_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class ReportFiles:
    """Where a report was written."""

    html: Path
    csv: Path
    chart: Path


def render_html(summary: RunSummary, labels: Labels, chart_src: str | None) -> str:
    """The report as an HTML page.

    Args:
        summary: what the run came to.
        labels: the report's language.
        chart_src: address of the chart, such as a `data:` one; None leaves the chart out.
    """
    return render("report.html.j2", summary, labels, chart_src)


def render_csv(summary: RunSummary, labels: Labels) -> str:
    """The daily figures as CSV, with a header, ISO dates and plain numbers; a day without figures has no line."""
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow([_as_text(column) for column in (*labels.figure_columns, labels.complete)])
    for day in summary.figures:
        counts = (day.attempts, day.successful_attempts, day.unique_users, day.runs, day.submits)
        complete = _as_text(labels.yes if day.complete else labels.no)
        writer.writerow([day.day.isoformat(), *counts, day.success_rate, complete])
    return file.getvalue()


def write_files(summary: RunSummary, language: Language, folder: Path) -> ReportFiles:
    """Writes the report, its figures and its chart, named after the period, in place of earlier ones of that name.

    Each file is readable by its owner alone and appears at once: a reader never meets half of one.

    Args:
        summary: what the run came to.
        language: the report's language.
        folder: where to; made if it is missing.

    Raises:
        PermanentError: the files cannot be written there.
    """
    labels = LABELS[language]
    days = [day.date for day in summary.period.days]
    files = ReportFiles(*(folder / f"{summary.period.file_stem}.{suffix}" for suffix in ("html", "csv", "png")))
    chart = draw_chart(summary.figures, labels, days)
    html = render_html(summary, labels, f"data:image/png;base64,{base64.b64encode(chart).decode()}")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write(files.chart, chart)
        # Excel takes a file for UTF-8 only where it begins with this mark.
        _write(files.csv, render_csv(summary, labels).encode("utf-8-sig"))
        _write(files.html, html.encode())
    except OSError as error:
        raise PermanentError(
            f"the report cannot be written to {folder} ({error.strerror}): make room there, or make it writable"
        ) from error
    return files


def _as_text(cell: str) -> str:
    """A text that a spreadsheet will not take for a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA_STARTS) else cell


def _write(path: Path, content: bytes) -> None:
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # readable by its owner alone
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


@task(
    task_run_name="report {summary.period}",
    description="Writes the report: a page with the chart, and the figures as CSV.",
    cache_policy=NO_CACHE,
    persist_result=False,
)
def write_report(summary: RunSummary, language: Language, folder: Path) -> ReportFiles:
    """Writes the report; see `write_files`."""
    return write_files(summary, language, folder)
