"""From the database to the readers: figures, sheet, report and mail, each of which may fail alone."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from prefect import get_run_logger
from prefect.utilities.annotations import quote

from flows.running.artifacts import write_artifacts
from flows.running.configuration import Configuration
from flows.running.failure import note_mail, run_url
from flows.running.home import home_folder
from flows.running.stages import Stages
from schemas.section import Findings
from schemas.summary import RunSummary, Stage
from tasks.analyses import Analysis, analyse
from tasks.analyses.checks import analyse_checks
from tasks.analyses.days import analyse_days, history
from tasks.analyses.records import analyse_records
from tasks.figures import figures
from tasks.mail import build_message, send_mail
from tasks.report import ReportFiles, write_report
from tasks.sheet import publish_sheet

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """Where a run publishes, apart from the report, which is always written."""

    sheet: bool = True
    mail: bool = True


ANALYSES: Final[tuple[Analysis, ...]] = (analyse_days, analyse_records, analyse_checks)
"""What readers are told, in this order."""


def compute_figures(stages: Stages, summary: RunSummary, engine: "Engine") -> None:
    """Computes the figures of the period's days, and of any others that a load has touched."""
    period = summary.period
    stages.run("figures", lambda: figures(engine, period.days, period.time_zone), "days computed: {}".format)


def publish_summary(
    stages: Stages,
    summary: RunSummary,
    configuration: Configuration,
    engine: "Engine",
    targets: Targets,
    *,
    trusted: bool,
) -> RunSummary:
    """Publishes what a run came to: sheet, report, artifacts, mail.

    Args:
        stages: the stages so far; their failures are told in report and mail.
        trusted: False if too many records were rejected: then the sheet is left as it is, and the rest says so.

    Returns:
        The summary with what was found, what was published or not configured, and everything that failed.
    """
    summary = replace(summary, language=configuration.settings.report_language, run_url=run_url())
    summary = replace(summary, failures=tuple(stages.failures))
    summary = replace(summary, findings=tuple(_analyse(stages, summary, engine)))
    if trusted and targets.sheet:
        summary = _publish_sheet(stages, summary, configuration, engine)
    if configuration.mail is None:
        summary = _skip(summary, "mail", "no mail server is set up")
    summary = replace(summary, failures=tuple(stages.failures))
    files = _write_report(stages, summary)
    chart = files.chart.read_bytes() if files and files.chart else None
    summary = replace(summary, failures=tuple(stages.failures))
    write_artifacts(summary, chart, files.html if files else None)
    if targets.mail:
        _send_mail(stages, summary, configuration, chart)
    return replace(summary, failures=tuple(stages.failures))


def _analyse(stages: Stages, summary: RunSummary, engine: "Engine") -> Iterator[Findings]:
    for analysis in ANALYSES:
        run = partial(analyse, analysis, engine, summary)
        found = stages.run("figures", run, lambda found: f"sections: {len(found.sections)}")
        if found:
            yield found


def _publish_sheet(stages: Stages, summary: RunSummary, configuration: Configuration, engine: "Engine") -> RunSummary:
    settings = configuration.settings
    if configuration.google is None or settings.spreadsheet_id is None:
        return _skip(summary, "sheet", "no Google sheet is set up")
    key, spreadsheet_id = configuration.google, settings.spreadsheet_id

    def write() -> str:
        # Quoted, or Prefect would look for futures in the figures of all the years, for longer than the sheet takes.
        rows: Any = quote(analyse(history, engine, summary).sections[0])
        url: str = publish_sheet(key, spreadsheet_id, rows, settings.google_sheets_url)
        return url

    return replace(
        summary, sheet_url=stages.run("sheet", write, lambda url: f"history written to {url}", is_shown=True)
    )


def _write_report(stages: Stages, summary: RunSummary) -> ReportFiles | None:
    return stages.run(
        "report",
        lambda: write_report(summary, home_folder("reports")),
        lambda written: f"written to {written.html}",
        is_shown=True,
    )


def _send_mail(stages: Stages, summary: RunSummary, configuration: Configuration, chart: bytes | None) -> None:
    settings, server = configuration.settings, configuration.mail
    if server is None:
        return

    def send() -> None:
        message = build_message(summary, settings.email_from or "", settings.email_to, chart, datetime.now(UTC))
        # Noted before it is tried: a mail of which it is not certain that it left is not followed by another one.
        note_mail()
        send_mail(server, message)

    stages.run("mail", send, lambda _: f"sent; addresses: {len(settings.email_to)}", is_shown=True)


def _skip(summary: RunSummary, stage: Stage, reason: str) -> RunSummary:
    get_run_logger().info("%s: skipped, %s", stage, reason)
    return replace(summary, skipped=(*summary.skipped, stage))
