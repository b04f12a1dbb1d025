"""Google Sheets: the connection to a spreadsheet, and what goes wrong with it, in one line that says what to do."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import google.auth.exceptions
import gspread
import requests
from google.auth.transport.requests import Request
from google.oauth2.service_account import Credentials
from prefect.types import SecretDict

from tasks.errors import CodegraderError, PermanentError, TransientError

GOOGLE_SHEETS_URL: Final = "https://sheets.googleapis.com"
SCOPES: Final = ["https://www.googleapis.com/auth/spreadsheets"]
TIMEOUT_S: Final = (10, 120)


@contextmanager
def open_spreadsheet(key: SecretDict, spreadsheet_id: str, api_url: str) -> Iterator[gspread.Spreadsheet]:
    """The spreadsheet; what goes wrong with it becomes one of our errors.

    Args:
        key: the service account's, as its file holds it.

    Raises:
        TransientError: a quota or an outage.
        PermanentError: wrong credentials, or a spreadsheet that is missing, not shared, or protected.
    """
    account = key.get_secret_value().get("client_email") or "the service account"
    try:
        yield _connect(key, api_url).open_by_key(spreadsheet_id)
    except CodegraderError:
        raise
    except gspread.SpreadsheetNotFound:
        raise PermanentError(f"Google Sheet: there is no spreadsheet {spreadsheet_id}: check SPREADSHEET_ID") from None
    except (PermissionError, gspread.exceptions.APIError) as error:
        raise _classify(error, account, spreadsheet_id) from error
    except google.auth.exceptions.RefreshError as error:
        if error.retryable:
            raise TransientError("Google Sheet: Google gives no access for now") from error
        raise PermanentError(
            f"Google Sheet: Google refused the key of {account}: check GOOGLE_SERVICE_ACCOUNT_FILE"
        ) from error
    except (google.auth.exceptions.GoogleAuthError, requests.exceptions.RequestException) as error:
        raise TransientError(f"Google Sheet: Google cannot be reached ({type(error).__name__})") from error


def _classify(error: Exception, account: str, spreadsheet_id: str) -> CodegraderError:
    # gspread puts a refusal to open the spreadsheet behind a `PermissionError`.
    answer = getattr(error.__cause__ if isinstance(error, PermissionError) else error, "error", {})
    code = answer.get("code", 403)
    kind: type[CodegraderError] = PermanentError
    told = f"Google answered {code}: {' '.join(str(answer.get('message', '')).split())[:200]}"
    # What already exists was made by another run since: the next try finds it.
    if code in (408, 429, -1) or code >= 500 or "already exists" in told:
        kind = TransientError
    elif code == 403 and "SERVICE_DISABLED" in str(answer):
        told = f"the Google Sheets API is off in the project of {account}: enable it in the Cloud console"
    elif code == 403:
        told = f"{account} may not write to {spreadsheet_id}: share it with that address as editor"
    return kind(f"Google Sheet: {told}")


def _connect(key: SecretDict, api_url: str) -> gspread.Client:
    class Endpoint(gspread.HTTPClient):
        """gspread knows one address by heart; this sends its requests to another one."""

        def request(self, method: str, endpoint: str, *args: Any, **kwargs: Any) -> Any:
            return super().request(method, endpoint.replace(GOOGLE_SHEETS_URL, api_url, 1), *args, **kwargs)

    read: Any = Credentials.from_service_account_info  # without types
    try:
        account = read(key.get_secret_value(), scopes=SCOPES)
    except ValueError as error:
        raise PermanentError(
            "Google Sheet: the service account's key cannot be used: check GOOGLE_SERVICE_ACCOUNT_FILE, then run "
            "python -m flows.setup again"
        ) from error
    account.refresh(Request())
    # A plain session, since a token lives for an hour: google-auth's own would also call another of Google's services,
    # for a feature that the sheet has no use for, and where a firewall forbids that, complain of it in the log.
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {account.token}"
    client = gspread.Client(auth=account, session=session, http_client=Endpoint)
    client.set_timeout(TIMEOUT_S)
    return client
