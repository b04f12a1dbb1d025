"""The whole outside world at once: grader API, Google Sheets and mail server, and the settings that lead to them.

As a process of its own it prints the lines of a `.env` that lead to all of them, and serves until Ctrl-C.
"""

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.sandbox.grader import GraderSandbox, RecordSource, SyntheticRecords
from tests.sandbox.serving import listen_for_stop, print_settings, read_folder
from tests.sandbox.settings import READER, SPREADSHEET_ID, grader_settings, mail_hint, mail_settings, sheet_settings
from tests.sandbox.sheets import SheetsSandbox
from tests.sandbox.smtp import SmtpSandbox

__all__ = ["READER", "SPREADSHEET_ID", "World"]


class World:
    """Stand-ins for all services, for as long as the `with` block runs.

    Args:
        folder: where the service account's key file and the mails are written.
        records: what the grader's API holds; by default made-up ones of every day until now, some of them odd.
        port: the port of the grader's API; 0 for any that is free.
        latency_per_record: seconds that the grader's API needs for each record.

    Attributes:
        settings: what a `.env` would hold; known once it runs.
        mail_folder: where the mails are written.
    """

    def __init__(
        self, folder: Path, records: RecordSource | None = None, port: int = 0, latency_per_record: float = 0.0
    ) -> None:
        self.grader = GraderSandbox(
            records or SyntheticRecords(odd=True), port=port, latency_per_record=latency_per_record
        )
        self.sheets = SheetsSandbox()
        self.mail_folder = folder / "mail"
        self.smtp = SmtpSandbox(folder=self.mail_folder)
        self._folder = folder
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        for service in (self.grader, self.sheets, self.smtp):
            self._stack.enter_context(service)
        of_sheet = sheet_settings(self.sheets, self._folder)
        self.settings = grader_settings(self.grader) | of_sheet | mail_settings(self.smtp)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stack.close()

    def environment(self) -> dict[str, str]:
        """The settings, and the authority that the mail server's certificate comes from."""
        return self.settings | {"SSL_CERT_FILE": str(self.smtp.ca_file)}


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve all of it until SIGTERM or SIGINT.

    Args:
        arguments: the command line after the program's name; None for this process's own.

    Raises:
        SystemExit: the command line cannot be used; the message says why.
    """
    folder = read_folder("tests.sandbox.world", __doc__, arguments)
    wait = listen_for_stop()
    with World(folder) as world:
        print_settings(world.settings, mail_hint(world.smtp, world.mail_folder))
        wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
