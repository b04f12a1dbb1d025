"""What a cell holds."""

from dataclasses import dataclass, field
from typing import TypeAlias

from tests.sandbox.sheets.protocol.json_types import JsonObject


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula as it is kept, beginning with `=`."""

    text: str


@dataclass(frozen=True, slots=True)
class CellError:
    """What a formula comes to when it cannot be worked out, such as `#DIV/0!`."""

    text: str
    message: str = ""


# Numbers are doubles, dates among them: days since 30 December 1899.
Scalar: TypeAlias = str | bool | float
Entered: TypeAlias = Scalar | Formula | None
Computed: TypeAlias = Scalar | CellError | None


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell; it is replaced, never changed, so that copies of a grid may share it.

    Attributes:
        value: what was entered; None for nothing.
        format: the API's `userEnteredFormat`.
        note: the note pinned to the cell; empty for none.
        validation: the API's `dataValidation`, or None.
    """

    value: Entered = None
    format: JsonObject = field(default_factory=dict)
    note: str = ""
    validation: JsonObject | None = None

    @property
    def number_format(self) -> JsonObject | None:
        """The API's `numberFormat`, or None where the cell has no format of its own for numbers."""
        found: JsonObject | None = self.format.get("numberFormat")
        return found

    @property
    def is_bare(self) -> bool:
        """Whether there is nothing at all to keep of the cell."""
        return self.value is None and not self.format and not self.note and self.validation is None


EMPTY_CELL = Cell()
