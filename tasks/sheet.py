"""Sheet: a section, the whole history of daily figures, to the tab `RawData` of a Google spreadsheet.

Written first and trimmed after, so that an outage at any moment leaves figures standing; then read back and compared.
Only dates and counts are written, never a text of the API's, so nothing can become a formula.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from itertools import takewhile
from typing import Any, Final

import google.auth.exceptions
import gspread
import pandas as pd
import requests
from google.auth.transport.requests import Request
from google.oauth2.service_account import Credentials
from gspread.utils import DateTimeOption, ValueRenderOption
from gspread_dataframe import set_with_dataframe
from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.tasks import exponential_backoff
from prefect.types import SecretDict

from schemas.section import Section
from tasks.errors import CodegraderError, PermanentError, TransientError
from tasks.retries import is_transient

TAB: Final = "RawData"
GOOGLE_SHEETS_URL: Final = "https://sheets.googleapis.com"
SCOPES: Final = ["https://www.googleapis.com/auth/spreadsheets"]
TIMEOUT_S: Final = (10, 120)
COLUMNS: Final = 4
"""Date, attempts, successful attempts, unique users: A to D, which are the program's own."""
MAX_VANISHING_DAYS: Final = 2
"""So many days may leave the sheet at once: a change of the time zone moves the first and the last one."""

_EPOCH: Final = date(1899, 12, 30)
"""Day 0 of the serial numbers in which Google Sheets counts dates."""


def publish_figures(key: SecretDict, spreadsheet_id: str, history: Section, api_url: str = GOOGLE_SHEETS_URL) -> str:
    """Replaces the tab's figures, and gives the sheet's address; columns to the right of them are left alone.

    Args:
        key: the service account's, as its file holds it.
        history: a row a day, oldest first, in four columns, of which the first is the day; without any row the sheet
            is left as it is.

    Raises:
        TransientError: a quota, an outage, or somebody else wrote at the same time.
        PermanentError: wrong credentials, a spreadsheet that is missing or not shared, or figures that would vanish.
    """
    with _open(key, spreadsheet_id, api_url) as sheet:
        tab = _find_tab(sheet) or sheet.add_worksheet(TAB, rows=1000, cols=4)
        if history.rows:
            header = [column.title for column in history.columns]
            expected: list[list[Any]] = [header, *(list(row.values) for row in history.rows)]
            there = _read(tab, "A:D")
            _refuse_to_shrink(there, {row[0] for row in expected[1:]})
            _unmerge(sheet, tab)
            first = _count_alike(there, expected)
            _write(tab, expected, first)
            _compare(tab, expected, first)
        return f"{sheet.url}/edit#gid={tab.id}"


def read_tab(key: SecretDict, spreadsheet_id: str, name: str, api_url: str = GOOGLE_SHEETS_URL) -> list[list[str]]:
    """The cells of a tab as they are shown; none if there is no such tab. Raises as `publish_figures` does."""
    with _open(key, spreadsheet_id, api_url) as sheet:
        tabs = (tab for tab in sheet.worksheets() if tab.title == name)
        cells: list[list[str]] = next((tab.get_all_values() for tab in tabs), [])
    return cells


def try_sheet(key: SecretDict, spreadsheet_id: str, api_url: str = GOOGLE_SHEETS_URL) -> str:
    """Proves write access by writing the title as it is; says what was found. Raises as `publish_figures` does."""
    with _open(key, spreadsheet_id, api_url) as sheet:
        sheet.update_title(sheet.title)
        is_there = _find_tab(sheet) is not None
    return f"{sheet.title!r} can be written, {'with its' if is_there else 'the first run adds the'} tab {TAB}"


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


def _find_tab(sheet: gspread.Spreadsheet) -> gspread.Worksheet | None:
    # For Google `rawdata` is the same name, and a second tab of it is refused.
    return next((tab for tab in sheet.worksheets() if tab.title.casefold() == TAB.casefold()), None)


