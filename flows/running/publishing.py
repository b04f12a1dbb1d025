"""From the database to the readers: figures, sheet, report and mail, each of which may fail alone."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from prefect import get_run_logger
from prefect.utilities.annotations import quote

from flows.running.artifacts import write_artifacts
from flows.running.configuration import Configuration
from flows.running.failure import note_mail, run_url
from flows.running.home import home_folder
from flows.running.stages import Stages
from schemas.labels import LABELS
from schemas.summary import DailyFigures, RunSummary, Stage
from tasks.mail import build_message, send_mail
from tasks.metrics import daily_figures, metrics
from tasks.report import ReportFiles, write_report
from tasks.sheet import publish_sheet

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """Where a run publishes, apart from the report, which is always written."""

    sheet: bool = True
    mail: bool = True


def compute_figures(stages: Stages, summary: RunSummary, engine: "Engine") -> RunSummary:
    """Computes the figures of the period's days, and of any others that a load has touched.

    Returns:
        The summary with the figures of the period.
    """
    period = summary.period

    def compute() -> tuple[DailyFigures, ...]:
        metrics(engine, period.days, period.time_zone)
        return daily_figures(engine, period.first_day, period.last_day)

    figures = stages.run("metrics", compute, lambda computed: f"days with figures: {len(computed)}")
    return replace(summary, figures=figures or ())


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
        The summary with what was published or not configured, and with everything that failed.
    """
    if trusted and targets.sheet:
        summary = _publish_sheet(stages, summary, configuration, engine)
    if configuration.mail is None:
        summary = _skip(summary, "mail", "no mail server is set up")
    summary = replace(summary, run_url=run_url(), failures=tuple(stages.failures))
    files = _write_report(stages, summary, configuration)
    chart = files.chart.read_bytes() if files else None
    summary = replace(summary, failures=tuple(stages.failures))
    write_artifacts(summary, chart, files.html if files else None)
    if targets.mail:
        _send_mail(stages, summary, configuration, chart)
    return replace(summary, failures=tuple(stages.failures))


def _publish_sheet(stages: Stages, summary: RunSummary, configuration: Configuration, engine: "Engine") -> RunSummary:
    settings = configuration.settings
    if configuration.google is None or settings.spreadsheet_id is None:
        return _skip(summary, "sheet", "no Google sheet is set up")
    key, spreadsheet_id = configuration.google, settings.spreadsheet_id

    def write() -> str:
        labels = LABELS[settings.report_language].sheet_columns
        # Quoted, or Prefect would look for futures in the figures of all the years, for longer than the sheet takes.
        figures = quote(daily_figures(engine))
        return publish_sheet(key, spreadsheet_id, figures, labels, settings.google_sheets_url)

    return replace(
        summary, sheet_url=stages.run("sheet", write, lambda url: f"history written to {url}", is_shown=True)
    )


def _write_report(stages: Stages, summary: RunSummary, configuration: Configuration) -> ReportFiles | None:
    language = configuration.settings.report_language
    return stages.run(
        "report",
        lambda: write_report(summary, language, home_folder("reports")),
        lambda written: f"written to {written.html}",
        is_shown=True,
    )


def _send_mail(stages: Stages, summary: RunSummary, configuration: Configuration, chart: bytes | None) -> None:
    settings, server = configuration.settings, configuration.mail
    if server is None:
        return

    def send() -> None:
        message = build_message(
            summary, settings.report_language, settings.email_from or "", settings.email_to, chart, datetime.now(UTC)
        )
        # Noted before it is tried: a mail of which it is not certain that it left is not followed by another one.
        note_mail()
        send_mail(server, message)

    stages.run("mail", send, lambda _: f"sent; addresses: {len(settings.email_to)}", is_shown=True)


def _skip(summary: RunSummary, stage: Stage, reason: str) -> RunSummary:
    get_run_logger().info("%s: skipped, %s", stage, reason)
    return replace(summary, skipped=(*summary.skipped, stage))
