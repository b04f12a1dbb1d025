"""Writes the table of faults in `docs/reliability.md`, from the marks of the tests: `python -m tests.faults.table`."""

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from tests.faults import AREAS

ROOT: Final = Path(__file__).resolve().parents[2]
PAGE: Final = ROOT / "docs" / "reliability.md"
START: Final = "<!-- From the tests' marks, by `python -m tests.faults.table`. Do not edit by hand. -->\n"


class Row(NamedTuple):
    """One fault, and the test that shows what comes of it."""

    area: str
    what: str
    promise: str
    test: str


class _Marks:
    """A plugin that notes the marks of all tests."""

    def __init__(self) -> None:
        self.rows: list[Row] = []

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        for item in session.items:
            test = item.nodeid.split("[")[0]
            self.rows += [Row._make((*mark.args, test)) for mark in item.iter_markers("fault")]


def collect() -> list[Row]:
    """Every fault of every test, once, in the order in which they are collected.

    Raises:
        RuntimeError: the tests cannot be collected.
    """
    marks = _Marks()
    with redirect_stdout(StringIO()) as output:
        code = pytest.main(["--collect-only", "-qq", str(ROOT / "tests")], [marks])
    if code:
        raise RuntimeError(f"the tests cannot be collected: {output.getvalue()}")
    return list(dict.fromkeys(marks.rows))


def to_markdown(rows: Iterable[Row]) -> Iterator[str]:
    """The table, area by area, with the number of faults of each."""
    known = list(rows)
    yield f"{len(known)} faults.\n"
    for area in AREAS:
        of_area = [row for row in known if row.area == area]
        yield f"\n### {area[0].upper()}{area[1:]}: {len(of_area)}\n\n| fault | promise | test |\n|---|---|---|\n"
        for row in of_area:
            file, _, name = row.test.partition("::")
            yield f"| {_cell(row.what)} | {_cell(row.promise)} | [`{name}`](../{file}) |\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


def written(page: str, rows: Iterable[Row]) -> str:
    """The page with its table as it should be."""
    before, _, _ = page.partition(START)
    return before + START + "\n" + "".join(to_markdown(rows))


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes the table, or says whether it is as it should be.

    Returns:
        0; 1 where it should be written anew.
    """
    parser = argparse.ArgumentParser(prog="python -m tests.faults.table", description="Writes docs/reliability.md.")
    parser.add_argument("--check", action="store_true", help="only say whether it is out of date")
    options = parser.parse_args(arguments)
    page = PAGE.read_text("utf-8")
    wanted = written(page, collect())
    if not options.check:
        PAGE.write_text(wanted, "utf-8")
    elif page != wanted:
        print(f"{PAGE.name} is out of date: run python -m tests.faults.table", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
