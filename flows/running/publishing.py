"""From the database to the readers: figures, sheet, report and mail, each of which may fail alone."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final
from uuid import UUID

from prefect import get_run_logger
from prefect.runtime import flow_run

from flows.running.artifacts import write_summary
from flows.running.failure import page_of
from flows.running.home import home_folder
from flows.running.mailing import send_mails
from flows.running.mended import find_mended
from flows.running.publication import Publication, opaque, store_report, tell
from flows.running.stages import explain
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
from tasks.days_off import find_days_off
from tasks.figures import figures
from tasks.report import write_report
from tasks.sheet import Published, publish_sheet, read_tab
from tasks.titles import TITLES_TAB, parse, read_file, save_titles

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


def publish(run: Publication) -> RunSummary:
    """Computes the figures of what was loaded, analyses them, and shows them to every target.

    The summary says then what was found, what was published or not configured, and everything that failed.
    """
    settings = run.configuration.settings

    def compute() -> int:
        return figures(run.engine, settings.time_zone, opaque(find_days_off(settings.holidays)))

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
    tell(run, lambda: analyse(ANALYSES, run.engine, opaque(run.summary)))
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


def _to_sheet(run: Publication) -> None:
    settings, key = run.configuration.settings, run.configuration.google
    # Where the figures are not trusted, the report and the mail say so.
    is_trusted = not any(failure.stage == "checks" for failure in run.stages.failures)
    if key is None or not (is_trusted and run.targets.sheet):
        return

    def write() -> Published:
        rows = opaque(history(run.engine, run.summary))
        return publish_sheet(key, settings.spreadsheet_id or "", rows, opaque(run.summary), settings.google_sheets_url)

    published = run.stages.run("sheet", write, lambda done: f"written to {done.url}", is_shown=True)
    for problem in published.problems if published else ():
        get_run_logger().warning(problem)
    run.summary = replace(run.summary, sheet_url=published.url if published else None)


def _to_report(run: Publication) -> None:
    def write() -> Path:
        return write_report(opaque(run.summary), opaque(run.chart), home_folder("reports"))

    run.report = run.stages.run("report", write, "written to {}".format, is_shown=True)


def _to_dashboard(run: Publication) -> None:
    write_summary(run.summary, run.chart, run.report, run.sent)


def _to_mail(run: Publication) -> None:
    send_mails(run, FROM_THE_DATABASE)


TARGETS: Final[tuple[Callable[[Publication], None], ...]] = (
    _to_sheet,
    _to_report,
    store_report,
    _to_mail,
    _to_dashboard,
)
"""Where it is shown, in this order: all others lead to the sheet, and the dashboard tells of all others."""
