"""A flow in the foreground: run by a command in this process, until it is done or somebody presses Ctrl-C."""

import sys
from collections.abc import Mapping
from contextlib import nullcontext
from typing import Annotated, Any

from cyclopts import Parameter
from prefect import Flow

from flows.command_line import DONE, FAILED, UNUSABLE
from flows.running.arguments import REFUSED
from flows.running.console import quiet_console
from flows.running.home import check_prefect_home
from flows.running.server import check_server, stop_servers, temporary_server
from flows.running.stopping import stoppable

Verbose = Annotated[bool, Parameter(negative="", help="Show every log line; without it the log file alone has them.")]


def run_flow(flow: Flow[..., Any], parameters: Mapping[str, Any], *, verbose: bool, when_stopped: str) -> int:
    """Runs a flow once and says what came of it, in one line.

    Args:
        when_stopped: what to tell a user who stops it.

    Returns:
        The exit code: 2 if the run refused its arguments.

    Raises:
        InvalidInputError: Prefect's temporary server has no folder for its database.
        CodegraderError: the server that is named cannot be used, see `check_server`.
    """
    check_server()
    check_prefect_home()
    with stoppable(when_stopped, stop_servers), nullcontext() if verbose else quiet_console(), temporary_server():
        state: Any = flow(**parameters, return_state=True)
    print(state.message, file=sys.stdout if state.is_completed() else sys.stderr)
    if state.is_completed():
        return DONE
    return UNUSABLE if state.name == REFUSED else FAILED
