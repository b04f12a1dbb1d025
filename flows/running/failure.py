"""The mail about a run that failed before it could write one itself: exactly one for each failed run.

Who writes it depends on what is still alive: the flow, in its last stage; if it did not get there, its process, by
`on_failure`; if that died, its worker, by `on_crashed`; if the worker died too, an automation, which starts the flow
`codegrader-notify`. A label of the run says that its mail was written, whoever wrote it.
"""

from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from prefect import Flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun, State
from prefect.logging import get_logger
from prefect.utilities.urls import url_for

from flows.running.configuration import load_configuration
from flows.running.server import names_server
from flows.running.stages import REFUSED
from flows.running.stopping import is_stopping
from tasks.errors import CodegraderError
from tasks.mail import build_notice
from tasks.mail_server import send_message

MAILED: Final = "codegrader.mailed"
"""The label of a run whose mail was handed to the mail server."""


def mail_failure(flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> None:  # noqa: ARG001
    """Writes the mail about a failed or crashed run, unless one was written; the hook of the flows.

    There is none about a run that refused its arguments or was stopped by hand, which whoever did so knows.
    """
    if state.name != REFUSED and not is_stopping.is_set():
        tell_of(flow_run, state.message or state.name or "no reason is known")


def tell_of(run: FlowRun, reason: str) -> bool:
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
        sender, now = settings.email_from or "", datetime.now(UTC)
        language, page = settings.report_language, page_of(run.id)
        message = build_notice(run.name, reason, page, language, sender, settings.email_to, now)
        send_message(configuration.mail, message)
    except CodegraderError as error:
        get_logger("codegrader").error("the mail about the failed run %s was not sent: %s", run.name, error)
        return False
    return True


def claim_mail(run_id: UUID) -> bool:
    """Notes that the run's mail is being written; False if that was noted before."""
    with get_client(sync_client=True) as client:
        if MAILED in client.read_flow_run(run_id).labels:
            return False
        client.update_flow_run_labels(run_id, {MAILED: True})
    return True


def page_of(run_id: UUID) -> str | None:
    """A run's page in the dashboard; None with a temporary server, which ends with the run."""
    return url_for("flow-run", run_id) if names_server() else None
