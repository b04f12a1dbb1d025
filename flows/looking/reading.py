"""Looks at everything for `codegrader status`, and changes nothing.

Of a service it is only asked whether it answers: a connection, without a login or a question about records.
"""

import socket
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import FlowFilter, FlowRunFilter
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.sorting import FlowRunSort
from prefect.settings import get_current_settings
from sqlalchemy.engine import Engine

from flows.installing.server_objects import FLOWS
from flows.looking.newest_day import NewestDay, read_newest_day
from flows.looking.prefect_api import reading_prefect
from flows.looking.state import Recent, Service, State
from flows.running.configuration import Configuration, load_configuration, open_database
from flows.running.home import home_path
from schemas.period import start_of
from schemas.settings import Settings
from schemas.tables import student_task_days
from tasks.coverage import LoadedDays, Span, loaded_since, read_loaded_spans, sort_days
from tasks.database import read_rows
from tasks.errors import CodegraderError
from tasks.mail_server import address_of

PATIENCE_S: Final = 5
"""So long a service may take to answer."""
SHOWN: Final = 5
"""So many of the last runs are shown."""
RECENT_DAYS: Final = 30
"""Rejected records and duplicates are counted over this many days, up to the last one with anything loaded."""


def read_state(now: datetime, max_age: timedelta | None = None) -> State:
    """Looks at everything.

    Raises:
        InvalidInputError: nothing is set up.
        TransientError, PermanentError: Prefect cannot be asked, so it is not known what is set up.
    """
    server = get_current_settings().api.url
    with reading_prefect() as client:
        configuration = load_configuration()
        # A run that never started has no time to sort by, so it is asked for by that at which it was to start.
        begun = {"state": {"type": {"not_any_": [StateType.SCHEDULED]}}, "parent_task_run_id": {"is_null_": True}}
        runs = _find_runs(client, begun, FlowRunSort.EXPECTED_START_TIME_DESC, SHOWN)
        waiting = {"state": {"type": {"any_": [StateType.SCHEDULED]}}}
        # Without a server nobody starts what is scheduled.
        next_one = _find_runs(client, waiting, FlowRunSort.EXPECTED_START_TIME_ASC, 1) if server else []
        database, days, recent, newest_day = _look_at_database(configuration, now)
        others = _look_at_services(configuration)
    services = {"database": database, **others, "Prefect server": Service(server)}
    expected_by, time_zone = configuration.settings.expected_by, configuration.settings.time_zone
    next_run = next_one[0] if next_one else None
    return State(now, time_zone, services, days, recent, max_age, runs, next_run, expected_by, newest_day)


def _find_runs(client: SyncPrefectClient, wanted: dict[str, Any], sort: FlowRunSort, limit: int) -> list[FlowRun]:
    ours = FlowFilter.model_validate({"name": {"any_": FLOWS}})
    runs = FlowRunFilter.model_validate(wanted)
    return client.read_flow_runs(flow_filter=ours, flow_run_filter=runs, sort=sort, limit=limit)


def _look_at_database(
    configuration: Configuration, now: datetime
) -> tuple[Service, LoadedDays | None, Recent | None, NewestDay | None]:
    what = f"embedded PostgreSQL in {home_path() / 'postgres'}"
    if configuration.database:
        parts = configuration.database.connection_info
        what = f"PostgreSQL, database {parts.database} at {parts.host or 'the local socket'}"
    time_zone = configuration.settings.time_zone
    try:
        with open_database(configuration, as_it_is=True) as engine:
            spans = read_loaded_spans(engine)
            days, recent = sort_days(spans, time_zone, now), _read_recent(engine, spans, time_zone)
            return Service(what), days, recent, _read_newest_day(engine, days, configuration.settings)
    except CodegraderError as error:
        return Service(what, str(error)), None, None, None


def _read_recent(engine: Engine, spans: Sequence[Span], time_zone: ZoneInfo) -> Recent | None:
    if not spans:
        return None
    last = (spans[-1][1] - timedelta(microseconds=1)).astimezone(time_zone).date()
    first = max(last - timedelta(days=RECENT_DAYS - 1), spans[0][0].astimezone(time_zone).date())
    loaded = loaded_since(engine, start_of(first, time_zone))
    return Recent(first, last, loaded.counts, loaded.checks)


def _read_newest_day(engine: Engine, days: LoadedDays, settings: Settings) -> NewestDay | None:
    # The first run after an upgrade makes the table.
    ((table,),) = read_rows(engine, "SELECT to_regclass(%(name)s)::text", {"name": student_task_days.name})
    return read_newest_day(engine, days.complete[-1], settings) if table and days.complete else None


def _look_at_services(configuration: Configuration) -> dict[str, Service]:
    """Connects to the services outside, all at once, so that it takes no longer than the slowest."""
    api, settings = configuration.api, configuration.settings
    ask = partial(_look, f"{_root(api.url)}, client {api.client}", partial(_ask, api.url), "GRADER_API_URL")
    looks: dict[str, Callable[[], Service]] = {"grader API": ask, "Google Sheet": Service, "mail": Service}
    if configuration.google and settings.spreadsheet_id:
        head = partial(_ask, settings.google_sheets_url)
        looks["Google Sheet"] = partial(_look, settings.spreadsheet_id, head, "that this machine reaches the internet")
    if configuration.mail:
        host, port = address_of(configuration.mail)
        what = f"{host}:{port}, to {', '.join(settings.addresses)}"
        looks["mail"] = partial(
            _look, what, lambda: socket.create_connection((host, port), PATIENCE_S).close(), "SMTP_SERVER and SMTP_PORT"
        )
    with ThreadPoolExecutor() as threads:
        return dict(zip(looks, threads.map(lambda look: look(), looks.values()), strict=True))


def _look(what: str, attempt: Callable[[], None], advice: str) -> Service:
    try:
        attempt()
    # The errors of `requests` are among them.
    except OSError as error:
        return Service(what, f"cannot be reached ({type(error).__name__}): check {advice}")
    return Service(what)


def _ask(url: str) -> None:
    """Asks for the head of the server's first page: whatever it answers, it is there."""
    import requests

    requests.head(f"{_root(url)}/", timeout=PATIENCE_S)


def _root(url: str) -> str:
    """Scheme, host and port: what stands before and behind may be a secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
