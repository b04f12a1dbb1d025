"""A real Prefect server on a real PostgreSQL, as a process of its own."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from tests.ports import free_port
from tests.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def prefect_server_running(folder: Path, **variables: str) -> Iterator[str]:
    """Runs a server, with its database and its home in `folder`.

    Args:
        variables: further variables for its environment.

    Yields:
        The address of its API.
    """
    from tasks.prefect_database import prefect_database

    port = free_port()
    api = f"http://127.0.0.1:{port}/api"
    environment = {
        "PREFECT_HOME": str(folder / "prefect"),
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": prefect_database(folder / "postgres"),
        "PREFECT_SERVER_UI_API_URL": api,
        "PREFECT_SERVER_LOGGING_LEVEL": "WARNING",
    }
    with (folder / "server.log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)],
            cwd=ROOT,
            env=os.environ | environment | variables,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            wait_until(lambda: _is_healthy(api, server, folder / "server.log"), 180)
            yield api
        finally:
            server.terminate()
            server.wait(60)


def _is_healthy(api: str, server: "subprocess.Popen[bytes]", log: Path) -> bool:
    assert server.poll() is None, f"the Prefect server ended: {log.read_text()}"
    try:
        return requests.get(f"{api}/health", timeout=5).ok
    except requests.ConnectionError:
        return False
