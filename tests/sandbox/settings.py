"""The settings that lead to each stand-in, by the names that a `.env` has them under."""

import json
from pathlib import Path

from tests.sandbox.grader import GraderSandbox
from tests.sandbox.sheets import SheetsSandbox
from tests.sandbox.smtp import SmtpSandbox

SPREADSHEET_ID = "1SandboxSpreadsheetOfCodeGraderAnalytics0000"
READER = "analyst@sandbox.example"


def grader_settings(grader: GraderSandbox) -> dict[str, str]:
    """Name the grader's API.

    Args:
        grader: the stand-in, running.
    """
    return {
        "GRADER_API_URL": grader.url,
        "GRADER_CLIENT": grader.client,
        "GRADER_CLIENT_KEY": grader.client_key,
    }


def sheet_settings(sheets: SheetsSandbox, folder: Path) -> dict[str, str]:
    """Make a spreadsheet, and name it.

    Args:
        sheets: the stand-in, running, without that spreadsheet.
        folder: where the service account's key file is written, readable by its owner alone.
    """
    sheets.add_spreadsheet(SPREADSHEET_ID, "CodeGrader Analytics")
    key_file = folder.absolute() / "service-account.json"
    key_file.touch(mode=0o600)
    key_file.write_text(json.dumps(sheets.service_account_info()))
    return {
        "GOOGLE_SERVICE_ACCOUNT_FILE": str(key_file),
        "SPREADSHEET_ID": SPREADSHEET_ID,
        "GOOGLE_SHEETS_URL": sheets.url,
    }


def mail_settings(smtp: SmtpSandbox) -> dict[str, str]:
    """Name the mail server, the account on it and a reader.

    Args:
        smtp: the stand-in, running.
    """
    return {
        "SMTP_SERVER": smtp.host,
        "SMTP_PORT": str(smtp.port),
        "SMTP_TYPE": smtp.mode.upper(),
        "SMTP_USERNAME": smtp.username,
        "SMTP_PASSWORD": smtp.password,
        "EMAIL_FROM": smtp.username,
        "EMAIL_TO": READER,
    }


def mail_hint(smtp: SmtpSandbox, folder: Path) -> str:
    """Say what a `.env` cannot: where the mails are, and whom to trust, which is read from the environment alone.

    Args:
        smtp: the stand-in, running.
        folder: where it writes the mails.
    """
    return f"Mails are written to {folder}. Whoever sends one needs: export SSL_CERT_FILE={smtp.ca_file}"
