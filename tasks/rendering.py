"""Rendering: what the report's and the mail's templates are given, ready to be shown, and the engine that fills them.

Texts that come from outside (a failure's message, a check's sample) are escaped by the engine. Here they are only made
into one line, so that none can pass for a line of ours in a mail of plain text.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from schemas.labels import Labels
from schemas.summary import DailyFigures, RunSummary

if TYPE_CHECKING:
    from jinja2 import Environment

MOST_MISSING_NAMED = 12
"""More missing windows than these are counted, not named."""

_TEMPLATES: Final = Path(__file__).with_name("templates")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table of daily figures.

    Attributes:
        day: the day, as a reader sees it.
        cells: the figures, as a reader sees them; none for a day without figures.
        complete: False if the day is loaded in part.
    """

    day: str
    cells: tuple[str, ...]
    complete: bool = True


def render(template: str, summary: RunSummary, labels: Labels, chart_src: str | None, most_days: int = 400) -> str:
    """Fills a template.

    Args:
        template: its file name in `templates`.
        summary: what the run came to.
        labels: the language.
        chart_src: where the page finds the chart; None if there is none.
        most_days: of a longer period only the last days are listed.
    """
    rows, total = figure_rows(summary, labels), total_row(summary.figures, labels)
    shown = rows[-most_days:]
    return (
        _engine()
        .get_template(template)
        .render(
            summary=summary,
            labels=labels,
            period=labels.span(summary.period),
            time_zone=str(summary.period.time_zone),
            rows=shown,
            days=len(rows),
            total=total,
            table=_table_in_text([*shown, total], labels),
            tiles=_tiles(summary.figures, labels),
            counts=count_lines(summary, labels),
            skipped=", ".join(labels.stages[stage] for stage in summary.skipped),
            started_at=f"{summary.started_at.astimezone(summary.period.time_zone):%Y-%m-%d %H:%M}",
            chart_src=chart_src,
            most_missing=MOST_MISSING_NAMED,
        )
    )


def figure_rows(summary: RunSummary, labels: Labels) -> list[Row]:
    """A row for each day of the period, oldest first: a day without figures is named too, never left out silently."""
    if not summary.figures:
        return []
    known = {figures.day: figures for figures in summary.figures}
    days = sorted({*known, *(day.date for day in summary.period.days)})
    return [
        Row(labels.day(day), figure_cells(known[day], labels), known[day].complete)
        if day in known
        else Row(labels.day(day), ())
        for day in days
    ]


def figure_cells(figures: DailyFigures, labels: Labels) -> tuple[str, ...]:
    """A day's figures, as a reader sees them, in the order of `Labels.figure_columns`."""
    counts = (figures.attempts, figures.successful_attempts, figures.unique_users, figures.runs, figures.submits)
    return (*map(labels.number, counts), labels.percent(figures.success_rate))


def total_row(figures: Sequence[DailyFigures], labels: Labels) -> Row:
    """The period's totals. Users have none: a student of two days would be counted twice."""
    sums = [
        labels.number(sum(getattr(day, name) for day in figures))
        for name in ("attempts", "successful_attempts", "runs", "submits")
    ]
    return Row(labels.total, (*sums[:2], "—", *sums[2:], labels.percent(_total_success_rate(figures))))


def _total_success_rate(figures: Iterable[DailyFigures]) -> float | None:
    """Successful submits per submit, over all days: not the mean of the days' rates, which would weigh them alike."""
    rated = [(day.submits, day.success_rate) for day in figures if day.success_rate is not None]
    submits = sum(submits for submits, _ in rated)
    # A day's rate is kept rounded; the number of its successful submits is whole.
    successful = sum(round(submits * rate) for submits, rate in rated)
    return successful / submits if submits else None


def _tiles(figures: Sequence[DailyFigures], labels: Labels) -> list[tuple[str, str]]:
    """The period in four figures, each with its name."""
    if not figures:
        return []
    total = total_row(figures, labels).cells
    users = round(sum(day.unique_users for day in figures) / len(figures))
    return [
        (labels.total_attempts, total[0]),
        (labels.total_successful_attempts, total[1]),
        (labels.total_success_rate, total[-1]),
        (labels.users_per_day, labels.number(users)),
    ]


def count_lines(summary: RunSummary, labels: Labels) -> list[tuple[str, str]]:
    """What became of the records, each count with its name."""
    counts, zone = summary.counts, summary.period.time_zone
    start, end = (f"{moment.astimezone(zone):%Y-%m-%d %H:%M}" for moment in (summary.period.start, summary.period.end))
    parts = ((labels.new, counts.new), (labels.changed, counts.changed), (labels.unchanged, counts.unchanged))
    loaded = ", ".join(f"{name} {labels.number(count)}" for name, count in parts)
    return [
        (labels.asked_for, f"{start}{labels.dash}{end}"),
        (labels.windows, labels.number(summary.windows)),
        (labels.fetched, labels.number(counts.fetched)),
        (labels.loaded, f"{labels.number(counts.loaded)} ({loaded})"),
        (labels.rejected, labels.number(counts.rejected)),
        (labels.duplicates, labels.number(counts.duplicates)),
        (labels.warnings, labels.number(counts.warnings)),
    ]


def one_line(text: str, limit: int | None = None) -> str:
    """Text as a single line: line ends, control characters, and lone surrogates, which no file holds, become spaces."""
    line = " ".join("".join(character if character.isprintable() else " " for character in text).split())
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


def _table_in_text(rows: Iterable[Row], labels: Labels) -> str:
    """The table of daily figures in plain text: the day to the left, its figures to the right."""
    lines: list[tuple[str, ...]] = [labels.text_columns]
    lines += [(f"{row.day}{'' if row.complete else ' *'}", *(row.cells or (labels.no_data_for_day,))) for row in rows]
    first, *others = (max(map(len, column)) for column in zip_longest(*lines, fillvalue=""))
    return "\n".join(
        "  ".join([day.ljust(first), *(cell.rjust(width) for cell, width in zip(cells, others, strict=False))])
        for day, *cells in lines
    )


@cache
def _engine() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

    engine = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=select_autoescape(disabled_extensions=("txt.j2",), default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    engine.filters |= {"one_line": one_line, "web_address": web_address}
    return engine
