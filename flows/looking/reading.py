"""Looks at everything for `codegrader status`, and changes nothing. The services outside are not asked anything."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import FlowFilter, FlowRunFilter
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.sorting import FlowRunSort
from prefect.settings import get_current_settings

from flows.installing.server_objects import FLOWS
from flows.looking.prefect_api import reading_prefect
from flows.looking.state import Recent, State
from flows.running.configuration import Configuration, load_configuration, open_database
from flows.running.home import home_path
from flows.running.server import names_server
from schemas.period import start_of
from tasks.coverage import Span, loaded_since, read_loaded_spans, sort_days
from tasks.errors import CodegraderError
from tasks.mail_server import address_of

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

SHOWN: Final = 5
"""So many of the last runs are shown."""
RECENT_DAYS: Final = 30
"""Rejected records and duplicates are counted over this many days, up to the last one with anything loaded."""


def read_state(now: datetime) -> State:
    """Looks at everything.

    Raises:
        InvalidInputError: nothing is set up.
        TransientError, PermanentError: Prefect cannot be asked, so it is not known what is set up.
    """
    with reading_prefect() as client:
        configuration = load_configuration()
        runs = _last_runs(client)
        # Without a server nobody starts what is scheduled.
        scheduled = _next_run(client) if names_server() else None
    settings, fault, days, recent = configuration.settings, None, None, None
    try:
        with open_database(configuration, as_it_is=True) as engine:
            spans = read_loaded_spans(engine)
            days, recent = sort_days(spans, settings.time_zone, now), _read_recent(engine, spans, settings.time_zone)
    except CodegraderError as error:
        fault = str(error)
    services = _describe_services(configuration)
    return State(now, settings.time_zone, services, fault, days, recent, settings.expected_by, runs, scheduled)


def _last_runs(client: SyncPrefectClient) -> list[FlowRun]:
    """The runs that started last, newest first; those that are parts of another are left out."""
    wanted = {"state": {"type": {"not_any_": [StateType.SCHEDULED]}}, "parent_task_run_id": {"is_null_": True}}
    # A run that never started has no time to sort by, so it is asked for by that at which it was to start.
    return _find_runs(client, wanted, FlowRunSort.EXPECTED_START_TIME_DESC, SHOWN)


def _next_run(client: SyncPrefectClient) -> FlowRun | None:
    """The run that is to start next; one whose time has passed waits for a worker."""
    wanted = {"state": {"type": {"any_": [StateType.SCHEDULED]}}}
    return next(iter(_find_runs(client, wanted, FlowRunSort.EXPECTED_START_TIME_ASC, 1)), None)


def _find_runs(client: SyncPrefectClient, wanted: dict[str, Any], sort: FlowRunSort, limit: int) -> list[FlowRun]:
    ours = FlowFilter.model_validate({"name": {"any_": FLOWS}})
    runs = FlowRunFilter.model_validate(wanted)
    return client.read_flow_runs(flow_filter=ours, flow_run_filter=runs, sort=sort, limit=limit)


def _read_recent(engine: "Engine", spans: Sequence[Span], time_zone: ZoneInfo) -> Recent | None:
    if not spans:
        return None
    last = (spans[-1][1] - timedelta(microseconds=1)).astimezone(time_zone).date()
    first = max(last - timedelta(days=RECENT_DAYS - 1), spans[0][0].astimezone(time_zone).date())
    loaded = loaded_since(engine, start_of(first, time_zone))
    return Recent(first, last, loaded.counts, loaded.checks)


def _describe_services(configuration: Configuration) -> dict[str, str | None]:
    """What is set up, by name, without secrets; None where nothing is."""
    api, mail, settings = configuration.api, configuration.mail, configuration.settings
    database = f"embedded PostgreSQL in {home_path() / 'postgres'}"
    if configuration.database:
        parts = configuration.database.connection_info
        database = f"PostgreSQL, database {parts.database} at {parts.host or 'the local socket'}"
    server = get_current_settings().api.url
    return {
        "database": database,
        "grader API": f"{_root(api.url)}, client {api.client}",
        "Google Sheet": settings.spreadsheet_id if configuration.google else None,
        "mail": f"{':'.join(map(str, address_of(mail)))}, to {', '.join(settings.email_to)}" if mail else None,
        "Prefect server": server and _root(server),
    }


def _root(url: str) -> str:
    """Scheme, host and port: what stands before and behind may be a secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
