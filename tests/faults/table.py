"""Writes the table of faults in `docs/reliability.md`, from the marks of the tests: `python -m tests.faults.table`."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Final

import pytest

from tests.faults import AREAS

ROOT: Final = Path(__file__).resolve().parents[2]
PAGE: Final = ROOT / "docs" / "reliability.md"
START: Final = "<!-- From the tests' marks, by `python -m tests.faults.table`. Do not edit by hand. -->\n"
Rows = dict[tuple[str, str], dict[str, str]]
"""By area and test: its faults, each with what is promised."""


class _Marks:
    """A plugin that notes the marks of all tests."""

    def __init__(self) -> None:
        self.rows: Rows = {}

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        for item in session.items:
            for mark in item.iter_markers("fault"):
                area, what, promise = mark.args
                self.rows.setdefault((area, item.nodeid.split("[")[0]), {})[what] = promise


def collect() -> Rows:
    """Every fault of every test, in the order in which they are collected.

    Raises:
        RuntimeError: the tests cannot be collected.
    """
    marks = _Marks()
    with redirect_stdout(StringIO()) as output:
        code = pytest.main(["--collect-only", "-qq", str(ROOT / "tests")], [marks])
    if code:
        raise RuntimeError(f"the tests cannot be collected: {output.getvalue()}")
    return marks.rows


def to_markdown(rows: Rows) -> Iterator[str]:
    """A table for each area, with a row for each test and the number of faults."""
    yield f"{sum(map(len, rows.values()))} faults, shown by {len({test for _, test in rows})} tests.\n"
    for area in AREAS:
        tests = {test: faults for (of, test), faults in rows.items() if of == area}
        count = sum(map(len, tests.values()))
        yield f"\n### {area[0].upper()}{area[1:]}: {count}\n\n| fault | promise | test |\n|---|---|---|\n"
        for test, faults in tests.items():
            file, _, name = test.partition("::")
            what, promise = ("; ".join(dict.fromkeys(texts)) for texts in (faults, faults.values()))
            yield f"| {_cell(what)} | {_cell(promise)} | [`{name}`](../{file}) |\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes the table, or says whether it is as it should be.

    Returns:
        0; 1 where it should be written anew.
    """
    parser = argparse.ArgumentParser(prog="python -m tests.faults.table", description="Writes docs/reliability.md.")
    parser.add_argument("--check", action="store_true", help="only say whether it is out of date")
    options = parser.parse_args(arguments)
    page = PAGE.read_text("utf-8")
    wanted = f"{page.partition(START)[0]}{START}\n{''.join(to_markdown(collect()))}"
    if not options.check:
        PAGE.write_text(wanted, "utf-8")
    elif page != wanted:
        print(f"{PAGE.name} is out of date: run python -m tests.faults.table", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
