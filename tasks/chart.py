"""Chart: the days of a section as a picture, for the report and the mail, a panel below another.

It is drawn on a canvas of its own, without pyplot, whose figures are global: several flow runs may draw at once.
"""

import io
import math
from dataclasses import dataclass
from datetime import date
from itertools import cycle
from typing import TYPE_CHECKING, Any, Final

from schemas.language import Language, write_number, write_percent, write_short_day
from schemas.section import Column, Panel, Section
from schemas.wording import INCOMPLETE_DAY, NO_DATA

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SIZE_IN, DPI = (4.0, 4.8), 320
"""1280 × 1536 pixels: sharp at the width of 480 that the mail shows."""
TEXT_PT: Final = 10
"""On a phone, where the picture is 340 pixels wide, 11.8 of them."""

# Okabe and Ito's colours, told apart with any kind of colour vision; shape and place tell the series apart as well.
BAR_COLOURS: Final = ("#a9cce8", "#0072b2")
LINES: Final = (("#d55e00", "o"), ("#009e73", "s"))
INK: Final = "#333333"
GRID: Final = "#dddddd"
NO_DATA_COLOUR: Final = "#f0f0f0"

MOST_NAMED: Final = 4
"""Days whose names fit below the chart."""


@dataclass(frozen=True, slots=True)
class _Days:
    """A section's days, the values of its first column, each at the place that is its index."""

    section: Section
    language: Language

    @property
    def days(self) -> list[date]:
        return [day for day in self.section.values(self.section.columns[0].name) if isinstance(day, date)]

    def column(self, name: str) -> Column:
        return next(column for column in self.section.columns if column.name == name)

    def values(self, name: str) -> list[float]:
        """A column's values; NaN, which leaves a gap, where there is none: nothing is drawn across it."""
        values = self.section.values(name)
        return [float(value) if isinstance(value, int | float) else math.nan for value in values]

    @property
    def missing(self) -> list[int]:
        """Places of the days without figures."""
        first = self.values(self.section.panels[0].columns[0])
        return [place for place, value in enumerate(first) if math.isnan(value)]

    @property
    def incomplete(self) -> list[int]:
        """Places of the days that are loaded in part."""
        marked = [place for place, row in enumerate(self.section.rows) if row.tone == "warning"]
        return [place for place in marked if place not in self.missing]


def draw_chart(section: Section, language: Language) -> bytes:
    """Draws a section's panels, day by day, as a PNG image.

    The section's first column is the day; a day without values shows as a gap, an incomplete one is marked.
    """
    from matplotlib.figure import Figure

    days = _Days(section, language)
    picture = Figure(figsize=SIZE_IN, dpi=DPI, layout="constrained")
    heights = [3 if panel.shape == "bars" else 1.6 for panel in section.panels]
    axes = picture.subplots(len(heights), 1, sharex=True, height_ratios=heights, squeeze=False)[:, 0]
    lines = cycle(LINES)
    for panel, axis in zip(section.panels, axes, strict=True):
        _style(axis, days, panel.columns[0])
        if panel.shape == "bars":
            _draw_bars(axis, days, panel)
        else:
            colour, marker = next(lines)
            axis.plot(days.values(panel.columns[0]), color=colour, marker=marker, markersize=3)
            axis.set_title(days.column(panel.columns[0]).title, loc="left", fontsize=TEXT_PT, color=INK)
    named = range(0, len(days.days), math.ceil(len(days.days) / MOST_NAMED))
    # A single bar should look like one day, not like a wall.
    margin = max(0.6, (5 - len(days.days)) / 2)
    axes[-1].set_xlim(-margin, len(days.days) - 1 + margin)
    axes[-1].set_xticks(named, [write_short_day(days.days[place], language) for place in named])
    file = io.BytesIO()
    picture.savefig(file, format="png")
    return file.getvalue()


def _style(axis: "Axes", days: _Days, name: str) -> None:
    """An axis from zero, so that heights compare, in the units of a column; missing days are grey."""
    axis.spines[["top", "right", "left"]].set_visible(False)
    axis.spines["bottom"].set_color(GRID)
    axis.tick_params(colors=INK, length=0, labelsize=TEXT_PT)
    axis.grid(axis="y", color=GRID)
    axis.set_axisbelow(True)
    if days.column(name).kind == "share":
        axis.set_ylim(0, 1.05)
        axis.set_yticks([0, 0.5, 1], [write_percent(share, days.language, decimals=0) for share in (0, 0.5, 1)])
    else:
        highest = max((value for value in days.values(name) if not math.isnan(value)), default=0)
        axis.set_ylim(0, max(highest, 1) * 1.05)
        axis.locator_params(axis="y", nbins=5, integer=True)
        axis.yaxis.set_major_formatter(lambda value, _: write_number(round(value), days.language))
    if days.missing:
        label = NO_DATA.to(days.language)
        axis.bar(days.missing, axis.get_ylim()[1], width=1, color=NO_DATA_COLOUR, label=label)


def _draw_bars(axis: "Axes", days: _Days, panel: Panel) -> None:
    """Each column as a bar in front of the one it is a part of; incomplete days hatched."""
    for name, colour in zip(panel.columns, BAR_COLOURS, strict=True):
        axis.bar(range(len(days.days)), days.values(name), color=colour, label=days.column(name).title)
    if days.incomplete:
        values = days.values(panel.columns[0])
        hatch: dict[str, Any] = {"facecolor": "none", "hatch": "////", "edgecolor": GRID}
        heights = [values[place] for place in days.incomplete]
        axis.bar(days.incomplete, heights, label=INCOMPLETE_DAY.to(days.language), **hatch)
    narrow: dict[str, Any] = {"ncols": 2, "handlelength": 1, "handletextpad": 0.4, "columnspacing": 1}
    where: dict[str, Any] = {"loc": "lower left", "bbox_to_anchor": (0, 1), "borderaxespad": 0.2}
    axis.legend(frameon=False, labelcolor=INK, fontsize=TEXT_PT, **narrow, **where)
