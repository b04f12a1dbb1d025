"""A spreadsheet: its sheets, the ranges that have names, and who may see it."""

from collections.abc import Collection, Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field

from tests.sandbox.sheets.book.a1 import Area, Span, format_range, parse_span, split_title
from tests.sandbox.sheets.book.grid import Grid
from tests.sandbox.sheets.protocol.errors import invalid_argument
from tests.sandbox.sheets.protocol.json_types import JsonObject

MAX_CELLS = 10_000_000
NEW_GRID = {"rowCount": 1000, "columnCount": 26}
PROTECTED = (
    "You are trying to edit a protected cell or object. Please contact the spreadsheet owner to remove protection "
    "if you need to edit."
)
FIRST_SHEET: JsonObject = {"sheetId": 0, "title": "Sheet1"}


@dataclass
class Sheet:
    """One sheet, which the service also calls a grid.

    Attributes:
        properties: the API's `SheetProperties`, without the index, which is the sheet's place in the spreadsheet.
        grid: its cells.
        merges: the ranges that are merged into one cell each.
        basic_filter: the API's `BasicFilter`, or None.
        protected_ranges: the API's `ProtectedRange` objects.
        dimensions: for `ROWS` and `COLUMNS`, what was set of a row or column: `pixelSize`, `hiddenByUser`.
        depths: for `ROWS` and `COLUMNS`, in how many groups a row or column lies.
    """

    properties: JsonObject
    grid: Grid = field(default_factory=Grid)
    merges: list[Area] = field(default_factory=list)
    basic_filter: JsonObject | None = None
    protected_ranges: list[JsonObject] = field(default_factory=list)
    dimensions: dict[str, dict[int, JsonObject]] = field(default_factory=lambda: {"ROWS": {}, "COLUMNS": {}})
    depths: dict[str, dict[int, int]] = field(default_factory=lambda: {"ROWS": {}, "COLUMNS": {}})

    @property
    def sheet_id(self) -> int:
        """The number by which requests name the sheet."""
        return int(self.properties["sheetId"])

    @property
    def title(self) -> str:
        """The name on the tab."""
        return str(self.properties["title"])

    @property
    def rows(self) -> int:
        """How many rows the sheet has, empty ones included."""
        return int(self.properties["gridProperties"]["rowCount"])

    @property
    def columns(self) -> int:
        """How many columns the sheet has, empty ones included."""
        return int(self.properties["gridProperties"]["columnCount"])

    def size(self, dimension: str) -> int:
        """Give how many rows or columns the sheet has.

        Args:
            dimension: `ROWS` or `COLUMNS`.
        """
        return self.rows if dimension == "ROWS" else self.columns

    def set_size(self, rows: int, columns: int) -> None:
        """Make the sheet larger or smaller; what lies beyond is lost."""
        self.properties["gridProperties"] |= {"rowCount": rows, "columnCount": columns}
        self.grid.crop(rows, columns)

    def area(self, span: Span) -> Area:
        """Give the part of a range that the sheet has; one that only ends beyond the sheet is cut off there.

        Raises:
            GoogleError: the range begins beyond the sheet.
        """
        if span.start_row >= self.rows or span.start_column >= self.columns:
            limits = f"Max rows: {self.rows}, max columns: {self.columns}"
            raise invalid_argument(f"Range ({format_range(self.title, span)}) exceeds grid limits. {limits}")
        return span.clipped(self.rows, self.columns)

    def is_covered(self, row: int, column: int) -> bool:
        """Say whether a cell lies under a merged one, and not at its beginning."""
        return any(
            merge.has(row, column) and (row, column) != (merge.start_row, merge.start_column) for merge in self.merges
        )

    def refuse_protected(self, area: Area) -> None:
        """Refuse to write where the caller may not.

        Raises:
            GoogleError: a part of the area is protected from the caller.
        """
        for protected in self.protected_ranges:
            if not protected["requestingUserCanEdit"] and span_of(protected["range"]).meets(area):
                raise invalid_argument(PROTECTED)

    def copy(self) -> "Sheet":
        """Give a sheet of its own with the same content."""
        return Sheet(
            deepcopy(self.properties),
            self.grid.copy(),
            list(self.merges),
            deepcopy(self.basic_filter),
            deepcopy(self.protected_ranges),
            deepcopy(self.dimensions),
            deepcopy(self.depths),
        )


