"""Chart: the days' figures as a picture, for the report and the mail.

It is drawn on a canvas of its own, without pyplot, whose figures are global: several flow runs may draw at once.
"""

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

from schemas.labels import Labels
from schemas.summary import DailyFigures

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH_IN, HEIGHT_IN, DPI = 8.0, 6.4, 160
"""1280 × 1024 pixels: sharp at the report's width."""

# Okabe and Ito's colours, told apart with any kind of colour vision; shape and place tell the series apart as well.
ATTEMPTS_COLOUR: Final = "#a9cce8"
SUCCESS_COLOUR: Final = "#0072b2"
USERS_COLOUR: Final = "#d55e00"
RATE_COLOUR: Final = "#009e73"
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
    """The calendar days on the horizontal axis, each with its figures or with None; a day's place is its index."""

    days: list[date]
    figures: list[DailyFigures | None]

    @property
    def places(self) -> range:
        return range(len(self.days))

    def values(self, name: str) -> list[float]:
        """One figure of every day; NaN, which leaves a gap, where there is none: nothing is drawn across it."""
        found = [getattr(day, name, None) for day in self.figures]
        return [math.nan if value is None else value for value in found]

    def places_where(self, *, complete: bool) -> list[int]:
        """Places of the days that are loaded in full, or of those loaded in part."""
        return [place for place, day in enumerate(self.figures) if day is not None and day.complete == complete]

    @property
    def missing(self) -> list[int]:
        """Places of the days without figures."""
        return [place for place, day in enumerate(self.figures) if day is None]


def draw_chart(figures: Sequence[DailyFigures], labels: Labels, days: Sequence[date] = ()) -> bytes:
    """Draws attempts and successful attempts as bars, unique users as a line, and the success rate, day by day.

    Args:
        figures: the days' figures, in any order. A day between two others without figures shows as a gap.
        labels: the language of the picture's words.
        days: days that the axis must reach, so that days missing at its ends show as well.

    Returns:
        A PNG image.
    """
    from matplotlib.figure import Figure

    picture = Figure(figsize=(WIDTH_IN, HEIGHT_IN), dpi=DPI, layout="constrained", facecolor="white")
    if figures:
        _draw_panels(picture, _lay_out(figures, days), labels)
    else:
        picture.text(0.5, 0.5, labels.no_data, ha="center", va="center", fontsize=16, color=INK)
    file = io.BytesIO()
    picture.savefig(file, format="png")
    return file.getvalue()


def _lay_out(figures: Sequence[DailyFigures], days: Sequence[date]) -> _Days:
    known = {day.day: day for day in figures}
    ends = [*known, *days]
    first, last = min(ends), max(ends)
    span = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    return _Days(span, [known.get(day) for day in span])


def _draw_panels(picture: "Figure", days: _Days, labels: Labels) -> None:
    attempts, users, rate = picture.subplots(3, 1, sharex=True, height_ratios=[3, 1.7, 1.4])
    for panel in (attempts, users, rate):
        _style(panel)
        for place in days.missing:
            panel.axvspan(place - 0.5, place + 0.5, color=NO_DATA_COLOUR, linewidth=0)
    _draw_bars(attempts, days, labels)
    _draw_line(users, days, "unique_users", USERS_COLOUR, "o")
    _draw_line(rate, days, "success_rate", RATE_COLOUR, "s")
    users.set_title(labels.chart_unique_users, **_TITLE)
    rate.set_title(labels.chart_success_rate, **_TITLE)
    _scale(attempts, users, rate, days, labels)
    if len(days.days) <= FEW_DAYS:
        _write_values(attempts, days.values("attempts"), labels)
        _write_values(users, days.values("unique_users"), labels)
        _write_values(rate, days.values("success_rate"), labels, share=True)


_TITLE: Final[dict[str, Any]] = {"loc": "left", "fontsize": 11, "color": INK, "fontweight": "bold"}


def _style(panel: "Axes") -> None:
    panel.spines[["top", "right", "left"]].set_visible(False)
    panel.spines["bottom"].set_color(GRID)
    panel.tick_params(colors=INK, length=0, labelsize=10)
    panel.grid(axis="y", color=GRID, linewidth=0.8)
    panel.set_axisbelow(True)


