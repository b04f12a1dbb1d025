"""Values written into cells."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date

from tests.sandbox.sheets.book.a1 import Area, Span, column_letters, format_range
from tests.sandbox.sheets.book.cells import Cell
from tests.sandbox.sheets.book.spreadsheet import Sheet
from tests.sandbox.sheets.notation.entered import read_entered
from tests.sandbox.sheets.notation.locales import LocaleRules
from tests.sandbox.sheets.protocol.errors import invalid_argument
from tests.sandbox.sheets.protocol.incoming import not_a_scalar
from tests.sandbox.sheets.protocol.json_types import Json, JsonObject

MAX_TEXT = 50_000
Place = tuple[int, int]
"""The row and the column of a cell."""


@dataclass(frozen=True)
class Block:
    """Values that are to be written, lines first.

    Attributes:
        lines: the rows, or the columns.
        by_columns: whether the lines are columns.
    """

    lines: list[list[Json]]
    by_columns: bool

    @property
    def rows(self) -> int:
        """How many rows the values take."""
        return self._longest if self.by_columns else len(self.lines)

    @property
    def columns(self) -> int:
        """How many columns the values take."""
        return len(self.lines) if self.by_columns else self._longest

    @property
    def _longest(self) -> int:
        return max((len(line) for line in self.lines), default=0)

    def at(self, row: int, column: int) -> Area:
        """Give the area that the values take when the first one stands here."""
        return Area(row, row + self.rows, column, column + self.columns)

    def cells(self) -> Iterator[tuple[int, int, Json]]:
        """Give each value that is to be written with its distance from the first one, down and to the right."""
        for line, values in enumerate(self.lines):
            for place, value in enumerate(values):
                down, along = (place, line) if self.by_columns else (line, place)
                yield down, along, value


def read_block(value_range: JsonObject) -> Block:
    """Take the values out of a request.

    Args:
        value_range: the API's `ValueRange`.

    Raises:
        GoogleError: one of them cannot stand in a cell.
    """
    lines: list[list[Json]] = value_range.get("values", [])
    for line, values in enumerate(lines):
        for place, value in enumerate(values):
            if isinstance(value, list | dict):
                raise not_a_scalar(f"values[{line}][{place}]", value)
            if isinstance(value, str) and len(value) > MAX_TEXT:
                limit = f"maximum of {MAX_TEXT} characters in a single cell."
                raise invalid_argument(f"Your input contains more than the {limit}")
    return Block(lines, value_range.get("majorDimension") == "COLUMNS")


def check_fit(sheet: Sheet, span: Span, block: Block) -> Area:
    """Say where values go that are written to a range; a range of one cell is only where they begin.

    Args:
        sheet: the sheet.
        span: the range.
        block: the values.

    Raises:
        GoogleError: they do not fit into the range, or not into the sheet.
    """
    start = sheet.area(span)
    limits = Area(start.start_row, sheet.rows, start.start_column, sheet.columns) if span.is_cell else start
    for down, along, _ in block.cells():
        row, column = start.start_row + down, start.start_column + along
        if not limits.has(row, column):
            place = f"column [{column_letters(column)}]" if limits.has_row(row) else f"row [{row + 1}]"
            within = format_range(sheet.title, limits if span == Span() else span)
            raise invalid_argument(f"Requested writing within range [{within}], but tried writing to {place}")
    return block.at(start.start_row, start.start_column)


@dataclass(frozen=True)
class Writer:
    """Writes values in one of the service's two ways.

    Attributes:
        option: `RAW` to keep texts as they are, `USER_ENTERED` to understand them as if they were typed.
        rules: how numbers and dates are written in the spreadsheet's country.
        today: the day on which they are written.
    """

    option: str
    rules: LocaleRules
    today: date

    def write(self, sheet: Sheet, area: Area, block: Block) -> set[Place]:
        """Write values; `null` leaves a cell as it is, an empty text empties it, and a covered one keeps nothing.

        Args:
            sheet: the sheet.
            area: the area that they take.
            block: the values.

        Returns:
            The cells that got a value, an empty text being one: row and column of each.

        Raises:
            GoogleError: a part of the area is protected from the caller.
        """
        sheet.refuse_protected(area)
        written = set()
        for down, along, value in block.cells():
            if value is not None:
                place = (area.start_row + down, area.start_column + along)
                written.add(place)
                # The service does not say what becomes of these. Whoever relies on nothing is right either way.
                if sheet.is_covered(*place):
                    continue
                sheet.grid.put(*place, self._written(sheet.grid.get(*place), value))
        return written

    def _written(self, cell: Cell, value: Json) -> Cell:
        if not isinstance(value, str):
            return replace(cell, value=value if isinstance(value, bool) else float(value))
        own = cell.number_format
        if self.option == "RAW" or (own and own.get("type") == "TEXT"):
            return replace(cell, value=value or None)
        entry = read_entered(value, self.rules, self.today)
        new = entry.number_format
        if new is None or (own and own.get("type") == new["type"]):
            return replace(cell, value=entry.value)
        return replace(cell, value=entry.value, format=cell.format | {"numberFormat": new})
