"""What an analysis found, ready for any reader: sections, which are tables, and headlines, each one sentence.

An analysis makes them in the reader's language; a target shows them, and writes each value by its column's kind.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from schemas.figures import Figure
from schemas.language import NOTHING, Kind, Language, Value, write_percent

Tone = Literal["plain", "faint", "warning", "error"]
"""How a row is shown: `faint` has nothing to tell, `warning` and `error` ask to be looked at."""
Urgency = Literal["alarm", "news", "todo", "note"]
"""`alarm`: something is not as it should be; `todo`: something asks to be done; `note`: how far to trust all of it."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a section.

    Attributes:
        name: what it is called in code.
        short: its title in a word, where there is little room.
        meaning: what it counts, in a sentence; empty where the title says it all.
        drawn: what a target that can draw adds to each value: a bar, or the cell's shade, by the value's share of the
            largest one that is drawn so in the section, and within its group; of a share itself, by its own size.
        bounds: the columns with the ends of the interval in which the true value lies.
    """

    name: str
    title: str
    kind: Kind
    short: str = ""
    meaning: str = ""
    drawn: Literal["", "bar", "shade"] = ""
    bounds: tuple[str, str] | None = None

    @property
    def is_number(self) -> bool:
        """Whether its values line up on the right."""
        return self.kind in ("count", "share", "change", "minutes", "number")


class Line(str):
    """Values over time, which a target may draw; to any other it is the text that tells them.

    Attributes:
        points: from the oldest to the newest; None leaves a gap.
    """

    points: tuple[float | None, ...]

    @classmethod
    def of(cls, points: Sequence[float | None], language: Language) -> "Line":
        """The line through shares: the first and the last are told."""
        known = [write_percent(each, language, decimals=0) for each in points if each is not None]
        line = cls(" → ".join(dict.fromkeys((known[0], known[-1]))) if known else NOTHING)
        line.points = tuple(points)
        return line


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a section's table: a value for each column.

    Attributes:
        key: what the row is about, as the database has it: of a task, its course and its id; empty where nobody asks.
    """

    values: tuple[Value, ...]
    tone: Tone = "plain"
    key: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Panel:
    """A part of a section's chart: these columns over the days of its first column.

    Attributes:
        columns: names of columns; of bars, each is a part of the one before; of a line within a band, the line, and
            the band's lower and upper edge.
    """

    shape: Literal["bars", "line", "band"]
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """A table with a title.

    Attributes:
        name: what it is called in code, in file names, and as an artifact's key: `days`.
        notes: sentences beneath the table.
        total: a value for each column; None where it has no total.
        panels: its chart, from top to bottom; none without one.
        marked: what a row whose tone is a warning is in the chart, in a word or two.
        grouped_by: the column by whose value rows belong together, by which a reader may choose some of them.
        is_picture: it says little as a table; it is shown where it can be drawn, which is the report alone.
        is_personal: it lists students; it is shown in the report alone, never in mail, sheet or dashboard.
        is_brief: it is small, and a mail, which shows no other, does not do without it.
    """

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    total: tuple[Value, ...] | None = None
    panels: tuple[Panel, ...] = ()
    marked: str = ""
    grouped_by: str = ""
    is_picture: bool = False
    is_personal: bool = False
    is_brief: bool = False

    def shown(self, most: int) -> tuple[Row, ...]:
        """At most so many rows: the last ones of a table of days, of any other the first."""
        return self.rows[-most:] if self.columns[0].kind == "day" else self.rows[:most]

    def values(self, column: str) -> list[Value]:
        """All values of a column, from top to bottom."""
        place = [each.name for each in self.columns].index(column)
        return [row.values[place] for row in self.rows]


@dataclass(frozen=True, slots=True)
class Headline:
    """One sentence; they are told by urgency.

    Attributes:
        short: the same for a mail's subject; empty where it is none of its business.
        url: where to look or to act.
        section: the name of the section that tells more of it.
    """

    text: str
    urgency: Urgency = "news"
    short: str = ""
    url: str | None = None
    section: str = ""


@dataclass(frozen=True, slots=True)
class Findings:
    """What one analysis found."""

    sections: tuple[Section, ...] = ()
    headlines: tuple[Headline, ...] = ()


def figure_columns(figures: Iterable[Figure], language: Language) -> tuple[Column, ...]:
    """The columns that show these figures."""
    return tuple(
        Column(each.name, each.title.to(language), each.kind, each.short.to(language), each.meaning.to(language))
        for each in figures
    )
