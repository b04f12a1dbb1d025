"""Grids: tabs of a spreadsheet as Google describes them, and the requests that change how they look."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Final

from gspread.utils import absolute_range_name, rowcol_to_a1

from schemas.language import Kind
from schemas.section import Column

FIELDS: Final = (
    "sheets(properties(sheetId,title,gridProperties),merges,"
    "data.columnMetadata.developerMetadata(metadataKey,metadataValue))"
)
"""What of a spreadsheet `Grid.read` needs."""

_MARK: Final = "codegrader"
_FORMATS: Final[Mapping[Kind, Mapping[str, str]]] = MappingProxyType(
    {
        "count": {"type": "NUMBER", "pattern": "#,##0"},
        "share": {"type": "PERCENT", "pattern": "0.0%"},
        "change": {"type": "PERCENT", "pattern": "+0.0%;-0.0%"},
        "minutes": {"type": "NUMBER", "pattern": "0.0"},
        "number": {"type": "NUMBER", "pattern": "0.00"},
        "day": {"type": "DATE", "pattern": "yyyy-mm-dd"},
        # Who edits a text that begins with `=` does not make a formula of it.
        "text": {"type": "TEXT"},
    }
)
_HEADER: Final[Mapping[str, Any]] = {"textFormat": {"bold": True}, "wrapStrategy": "WRAP"}
_WIDTH_PX: Final = 110
_TEXT_WIDTH_PX: Final = 240

Request = dict[str, Any]
"""One of Google's, in a batch."""


@dataclass(frozen=True, slots=True)
class Grid:
    """A tab as it is in the spreadsheet; by default as a new one is.

    Attributes:
        id: the number by which requests name it.
        rows: how many it has, empty ones included; likewise its columns.
        marks: the places of our columns, counted from 0, by their names.
        merges: ranges of merged cells.
    """

    id: int
    title: str
    rows: int = 1000
    columns: int = 26
    marks: Mapping[str, int] = field(default_factory=dict)
    merges: Sequence[Mapping[str, int]] = ()

    @classmethod
    def read(cls, described: Mapping[str, Any]) -> "Grid":
        """From Google's description of a sheet."""
        properties, (data, *_) = described["properties"], described.get("data") or [{}]
        size = properties.get("gridProperties", {})
        marks = {
            mark["metadataValue"]: place
            for place, column in enumerate(data.get("columnMetadata", []))
            for mark in column.get("developerMetadata", [])
            if mark["metadataKey"] == _MARK
        }
        number, rows, columns = properties.get("sheetId", 0), size.get("rowCount", 0), size.get("columnCount", 0)
        return cls(number, properties["title"], rows, columns, marks, described.get("merges", ()))

    def cells(self, column: int, row: int, end: int | None = None) -> str:
        """The cells of a column from a row on, to the tab's end or to another row, in Google's words: `'Days'!C2:C`."""
        first, last = rowcol_to_a1(row + 1, column + 1), rowcol_to_a1(1, column + 1)[:-1]
        return absolute_range_name(self.title, f"{first}:{last}{end or ''}")

    def with_columns(self, start: int, columns: Sequence[Column]) -> "Grid":
        """The tab once `add_columns` is done."""
        marks = {column.name: place for place, column in enumerate(columns, start)}
        return replace(self, columns=self.columns + len(columns), marks={**self.marks, **marks})


def add_tab(grid: Grid, frozen_rows: int = 0) -> Request:
    """Makes the tab."""
    size = {"rowCount": grid.rows, "columnCount": grid.columns, "frozenRowCount": frozen_rows}
    return {"addSheet": {"properties": {"sheetId": grid.id, "title": grid.title, "gridProperties": size}}}


