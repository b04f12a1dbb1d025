"""What cells come to: formulas worked out, each one once."""

from tests.sandbox.sheets.book.a1 import Span
from tests.sandbox.sheets.book.cells import CellError, Computed, Formula
from tests.sandbox.sheets.book.spreadsheet import Sheet, Spreadsheet
from tests.sandbox.sheets.formulas.formula import (
    Call,
    Constant,
    FormulaSyntaxError,
    Name,
    Node,
    Reference,
    parse_formula,
)
from tests.sandbox.sheets.formulas.functions import Argument, ValueProblemError, call_function
from tests.sandbox.sheets.protocol.json_types import JsonObject

SYNTAX = CellError("#ERROR!", "Formula parse error.")
CIRCLE = CellError("#REF!", "Circular dependency detected.")
NO_SHEET = CellError("#REF!", "Unresolved sheet name.")


class Evaluator:
    """Works out the cells of one spreadsheet as it stands; a change of the spreadsheet needs a new one."""

    def __init__(self, book: Spreadsheet) -> None:
        self._book = book
        self._known: dict[tuple[int, int, int], Computed] = {}

    def value(self, sheet: Sheet, row: int, column: int) -> Computed:
        """Give what a cell comes to.

        Args:
            sheet: its sheet.
            row: its row, from 0.
            column: its column, from 0.
        """
        entered = sheet.grid.get(row, column).value
        if not isinstance(entered, Formula):
            return entered
        place = (sheet.sheet_id, row, column)
        if place not in self._known:
            self._known[place] = CIRCLE
            self._known[place] = self._result(entered, sheet)
        return self._known[place]

    def number_format(self, sheet: Sheet, row: int, column: int) -> JsonObject | None:
        """Give the format of a cell's number: its own, or for a formula the one that its parts bring along.

        Args:
            sheet: its sheet.
            row: its row, from 0.
            column: its column, from 0.
        """
        cell = sheet.grid.get(row, column)
        if cell.number_format or not isinstance(cell.value, Formula):
            return cell.number_format
        try:
            tree = parse_formula(cell.value.text)
        except FormulaSyntaxError:
            return None
        if isinstance(tree, Call) and tree.name == "DATE":
            return {"type": "DATE"}
        source = self._sheet(tree.title, sheet) if isinstance(tree, Reference) else None
        if source is None or not isinstance(tree, Reference):
            return None
        return source.grid.get(tree.span.start_row, tree.span.start_column).number_format

    def _result(self, formula: Formula, sheet: Sheet) -> Computed:
        try:
            value = self._node(parse_formula(formula.text), sheet)
        except FormulaSyntaxError:
            return SYNTAX
        except ValueProblemError as problem:
            return problem.error
        if isinstance(value, list | tuple):
            return CellError("#VALUE!", "A range has no single value.")
        # An empty cell that is referred to counts as 0.
        return 0.0 if value is None else value  # type: ignore[return-value]

    def _node(self, node: Node, sheet: Sheet) -> Argument:
        if isinstance(node, Constant):
            return node.value
        if isinstance(node, Reference):
            return self._reference(node, sheet)
        if isinstance(node, Name):
            raise ValueProblemError(CellError("#NAME?", f"Unknown range name: '{node.text}'."))
        return call_function(node.name, [self._node(argument, sheet) for argument in node.arguments])

    def _reference(self, node: Reference, own: Sheet) -> Argument:
        sheet = self._sheet(node.title, own)
        if sheet is None:
            raise ValueProblemError(NO_SHEET)
        if node.span.is_cell:
            return self.value(sheet, node.span.start_row, node.span.start_column)
        return self._values(sheet, node.span)

    def _values(self, sheet: Sheet, span: Span) -> list[Computed]:
        return [self.value(sheet, row, column) for row, column, _ in sheet.grid.within(span)]

    def _sheet(self, title: str | None, own: Sheet) -> Sheet | None:
        return own if title is None else self._book.find_title(title)
