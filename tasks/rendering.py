"""Rendering: a run's sections as HTML, as plain text and as cells, and the engine that fills the templates.

Texts that come from outside (a failure's message, a check's sample) are escaped by the engine. Here they are only made
into one line, so that none can pass for a line of ours in a mail of plain text.
"""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple, get_args
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from schemas import wording
from schemas.language import Language, Link, Text, Value, write_number, write_value
from schemas.period import Period
from schemas.section import Column, Line, Section, Urgency
from schemas.summary import RunSummary

MOST_NAMED: Final = 12
"""More than these are counted, not named."""
LONGEST_CELL: Final = 200
"""Characters of a text in a table."""

LONGEST_COURSE: Final = 80
"""Characters of a course's name that stand with the period."""

_TEMPLATES: Final = Path(__file__).with_name("templates")


class Cell(NamedTuple):
    """A value in its column, as a reader sees it; the address is None where it leads nowhere."""

    column: Column
    value: Value
    text: str
    url: str | None
    points: tuple[float | None, ...]


def render(template: str, summary: RunSummary, sections: Sequence[Section], most_rows: int, **more: object) -> str:
    """Fills a template, in the language of the summary.

    Args:
        template: its file name in `templates`.
        sections: those of the summary's sections that are shown.
        most_rows: of a longer section no more are shown, see `Section.shown`.
        more: what this template alone needs.
    """
    language, period, charted = summary.language, summary.period, charted_section(summary.sections)
    addresses = (
        (summary.report_url, wording.REPORT_LINK),
        (summary.sheet_url, wording.SHEET_LINK),
        (summary.run_url, wording.RUN_LINK),
    )

    def say(text: Text, **values: object) -> str:
        return text.to(language, **values)

    def cells(section: Section, values: Sequence[Value]) -> list[Cell]:
        urls = [web_address(value.url) if isinstance(value, Link) else None for value in values]
        texts = write_row(section.columns, values, language)
        lines = [value.points if isinstance(value, Line) else () for value in values]
        return [Cell(*parts) for parts in zip(section.columns, values, texts, urls, lines, strict=True)]

    return (
        _engine()
        .get_template(template)
        .render(
            summary=summary,
            words=wording,
            language=language,
            say=say,
            number=lambda value: write_number(value, language),
            cells=cells,
            name_some=lambda names: name_some(names, language),
            table=lambda section: write_table(section, language, most_rows),
            sections=sections,
            charted=charted,
            told={
                urgency: [each for each in summary.headlines if each.urgency == urgency]
                for urgency in get_args(Urgency)
            },
            links=[(url, name) for url, name in addresses if web_address(url)],
            skipped=say(wording.SKIPPED, stages=", ".join(say(wording.STAGES[stage]) for stage in summary.skipped))
            if summary.skipped
            else "",
            report=web_address(summary.report_url),
            period=about(summary),
            started_at=f"{summary.started_at.astimezone(period.time_zone):%Y-%m-%d %H:%M}",
            most_rows=most_rows,
            **more,
        )
    )


def charted_section(sections: Sequence[Section]) -> Section | None:
    """The section whose chart is a picture in a file and in the mail: the first that has one."""
    return next((section for section in sections if section.panels and not section.is_picture), None)


def about(summary: RunSummary) -> str:
    """The period, see `span`, and the course if the summary tells of one alone."""
    return " · ".join(filter(None, (span(summary.period), one_line(summary.course_name, LONGEST_COURSE))))


def span(period: Period) -> str:
    """A period: `2023-04-01 – 2023-04-30`, or one date where it is a whole day; else with the times."""
    return " – ".join(dict.fromkeys((period.first, period.last)))


def write_row(columns: Sequence[Column], values: Sequence[Value], language: Language) -> list[str]:
    """A row's values as a reader sees them."""
    return [
        one_line(value if isinstance(value, str) else value.text, LONGEST_CELL)
        if isinstance(value, str | Link)
        else write_value(value, column.kind, language)
        for column, value in zip(columns, values, strict=True)
    ]


def write_table(section: Section, language: Language, most_rows: int) -> str:
    """A section's table in plain text: texts to the left, numbers to the right."""
    rows = [row.values for row in section.shown(most_rows)] + ([section.total] if section.total else [])
    lines = [
        [column.short or column.title for column in section.columns],
        *(write_row(section.columns, row, language) for row in rows),
    ]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    is_text = [not column.is_number for column in section.columns]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if left else cell.rjust(width)
            for cell, width, left in zip(line, widths, is_text, strict=True)
        ).rstrip()
        for line in lines
    )


def name_some(names: Sequence[str], language: Language) -> str:
    """The first of some names, and how many more there are: `a, b and 3 more`."""
    more = len(names) - MOST_NAMED
    rest = f" {wording.AND_MORE.to(language, count=write_number(more, language))}" if more > 0 else ""
    return ", ".join(map(one_line, names[:MOST_NAMED])) + rest


def one_line(text: str, limit: int | None = None) -> str:
    """Text as a single line: line ends, control characters, and lone surrogates, which no file holds, become spaces."""
    if not text.isprintable():
        text = "".join(character if character.isprintable() else " " for character in text)
    line = " ".join(text.split())
    return line if limit is None or len(line) <= limit else line[: limit - 1] + "…"


def web_address(url: str | None) -> str | None:
    """The address if it may be shown as a link, else None: no `javascript:`, and no password in it."""
    if url is None or one_line(url) != url or " " in url:
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    usable = parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc
    return url if usable else None


@cache
def _engine() -> Environment:
    engine = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=select_autoescape(disabled_extensions=("txt.j2",), default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    engine.filters |= {"one_line": one_line, "web_address": web_address}
    return engine
