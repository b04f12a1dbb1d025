"""`codegrader status`: what is set up and answers, which days are loaded, and whether the data are late."""

import sys
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Annotated, Any, Final

from cyclopts import Parameter

from flows.command_line import DONE, FAILED, Switch, run_command


def _must_be_positive(_type: object, age: Any) -> None:
    if age is not None and age <= timedelta(0):
        raise ValueError("choose more than 0m")


def run(
    *,
    max_age: Annotated[timedelta | None, Parameter(validator=_must_be_positive)] = None,
    as_json: Annotated[Switch, Parameter(name="--json")] = False,
) -> int:
    """Shows what is set up and answers, which days are loaded, what the newest came to, and what ran and will run.

    It changes nothing. The exit code is 1 if something that is set up does not answer, or if the data are late.

    Args:
        max_age: How long ago the newest complete day may have ended, such as 90m, 26h or 2d; longer ago is late.
        as_json: Print one JSON object instead.
    """
    from flows.looking.reading import read_state
    from flows.looking.state import to_json, to_text

    state = read_state(datetime.now(UTC), max_age)
    print(to_json(state) if as_json else to_text(state), flush=True)
    return DONE if state.is_well else FAILED


main: Final = partial(run_command, run, "status")

if __name__ == "__main__":
    sys.exit(main())
