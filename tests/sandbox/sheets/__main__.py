"""Google Sheets by itself: it prints the lines of a `.env` that lead to the stand-in, and serves until Ctrl-C."""

import sys
from collections.abc import Sequence

from tests.sandbox.serving import listen_for_stop, print_settings, read_folder
from tests.sandbox.settings import sheet_settings
from tests.sandbox.sheets import SheetsSandbox


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve one empty spreadsheet until SIGTERM or SIGINT.

    Args:
        arguments: the command line after the program's name; None for this process's own.

    Raises:
        SystemExit: the command line cannot be used; the message says why.
    """
    folder = read_folder("tests.sandbox.sheets", __doc__, arguments)
    wait = listen_for_stop()
    with SheetsSandbox() as sheets:
        print_settings(sheet_settings(sheets, folder))
        wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