def add_columns(grid: Grid, start: int, columns: Sequence[Column]) -> list[Request]:
    """Inserts columns of ours, so that nothing of a person's is under them: formatted, marked, with a warning."""
    # What lies before them, a person's colours among it, does not spread.
    inserted = {"range": _columns(grid, start, start + len(columns)), "inheritFromBefore": start == grid.columns}
    warned = {
        "range": _range(grid, start, start + len(columns)),
        "warningOnly": True,
        "description": "CodeGrader Analytics",
    }
    return [
        {"insertDimension": inserted},
        *format_columns(grid, start, columns),
        {"addProtectedRange": {"protectedRange": warned}},
        *(_mark(grid, place, column.name) for place, column in enumerate(columns, start)),
    ]


def format_columns(grid: Grid, start: int, columns: Sequence[Column]) -> Iterable[Request]:
    """Formats columns by their kinds, and their headers."""
    for place, column in enumerate(columns, start):
        width = _TEXT_WIDTH_PX if column.kind == "text" else _WIDTH_PX
        # To the right too where a number of students is withheld, which is a text.
        look = {"horizontalAlignment": "LEFT" if column.kind == "text" else "RIGHT"}
        yield _repeat(_range(grid, place, place + 1, startRowIndex=0, endRowIndex=1), {**look, **_HEADER})
        yield _repeat(_range(grid, place, place + 1, startRowIndex=1), {**look, "numberFormat": _FORMATS[column.kind]})
        yield {
            "updateDimensionProperties": {
                "range": _columns(grid, place, place + 1),
                "properties": {"pixelSize": width},
                "fields": "pixelSize",
            }
        }


def add_chart(grid: Grid, title: str, places: Sequence[int], beside: int) -> Request:
    """Makes a chart by the first of these columns that shows the others; at its left is this column."""
    by, *shown = (
        {"sourceRange": {"sources": [_range(grid, place, place + 1, startRowIndex=0, endRowIndex=grid.rows)]}}
        for place in places
    )
    basic = {
        "chartType": "COLUMN",
        "legendPosition": "BOTTOM_LEGEND",
        "headerCount": 1,
        "domains": [{"domain": by}],
        "series": [{"series": each, "targetAxis": "LEFT_AXIS"} for each in shown],
    }
    corner = {"anchorCell": {"sheetId": grid.id, "rowIndex": 1, "columnIndex": beside}}
    return {
        "addChart": {"chart": {"spec": {"title": title, "basicChart": basic}, "position": {"overlayPosition": corner}}}
    }


def make_room(grid: Grid, rows: int, places: Iterable[int]) -> list[Request]:
    """Sees that the tab has so many rows, and these columns, without merged cells, under which values are lost."""
    ours = [*places]
    merged = [
        {"unmergeCells": {"range": merge}}
        for merge in grid.merges
        if any(merge.get("startColumnIndex", 0) <= place < merge["endColumnIndex"] for place in ours)
    ]
    size = {"rowCount": max(grid.rows, rows), "columnCount": max(grid.columns, *(place + 1 for place in ours))}
    if size == {"rowCount": grid.rows, "columnCount": grid.columns}:
        return merged
    properties = {"sheetId": grid.id, "gridProperties": size}
    fields = ",".join(f"gridProperties.{name}" for name in size)
    return [*merged, {"updateSheetProperties": {"properties": properties, "fields": fields}}]


def _mark(grid: Grid, place: int, name: str) -> Request:
    location = {"dimensionRange": _columns(grid, place, place + 1)}
    # For all programs: the key of another Google project finds the columns too.
    mark = {"metadataKey": _MARK, "metadataValue": name, "visibility": "DOCUMENT", "location": location}
    return {"createDeveloperMetadata": {"developerMetadata": mark}}


def _repeat(cells: Request, look: Mapping[str, Any]) -> Request:
    # Without the rest of what the column before may have left here.
    return {"repeatCell": {"range": cells, "cell": {"userEnteredFormat": look}, "fields": "userEnteredFormat"}}


def _range(grid: Grid, left: int, right: int, **rows: int) -> Request:
    return {"sheetId": grid.id, "startColumnIndex": left, "endColumnIndex": right, **rows}


def _columns(grid: Grid, start: int, end: int) -> Request:
    return {"sheetId": grid.id, "dimension": "COLUMNS", "startIndex": start, "endIndex": end}
