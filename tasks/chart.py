"""Chart: the days of a section as a picture, for the report and the mail, a panel below another.

It is drawn on a canvas of its own, without pyplot, whose figures are global: several flow runs may draw at once.
"""

import io
import math
from dataclasses import dataclass
from datetime import date
from itertools import cycle
from typing import TYPE_CHECKING, Any, Final

from schemas.language import Language, write_month, write_number, write_percent, write_short_day
from schemas.section import Column, Panel, Section
from schemas.wording import INCOMPLETE_DAY, NO_DATA

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH_IN, HEIGHT_IN, DPI = 8.0, 6.4, 160
"""1280 × 1024 pixels: sharp at the report's width."""

# Okabe and Ito's colours, told apart with any kind of colour vision; shape and place tell the series apart as well.
BAR_COLOURS: Final = ("#a9cce8", "#0072b2")
LINES: Final = (("#d55e00", "o"), ("#009e73", "s"))
INK: Final = "#333333"
GRID: Final = "#dddddd"
NO_DATA_COLOUR: Final = "#f0f0f0"

FEW_DAYS = 10
"""Up to here every value is written beside its mark."""
EVERY_DAY_NAMED = 14
WEEKS_NAMED = 70
MOST_MONTHS_NAMED = 14


@dataclass(frozen=True, slots=True)
class _Days:
    """A section's days on the horizontal axis, each at the place that is its index."""

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

    def write(self, value: float, name: str) -> str:
        if self.column(name).kind == "share":
            return write_percent(value, self.language)
        return write_number(round(value), self.language)


def draw_chart(section: Section, language: Language) -> bytes:
    """Draws a section's panels, day by day, as a PNG image.

    The section's first column is the day; a day without values shows as a gap, an incomplete one is marked.
    """
    from matplotlib.figure import Figure

    days = _Days(section, language)
    picture = Figure(figsize=(WIDTH_IN, HEIGHT_IN), dpi=DPI, layout="constrained", facecolor="white")
    heights = [3 if panel.shape == "bars" else 1.6 for panel in section.panels]
    axes = picture.subplots(len(heights), 1, sharex=True, height_ratios=heights, squeeze=False)[:, 0]
    lines = cycle(LINES)
    for panel, axis in zip(section.panels, axes, strict=True):
        _style(axis, days)
        if panel.shape == "bars":
            _draw_bars(axis, days, panel)
        else:
            _draw_line(axis, days, panel.columns[0], *next(lines))
        _scale(axis, days, panel.columns[0])
        if len(days.days) <= FEW_DAYS:
            _write_values(axis, days, panel.columns[0])
    _name_days(axes[-1], days)
    file = io.BytesIO()
    picture.savefig(file, format="png")
    return file.getvalue()


def _style(axis: "Axes", days: _Days) -> None:
    axis.spines[["top", "right", "left"]].set_visible(False)
    axis.spines["bottom"].set_color(GRID)
    axis.tick_params(colors=INK, length=0, labelsize=10)
    axis.grid(axis="y", color=GRID, linewidth=0.8)
    axis.set_axisbelow(True)
    for place in days.missing:
        axis.axvspan(place - 0.5, place + 0.5, color=NO_DATA_COLOUR, linewidth=0)


