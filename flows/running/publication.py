"""What a run tells, of all courses or of one: it is analysed, its chart is drawn, and its report stored."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from email.message import EmailMessage
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from prefect.utilities.annotations import quote
from sqlalchemy.engine import Engine

from flows.running.configuration import Configuration
from flows.running.stages import Stages
from schemas.section import Findings
from schemas.summary import RunSummary
from tasks.chart import draw_chart
from tasks.rendering import charted_section
from tasks.report import render_html
from tasks.storage import store_page


class Targets(NamedTuple):
    """Where a run publishes. Without a report, nowhere: then it only computes the figures."""

    report: bool
    sheet: bool
    mail: bool


@dataclass(slots=True)
class Publication:
    """What is published, and what has come of it so far.

    Attributes:
        chart: a PNG, once it is drawn.
        report: the page, once it is written.
        sent: the mails that the mail server has taken.
    """

    stages: Stages
    summary: RunSummary
    configuration: Configuration
    engine: Engine
    targets: Targets
    chart: bytes | None = None
    report: Path | None = None
    sent: list[EmailMessage] = field(default_factory=list)


def opaque(argument: Any) -> Any:
    """An argument in which Prefect does not look for futures, which takes longer than the task itself."""
    return quote(argument)


def tell(run: Publication, analyse_all: Callable[[], Sequence[Findings | Exception]]) -> None:
    """Puts what the analyses found into the summary, and draws the chart of it."""
    findings = tuple(_collect(run.stages, analyse_all))
    run.summary = replace(run.summary, findings=findings)
    if section := charted_section(run.summary.sections):
        draw = partial(draw_chart, section, run.summary.language)
        run.chart = run.stages.run("report", draw, lambda chart: f"chart of {len(chart):,} bytes")
    run.summary = replace(run.summary, failures=tuple(run.stages.failures))


def _collect(stages: Stages, analyse_all: Callable[[], Sequence[Findings | Exception]]) -> Iterator[Findings]:
    """What was found; a failed analysis is noted, and takes nothing from the others."""
    for found in stages.run("figures", analyse_all, lambda found: f"analyses: {len(found)}") or ():
        if isinstance(found, Exception):
            stages.note("figures", found)
        else:
            yield found


def store_report(run: Publication) -> None:
    """Stores the report where its readers find it, if such a place is set up."""
    address, storage = run.configuration.settings.report_url, run.configuration.settings.report_storage
    if not storage:
        return

    def store() -> str | None:
        url: str | None = store_page(storage, f"{run.summary.file_stem}.html", opaque(public_page(run)), address)
        return url

    url = run.stages.run("report", store, lambda url: f"stored in {url or storage}", is_shown=True)
    run.summary = replace(run.summary, report_url=url, failures=tuple(run.stages.failures))


def public_page(run: Publication) -> bytes:
    """The report for all its readers, which does not lead to itself: the one that lists students stays private."""
    return render_html(replace(run.summary.public, report_url=None)).encode()
