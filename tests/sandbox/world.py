"""The whole outside world at once: grader API, Google Sheets and mail server, and the settings that lead to them.

As a process of its own it prints the lines of a `.env` that lead to all of them, and serves until Ctrl-C.
"""

import argparse
import json
import signal
import sys
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Final, Self

from tasks.errors import InvalidInputError
from tests.sandbox.grader import GraderSandbox, RecordSource, SyntheticRecords
from tests.sandbox.sheets import SheetsSandbox
from tests.sandbox.smtp import SmtpSandbox

SPREADSHEET_ID: Final = "1SandboxSpreadsheetOfCodeGraderAnalytics0000"
READER: Final = "analyst@sandbox.example"


class World(ExitStack):
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
        super().__init__()
        self.grader = GraderSandbox(
            records or SyntheticRecords(odd=True), port=port, latency_per_record=latency_per_record
        )
        self.sheets = SheetsSandbox()
        self.mail_folder = folder / "mail"
        self.smtp = SmtpSandbox(folder=self.mail_folder)
        self._folder = folder.absolute()

    def __enter__(self) -> Self:
        for service in (self.grader, self.sheets, self.smtp):
            self.enter_context(service)
        self.sheets.add_spreadsheet(SPREADSHEET_ID, "CodeGrader Analytics")
        key_file = self._folder / "service-account.json"
        key_file.touch(mode=0o600)
        key_file.write_text(json.dumps(self.sheets.service_account_info()))
        self.settings = {
            "GRADER_API_URL": self.grader.url,
            "GRADER_CLIENT": self.grader.client,
            "GRADER_CLIENT_KEY": self.grader.client_key,
            "GOOGLE_SERVICE_ACCOUNT_FILE": str(key_file),
            "SPREADSHEET_ID": SPREADSHEET_ID,
            "GOOGLE_SHEETS_URL": self.sheets.url,
            "SMTP_SERVER": self.smtp.host,
            "SMTP_PORT": str(self.smtp.port),
            "SMTP_TYPE": self.smtp.mode.upper(),
            "SMTP_USERNAME": self.smtp.username,
            "SMTP_PASSWORD": self.smtp.password,
            "EMAIL_FROM": self.smtp.username,
            "EMAIL_TO": READER,
        }
        return self

    def environment(self) -> dict[str, str]:
        """The settings, and the authority that the mail server's certificate comes from."""
        return self.settings | {"SSL_CERT_FILE": str(self.smtp.ca_file)}


def main() -> None:
    """Serve all of it until SIGTERM or SIGINT.

    Raises:
        SystemExit: the folder cannot be used; the message says why.
    """
    from flows.running.home import home_folder

    parser = argparse.ArgumentParser(prog="python -m tests.sandbox.world", description=__doc__)
    parser.parse_args()
    try:
        folder = home_folder("stand-ins")
    except InvalidInputError as error:
        parser.error(str(error))
    # SIGINT too: a shell's background jobs, and their children, are started to ignore it.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.default_int_handler)
    with suppress(KeyboardInterrupt), World(folder) as world:
        print(*(f"{name}={value}" for name, value in world.settings.items()), sep="\n", flush=True)
        trust = f"export SSL_CERT_FILE={world.smtp.ca_file}"
        print(f"Mails are written to {world.mail_folder}. Whoever sends one needs: {trust}", file=sys.stderr)
        print("It serves until Ctrl-C. These settings hold until then.", file=sys.stderr, flush=True)
        while True:
            time.sleep(60)


if __name__ == "__main__":
    main()
