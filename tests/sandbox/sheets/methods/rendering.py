"""Cells as the API gives them: as they look, as they are, or as they were entered."""

from typing import Literal, TypeAlias

from tests.sandbox.sheets.book.a1 import Area
from tests.sandbox.sheets.book.cells import CellError, Formula
from tests.sandbox.sheets.book.spreadsheet import Sheet, Spreadsheet
from tests.sandbox.sheets.formulas.evaluation import Evaluator
from tests.sandbox.sheets.notation.locales import rules_of
from tests.sandbox.sheets.notation.number_format import format_number, is_moment
from tests.sandbox.sheets.protocol.json_types import Json

ValueOption: TypeAlias = Literal["FORMATTED_VALUE", "UNFORMATTED_VALUE", "FORMULA"]
DateOption: TypeAlias = Literal["SERIAL_NUMBER", "FORMATTED_STRING"]


class Renderer:
    """Gives the cells of one spreadsheet as it stands."""

    def __init__(self, book: Spreadsheet) -> None:
        self._rules = rules_of(book.locale)
        self.evaluator = Evaluator(book)

    def formatted(self, sheet: Sheet, row: int, column: int) -> str:
        """Give what a cell shows; an empty text where it is empty."""
        value = self.evaluator.value(sheet, row, column)
        if isinstance(value, bool):
            return str(value).upper()
        if isinstance(value, float):
            return format_number(value, self.evaluator.number_format(sheet, row, column), self._rules)
        if isinstance(value, CellError):
            return value.text
        return value or ""

    def render(self, sheet: Sheet, row: int, column: int, option: ValueOption, dates: DateOption) -> Json:
        """Give a cell's value as an answer carries it.

        Args:
            sheet: its sheet.
            row: its row, from 0.
            column: its column, from 0.
            option: as it looks, as it is, or as it was entered.
            dates: whether dates and times are numbers or texts; they are texts in any case where cells are given as
                they look.

        Returns:
            A text, a number or a truth value; an empty text for an empty cell.
        """
        entered = sheet.grid.get(row, column).value
        if option == "FORMULA" and isinstance(entered, Formula):
            return entered.text
        value = self.evaluator.value(sheet, row, column)
        if not isinstance(value, float) or isinstance(value, bool):
            return self.formatted(sheet, row, column) if option == "FORMATTED_VALUE" else plain(value)
        as_text = dates == "FORMATTED_STRING" and is_moment(self.evaluator.number_format(sheet, row, column))
        return self.formatted(sheet, row, column) if as_text or option == "FORMATTED_VALUE" else plain(value)

    def table(
        self,
        sheet: Sheet,
        area: Area,
        option: ValueOption = "FORMATTED_VALUE",
        dates: DateOption = "SERIAL_NUMBER",
        *,
        by_columns: bool = False,
    ) -> list[list[Json]]:
        """Give a range's values, without the empty rows and cells at its ends.

        Args:
            sheet: its sheet.
            area: the range.
            option: as `render` takes it.
            dates: as `render` takes it.
            by_columns: whether each inner list is a column.
        """
        lines: list[list[Json]] = []
        filled = ((row, column) for row, column, cell in sheet.grid.within(area) if cell.value is not None)
        for row, column in sorted(filled, key=lambda place: place[::-1] if by_columns else place):
            value = self.render(sheet, row, column, option, dates)
            if value == "":
                continue
            down, along = row - area.start_row, column - area.start_column
            line, place = (along, down) if by_columns else (down, along)
            lines += [[] for _ in range(line + 1 - len(lines))]
            lines[line] += [""] * (place - len(lines[line])) + [value]
        return lines


def plain(value: object) -> Json:
    """Give a value as JSON carries it: a whole number without a fraction, an error as its text.

    Args:
        value: what a cell comes to.
    """
    if isinstance(value, CellError):
        return value.text
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return int(value)
    return "" if value is None else value