def _draw_bars(panel: "Axes", days: _Days, labels: Labels) -> None:
    """All attempts as a wide bar, the successful ones as a darker bar in front of it; incomplete days hatched."""
    from matplotlib.patches import Patch

    key = [
        Patch(color=ATTEMPTS_COLOUR, label=labels.chart_attempts),
        Patch(color=SUCCESS_COLOUR, label=labels.chart_successful_attempts),
    ]
    # At 400 days a bar is two pixels wide: without space between them they stay visible.
    width = 0.8 if len(days.days) <= WEEKS_NAMED else 1.0
    for name, colour in (("attempts", ATTEMPTS_COLOUR), ("successful_attempts", SUCCESS_COLOUR)):
        values = days.values(name)
        for complete, hatch in ((True, None), (False, "////")):
            places = days.places_where(complete=complete)
            edge = None if complete else "white"
            heights = [values[place] for place in places]
            panel.bar(places, heights, width, color=colour, hatch=hatch, edgecolor=edge, linewidth=0)
    if days.places_where(complete=False):
        key.append(Patch(facecolor=ATTEMPTS_COLOUR, hatch="////", edgecolor="white", label=labels.incomplete_day))
    if days.missing:
        key.append(Patch(facecolor=NO_DATA_COLOUR, edgecolor=GRID, label=labels.no_data_for_day))
    spacing = {"borderaxespad": 0.2, "handlelength": 1.2, "columnspacing": 1.4}
    above: dict[str, Any] = {"loc": "lower left", "bbox_to_anchor": (0, 1), "ncols": len(key), **spacing}
    panel.legend(handles=key, frameon=False, fontsize=10, labelcolor=INK, **above)


def _draw_line(panel: "Axes", days: _Days, name: str, colour: str, marker: str) -> None:
    """A line that breaks at missing days; hollow marks on incomplete ones."""
    values = days.values(name)
    # The marks stay even where they are tiny: a day between two missing ones has no line to be seen by.
    size, width = (5.0, 1.6) if len(days.days) <= WEEKS_NAMED else (1.2, 0.9)
    panel.plot(days.places, values, color=colour, linewidth=width, marker=marker, markersize=size)
    partial = days.places_where(complete=False)
    hollow: dict[str, Any] = {"markerfacecolor": "white", "markeredgecolor": colour, "linestyle": "none"}
    panel.plot(partial, [values[place] for place in partial], marker=marker, markersize=size + 1.5, **hollow)


def _scale(attempts: "Axes", users: "Axes", rate: "Axes", days: _Days, labels: Labels) -> None:
    """Axes from zero, so that heights compare; ticks thinned to what fits."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    whole = FuncFormatter(lambda value, _: labels.number(round(value)))
    for panel, name in ((attempts, "attempts"), (users, "unique_users")):
        highest = max((value for value in days.values(name) if not math.isnan(value)), default=0)
        panel.set_ylim(0, max(highest, 1) * 1.15)
        panel.yaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 5, 10], integer=True))
        panel.yaxis.set_major_formatter(whole)
    rate.set_ylim(0, 1.05)
    rate.set_yticks([0, 0.5, 1], [f"{share}{labels.percent_sign}" for share in (0, 50, 100)])
    # A single bar should look like one day, not like a wall.
    margin = max(0.6, (5 - len(days.days)) / 2)
    rate.set_xlim(-margin, len(days.days) - 1 + margin)
    ticks = _choose_ticks(days.days)
    rate.set_xticks(ticks, [_name_tick(days.days, place, labels) for place in ticks])


def _choose_ticks(days: list[date]) -> list[int]:
    """Places of the days that are named: all, Mondays, or the months' first days, as there is room."""
    if len(days) <= EVERY_DAY_NAMED:
        return list(range(len(days)))
    if len(days) <= WEEKS_NAMED:
        return [place for place, day in enumerate(days) if day.weekday() == 0]
    months = [place for place, day in enumerate(days) if day.day == 1]
    return months[:: math.ceil(len(months) / MOST_MONTHS_NAMED)]


def _name_tick(days: list[date], place: int, labels: Labels) -> str:
    day = days[place]
    month = labels.months[day.month - 1]
    if len(days) > WEEKS_NAMED:
        return f"{month}\n{day.year}"
    return f"{day.day} {month}\n{labels.weekdays[day.weekday()]}"


def _write_values(panel: "Axes", values: list[float], labels: Labels, *, share: bool = False) -> None:
    from matplotlib.patheffects import withStroke

    for place, value in enumerate(values):
        if math.isnan(value):
            continue
        text = labels.percent(value) if share else labels.number(round(value))
        # Above the mark, but below it where there is no room above.
        above = value < 0.75 or not share
        panel.annotate(
            text,
            (place, value),
            xytext=(0, 4 if above else -6),
            textcoords="offset points",
            ha="center",
            va="bottom" if above else "top",
            fontsize=9,
            color=INK,
            path_effects=[withStroke(linewidth=3, foreground="white")],
        )
