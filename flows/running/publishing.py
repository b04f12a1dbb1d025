"""From the database to the readers: figures, sheet, report and mail, each of which may fail alone."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.message import EmailMessage
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple
from uuid import UUID

from prefect import get_run_logger
from prefect.runtime import flow_run
from prefect.utilities.annotations import quote
from sqlalchemy.engine import Engine

from flows.running.artifacts import write_summary
from flows.running.configuration import Configuration
from flows.running.failure import claim_mail, page_of
from flows.running.home import home_folder
from flows.running.mended import find_mended
from flows.running.stages import Stages, explain
from schemas.section import Findings
from schemas.summary import RunSummary, Stage
from tasks.analyses import Analysis, analyse
from tasks.analyses.anomalies import analyse_anomalies
from tasks.analyses.checks import analyse_checks
from tasks.analyses.comparison import analyse_comparison
from tasks.analyses.courses import analyse_courses
from tasks.analyses.days import analyse_days, history
from tasks.analyses.engagement import analyse_engagement
from tasks.analyses.hours import analyse_hours
from tasks.analyses.records import analyse_records
from tasks.analyses.refusals import analyse_refusals
from tasks.analyses.students import analyse_students
from tasks.analyses.tasks import analyse_tasks
from tasks.analyses.term import analyse_term
from tasks.chart import draw_chart
from tasks.days_off import find_days_off
from tasks.figures import figures
from tasks.mail import build_message, send_mail
from tasks.rendering import charted_section
from tasks.report import render_html, write_report
from tasks.sheet import publish_sheet, read_tab
from tasks.storage import store_page
from tasks.titles import TITLES_TAB, parse, read_file, save_titles


class Targets(NamedTuple):
    """Where a run publishes. Without a report, nowhere: then it only computes the figures."""

    report: bool
    sheet: bool
    mail: bool


FROM_THE_DATABASE: Final[tuple[Analysis, ...]] = (
    analyse_days,
    analyse_term,
    analyse_comparison,
    analyse_refusals,
    analyse_anomalies,
    analyse_hours,
    analyse_engagement,
    analyse_courses,
    analyse_tasks,
    analyse_students,
)
"""What can be told at any time, and of one course alone."""
ANALYSES: Final = (*FROM_THE_DATABASE, analyse_records, analyse_checks)
"""What readers are told, in this order; the first has the chart."""


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


def _opaque(argument: Any) -> Any:
    """An argument in which Prefect does not look for futures, which takes longer than the task itself."""
    return quote(argument)


def publish(run: Publication) -> RunSummary:
    """Computes the figures of what a run has loaded, analyses them, and shows them to every target.

    The summary says then what was found, what was published or not configured, and everything that failed.
    """
    settings, period = run.configuration.settings, run.summary.period

    def compute() -> int:
        return figures(run.engine, period.days, period.time_zone, _opaque(find_days_off(settings.holidays)))

    run.stages.run("figures", compute, "days computed: {}".format)
    if run.targets.report:
        _show(run)
    return replace(run.summary, failures=tuple(run.stages.failures))


def _show(run: Publication) -> None:
    settings = run.configuration.settings
    blocks: dict[Stage, object] = {"sheet": run.configuration.google, "mail": run.configuration.mail}
    skipped = tuple(stage for stage, block in blocks.items() if block is None)
    if skipped:
        get_run_logger().info("skipped, as not set up: %s", ", ".join(skipped))
    run.summary = replace(
        run.summary,
        language=settings.report_language,
        lists_students=settings.student_lists,
        holidays=settings.holidays,
        run_url=page_of(UUID(flow_run.get_id())),
        mended=find_mended(settings.report_language, run.summary.period.time_zone),
        failures=tuple(run.stages.failures),
        skipped=skipped,
    )
    _refresh_titles(run)
    # The database computes while Google takes its time.
    analysing = analyse.submit(ANALYSES, run.engine, _opaque(run.summary))
    _to_sheet(run)
    findings = list(_collect(run.stages, analysing.result))
    _draw(run, findings)
    run.summary = replace(run.summary, findings=tuple(findings), failures=tuple(run.stages.failures))
    for target in TARGETS:
        target(run)
        run.summary = replace(run.summary, failures=tuple(run.stages.failures))


def _refresh_titles(run: Publication) -> None:
    """Reads what the tasks are called; if it cannot be read, the titles stay as they were."""
    settings, google = run.configuration.settings, run.configuration.google
    try:
        if settings.task_titles:
            titles, problems = read_file(Path(settings.task_titles))
        elif google and run.targets.sheet:
            rows = read_tab(google, settings.spreadsheet_id or "", TITLES_TAB, settings.google_sheets_url)
            titles, problems = parse(rows, f"tab {TITLES_TAB}") if rows else ([], [])
        else:
            return
        save_titles(run.engine, titles)
    except Exception as error:  # noqa: BLE001 (whatever is wrong with titles, it costs no figure)
        reason = explain(error, "sheet").message
        titles, problems = [], [f"the titles of tasks stay as they were: {reason}"]
    for problem in problems:
        get_run_logger().warning(problem)


def _collect(stages: Stages, analyse_all: Callable[[], list[Findings | Exception]]) -> Iterator[Findings]:
    """What was found; a failed analysis is noted, and takes nothing from the others."""
    for found in stages.run("figures", analyse_all, lambda found: f"analyses: {len(found)}") or ():
        if isinstance(found, Exception):
            stages.note("figures", found)
        else:
            yield found


def _to_sheet(run: Publication) -> None:
    settings, key = run.configuration.settings, run.configuration.google
    # Where the figures are not trusted, the report and the mail say so.
    is_trusted = not any(failure.stage == "checks" for failure in run.stages.failures)
    if key is None or not (is_trusted and run.targets.sheet):
        return

    def write() -> str:
        rows = _opaque(history(run.engine, run.summary))
        url: str = publish_sheet(key, settings.spreadsheet_id or "", rows, settings.google_sheets_url)
        return url

    url = run.stages.run("sheet", write, lambda url: f"history written to {url}", is_shown=True)
    run.summary = replace(run.summary, sheet_url=url)


def _draw(run: Publication, findings: Iterable[Findings]) -> None:
    if section := charted_section([section for found in findings for section in found.sections]):
        draw = partial(draw_chart, section, run.summary.language)
        run.chart = run.stages.run("report", draw, lambda chart: f"chart of {len(chart):,} bytes")


def _to_report(run: Publication) -> None:
    def write() -> Path:
        return write_report(_opaque(run.summary), _opaque(run.chart), home_folder("reports"))

    run.report = run.stages.run("report", write, "written to {}".format, is_shown=True)


def _to_storage(run: Publication) -> None:
    address, storage = run.configuration.settings.report_url, run.configuration.settings.report_storage
    if not storage:
        return

    def store() -> str | None:
        name, page = f"{run.summary.period.file_stem}.html", _public_page(run)
        url: str | None = store_page(storage, name, _opaque(page), address)
        return url

    url = run.stages.run("report", store, lambda url: f"stored in {url or storage}", is_shown=True)
    run.summary = replace(run.summary, report_url=url)


def _public_page(run: Publication) -> bytes:
    """The report for all its readers: the one that lists students stays where it was written."""
    return render_html(run.summary.public).encode()


def _to_dashboard(run: Publication) -> None:
    write_summary(run.summary, run.chart, run.report, run.sent)


def _to_mail(run: Publication) -> None:
    settings, server = run.configuration.settings, run.configuration.mail
    if server is None or not run.targets.mail:
        return

    def send() -> None:
        page = _public_page(run) if settings.email_attach_report else None
        sender, now = settings.email_from or "", datetime.now(UTC)
        message = build_message(run.summary, sender, settings.email_to, run.chart, now, page)
        # Noted before it is tried: a mail of which it is not certain that it left is not followed by another one.
        claim_mail(UUID(flow_run.get_id()))
        send_mail(server, message)
        run.sent.append(message)

    run.stages.run("mail", send, lambda _: f"sent; addresses: {len(settings.email_to)}", is_shown=True)


TARGETS: Final[tuple[Callable[[Publication], None], ...]] = (_to_report, _to_storage, _to_mail, _to_dashboard)
"""Where it is shown once the sheet has the history, in this order: the dashboard tells of all others."""
