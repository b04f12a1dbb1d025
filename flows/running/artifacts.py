"""What a run leaves in the Prefect dashboard: a summary with every section, and progress on the way."""

import base64
import platform
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from email.message import EmailMessage
from pathlib import Path
from typing import Final
from urllib.parse import quote
from uuid import UUID

from prefect import get_run_logger
from prefect.artifacts import create_markdown_artifact, create_progress_artifact, update_progress_artifact

from schemas import wording
from schemas.language import Language, Link, write_number
from schemas.section import Section
from schemas.summary import RunSummary
from tasks.mail import subject
from tasks.rendering import name_some, span, web_address, write_row

LONG: Final = 8
"""From so many steps on, a run shows its progress in the dashboard."""
MOST_ROWS: Final = 50
"""Rows of a section that the dashboard shows; the report has them all."""
SHOWN_EVERY_S: Final = 2
"""To show it costs as much time as to load a small window."""
_PUNCTUATION: Final = re.compile(r"[!-/:-@\[-`{-~]")


class Progress:
    """Progress of a long run: in the log at each step, in the dashboard every few seconds."""

    def __init__(self, what: str, total: int) -> None:
        self._what, self._total, self._done = what, total, 0
        self._artifact: UUID | None = None
        self._shown_at = time.monotonic()
        if total >= LONG:
            artifact = create_progress_artifact(0.0, key="codegrader-progress", description=what)
            assert isinstance(artifact, UUID), "in a synchronous flow, nothing is to be awaited"
            self._artifact = artifact

    def advance(self, level: int, message: str, *arguments: object, is_shown: bool = False) -> None:
        """Counts one step and logs what it came to, behind how far the run is, such as `3/28: `.

        Args:
            is_shown: whether a quiet console shows that line; it always shows how far the run is.
        """
        self._done += 1
        extra = {"progress": (self._what, self._done, self._total), "is_shown": is_shown}
        get_run_logger().log(level, f"%d/%d: {message}", self._done, self._total, *arguments, extra=extra)
        now = time.monotonic()
        if self._artifact and (self._done == self._total or now >= self._shown_at + SHOWN_EVERY_S):
            update_progress_artifact(self._artifact, 100 * self._done / self._total, description=self._what)
            self._shown_at = now


def write_summary(summary: RunSummary, chart: bytes | None, report: Path | None, sent: Sequence[EmailMessage]) -> None:
    """Writes the run's artifact, named after its news; the run does not fail for want of it.

    Args:
        chart: the picture, a PNG; None if there is none.
        report: the report's page, on the machine of the worker; None if it was not written.
        sent: the mails that the mail server has taken.
    """
    try:
        page = "\n".join(describe_run(summary, chart, report, sent))
        create_markdown_artifact(page, key="codegrader-summary", description=escape(subject(summary)))
    except Exception:  # noqa: BLE001 (whatever Prefect's server has against it, the figures are published elsewhere)
        get_run_logger().warning("the run's summary could not be written to the dashboard", exc_info=True)


def describe_run(
    summary: RunSummary, chart: bytes | None, report: Path | None, sent: Sequence[EmailMessage]
) -> Iterator[str]:
    """The run in lines of Markdown: why it failed, the news, the totals, where all is, sections that list nobody."""
    language = summary.language
    status = wording.STATUS_SUCCEEDED if summary.succeeded else wording.STATUS_FAILED
    yield from (f"# {span(summary.period)}", "", f"**{status.to(language)}**", "")
    for failure in summary.failures:
        yield f"- **{wording.STAGES[failure.stage].to(language)}**: {escape(failure.message)}"
        if failure.missing:
            yield f"  - {wording.MISSING.to(language)}: {escape(name_some(failure.missing, language))}"
    yield ""
    for headline in summary.headlines:
        text = _link(headline.text, headline.url)
        yield f"- **{text}**" if headline.urgency == "alarm" else f"- {text}"
    yield from ("", *(f"- {line}" for line in _describe_places(summary, report, sent)))
    if chart:
        alt = wording.CHART_ALT.to(language, period=span(summary.period))
        yield from ("", f"![{escape(alt)}](data:image/png;base64,{base64.b64encode(chart).decode()})")
    for section in summary.sections:
        if not (section.is_personal or section.is_picture):
            yield from _describe_section(section, language)


def _describe_places(summary: RunSummary, report: Path | None, sent: Sequence[EmailMessage]) -> Iterator[str]:
    """What was loaded, and where the run's results are."""
    language = summary.language
    counts = {fate: getattr(summary.counts, name) for name, fate in wording.FATES.items()}
    fates = ", ".join(f"{fate.to(language)} {write_number(count, language)}" for fate, count in counts.items() if count)
    fetched = f"{wording.FETCHED.to(language)}: {write_number(summary.counts.fetched, language)}"
    yield escape(f"{fetched} ({fates})" if fates else fetched)
    if summary.sheet_url:
        yield _link(wording.SHEET_LINK.to(language), summary.sheet_url)
    if summary.report_url:
        yield _link(wording.REPORT_LINK.to(language), summary.report_url)
    elif report:
        # A page opened from the dashboard may not link to a file, least of all to one of another machine.
        yield escape(wording.REPORT_PLACE.to(language, path=report, machine=platform.node()))
    for message in sent:
        readers = write_number(len(message["To"].addresses), language)
        yield escape(wording.MAIL_SENT.to(language, subject=message["Subject"], readers=readers))
    if summary.skipped:
        stages = ", ".join(wording.STAGES[stage].to(language) for stage in summary.skipped)
        yield wording.SKIPPED.to(language, stages=stages)


def _describe_section(section: Section, language: Language) -> Iterator[str]:
    yield from ("", f"## {escape(section.title)}", "")
    rows = section.shown(MOST_ROWS)
    if rows:
        yield _line(escape(column.short or column.title) for column in section.columns)
        yield _line("--:" if column.is_number else ":--" for column in section.columns)
    for values in [*(row.values for row in rows), *([section.total] if section.total else [])]:
        urls = (value.url if isinstance(value, Link) else None for value in values)
        yield _line(map(_link, write_row(section.columns, values, language), urls))
    notes = list(section.notes)
    if len(rows) < len(section.rows):
        shown, all_rows = (write_number(len(each), language) for each in (rows, section.rows))
        notes.insert(0, wording.SOME_ROWS.to(language, shown=shown, rows=all_rows))
    yield from ("", *(f"- {escape(note)}" for note in notes))


def _link(text: str, address: str | None) -> str:
    """The text, and behind it its link: of the text of a link the dashboard would show the backslashes."""
    url = web_address(address)
    return f"{escape(text)} [↗]({quote(url, safe=':/?&=+%#')})" if url else escape(text)


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def escape(text: str) -> str:
    """Text from outside that Markdown will show as it is, in one line: no tag, no link, no list begins in it."""
    return _PUNCTUATION.sub(r"\\\g<0>", " ".join(text.splitlines()))
