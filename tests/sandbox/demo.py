"""The sandbox behind `make run`: the world, a private folder for what is made in it, and a summary at the end."""

import csv
import os
import sys
from contextlib import ExitStack
from datetime import date
from typing import Self

from fasteners import InterProcessLock

from tasks.errors import InvalidInputError
from tests.sandbox.world import SPREADSHEET_ID, World

PORT = 8767
"""Tried first, so that a second run finds the API at the same address, and so its cached answers."""

REJECTED = "SELECT reasons, count(*) FROM rejected_records GROUP BY reasons"


class Demo(ExitStack):
    """Starts the world and points this process's settings to it, for as long as the `with` block runs.

    Raises:
        InvalidInputError: the folder cannot be made, or another process uses it: its Blocks lead to another world.
    """

    def __init__(self) -> None:
        super().__init__()
        # Prefect must not be imported before PREFECT_HOME is set, and flows.running.home alone does not do so.
        from flows.running.home import VARIABLE, home_folder

        self.folder = home_folder("sandbox")
        os.environ[VARIABLE] = str(self.folder)
        os.environ["PREFECT_HOME"] = str(home_folder("prefect"))
        lock = InterProcessLock(self.folder / "in-use.lock")
        if not lock.acquire(blocking=False):
            raise InvalidInputError(
                f"another `make run` or `make up` uses the sandbox in {self.folder}: "
                "wait for its end, or set CODEGRADER_HOME to another folder"
            )
        self.callback(lock.release)

    def __enter__(self) -> Self:
        try:
            self._world = self.enter_context(World(self.folder, port=PORT))
        except OSError:
            self._world = self.enter_context(World(self.folder))
        os.environ.update(self._world.environment())
        print("No .env here: the sandbox stands in for the grader's API, Google Sheets and the mail server.\n")
        return self

    def summarise(self, first: date, last: date, seconds: float, *, succeeded: bool) -> None:
        """Prints the figures, where everything is, and what to do next."""
        rows = self._world.sheets.cells(SPREADSHEET_ID, "RawData")
        sheet = self.folder / "sheet.csv"
        sheet.touch(mode=0o600)
        with sheet.open("w", encoding="utf-8-sig", newline="") as file:
            csv.writer(file).writerows(rows)
        mails = sorted((self.folder / "mail").glob("*.eml"))
        print(f"\nThe sheet, as a reader sees it ({len(rows) - 1} days):\n")
        for row in [rows[0], *rows[-7:]]:
            print("  " + "  ".join(f"{cell:>{max(10, len(title))}}" for cell, title in zip(row, rows[0], strict=True)))
        print(
            f"\n{'Done' if succeeded else 'It failed'} after {seconds:.0f} s. What it made:\n"
            f"  report    {self.folder / 'reports' / f'{first}_{last}.html'}\n"
            f"  mail      {mails[-1] if mails else 'none'}\n"
            f"  sheet     {sheet}\n"
            f"  logs      {self.folder / 'logs'}\n"
            f"  database  {self.folder / 'postgres'} (PostgreSQL, embedded; it runs while a flow does)\n\n"
            "A few records are odd on purpose. To look at those that were rejected, and why:\n"
            f"  CODEGRADER_HOME={self.folder} PREFECT_HOME={os.environ['PREFECT_HOME']} \\\n"
            f'    {sys.executable} -m flows.psql -c "{REJECTED}"\n\n'
            "Next: copy .env.example to .env, name your services in it, and run this again.\n"
        )
