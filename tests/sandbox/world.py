"""The whole outside world at once: grader API, Google Sheets and mail server, and the settings that lead to them."""

import json
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.sandbox.grader import GraderSandbox, RecordSource, SyntheticRecords
from tests.sandbox.sheets import SheetsSandbox
from tests.sandbox.smtp import SmtpSandbox

SPREADSHEET_ID = "1SandboxSpreadsheetOfCodeGraderAnalytics0000"
READER = "analyst@sandbox.example"


class World:
    """Stand-ins for all services, for as long as the `with` block runs.

    Args:
        folder: where the service account's key file and the mails are written.
        records: what the grader's API holds; by default made-up ones of every day until now, some of them odd.
        port: the port of the grader's API; 0 for any that is free.
        latency_per_record: seconds that the grader's API needs for each record.
    """

    def __init__(
        self, folder: Path, records: RecordSource | None = None, port: int = 0, latency_per_record: float = 0.0
    ) -> None:
        self.grader = GraderSandbox(
            records or SyntheticRecords(odd=True), port=port, latency_per_record=latency_per_record
        )
        self.sheets = SheetsSandbox()
        self.smtp = SmtpSandbox(folder=folder / "mail")
        self._key_file = folder / "service-account.json"
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        for service in (self.grader, self.sheets, self.smtp):
            self._stack.enter_context(service)
        self.sheets.add_spreadsheet(SPREADSHEET_ID, "CodeGrader Analytics")
        self._key_file.touch(mode=0o600)
        self._key_file.write_text(json.dumps(self.sheets.service_account_info()))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stack.close()

    def environment(self) -> dict[str, str]:
        """What a `.env` would hold, and the authority that the mail server's certificate comes from."""
        return {
            "GRADER_API_URL": self.grader.url,
            "GRADER_CLIENT": self.grader.client,
            "GRADER_CLIENT_KEY": self.grader.client_key,
            "GOOGLE_SERVICE_ACCOUNT_FILE": str(self._key_file),
            "SPREADSHEET_ID": SPREADSHEET_ID,
            "GOOGLE_SHEETS_URL": self.sheets.url,
            "SMTP_SERVER": self.smtp.host,
            "SMTP_PORT": str(self.smtp.port),
            "SMTP_TYPE": "STARTTLS",
            "SMTP_USERNAME": self.smtp.username,
            "SMTP_PASSWORD": self.smtp.password,
            "EMAIL_FROM": self.smtp.username,
            "EMAIL_TO": READER,
            "SSL_CERT_FILE": str(self.smtp.ca_file),
        }