@dataclass
class Spreadsheet:
    """A spreadsheet.

    Attributes:
        spreadsheet_id: its identifier.
        properties: the API's `SpreadsheetProperties`, without the default format and the theme.
        writers: the e-mail addresses of those who may change it.
        readers: those of the others who may see it.
        sheets: its sheets in order.
        named_ranges: the API's `NamedRange` objects.
    """

    spreadsheet_id: str
    properties: JsonObject
    writers: Collection[str] = ()
    readers: Collection[str] = ()
    sheets: list[Sheet] = field(default_factory=list)
    named_ranges: list[JsonObject] = field(default_factory=list)

    @property
    def locale(self) -> str:
        """The country in whose way numbers and dates are written, such as `en_US`."""
        return str(self.properties["locale"])

    def copy(self) -> "Spreadsheet":
        """Give a spreadsheet of its own with the same content, to be changed and kept only if all goes well."""
        return Spreadsheet(
            self.spreadsheet_id,
            deepcopy(self.properties),
            self.writers,
            self.readers,
            [sheet.copy() for sheet in self.sheets],
            deepcopy(self.named_ranges),
        )

    def find_title(self, title: str) -> Sheet | None:
        """Give the sheet with this title, in whatever case, or None."""
        return next((sheet for sheet in self.sheets if sheet.title.casefold() == title.casefold()), None)

    def find_id(self, sheet_id: int) -> Sheet | None:
        """Give the sheet with this number, or None."""
        return next((sheet for sheet in self.sheets if sheet.sheet_id == sheet_id), None)

    def index_of(self, sheet: Sheet) -> int:
        """Give a sheet's place among the sheets."""
        return next(index for index, one in enumerate(self.sheets) if one is sheet)

    def find_range(self, text: str) -> tuple[Sheet, Span]:
        """Find what a range in A1 notation means: cells, a whole sheet, or a range that has a name.

        Args:
            text: the range; without a sheet it is one of the first visible sheet.

        Raises:
            GoogleError: there is no such sheet or name, or the text is no range.
        """
        unparsable = invalid_argument(f"Unable to parse range: {text}")
        try:
            title, rest = split_title(text)
        except ValueError:
            raise unparsable from None
        sheet = self._first_visible() if title is None else self.find_title(title)
        if sheet is None:
            raise unparsable
        if rest is None:
            return sheet, Span()
        span = parse_span(rest)
        if span is not None:
            return sheet, span
        named = self._find_named(rest)
        if named is not None:
            return named
        whole = self.find_title(rest) if title is None else None
        if whole is None:
            raise unparsable
        return whole, Span()

    def check_size(self) -> None:
        """Refuse more cells than the service keeps in one spreadsheet.

        Raises:
            GoogleError: there are more.
        """
        if sum(sheet.rows * sheet.columns for sheet in self.sheets) > MAX_CELLS:
            raise invalid_argument(
                f"This action would increase the number of cells in the workbook above the limit of {MAX_CELLS} cells."
            )

    def _first_visible(self) -> Sheet:
        return next((sheet for sheet in self.sheets if not sheet.properties.get("hidden")), self.sheets[0])

    def _find_named(self, name: str) -> tuple[Sheet, Span] | None:
        for named in self.named_ranges:
            sheet = self.find_id(named["range"].get("sheetId", 0))
            if sheet is not None and named["name"].casefold() == name.casefold():
                return sheet, span_of(named["range"])
        return None


def new_sheet(properties: Mapping[str, object]) -> Sheet:
    """Make an empty sheet.

    Args:
        properties: what is known of the API's `SheetProperties`; the identifier and the title must be.
    """
    known: JsonObject = deepcopy(dict(properties))
    known.pop("index", None)
    known["sheetType"] = "GRID"
    known["gridProperties"] = NEW_GRID | dict(known.get("gridProperties", {}))
    return Sheet(known)


def new_spreadsheet(
    spreadsheet_id: str, properties: JsonObject, sheets: Iterable[Mapping[str, object]] = (FIRST_SHEET,)
) -> Spreadsheet:
    """Make a spreadsheet as it is when someone has just made it.

    Args:
        spreadsheet_id: its identifier.
        properties: what is known of the API's `SpreadsheetProperties`.
        sheets: the `SheetProperties` of its sheets.
    """
    usual: JsonObject = {
        "title": "Untitled spreadsheet",
        "locale": "en_US",
        "autoRecalc": "ON_CHANGE",
        "timeZone": "Etc/GMT",
    }
    return Spreadsheet(spreadsheet_id, usual | properties, sheets=[new_sheet(sheet) for sheet in sheets])


def span_of(grid_range: JsonObject) -> Span:
    """Give the range that the API describes with indexes.

    Args:
        grid_range: the API's `GridRange`.
    """
    return Span(
        grid_range.get("startRowIndex", 0),
        grid_range.get("endRowIndex"),
        grid_range.get("startColumnIndex", 0),
        grid_range.get("endColumnIndex"),
    )


def grid_range_of(sheet: Sheet, span: Span) -> JsonObject:
    """Describe a range in the API's way, with indexes.

    Args:
        sheet: its sheet.
        span: the range.
    """
    # The service leaves out a sheet's number that is 0, but no index.
    described: JsonObject = {"sheetId": sheet.sheet_id} if sheet.sheet_id else {}
    ends = {
        "startRowIndex": span.start_row,
        "endRowIndex": span.end_row,
        "startColumnIndex": span.start_column,
        "endColumnIndex": span.end_column,
    }
    return described | {name: end for name, end in ends.items() if end is not None}
