"""Ranges in A1 notation: read, and written as the service writes them."""

import re
from dataclasses import dataclass

ENDPOINT = re.compile(r"\$?(?P<column>[A-Za-z]{1,3})?\$?(?P<row>[0-9]+)?")
R1C1_ENDPOINT = re.compile(r"R(?P<row>[0-9]+)C(?P<column>[0-9]+)", re.IGNORECASE)
# A title that looks like a cell would be taken for one, so that it is quoted too.
PLAIN_TITLE = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")
LIKE_A_CELL = re.compile(r"[A-Za-z]{1,3}[0-9]+|[Rr][0-9]*[Cc][0-9]*")


@dataclass(frozen=True)
class Span:
    """A rectangle of cells, counted from 0; an end is the first row or column outside, None for no end.

    Attributes:
        start_row: the first row.
        end_row: the row after the last one.
        start_column: the first column.
        end_column: the column after the last one.
    """

    start_row: int = 0
    end_row: int | None = None
    start_column: int = 0
    end_column: int | None = None

    @property
    def is_cell(self) -> bool:
        """Whether the range is one cell."""
        return self.end_row == self.start_row + 1 and self.end_column == self.start_column + 1

    def has_row(self, row: int) -> bool:
        """Whether a row goes through the range."""
        return row >= self.start_row and (self.end_row is None or row < self.end_row)

    def has_column(self, column: int) -> bool:
        """Whether a column goes through the range."""
        return column >= self.start_column and (self.end_column is None or column < self.end_column)

    def has(self, row: int, column: int) -> bool:
        """Whether a cell lies in the range."""
        return self.has_row(row) and self.has_column(column)

    def meets(self, other: "Span") -> bool:
        """Whether two ranges have a cell in common."""
        return _overlap(self.start_row, self.end_row, other.start_row, other.end_row) and _overlap(
            self.start_column, self.end_column, other.start_column, other.end_column
        )

    def clipped(self, rows: int, columns: int) -> "Area":
        """Give the part of the range that lies in a sheet of this size.

        Args:
            rows: the sheet's rows.
            columns: the sheet's columns.
        """
        return Area(
            self.start_row,
            rows if self.end_row is None else min(rows, self.end_row),
            self.start_column,
            columns if self.end_column is None else min(columns, self.end_column),
        )


@dataclass(frozen=True)
class Area(Span):
    """A range that has its ends."""

    end_row: int = 0
    end_column: int = 0

    @property
    def rows(self) -> int:
        """How many rows it is high."""
        return self.end_row - self.start_row

    @property
    def columns(self) -> int:
        """How many columns it is wide."""
        return self.end_column - self.start_column


def column_letters(column: int) -> str:
    """Name a column, counted from 0: A, B, …, Z, AA, ….

    Args:
        column: the column's number.
    """
    letters, rest = "", column + 1
    while rest:
        rest, letter = divmod(rest - 1, 26)
        letters = chr(ord("A") + letter) + letters
    return letters


def column_number(letters: str) -> int:
    """Give a column's number, counted from 0, from its name.

    Args:
        letters: the name, in either case.
    """
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1


def split_title(text: str) -> tuple[str | None, str | None]:
    """Divide a range into the sheet's title and what comes after `!`.

    Args:
        text: the whole range, such as `'My sheet'!A1:B2`.

    Returns:
        The title, or None where the text has none that is marked as such; the rest, or None where the text is a
        quoted title alone.

    Raises:
        ValueError: a quotation mark is not closed, or something other than `!` follows the closing one.
    """
    if text.startswith("'"):
        match = re.fullmatch(r"'((?:[^']|'')+)'(?:!(.*))?", text, re.DOTALL)
        if match is None:
            raise ValueError(text)
        return match[1].replace("''", "'"), match[2]
    title, mark, rest = text.rpartition("!")
    return (title, rest) if mark else (None, text)


def parse_span(text: str) -> Span | None:
    """Read a range without a sheet: `A1`, `A1:B2`, `A:D`, `2:5`, `A2:D`, `A1:1`, `R1C1:R2C2`.

    Args:
        text: the range.

    Returns:
        The range, its corners put in order; None where the text is not a range.
    """
    first, colon, second = text.partition(":")
    ends = [_endpoint(end) for end in ([first, second] if colon else [first])]
    if any(end is None for end in ends):
        return None
    known = [end for end in ends if end is not None]
    if not colon and None in known[0]:
        return None
    start, end = known[0], known[-1]
    start_row, end_row = _ordered(start[0], end[0])
    start_column, end_column = _ordered(start[1], end[1])
    return Span(start_row, end_row, start_column, end_column)


def quote_title(title: str) -> str:
    """Write a sheet's title as it stands before `!`: in quotation marks where it needs them.

    Args:
        title: the title.
    """
    if PLAIN_TITLE.fullmatch(title) and not LIKE_A_CELL.fullmatch(title):
        return title
    return "'" + title.replace("'", "''") + "'"


def format_range(title: str, span: Span) -> str:
    """Write a range as the service does, such as `Sheet1!A1:B2`.

    Args:
        title: the sheet's title.
        span: the range; an end that it does not have is left out, as in `A2:D`.
    """
    start = column_letters(span.start_column) + str(span.start_row + 1)
    if span.is_cell:
        return f"{quote_title(title)}!{start}"
    end_column = "" if span.end_column is None else column_letters(span.end_column - 1)
    end_row = "" if span.end_row is None else str(span.end_row)
    end = end_column + end_row
    return f"{quote_title(title)}!{start}:{end}" if end else f"{quote_title(title)}!{start}"


def _overlap(start: int, end: int | None, other_start: int, other_end: int | None) -> bool:
    return (other_end is None or start < other_end) and (end is None or other_start < end)


def _endpoint(text: str) -> tuple[int | None, int | None] | None:
    numbered = R1C1_ENDPOINT.fullmatch(text)
    row: int | None
    column: int | None
    if numbered:
        row, column = int(numbered["row"]) - 1, int(numbered["column"]) - 1
    else:
        match = ENDPOINT.fullmatch(text)
        if match is None:
            return None
        row = int(match["row"]) - 1 if match["row"] else None
        column = column_number(match["column"]) if match["column"] else None
    if -1 in {row, column} or (row, column) == (None, None):
        return None
    return row, column


def _ordered(first: int | None, second: int | None) -> tuple[int, int | None]:
    if first is None or second is None:
        return first if first is not None else 0, None if second is None else second + 1
    return min(first, second), max(first, second) + 1
