"""The whole product as `make up` starts it: server, deployments, worker and dashboard, in a world of stand-ins."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import psycopg2

from tests.e2e.prefect_server import ROOT
from tests.ports import free_port
from tests.sandbox.world import World
from tests.waiting import wait_until

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient

PASSWORD = "admin:a password of the tests"
OF_A_DEVELOPER = ("DATABASE_URL", "LOG_DIR", "REPORT_TIMEZONE", "REPORT_LANGUAGE")
"""What a `.env` in the checkout might say and the world does not: an empty variable wins over the file."""


class Product:
    """A running `python -m flows.up`.

    Attributes:
        address: the dashboard's.
        home: the private folder.
    """

    def __init__(self, folder: Path, world: World, variables: dict[str, str]) -> None:
        self.world, self.home, self.port = world, folder / "home", free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self._output = folder / "up.log"
        self._environment = {
            **os.environ,
            **dict.fromkeys(OF_A_DEVELOPER, ""),
            **world.environment(),
            "CODEGRADER_HOME": str(self.home),
            "PREFECT_HOME": str(folder / "prefect"),
            "PREFECT_WORKER_QUERY_SECONDS": "1",
            "PORT": str(self.port),
            **variables,
        }
        with self._output.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "flows.up"],
                cwd=ROOT,
                env=self._environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def output(self) -> str:
        """What it has printed so far."""
        return self._output.read_text()

    def server_log(self) -> str:
        """What Prefect's server has logged so far."""
        log = self.home / "logs" / "prefect-server.log"
        return log.read_text() if log.exists() else ""

    def is_up(self) -> bool:
        """Whether the worker, the last part, has started."""
        assert self.process.poll() is None, f"{self.output()}\n{self.server_log()}"
        return "Worker 'make up' started!" in self.output()

    def stop(self) -> int:
        """Stops it as Ctrl-C does; its exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(60)

    def prefect(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Runs one of Prefect's commands as a user does in another terminal."""
        variables = {"PREFECT_API_URL": f"{self.address}/api", "PREFECT_API_AUTH_STRING": self.password}
        return subprocess.run(
            [sys.executable, "-m", "prefect", "--no-prompt", *arguments],
            cwd=ROOT,
            env=self._environment | variables,
            text=True,
            capture_output=True,
            check=False,
            timeout=120,
        )

    @property
    def password(self) -> str:
        return self._environment.get("PREFECT_SERVER_API_AUTH_STRING", "")

    def client(self) -> "SyncPrefectClient":
        """A client of the server, for a `with` block."""
        from prefect.client.orchestration import SyncPrefectClient

        return SyncPrefectClient(f"{self.address}/api", auth_string=self.password or None)

    def rows(self, query: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """The rows that a query yields, of the pipeline's database or of Prefect's own, `prefect`."""
        connection = psycopg2.connect(host=self.home / "postgres", user="postgres", dbname=database)
        try:
            with connection.cursor() as cursor:
                cursor.execute(query)
                return list(cursor.fetchall())
        finally:
            connection.close()

    @contextmanager
    def database_alone(self) -> Iterator[None]:
        """Starts the database once more, after all was stopped, for as long as the `with` block runs."""
        from tasks.database import embedded_server

        with embedded_server(self.home / "postgres"):
            yield


@contextmanager
def product_running(**variables: str) -> Iterator[Product]:
    """Starts the product, and stops it at the end if that was not done.

    Args:
        variables: further variables for its environment.
    """
    # Not pytest's own temporary folder: that is closed to the user as whom PostgreSQL runs for root.
    with TemporaryDirectory(prefix="codegrader-") as name, World(Path(name)) as world:
        product = Product(Path(name), world, variables)
        try:
            wait_until(product.is_up, 180)
            yield product
        finally:
            if product.process.poll() is None:
                product.stop()
