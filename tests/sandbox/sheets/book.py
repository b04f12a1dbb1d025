"""A spreadsheet as it is kept: the API's own objects, and beside them the cells by their places."""

from collections.abc import Callable, Collection, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import TypeAlias

from tests.sandbox.sheets.errors import invalid_argument
from tests.sandbox.sheets.json_types import JsonObject
from tests.sandbox.sheets.ranges import Area, Place, format_range, parse_range, split_title

NEW_GRID = {"rowCount": 1000, "columnCount": 26}
FIRST_SHEET: JsonObject = {"sheetId": 0, "title": "Sheet1"}
PROTECTED = "You are trying to edit a protected cell or object. Please contact the spreadsheet owner."


@dataclass
class Sheet:
    """One sheet, which the service also calls a grid.

    Attributes:
        described: the API's `Sheet` without cells: its properties, and what lies over the cells, such as charts.
        cells: the API's `CellData` of the cells in which there is something; replaced, never changed.
        dimensions: for `ROWS` and `COLUMNS`, the API's `DimensionProperties` of those that have some of their own.
    """

    described: JsonObject
    cells: dict[Place, JsonObject] = field(default_factory=dict)
    dimensions: dict[str, dict[int, JsonObject]] = field(default_factory=lambda: {"ROWS": {}, "COLUMNS": {}})

    @property
    def properties(self) -> JsonObject:
        """The API's `SheetProperties`, without the index, which is the sheet's place in the spreadsheet."""
        found: JsonObject = self.described["properties"]
        return found

    @property
    def sheet_id(self) -> int:
        """The number by which requests name the sheet."""
        return int(self.properties["sheetId"])

    @property
    def title(self) -> str:
        """The name on the tab."""
        return str(self.properties["title"])

    def size(self, dimension: str) -> int:
        """How many `ROWS` or `COLUMNS` the sheet has, empty ones included."""
        return int(self.properties["gridProperties"]["rowCount" if dimension == "ROWS" else "columnCount"])

    def resize(self, dimension: str, size: int) -> None:
        """Gives the sheet so many `ROWS` or `COLUMNS`; what lies beyond is lost."""
        self.properties["gridProperties"]["rowCount" if dimension == "ROWS" else "columnCount"] = size
        self.crop()

    def crop(self) -> None:
        """Forgets the cells that lie beyond the sheet's size."""
        whole = self.area({})
        self.cells = {place: cell for place, cell in self.cells.items() if whole.has(place)}

    def area(self, grid_range: JsonObject) -> Area:
        """The part of a range that the sheet has; one that only ends beyond the sheet is cut off there."""
        rows, columns = self.size("ROWS"), self.size("COLUMNS")
        bottom = min(rows, grid_range.get("endRowIndex", rows))
        right = min(columns, grid_range.get("endColumnIndex", columns))
        area = Area(grid_range.get("startRowIndex", 0), bottom, grid_range.get("startColumnIndex", 0), right)
        if area.top >= rows or area.left >= columns:
            raise invalid_argument(f"Range ({format_range(self.title, grid_range)}) exceeds grid limits.")
        return area

    def filled(self, area: Area) -> Iterator[tuple[Place, JsonObject]]:
        """The cells of an area in which there is something, row by row."""
        top, bottom, left, right = area
        within = (place for place in self.cells if top <= place[0] < bottom and left <= place[1] < right)
        yield from ((place, self.cells[place]) for place in sorted(within))

    def put(self, place: Place, cell: JsonObject) -> None:
        """Keeps a cell, or forgets it where nothing is in it."""
        kept = {name: part for name, part in cell.items() if part not in (None, "", {})}
        if kept:
            self.cells[place] = kept
        else:
            self.cells.pop(place, None)

    def merged_areas(self) -> list[Area]:
        """The areas that are merged into one cell each."""
        return [self.area(merge) for merge in self.described.get("merges", [])]

    def refuse_protected(self, area: Area) -> None:
        """Refuses to write where the caller may not."""
        for protected in self.described.get("protectedRanges", []):
            if not protected.get("requestingUserCanEdit") and self.area(protected.get("range", {})).meets(area):
                raise invalid_argument(PROTECTED)


@dataclass
class Book:
    """A spreadsheet.

    Attributes:
        described: the API's `Spreadsheet` without the sheets.
        sheets: its sheets in order.
        writers: the e-mail addresses of those who may change it.
        readers: those of the others who may see it.
    """

    described: JsonObject
    sheets: list[Sheet]
    writers: Collection[str]
    readers: Collection[str]

    @property
    def spreadsheet_id(self) -> str:
        """The identifier that is in its address."""
        return str(self.described["spreadsheetId"])

    def copy(self) -> "Book":
        """One of its own with the same content, to be changed and kept only if all goes well."""
        sheets = [Sheet(deepcopy(one.described), dict(one.cells), deepcopy(one.dimensions)) for one in self.sheets]
        return Book(deepcopy(self.described), sheets, self.writers, self.readers)

    def find_title(self, title: str) -> Sheet | None:
        """The sheet with this title, in whatever case, or None."""
        return next((sheet for sheet in self.sheets if sheet.title.casefold() == title.casefold()), None)

    def find_id(self, sheet_id: int) -> Sheet | None:
        """The sheet with this number, or None."""
        return next((sheet for sheet in self.sheets if sheet.sheet_id == sheet_id), None)

    def grid(self, place: JsonObject) -> Sheet:
        """The sheet of anything with a `sheetId`, which is 0 where it is left out."""
        sheet = self.find_id(place.get("sheetId", 0))
        if sheet is None:
            raise invalid_argument(f"No grid with id: {place.get('sheetId', 0)}")
        return sheet

    def target(self, grid_range: JsonObject) -> tuple[Sheet, Area]:
        """The cells of a range that a request changes."""
        sheet = self.grid(grid_range)
        area = sheet.area(grid_range)
        sheet.refuse_protected(area)
        return sheet, area

    def find_range(self, text: str) -> tuple[Sheet, JsonObject]:
        """Finds the cells, or the whole sheet, that a range in A1 notation means."""
        unparsable = invalid_argument(f"Unable to parse range: {text}")
        try:
            title, rest = split_title(text)
        except ValueError:
            raise unparsable from None
        visible = next((one for one in self.sheets if not one.properties.get("hidden")), self.sheets[0])
        sheet = visible if title is None else self.find_title(title)
        grid_range = {} if rest is None else parse_range(rest)
        if grid_range is None and title is None and rest is not None:
            sheet, grid_range = self.find_title(rest), {}
        if sheet is None or grid_range is None:
            raise unparsable
        return sheet, grid_range


# A request of a batch: it changes the spreadsheet, and gives what the reply to it holds.
Change: TypeAlias = Callable[[Book, JsonObject], JsonObject | None]


def new_sheet(properties: Mapping[str, object]) -> Sheet:
    """Makes an empty sheet of what is known of its `SheetProperties`: at least the number and the title."""
    known: JsonObject = {name: value for name, value in deepcopy(dict(properties)).items() if name != "index"}
    grid = NEW_GRID | known.get("gridProperties", {})
    return Sheet({"properties": known | {"sheetType": "GRID", "gridProperties": grid}})
