"""`codegrader status`: what is set up, which days are loaded, and whether one is late."""

import sys
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Final

from cyclopts import Parameter

from flows.command_line import DONE, FAILED, Switch, run_command


def run(*, as_json: Annotated[Switch, Parameter(name="--json")] = False) -> int:
    """Shows what is set up, which days are loaded, what was rejected, and what ran and will run.

    It changes nothing. The exit code is 1 if the database cannot be asked, or if a day is late (see EXPECTED_BY).

    Args:
        as_json: Print one JSON object instead.
    """
    from flows.looking.reading import read_state
    from flows.looking.state import to_json, to_text

    state = read_state(datetime.now(UTC))
    print(to_json(state).decode() if as_json else to_text(state), flush=True)
    return DONE if state.is_well else FAILED


main: Final = partial(run_command, run, "status")

if __name__ == "__main__":
    sys.exit(main())
