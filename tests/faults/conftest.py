"""A Google Sheet for the tests of what befalls it."""

from collections.abc import Iterator

import pytest

from tests.faults.published_sheet import PublishedSheet
from tests.sandbox.sheets import SheetsSandbox


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SheetsSandbox]:
    with SheetsSandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sheet(sandbox: SheetsSandbox) -> PublishedSheet:
    """A spreadsheet of its own for each test."""
    sandbox.faults.clear()
    return PublishedSheet(sandbox)
