"""Drawing: a section's chart, and what stands beside the values in its cells, as paths and lengths for the page.

A path lies in a box as wide as there are rows and `HEIGHT` high, which the page stretches to its own width. So there is
no text in it: titles, labels and values are the page's own, to be read at any width.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Final

from schemas.language import Language, write_date, write_number, write_percent, write_value
from schemas.section import Column, Panel, Row, Section
from schemas.wording import NO_DATA, USUAL

HEIGHT: Final = 100
MOST_LABELS: Final = 4
"""Labels that fit below a chart on a phone."""

Heights = Sequence[float | None]
"""How far down from the top each value lies; None leaves a gap."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that is drawn.

    Attributes:
        look: the class by which the style sheet knows it.
        title: for the key.
    """

    look: str
    path: str
    title: str


@dataclass(frozen=True, slots=True)
class Plot:
    """A panel: its marks, from back to front, and the labels of its axis, from the top down."""

    marks: tuple[Mark, ...]
    ticks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """A section's chart.

    Attributes:
        labels: how far from the left, in per cent, and what stands there below the chart.
        points: the values of each row, as one text.
    """

    plots: tuple[Plot, ...]
    labels: tuple[tuple[float, str], ...]
    points: tuple[str, ...]


def draw_section(section: Section, language: Language) -> Chart:
    """The chart of a section that has rows."""
    plots = (_draw(section, panel, f"line-{number}", language) for number, panel in enumerate(section.panels))
    return Chart(tuple(plots), tuple(_label(section, language)), tuple(_tell(section, language)))


def draw_line(shares: Heights) -> str:
    """The path of a line through shares."""
    return _line(_scale(shares, 1))


def cell_styles(section: Section) -> Callable[[Column, Row], str]:
    """Says how long the bar of a cell is, or how deep its shade, and where its interval lies: shares, as CSS."""
    names = [column.name for column in section.columns]
    group = names.index(section.grouped_by) if section.grouped_by else None
    largest: dict[tuple[object, ...], float] = defaultdict(lambda: 1)

    def alike(column: Column, row: Row) -> tuple[object, ...]:
        return column.drawn, column.kind, None if group is None else row.values[group]

    for row in section.rows:
        for column, value in zip(section.columns, row.values, strict=True):
            if column.drawn and isinstance(value, int | float):
                largest[alike(column, row)] = max(largest[alike(column, row)], value)

    def style(column: Column, row: Row) -> str:
        value = row.values[names.index(column.name)] if column.drawn or column.bounds else None
        if not isinstance(value, int | float):
            return ""
        parts = {"share": value if column.kind == "share" else value / largest[alike(column, row)]}
        for end, name in zip(("low", "high"), column.bounds or (), strict=False):
            bound = row.values[names.index(name)]
            parts |= {end: bound} if isinstance(bound, int | float) else {}
        return ";".join(f"--{name}:{round(part, 3)}" for name, part in parts.items())

    return style


def _draw(section: Section, panel: Panel, line: str, language: Language) -> Plot:
    columns = [column for name in panel.columns for column in section.columns if column.name == name]
    series = [
        [value if isinstance(value, int | float) else None for value in section.values(each)] for each in panel.columns
    ]
    is_share = columns[0].kind == "share"
    top = 1 if is_share else _round_up(max((value for each in series for value in each if value), default=0))
    first, *others = (_scale(each, top) for each in series)
    marked = [height if row.tone == "warning" else None for height, row in zip(first, section.rows, strict=True)]
    titles = [column.title for column in columns]
    if panel.shape == "bars":
        marks = [Mark(f"bar-{number}", _bars(each), titles[number]) for number, each in enumerate((first, *others))]
        marks.append(Mark("unsure", _bars(marked), section.marked))
    else:
        marks = [Mark(line, _line(first), titles[0])]
    if panel.shape == "band":
        marks = [
            Mark("band", _band(*others), USUAL.to(language)),
            *marks,
            Mark("dot", _dots(marked), section.marked),
        ]
    gaps = Mark("gap", _bars([0 if height is None else None for height in first]), NO_DATA.to(language))
    ticks = (
        write_percent(tick, language, 0) if is_share else write_number(tick, language) for tick in (top, top / 2, 0)
    )
    return Plot(tuple(mark for mark in (gaps, *marks) if mark.path), tuple(ticks))


def _scale(values: Heights, top: float) -> list[float | None]:
    return [None if value is None else HEIGHT * (1 - value / top) for value in values]


def _round_up(value: float) -> float:
    """The least 1, 2, 4, 6 or 8 times a power of ten that is not less than it, nor than 2: its half is as round."""
    value = max(value, 2)
    power: float = 10 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 4, 6, 8, 10) if step * power >= value)


def _bars(heights: Heights) -> str:
    return "".join(
        f"M{place + 0.1:g} {HEIGHT}V{height:.4g}h.8V{HEIGHT}z"
        for place, height in enumerate(heights)
        if height is not None
    )


def _dots(heights: Heights) -> str:
    """Lines without length: their round ends are dots, however much the page stretches the box."""
    return "".join(f"M{place + 0.5:g} {height:.4g}h0" for place, height in enumerate(heights) if height is not None)


def _line(heights: Heights) -> str:
    """A line that no gap is crossed by; a value between two gaps is a dot."""
    return "".join(f"M{points[0]}h0L{' '.join(points)}" for points in _runs(heights))


def _band(lows: Heights, highs: Heights) -> str:
    """The area between two lines."""
    runs = zip(_runs(lows), _runs(highs), strict=True)
    return "".join(f"M{' '.join([*low, *reversed(high)])}z" for low, high in runs)


def _runs(heights: Heights) -> Iterator[list[str]]:
    """The points of each stretch without a gap."""
    for is_known, run in groupby(enumerate(heights), lambda point: point[1] is not None):
        if is_known:
            yield [f"{place + 0.5:g} {height:.4g}" for place, height in run]


def _label(section: Section, language: Language) -> Iterator[tuple[float, str]]:
    days = [day for day in section.values(section.columns[0].name) if isinstance(day, date)]
    # Of fewer days than a week, two would stand side by side.
    steps = min(MOST_LABELS if len(days) >= 7 else MOST_LABELS - 1, len(days)) - 1
    for place in [round(step * (len(days) - 1) / steps) for step in range(steps + 1)] if steps else [0]:
        yield round((place + 0.5) / len(days) * 100, 1), write_date(days[place], language)


def _tell(section: Section, language: Language) -> Iterator[str]:
    shown = [section.columns[0].name, *(name for panel in section.panels for name in panel.columns)]
    for row in section.rows:
        day, *others = (
            (column.title, value, write_value(value, column.kind, language))
            for column, value in zip(section.columns, row.values, strict=True)
            if column.name in shown
        )
        told = [f"{title} {text}" for title, value, text in others if value is not None]
        marked = [section.marked] if told and row.tone == "warning" else []
        yield f"{day[2]}: {'; '.join([*told, *marked]) or NO_DATA.to(language)}"
