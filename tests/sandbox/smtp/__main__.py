"""The mail server by itself: it prints the lines of a `.env` that lead to it, and serves until Ctrl-C."""

import sys
from collections.abc import Sequence

from tests.sandbox.serving import listen_for_stop, print_settings, read_folder
from tests.sandbox.settings import mail_hint, mail_settings
from tests.sandbox.smtp import SmtpSandbox


def main(arguments: Sequence[str] | None = None) -> int:
    """Take mails until SIGTERM or SIGINT.

    Args:
        arguments: the command line after the program's name; None for this process's own.

    Raises:
        SystemExit: the command line cannot be used; the message says why.
    """
    folder = read_folder("tests.sandbox.smtp", __doc__, arguments) / "mail"
    wait = listen_for_stop()
    with SmtpSandbox(folder=folder) as smtp:
        print_settings(mail_settings(smtp), mail_hint(smtp, folder))
        wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
