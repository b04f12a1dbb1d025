"""Report: the run's outcome as a page that stands alone; its figures by day as a picture and as CSV too."""

import base64
import csv
import hashlib
import io
from pathlib import Path
from typing import Final

from prefect import task
from prefect.cache_policies import NO_CACHE

from schemas.section import Section
from schemas.summary import RunSummary
from tasks.errors import PermanentError
from tasks.private_files import private_file
from tasks.rendering import charted_section, render
from tasks.svg import cell_styles, draw_line, draw_section

MOST_ROWS: Final = 600
"""Rows of a section: a year of days, or the tasks of five courses."""

_SCRIPT: Final = Path(__file__).with_name("templates") / "page.js"
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")


def render_html(summary: RunSummary) -> str:
    """The report as an HTML page, which needs nothing else; its policy lets no script run but its own."""
    script = _SCRIPT.read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return render(
        "page.html.j2",
        summary,
        summary.sections,
        MOST_ROWS,
        script=script,
        script_hash=f"sha256-{digest}",
        draw_section=draw_section,
        draw_line=draw_line,
        cell_styles=cell_styles,
    )


def render_csv(section: Section) -> str:
    """A section as CSV, with a header, ISO dates and plain numbers; its total is left out."""
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow([_as_text(column.title) for column in section.columns])
    for row in section.rows:
        writer.writerow([_as_text(value) if isinstance(value, str) else value for value in row.values])
    return file.getvalue()


def write_files(summary: RunSummary, chart: bytes | None, folder: Path) -> Path:
    """Writes the report and its chart, as a picture and as CSV, named after the period; earlier ones are replaced.

    Each file is readable by its owner alone and appears at once: a reader never meets half of one. A folder that is
    missing is made.

    Returns:
        The page.

    Raises:
        PermanentError: the files cannot be written there.
    """
    contents = {"html": render_html(summary).encode()}
    if section := charted_section(summary.sections):
        # Excel takes a file for UTF-8 only where it begins with this mark.
        contents["csv"] = render_csv(section).encode("utf-8-sig")
    if chart:
        contents["png"] = chart
    files = {suffix: folder / f"{summary.period.file_stem}.{suffix}" for suffix in contents}
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for suffix, content in contents.items():
            with private_file(files[suffix]) as file:
                file.write(content)
    except OSError as error:
        raise PermanentError(
            f"the report cannot be written to {folder} ({error.strerror}): make room there, or make it writable"
        ) from error
    return files["html"]


def _as_text(cell: str) -> str:
    """A text that a spreadsheet will not take for a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA_STARTS) else cell


write_report = task(
    name="write_report",
    task_run_name="report {summary.period}",
    description="Writes the report: a page, its chart, and the figures as CSV.",
    cache_policy=NO_CACHE,
    persist_result=False,
)(write_files)
