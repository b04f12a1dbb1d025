"""The mail about a run that failed before it could write one itself: exactly one for each failed run.

Who writes it depends on what is still alive: the flow, in its last stage; if it did not get there, its process, by
`on_failure`; if that died, its worker, by `on_crashed`; if the worker died too, an automation, which starts the flow
`codegrader-notify`. A label of the run says that its mail was written, whoever wrote it.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any, Final
from uuid import UUID

from prefect import Flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun, State
from prefect.logging import get_logger
from prefect.utilities.urls import url_for
from prefect_email import EmailServerCredentials

from flows.backfilling.chunks import date_ranges
from flows.running.configuration import Configuration, load_configuration, open_database
from flows.running.home import home_path
from flows.running.server import names_server
from flows.running.stages import REFUSED
from flows.running.stopping import is_stopping
from schemas import wording
from schemas.language import Text
from schemas.parameters import HEAL_DAYS
from schemas.period import Day, days_between, start_of
from tasks.coverage import find_gaps, missing_days
from tasks.errors import CodegraderError
from tasks.mail import build_notice
from tasks.mail_server import send_message
from tasks.plan import plan_period
from tasks.rendering import name_some, one_line

MAILED: Final = "codegrader.mailed"
"""The label of a run whose mail was handed to the mail server."""
DATES: Final = ("start_date", "end_date")


def mail_failure(flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> None:  # noqa: ARG001
    """Writes the mail about a failed or crashed run, unless one was written; the hook of the flows.

    There is none about a run that refused its arguments or was stopped by hand, which whoever did so knows.
    """
    if state.name != REFUSED and not is_stopping.is_set():
        tell_of(flow_run, wording.NOTICE, reason=state.message or state.name or "?")


def tell_of(run: FlowRun, story: Text, reason: str = "") -> bool:
    """Writes the mail about a run that failed, unless one was written; whether it was sent.

    There is none about a run that was told to send none, or not to publish, such as a part of a backfill, which tells
    of it. A mail that cannot be sent is only logged: the run has failed already.
    """
    if not all(run.parameters.get(name, True) for name in ("publish", "mail")):
        return False
    try:
        configuration = load_configuration()
        settings = configuration.settings
        if configuration.mail is None or not claim_mail(run.id):
            return False
        language, name = settings.report_language, one_line(run.name)
        told = story.to(language, run=name, reason=one_line(reason))
        paragraphs = (told, *_describe_consequences(configuration, run))
        title = wording.NOTICE_SUBJECT.to(language, run=name)
        server, sender, is_sent = configuration.mail, settings.email_from or "", True
        # Readers of one course do not see the addresses of another's.
        for readers in settings.readers.values():
            is_sent &= _send(server, build_notice(title, paragraphs, sender, readers, datetime.now(UTC)), name)
    except CodegraderError as error:
        _log(run.name, error)
        return False
    return is_sent


def _send(server: EmailServerCredentials, message: EmailMessage, run: str) -> bool:
    try:
        send_message(server, message)
    except CodegraderError as error:
        _log(run, error)
        return False
    return True


def _log(run: str, error: CodegraderError) -> None:
    get_logger("codegrader").error("the mail about the failed run %s was not sent: %s", run, error)


def _describe_consequences(configuration: Configuration, run: FlowRun) -> Iterator[str]:
    """What is missing from the figures, what to do, and where to look."""
    settings = configuration.settings
    language, page = settings.report_language, page_of(run.id)
    try:
        missing = _find_missing(configuration, run)
    except Exception:  # noqa: BLE001 (whatever is wrong there, the readers are told of the run)
        yield wording.NOTICE_UNKNOWN.to(language)
    else:
        spans = [" – ".join(dict.fromkeys(map(str, ends))) for ends in date_ranges(day.date for day in missing)]
        said = wording.NOTICE_MISSING if missing else wording.NOTICE_COMPLETE
        yield said.to(language, days=name_some(spans, language))
    yield wording.NOTICE_ADVICE.to(language)
    if page:
        yield wording.NOTICE_LINK.to(language, url=page)
    yield wording.NOTICE_LOGS.to(language, folder=settings.log_dir or home_path() / "logs")


def _find_missing(configuration: Configuration, run: FlowRun) -> tuple[Day, ...]:
    """Days that are not loaded: of the run's own, and for the daily run of those before that it would load as well."""
    time_zone, start, end = configuration.settings.time_zone, *(run.parameters.get(name) for name in DATES)
    period = plan_period(start, end, time_zone, datetime.now(UTC), max_days=None)
    with open_database(configuration, as_it_is=True) as engine:
        if start or end:
            return missing_days(engine, period.days)
        first = start_of(period.first_day - timedelta(days=HEAL_DAYS), time_zone)
        gaps = find_gaps(engine, days_between(first, period.start, time_zone))
        return gaps + missing_days(engine, period.days)


def claim_mail(run_id: UUID) -> bool:
    """Notes that the run's mail is being written; False if that was noted before."""
    if is_noted(run_id, MAILED):
        return False
    note(run_id, MAILED)
    return True


def is_noted(run_id: UUID, label: str) -> bool:
    """Whether the run has that label."""
    with get_client(sync_client=True) as client:
        return label in client.read_flow_run(run_id).labels


def note(run_id: UUID, label: str) -> None:
    """Puts the label on the run."""
    with get_client(sync_client=True) as client:
        client.update_flow_run_labels(run_id, {label: True})


def page_of(run_id: UUID) -> str | None:
    """A run's page in the dashboard; None with a temporary server, which ends with the run."""
    return url_for("flow-run", run_id) if names_server() else None
