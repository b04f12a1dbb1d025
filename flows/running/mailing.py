"""The mails of a run: one about all courses, and one about each course that has readers of its own."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from uuid import UUID

from prefect.runtime import flow_run
from prefect_email import EmailServerCredentials

from flows.running.failure import MAILED, is_noted, note
from flows.running.publication import Publication, opaque, public_page, store_report, tell
from flows.running.stages import Stages
from schemas.summary import RunSummary
from tasks.analyses import Analysis, analyse
from tasks.errors import MaybeSentError
from tasks.mail import build_message, send_mail


def send_mails(run: Publication, analyses: Sequence[Analysis]) -> None:
    """Sends all mails, once: one that fails is a failure of the run, and keeps none of the others.

    Args:
        analyses: those of which the readers of one course are told.
    """
    server = run.configuration.mail
    if server is None or not run.targets.mail:
        return
    # Of what fails from here on, such as another course's mail, no reader is told.
    summary = run.summary
    for course, readers in run.configuration.settings.readers.items():
        told = run
        if course:
            told = replace(run, stages=Stages([*summary.failures]), summary=_narrow(summary, course), chart=None)
            tell(told, partial(analyse, analyses, run.engine, opaque(told.summary)))
            store_report(told)
            run.stages.failures += [each for each in told.stages.failures if each not in run.stages.failures]
        send = partial(_send, told, readers, server)
        run.stages.run("mail", send, _describe, is_shown=True)


def _describe(readers: int) -> str:
    return f"sent; addresses: {readers}" if readers else "sent before"


def _narrow(summary: RunSummary, course: str) -> RunSummary:
    """What the run says to the readers of one course: nothing that leads to other courses, or might name them."""
    return replace(summary, course=course, findings=(), sheet_url=None, run_url=None, report_url=None, mended=None)


def _send(run: Publication, readers: Sequence[str], server: EmailServerCredentials) -> int:
    """Sends one mail, and says to how many addresses."""
    settings, run_id = run.configuration.settings, UUID(flow_run.get_id())
    # A failed run may be run once more: whoever was told the same before is not told again.
    told = f"{MAILED}.{sha256(f'{run.summary.course} {run.summary.failures}'.encode()).hexdigest()[:12]}"
    if is_noted(run_id, told):
        return 0
    page = public_page(run) if settings.email_attach_report else None
    sender, now = settings.email_from or "", datetime.now(UTC)
    message = build_message(run.summary, sender, readers, run.chart, now, page)
    # Noted before it is tried: a mail of which it is not certain that it left is not followed by another one.
    note(run_id, MAILED)
    try:
        send_mail(server, message)
    except MaybeSentError:
        note(run_id, told)
        raise
    note(run_id, told)
    run.sent.append(message)
    return len(readers)
