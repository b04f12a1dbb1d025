"""`make up`: Prefect's server, the deployments and one worker on this machine, until Ctrl-C."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import IO, Annotated, Final

import psutil
from cyclopts import Parameter

from flows.command_line import run_command
from flows.installing.environment import read_environment
from flows.running.home import home_folder
from flows.running.stopping import SIGNALS
from tasks.errors import PermanentError

HOST: Final = "127.0.0.1"
"""This machine alone: anyone who reaches the server can read the Blocks, secrets included."""
STARTED_WITHIN_S: Final = 180
STOPPED_WITHIN_S: Final = 30

AUTH_STRING: Final = "PREFECT_SERVER_API_AUTH_STRING"
PREFECT: Final = (sys.executable, "-m", "prefect")

READY: Final = """
The dashboard: {address}

To run a range of days now: Deployments, daily, Run, Custom run; or in another terminal:

  export PREFECT_API_URL={address}/api
  {bin}/prefect deployment run codegrader-etl/daily -p start_date=2023-04-01 -p end_date=2023-04-30 --watch

The worker below does what is asked for and what is scheduled. Ctrl-C stops everything.
"""


def run(*, port: Annotated[int, Parameter(env_var="PORT")] = 4200) -> int:
    """Prefect's server, the deployments and one worker on this machine, until Ctrl-C.

    Args:
        port: The dashboard's port.
    """
    stop = threading.Event()
    # Children do not inherit these handlers, but they would inherit that a shell's `&` has SIGINT ignored, which a
    # worker sends to itself when it is told to end.
    for number in SIGNALS:
        signal.signal(number, lambda *_: stop.set())
    environment = read_environment()
    _check_port(port)
    address = f"http://{HOST}:{port}"
    _configure(f"{address}/api")
    log = home_folder("logs") / "prefect-server.log"
    print(f"Starting Prefect's server; its log is {log} ...", flush=True)
    command = [*PREFECT, "server", "start", "--host", HOST, "--port", str(port)]
    with log.open("w") as output, running(command, output) as server:
        _wait_for(server, log, stop)
        if not stop.is_set():
            from flows.installing.blocks import configure
            from flows.installing.server_objects import set_up

            for line in set_up(configure(environment), deploying=True):
                print(f"  {line}", flush=True)
        if not stop.is_set():
            _work(address, server, log, stop)
    return 0


def _check_port(port: int) -> None:
    with socket.socket() as probe:
        # As the server does; otherwise a port counts as taken for a minute after its last connection.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except (OSError, OverflowError) as error:
            raise PermanentError(
                f"port {port} cannot be used ({error}): if this does not run already, choose another: PORT=4201 make up"
            ) from None


def _configure(api: str) -> None:
    """Sets what the server, the worker and this process must agree on; the children inherit it."""
    os.environ |= {"PREFECT_API_URL": api, "PREFECT_SERVER_LOGGING_LEVEL": "WARNING"}
    os.environ.setdefault("PREFECT_SERVER_UI_API_URL", api)
    os.environ.setdefault("PREFECT_SERVER_UI_V2_ENABLED", "false")
    # The newer dashboard's pages make the reader's browser call a service on the internet, and the older one invites
    # people to the newer one for as long as that is served, which no setting stops. Prefect leaves out what it cannot
    # unpack, here because a link to nothing stands in its place. Where no link can be made, the older one opens first.
    dashboards = home_folder("dashboard")
    with suppress(OSError):
        (dashboards / "v2").symlink_to("left-out-on-purpose")
    os.environ.setdefault("PREFECT_SERVER_UI_STATIC_DIRECTORY", str(dashboards))
    os.environ.setdefault("PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT", "false")
    if password := os.environ.get(AUTH_STRING):
        os.environ["PREFECT_API_AUTH_STRING"] = password
    if not os.environ.get("PREFECT_SERVER_DATABASE_CONNECTION_URL"):
        # This imports Prefect, which reads the settings above then and never again.
        from tasks.prefect_database import prefect_database

        os.environ["PREFECT_SERVER_DATABASE_CONNECTION_URL"] = prefect_database(home_folder() / "postgres")


@contextmanager
def running(command: Sequence[str], output: IO[str] | None = None) -> Iterator[psutil.Popen]:
    """A command, for as long as the `with` block runs; then it is ended, with all that it has started."""
    # In a session of its own: a Ctrl-C at the terminal then reaches this process alone, which ends the others in order.
    child = psutil.Popen(command, stdout=output, stderr=output and subprocess.STDOUT, start_new_session=True)
    try:
        yield child
    finally:
        with suppress(psutil.NoSuchProcess):
            family = [child, *child.children(recursive=True)]
            child.terminate()
            psutil.wait_procs([child], STOPPED_WITHIN_S)
            for left in psutil.wait_procs(family, timeout=1)[1]:
                with suppress(psutil.NoSuchProcess):
                    left.kill()
        child.wait()


def _wait_for(server: psutil.Popen, log: Path, stop: threading.Event) -> None:
    from prefect.client.orchestration import get_client

    deadline = time.monotonic() + STARTED_WITHIN_S
    with get_client(sync_client=True) as client:
        while client.api_healthcheck() is not None and not stop.wait(0.2):
            if server.poll() is not None or time.monotonic() > deadline:
                raise PermanentError(f"Prefect's server does not start: see {log}")


def _work(address: str, server: psutil.Popen, log: Path, stop: threading.Event) -> None:
    """Runs a worker until it is told to stop.

    If the server or the worker ends by itself, it is not restarted, which would hide its fault.
    """
    from flows.installing.server_objects import WORK_POOL

    with running([*PREFECT, "worker", "start", "--pool", WORK_POOL, "--name", "make up"]) as worker:
        print(READY.format(address=address, bin=Path(sys.executable).parent), flush=True)
        while server.poll() is None and worker.poll() is None and not stop.wait(0.5):
            pass
        died = worker.poll()
    if server.poll() is not None:
        raise PermanentError(f"Prefect's server has ended by itself, with exit code {server.returncode}: see {log}")
    _crash_what_runs()
    if died is not None:
        raise PermanentError(f"the worker has ended by itself, with exit code {died}")


def _crash_what_runs() -> None:
    """Marks the runs that were stopped with their worker as crashed: else they would show as running for ever."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import FlowRunFilter
    from prefect.states import Crashed

    under_way = FlowRunFilter.model_validate({"state": {"type": {"any_": ["PENDING", "RUNNING", "CANCELLING"]}}})
    with get_client(sync_client=True) as client:
        for run in client.read_flow_runs(flow_run_filter=under_way):
            client.set_flow_run_state(run.id, Crashed(message="stopped with `make up`"))


main: Final = partial(run_command, run, "up")

if __name__ == "__main__":
    sys.exit(main())
