"""What the arguments of a run alone show to be unusable, found before anything starts and before anybody is told."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from prefect.client.schemas.objects import State
from prefect.states import Failed

from schemas.parameters import find_beyond_limits
from tasks.errors import ArgumentError
from tasks.plan import MAX_DAYS, plan_period

FURTHEST_AHEAD: Final = timedelta(hours=14)
"""How far the earliest time zone is ahead of UTC: its today may be tomorrow here."""
REFUSED: Final = "Refused"
"""The name of a run's state whose arguments cannot be used. Whoever started it sees it; nobody gets a mail."""


def check_limits(flow: Callable[..., Any], given: Mapping[str, Any]) -> None:
    """Says what the form would have refused, to those who did not use it.

    Raises:
        ArgumentError: a value lies beyond the limits that its parameter declares.
    """
    if problems := list(find_beyond_limits(flow, given)):
        raise ArgumentError("; ".join(problems))


def check_arguments(
    flow: Callable[..., Any], given: Mapping[str, Any], now: datetime, max_days: int | None = MAX_DAYS
) -> None:
    """Refuses what cannot be right in any time zone: the reporting time zone is not known before a run starts.

    Raises:
        ArgumentError: see `check_limits` and `tasks.plan.plan_period`.
    """
    check_limits(flow, given)
    plan_period(
        given.get("start_date"), given.get("end_date"), ZoneInfo("UTC"), now + FURTHEST_AHEAD, max_days=max_days
    )


def refuse(error: ArgumentError) -> State[Any]:
    """The state of a run that was asked for what cannot be done."""
    return Failed(name=REFUSED, message=str(error))
