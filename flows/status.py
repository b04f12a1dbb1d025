"""`codegrader status`: what is set up and answers, which days are loaded, and whether the data are late."""

import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Final
from zoneinfo import ZoneInfo

from cyclopts import Parameter

from flows.command_line import DONE, FAILED, Switch, run_command
from tasks.errors import CodegraderError

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

    from flows.looking.services import Service
    from flows.looking.state import Recent, State
    from flows.running.configuration import Configuration
    from tasks.coverage import LoadedDays, Span

RECENT_DAYS: Final = 30
"""Rejected records and duplicates are counted over this many days, up to the last one with anything loaded."""


def _must_be_positive(_type: object, age: Any) -> None:
    if age is not None and age <= timedelta(0):
        raise ValueError("choose more than 0m")


def run(
    *,
    max_age: Annotated[timedelta | None, Parameter(validator=_must_be_positive)] = None,
    as_json: Annotated[Switch, Parameter(name="--json")] = False,
) -> int:
    """Shows what is set up and answers, which days are loaded, what was rejected, and what ran and will run.

    It changes nothing. The exit code is 1 if something that is set up does not answer, or if the data are late.

    Args:
        max_age: How long ago the newest complete day may have ended, such as 90m, 26h or 2d; longer ago is late.
        as_json: Print one JSON object instead.
    """
    from flows.looking.state import to_json, to_text

    state = read_state(datetime.now(UTC), max_age)
    print(json.dumps(to_json(state), indent=2, ensure_ascii=False) if as_json else to_text(state), flush=True)
    return DONE if state.is_well else FAILED


def read_state(now: datetime, max_age: timedelta | None = None) -> "State":
    """Looks at everything.

    Raises:
        InvalidInputError: nothing is set up.
        TransientError, PermanentError: Prefect cannot be asked, so it is not known what is set up.
    """
    from prefect.settings import get_current_settings

    from flows.looking.prefect_api import last_runs, next_run, reading_prefect
    from flows.looking.services import Service, look_at_services
    from flows.looking.state import State
    from flows.running.configuration import load_configuration

    server = get_current_settings().api.url
    with reading_prefect() as client:
        configuration = load_configuration()
        runs = last_runs(client)
        # Without a server nobody starts what is scheduled.
        scheduled = next_run(client) if server else None
        database, days, recent = _look_at_database(configuration, now)
        others = look_at_services(configuration)
    services = {"database": database, **others, "Prefect server": Service(server)}
    return State(now, configuration.settings.time_zone, services, days, recent, max_age, runs, scheduled)


def _look_at_database(
    configuration: "Configuration", now: datetime
) -> "tuple[Service, LoadedDays | None, Recent | None]":
    from flows.looking.database import describe_database, opened
    from flows.looking.services import Service
    from tasks.coverage import read_loaded_spans, sort_days

    what = describe_database(configuration)
    time_zone = configuration.settings.time_zone
    try:
        with opened(configuration) as engine:
            spans = read_loaded_spans(engine)
            return Service(what), sort_days(spans, time_zone, now), _read_recent(engine, spans, time_zone)
    except CodegraderError as error:
        return Service(what, str(error)), None, None


def _read_recent(engine: "Engine", spans: "Sequence[Span]", time_zone: ZoneInfo) -> "Recent | None":
    from flows.looking.state import Recent
    from schemas.period import start_of
    from tasks.coverage import loaded_since

    if not spans:
        return None
    last = (spans[-1][1] - timedelta(microseconds=1)).astimezone(time_zone).date()
    first = max(last - timedelta(days=RECENT_DAYS - 1), spans[0][0].astimezone(time_zone).date())
    loaded = loaded_since(engine, start_of(first, time_zone))
    return Recent(first, last, loaded.counts, loaded.checks)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command `status`; its exit code, see `flows.command_line`."""
    return run_command(run, "status", arguments)


if __name__ == "__main__":
    sys.exit(main())
