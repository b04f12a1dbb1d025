"""One call of a method, after it was read and before it is carried out."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from tests.sandbox.sheets.book.spreadsheet import Spreadsheet
from tests.sandbox.sheets.protocol.json_types import JsonObject


@dataclass(frozen=True)
class Call:
    """What a method is called with.

    Attributes:
        book: the spreadsheet that it is about; a method that writes gets one of its own to change.
        path: the parameters in the path.
        query: the parameters in the query.
        body: the body.
        today: the day on which it is called.
        other_book: gives another spreadsheet, to be changed, for a method that needs two.
    """

    book: Spreadsheet
    path: dict[str, str]
    query: JsonObject
    body: JsonObject
    today: date
    other_book: Callable[[str], Spreadsheet]
