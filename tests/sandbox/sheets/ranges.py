"""Ranges of cells: in A1 notation, as the API's `GridRange`, and with all four ends known."""

import re
from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

from gspread.utils import a1_range_to_grid_range, rowcol_to_a1

from tests.sandbox.sheets.json_types import JsonObject

ENDPOINT = re.compile(r"[A-Z]{1,3}(?:[1-9][0-9]*)?|[1-9][0-9]*")
CELL = re.compile(r"[A-Z]{1,3}[1-9][0-9]*")
QUOTED_TITLE = re.compile(r"'((?:[^']|'')+)'(?:!(.*))?", re.DOTALL)
# A title that looks like a cell would be taken for one, so that it is quoted too.
PLAIN_TITLE = re.compile(r"(?![A-Za-z]{1,3}[0-9]+$|[Rr][0-9]*[Cc][0-9]*$)[A-Za-z_][A-Za-z0-9_.]*")

Place = tuple[int, int]
"""The row and the column of a cell, counted from 0."""


class Area(NamedTuple):
    """A rectangle of cells, counted from 0; `bottom` and `right` are the first row and column outside it."""

    top: int
    bottom: int
    left: int
    right: int

    def grid_range(self) -> JsonObject:
        """The area as the API describes it, without the sheet."""
        names = ("startRowIndex", "endRowIndex", "startColumnIndex", "endColumnIndex")
        return dict(zip(names, self, strict=True))

    def has(self, place: Place) -> bool:
        """Whether a cell lies in the area."""
        return self.top <= place[0] < self.bottom and self.left <= place[1] < self.right

    def meets(self, other: "Area") -> bool:
        """Whether two areas have a cell in common."""
        upright = self.top < other.bottom and other.top < self.bottom
        return upright and self.left < other.right and other.left < self.right

    def places(self) -> Iterator[Place]:
        """All cells, row by row."""
        return product(range(self.top, self.bottom), range(self.left, self.right))


def split_title(text: str) -> tuple[str | None, str | None]:
    """Divides a range into the sheet's title and what comes after `!`.

    Returns:
        The title, or None where the text has none that is marked as such; the rest, or None where the text is a
        quoted title alone.

    Raises:
        ValueError: a quotation mark is not closed, or something other than `!` follows the closing one.
    """
    if text.startswith("'"):
        match = QUOTED_TITLE.fullmatch(text)
        if match is None:
            raise ValueError(text)
        return match[1].replace("''", "'"), match[2]
    title, mark, rest = text.rpartition("!")
    return (title, rest) if mark else (None, text)


def parse_range(text: str) -> JsonObject | None:
    """Reads a range without a sheet: `A1`, `A1:B2`, `A:D`, `2:5`, `A2:D`, `A1:1`.

    Returns:
        The API's `GridRange` without the sheet; None where the text is not a range.
    """
    plain = text.replace("$", "").upper()
    first, colon, second = plain.partition(":")
    if not ENDPOINT.fullmatch(first) or not (ENDPOINT.fullmatch(second) if colon else CELL.fullmatch(first)):
        return None
    return {"startRowIndex": 0, "startColumnIndex": 0} | a1_range_to_grid_range(plain)


def format_range(title: str, grid_range: JsonObject) -> str:
    """Writes a range as the service does, such as `Sheet1!A1:B2` or `'My tab'!A2:D`."""
    quoted = title if PLAIN_TITLE.fullmatch(title) else "'" + title.replace("'", "''") + "'"
    row, column = grid_range.get("startRowIndex", 0), grid_range.get("startColumnIndex", 0)
    end_row, end_column = grid_range.get("endRowIndex"), grid_range.get("endColumnIndex")
    start = rowcol_to_a1(row + 1, column + 1)
    end = ("" if end_column is None else rowcol_to_a1(1, end_column)[:-1]) + ("" if end_row is None else str(end_row))
    return f"{quoted}!{start}" + (f":{end}" if end not in {"", start} else "")
