"""A Google Sheet that figures are published to, and that others may do anything to."""

from collections.abc import Sequence
from itertools import count
from typing import TYPE_CHECKING

import pytest

from tasks.errors import CodegraderError
from tasks.sheet import TAB, publish_figures
from tests.sandbox.sheets import SheetsSandbox
from tests.sandbox.sheets.client import open_client
from tests.summaries import SheetDay, as_section

if TYPE_CHECKING:
    from gspread import Spreadsheet, Worksheet

LABELS = ("Date", "Attempts", "Successful attempts", "Unique users")


class PublishedSheet:
    """A new spreadsheet, with the tab once something was published.

    Attributes:
        id: its identifier.
    """

    _numbers = count()

    def __init__(self, sandbox: SheetsSandbox) -> None:
        from prefect.types import SecretDict

        self.sandbox = sandbox
        self.id = f"1TheSpreadsheetOfTheTests{next(self._numbers):04}"
        self.key = SecretDict(sandbox.service_account_info())
        sandbox.add_spreadsheet(self.id, "Figures")

    def publish(self, figures: Sequence[SheetDay]) -> str:
        """Publishes as a run does, once."""
        return publish_figures(self.key, self.id, as_section(figures), self.sandbox.url)

    def refuse(self, figures: Sequence[SheetDay]) -> CodegraderError:
        """Publishes, which must fail, and gives the reason, which must be one line."""
        with pytest.raises(CodegraderError) as caught:
            self.publish(figures)
        assert "\n" not in str(caught.value)
        assert len(str(caught.value)) < 400
        return caught.value

    def cells(self, tab: str = TAB) -> list[list[str]]:
        """What a tab shows."""
        return self.sandbox.cells(self.id, tab)

    def holds(self, figures: Sequence[SheetDay]) -> bool:
        """Whether the tab shows the labels and these figures, and nothing else."""
        return self.cells() == [list(LABELS), *map(row_of, figures)]

    def others(self) -> "Spreadsheet":
        """The spreadsheet as somebody else's program sees it."""
        return open_client(self.sandbox.service_account_info(), self.sandbox.url).open_by_key(self.id)

    def tab(self) -> "Worksheet":
        """The tab, likewise."""
        return self.others().worksheet(TAB)


def row_of(figures: SheetDay) -> list[str]:
    """A day's row, as it is shown."""
    counts = (figures.attempts, figures.successful_attempts, figures.unique_users)
    return [figures.day.isoformat(), *map(str, counts)]
