"""Mail: the run's outcome to its readers, once, over a connection whose other end is known."""

from collections.abc import Sequence
from datetime import UTC, datetime
from email.errors import HeaderParseError, InvalidHeaderDefect
from email.header import Header
from email.headerregistry import Address, BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, Policy
from email.utils import make_msgid
from typing import Any, Final, cast

import css_inline
from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.tasks import exponential_backoff
from prefect_email import EmailServerCredentials

from schemas import wording
from schemas.language import write_date
from schemas.summary import RunSummary
from tasks.errors import InvalidInputError
from tasks.mail_server import log_in_only, send_message
from tasks.rendering import LONGEST_COURSE, about, one_line, render
from tasks.retries import is_transient

MOST_ROWS: Final = 31
"""Rows of a section that a mail lists: Gmail cuts off what is longer than 100 KB."""
LONGEST_SUBJECT: Final = 200


def build_message(
    summary: RunSummary,
    sender: str,
    recipients: Sequence[str],
    chart_png: bytes | None,
    sent_at: datetime,
    report: bytes | None = None,
) -> EmailMessage:
    """Builds the mail about a run: plain text, HTML, and the chart inside it; a failed run is never called a good one.

    Args:
        sender: an address, with a name or without.
        recipients: addresses, one each.
        chart_png: the chart; None leaves it out.
        sent_at: the mail's date, aware.
        report: its page, to be attached.

    Raises:
        InvalidInputError: there is no recipient, or an address is none.
    """
    sections = [section for section in summary.sections if section.is_brief]
    message = _address(subject(summary), sender, recipients, sent_at)
    message.set_content(render("mail.txt.j2", summary, sections, MOST_ROWS))
    chart_id = f"chart.{str(message['Message-ID']).strip('<>')}"
    chart_src = None if chart_png is None else f"cid:{chart_id}"
    page = render("mail.html.j2", summary, sections, MOST_ROWS, chart_src=chart_src)
    # Many mail programs drop style sheets; at-rules, for dark and narrow screens, serve those that do not.
    page = css_inline.inline(page, keep_at_rules=True, load_remote_stylesheets=False)
    message.add_alternative(page, subtype="html")
    if chart_png is not None:
        html = cast("EmailMessage", message.get_body(("html",)))
        name = f"{summary.period.file_stem}.png"
        html.add_related(chart_png, "image", "png", cid=f"<{chart_id}>", filename=name, disposition="inline")
    if report is not None:
        name = f"{summary.period.file_stem}.html"
        message.add_attachment(report, "text", "html", filename=name, params={"charset": "utf-8"})
    return message


def build_notice(
    title: str, paragraphs: Sequence[str], sender: str, recipients: Sequence[str], sent_at: datetime
) -> EmailMessage:
    """Builds the mail about a run that failed before it could write one itself: plain text, and short.

    Raises:
        InvalidInputError: as `build_message` does.
    """
    message = _address(title, sender, recipients, sent_at)
    message.set_content("\n\n".join(paragraphs) + "\n")
    return message


class _Subject(UnstructuredHeader, BaseHeader):
    """A subject that arrives as it was written: Python's folding can lose a space of it."""

    def fold(self, *, policy: Policy) -> str:
        """The header's lines, for which a message asks."""
        text = Header(str(self), "utf-8", header_name=self.name).encode(linesep=policy.linesep)
        return f"{self.name}: {text}{policy.linesep}"


def _address(title: str, sender: str, recipients: Sequence[str], sent_at: datetime) -> EmailMessage:
    """A mail with its headers, and nothing in it yet."""
    origin = _read_address(sender, "EMAIL_FROM")
    if not recipients:
        raise InvalidInputError("mail: there is nobody to send it to: set EMAIL_TO")
    headers = HeaderRegistry()
    headers.map_to_type("subject", _Subject)
    # Written in seven bits, which every server on the way can carry.
    message = EmailMessage(SMTP.clone(cte_type="7bit", header_factory=headers))
    message["Subject"] = title
    message["From"] = origin
    message["To"] = [_read_address(recipient, "EMAIL_TO") for recipient in recipients]
    message["Date"] = sent_at
    message["Message-ID"] = make_msgid(domain=origin.domain)
    # Keeps out-of-office replies away (RFC 3834).
    message["Auto-Submitted"] = "auto-generated"
    return message


def subject(summary: RunSummary) -> str:
    """What the mail is about: the period and its news, or what failed."""
    language, days = summary.language, summary.period.days
    if summary.succeeded:
        period = " – ".join(dict.fromkeys(write_date(day.date, language) for day in (days[0], days[-1])))
        news = " · ".join(headline.short for headline in summary.headlines if headline.short)
        course = one_line(summary.course_name, LONGEST_COURSE)
        what = ", ".join(filter(None, (course, period)))
        return one_line(f"{what}: {news}" if news else what, LONGEST_SUBJECT)
    stages = dict.fromkeys(wording.STAGES[failure.stage].to(language) for failure in summary.failures)
    return wording.SUBJECT_FAILED.to(language, period=about(summary), stages=", ".join(stages))


def _read_address(text: str, setting: str) -> Address:
    """The one address that a text holds, with its name if there is one."""
    try:
        header: Any = SMTP.header_factory("To", text) if text.isprintable() else None
    except (ValueError, IndexError, HeaderParseError):
        header = None
    if header and len(header.addresses) == 1:
        address: Address = header.addresses[0]
        # Lesser defects, such as an unquoted dot in a name, are harmless: the header is written anew.
        wrong = any(isinstance(defect, InvalidHeaderDefect) for defect in header.defects)
        if address.domain and not wrong:
            return address
    raise InvalidInputError(f"mail: {one_line(text, 100)!r} is not an e-mail address: correct {setting}")


def try_login(credentials: EmailServerCredentials, sender: str, recipients: Sequence[str]) -> None:
    """Reads the addresses and logs in to the mail server, but sends nothing; raises as building and sending would."""
    _address("", sender, recipients, datetime.now(UTC))
    log_in_only(credentials)


send_mail = task(
    name="send_mail",
    task_run_name="mail",
    description="Sends the mail about the run to its readers.",
    cache_policy=NO_CACHE,
    persist_result=False,
    retries=3,
    # After 10, 20 and 40 s: long enough for a server that restarts.
    retry_delay_seconds=exponential_backoff(backoff_factor=10),
    retry_jitter_factor=0.5,
    retry_condition_fn=is_transient,
)(send_message)
