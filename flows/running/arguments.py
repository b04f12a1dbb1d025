"""The command line of `python -m flows.etl`."""

import argparse
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tasks.plan import plan_period

FURTHEST_AHEAD = timedelta(hours=14)
"""How far the earliest time zone is ahead of UTC: its today may be tomorrow here."""


def parse_arguments(arguments: Sequence[str] | None, now: datetime) -> dict[str, Any]:
    """Reads the arguments and refuses what cannot be right in any time zone, before anything is started.

    Returns:
        The flow's parameters; those that were not given are left out.

    Raises:
        InvalidInputError: the dates cannot be used, see `tasks.plan.plan_period`.
    """
    parser = argparse.ArgumentParser(
        prog="python -m flows.etl",
        description="Collects the attempts of a range of days, checks and keeps them, and publishes the daily figures.",
        epilog="Credentials and settings come from .env: run `python -m flows.setup` once, and after each change.",
        argument_default=argparse.SUPPRESS,
    )
    parser.add_argument("--start-date", metavar="DATE", help="first day, such as 2023-04-01; default: yesterday")
    parser.add_argument("--end-date", metavar="DATE", help="last day, inclusive; default: the first day")
    parser.add_argument("--refresh", action="store_true", help="ask the API again, even where its answer is cached")
    parser.add_argument(
        "--window-hours", type=int, metavar="N", help="length of the API's windows, 1 to 24; default: 6"
    )
    parser.add_argument(
        "--max-rejected-share",
        type=float,
        metavar="SHARE",
        help="publish nothing if more than this share of the records fails the checks; default: 0.05",
    )
    parser.add_argument(
        "--max-duplicates-share",
        type=float,
        metavar="SHARE",
        help="publish nothing if more than this share of the records are exact copies; default: 0.05",
    )
    parameters = vars(parser.parse_args(arguments))
    plan_period(parameters.get("start_date"), parameters.get("end_date"), ZoneInfo("UTC"), now + FURTHEST_AHEAD)
    return parameters