def _draw_bars(axis: "Axes", days: _Days, panel: Panel) -> None:
    """Each column as a bar in front of the one it is a part of; incomplete days hatched."""
    from matplotlib.patches import Patch

    # At 400 days a bar is two pixels wide: without space between them they stay visible.
    width = 0.8 if len(days.days) <= WEEKS_NAMED else 1.0
    key = []
    for name, colour in zip(panel.columns, BAR_COLOURS, strict=True):
        bars = axis.bar(range(len(days.days)), days.values(name), width, color=colour, linewidth=0)
        for place in days.incomplete:
            bars[place].set(hatch="////", edgecolor="white")
        key.append(Patch(color=colour, label=days.column(name).title))
    if days.incomplete:
        label = INCOMPLETE_DAY.to(days.language)
        key.append(Patch(facecolor=BAR_COLOURS[0], hatch="////", edgecolor="white", label=label))
    if days.missing:
        key.append(Patch(facecolor=NO_DATA_COLOUR, edgecolor=GRID, label=NO_DATA.to(days.language)))
    spacing = {"borderaxespad": 0.2, "handlelength": 1.2, "columnspacing": 1.4}
    above: dict[str, Any] = {"loc": "lower left", "bbox_to_anchor": (0, 1), "ncols": len(key), **spacing}
    axis.legend(handles=key, frameon=False, fontsize=10, labelcolor=INK, **above)


def _draw_line(axis: "Axes", days: _Days, name: str, colour: str, marker: str) -> None:
    """A line that breaks at missing days; hollow marks on incomplete ones."""
    values = days.values(name)
    # The marks stay even where they are tiny: a day between two missing ones has no line to be seen by.
    size, width = (5.0, 1.6) if len(days.days) <= WEEKS_NAMED else (1.2, 0.9)
    axis.plot(range(len(values)), values, color=colour, linewidth=width, marker=marker, markersize=size)
    hollow: dict[str, Any] = {"markerfacecolor": "white", "markeredgecolor": colour, "linestyle": "none"}
    marked = [values[place] for place in days.incomplete]
    axis.plot(days.incomplete, marked, marker=marker, markersize=size + 1.5, **hollow)
    axis.set_title(days.column(name).title, loc="left", fontsize=11, color=INK, fontweight="bold")


def _scale(axis: "Axes", days: _Days, name: str) -> None:
    """An axis from zero, so that heights compare."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    if days.column(name).kind == "share":
        axis.set_ylim(0, 1.05)
        axis.set_yticks([0, 0.5, 1], [write_percent(share, days.language, decimals=0) for share in (0, 0.5, 1)])
        return
    highest = max((value for value in days.values(name) if not math.isnan(value)), default=0)
    axis.set_ylim(0, max(highest, 1) * 1.15)
    axis.yaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 5, 10], integer=True))
    axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: days.write(value, name)))


def _name_days(axis: "Axes", days: _Days) -> None:
    """Names of days along the bottom, thinned to what fits."""
    count = len(days.days)
    # A single bar should look like one day, not like a wall.
    margin = max(0.6, (5 - count) / 2)
    axis.set_xlim(-margin, count - 1 + margin)
    write = write_short_day if count <= WEEKS_NAMED else write_month
    ticks = _choose_ticks(days.days)
    axis.set_xticks(ticks, [write(days.days[place], days.language) for place in ticks])


def _choose_ticks(days: list[date]) -> list[int]:
    """Places of the days that are named: all, Mondays, or the months' first days, as there is room."""
    if len(days) <= EVERY_DAY_NAMED:
        return list(range(len(days)))
    if len(days) <= WEEKS_NAMED:
        return [place for place, day in enumerate(days) if day.weekday() == 0]
    months = [place for place, day in enumerate(days) if day.day == 1]
    return months[:: math.ceil(len(months) / MOST_MONTHS_NAMED)]


def _write_values(axis: "Axes", days: _Days, name: str) -> None:
    from matplotlib.patheffects import withStroke

    outline = [withStroke(linewidth=3, foreground="white")]
    for place, value in enumerate(days.values(name)):
        if math.isnan(value):
            continue
        # Above the mark, but below it where there is no room above.
        above = value < 0.75 or days.column(name).kind != "share"
        where: dict[str, Any] = {"xytext": (0, 4 if above else -6), "va": "bottom" if above else "top"}
        look: dict[str, Any] = {"ha": "center", "fontsize": 9, "color": INK, "path_effects": outline}
        axis.annotate(days.write(value, name), (place, value), textcoords="offset points", **where, **look)