def _refuse_to_shrink(there: list[list[Any]], days: set[date]) -> None:
    """An empty database, say a lost one, must not empty the sheet, which may be the last copy of the figures."""
    vanishing = sorted({day for row in there[1:] if row and (day := _to_date(row[0]))} - days)
    if len(vanishing) > MAX_VANISHING_DAYS:
        raise PermanentError(
            f"Google Sheet: {len(vanishing)} days of {TAB} ({vanishing[0]} to {vanishing[-1]}) are not in the database"
            ": load these days, or delete their rows in the sheet if they are not wanted"
        )


def _unmerge(sheet: gspread.Spreadsheet, tab: gspread.Worksheet) -> None:
    """Takes merged cells in the figures' columns apart: what is written under one is lost."""
    known = sheet.fetch_sheet_metadata({"fields": "sheets(properties.sheetId,merges)"})["sheets"]
    merges = next(one.get("merges", []) for one in known if one["properties"].get("sheetId", 0) == tab.id)
    ours = [{"unmergeCells": {"range": merge}} for merge in merges if merge.get("startColumnIndex", 0) < COLUMNS]
    if ours:
        sheet.batch_update({"requests": ours})


def _count_alike(there: list[list[Any]], expected: list[list[Any]]) -> int:
    """How many rows at the top need not be written, the last one never among them.

    Of a history of years few rows change; the measure of a daily run on a table of 10 million attempts needs it.
    """
    numbers = [[(cell - _EPOCH).days if isinstance(cell, date) else cell for cell in row] for row in expected[:-1]]
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(there, numbers, strict=False)))


def _write(tab: gspread.Worksheet, rows: list[list[Any]], first: int) -> None:
    frame = pd.DataFrame(rows[first:], dtype=object)
    set_with_dataframe(tab, frame, row=first + 1, include_column_header=False, resize=False, allow_formulas=False)
    if tab.row_count > len(rows):
        tab.batch_clear([f"A{len(rows) + 1}:D"])


def _compare(tab: gspread.Worksheet, expected: list[list[Any]], first: int) -> None:
    if list(map(_as_texts, _read(tab, f"A{first + 1}:D"))) != list(map(_as_texts, expected[first:])):
        raise TransientError(f"Google Sheet: {TAB} does not hold what was written: does somebody edit columns A–D?")


def _as_texts(row: list[Any]) -> list[str]:
    """A row in the same words, whether its date is one, a number or a text."""
    return [str(_to_date(cell) or cell) if place == 0 else str(cell) for place, cell in enumerate(row)]


def _read(tab: gspread.Worksheet, cells: str) -> list[list[Any]]:
    plain, numbers = ValueRenderOption.unformatted, DateTimeOption.serial_number
    values: list[list[Any]] = tab.get(cells, value_render_option=plain, date_time_render_option=numbers)
    return values


def _to_date(value: object) -> date | None:
    """A cell's date, whether the sheet holds it as a date or, in a column formatted as text, as text."""
    if isinstance(value, int | float):
        return _EPOCH + timedelta(days=int(value)) if 0 < value < 100_000 else None
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        return None


@contextmanager
def _open(key: SecretDict, spreadsheet_id: str, api_url: str) -> Iterator[gspread.Spreadsheet]:
    """The spreadsheet; what goes wrong with it becomes one of our errors."""
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
    if code in (408, 429, -1) or code >= 500:
        kind = TransientError
    elif code == 403 and "SERVICE_DISABLED" in str(answer):
        told = f"the Google Sheets API is off in the project of {account}: enable it in the Cloud console"
    elif code == 403:
        told = f"{account} may not write to {spreadsheet_id}: share it with that address as editor"
    return kind(f"Google Sheet: {told}")


publish_sheet = task(
    name="publish_sheet",
    task_run_name="sheet",
    description="Writes the history of daily figures to the Google Sheet.",
    cache_policy=NO_CACHE,
    retries=4,
    # 8 + 16 + 32 + 64 s: longer than the minute over which Google counts its quota.
    retry_delay_seconds=exponential_backoff(backoff_factor=8),
    retry_jitter_factor=0.2,
    retry_condition_fn=is_transient,
)(publish_figures)
