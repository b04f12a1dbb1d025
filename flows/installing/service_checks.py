"""Tries every service for real, on what `.env` says, without saving or changing anything."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

from flows.running.configuration import Configuration, find_database
from flows.running.server import check_server, names_server, temporary_server
from schemas.period import Window
from tasks.database import try_database
from tasks.errors import CodegraderError
from tasks.grader_api import fetch_records, parse_records
from tasks.mail import try_login
from tasks.sheet import try_sheet
from tasks.storage import try_storage


def check_services(configuration: Configuration) -> Iterator[tuple[bool, str]]:
    """Tries all services at once: whether each works, and a line that says so or what to do."""
    if names_server():
        yield _try("Prefect server", check_server)
    with ThreadPoolExecutor(len(_CHECKS)) as pool:
        yield from pool.map(lambda name: _try(name, partial(_CHECKS[name], configuration)), _CHECKS)
    if storage := configuration.settings.report_storage:
        with temporary_server():
            yield _try("report storage", partial(try_storage, storage))


def _try(name: str, attempt: Callable[[], str | None]) -> tuple[bool, str]:
    try:
        found = attempt()
    except CodegraderError as error:
        return False, f"FAILED   {error}"
    # The faults of one service must not hide those of the others; its text may hold a secret.
    except Exception as error:  # noqa: BLE001
        return False, f"FAILED   {name}: unexpected error ({type(error).__name__}): please report it"
    return True, f"ok       {name}: {found}" if found else f"skipped  {name}: none is named, so that step is skipped"


def _try_database(configuration: Configuration) -> str:
    found = try_database(find_database(configuration))
    return found if configuration.database else f"embedded, {found}"


def _try_api(configuration: Configuration) -> str:
    api = configuration.api
    start = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(hours=1)
    window = Window(start, start + timedelta(minutes=1))
    records = parse_records(fetch_records(api.url, api.client, api.client_key.get_secret_value(), window))
    return f"{len(records)} records in the minute from {window} UTC"


def _try_sheet(configuration: Configuration) -> str | None:
    key, settings = configuration.google, configuration.settings
    sheet = settings.spreadsheet_id
    return try_sheet(key, sheet, settings.google_sheets_url) if key and sheet else None


def _try_mail(configuration: Configuration) -> str | None:
    server, settings = configuration.mail, configuration.settings
    if server is None:
        return None
    try_login(server, settings.email_from or "", settings.addresses)
    return f"logged in to {server.smtp_server}; addresses: {len(settings.addresses)}"


_CHECKS: Final[dict[str, Callable[[Configuration], str | None]]] = {
    "database": _try_database,
    "grader API": _try_api,
    "Google Sheet": _try_sheet,
    "mail": _try_mail,
}
