"""How every run begins, and how one that was asked for what cannot be done is refused before it has begun."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from prefect import get_run_logger
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Failed

from flows.running.configuration import Configuration, load_configuration
from flows.running.home import home_folder, home_path
from flows.running.logs import start_logging
from schemas.parameters import find_beyond_limits
from tasks.errors import ArgumentError, CodegraderError
from tasks.plan import MAX_DAYS, plan_period

FURTHEST_AHEAD: Final = timedelta(hours=14)
"""How far the earliest time zone is ahead of UTC: its today may be tomorrow here."""
REFUSED: Final = "Refused"
"""The name of a run's state whose arguments cannot be used. Whoever started it sees it; nobody gets a mail."""


def check_arguments(
    flow: Callable[..., Any], given: Mapping[str, Any], now: datetime, max_days: int | None = MAX_DAYS
) -> None:
    """Refuses a command's arguments that cannot be right in any time zone, before anything starts.

    Which one is the reporting time zone is not known then.

    Raises:
        ArgumentError: a value lies beyond its parameter's limits; or see `tasks.plan.plan_period`.
    """
    _check_limits(flow, given)
    plan_period(
        given.get("start_date"), given.get("end_date"), ZoneInfo("UTC"), now + FURTHEST_AHEAD, max_days=max_days
    )


def begin_run(flow: Callable[..., Any]) -> Configuration:
    """Begins the current run: finds its configuration, opens its log, and checks its parameters by their limits.

    Raises:
        ArgumentError: a parameter lies beyond its limits.
        InvalidInputError: nothing is set up, or the log folder cannot be written to.
    """
    configuration = load_configuration()
    log_dir = configuration.settings.log_dir
    start_logging(Path(log_dir) if log_dir else home_folder("logs"), configuration.secrets())
    if configuration.database is None:
        get_run_logger().info("no database Block: the embedded PostgreSQL in %s is used", home_path() / "postgres")
    _check_limits(flow, flow_run.parameters)
    return configuration


def fail(error: CodegraderError) -> State[Any]:
    """The state of a run that one of our errors has ended: its message says all that a traceback would hide."""
    return Failed(name=REFUSED if isinstance(error, ArgumentError) else None, message=str(error))


def _check_limits(flow: Callable[..., Any], given: Mapping[str, Any]) -> None:
    """Says what the form would have refused, to those who did not use it."""
    if problems := list(find_beyond_limits(flow, given)):
        raise ArgumentError("; ".join(problems))
