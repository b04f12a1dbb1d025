"""The whole pipeline with a gate before each service, and what a run leaves behind, to be compared with another's."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import urlsplit

from sqlalchemy import Engine, NullPool, create_engine, text

from schemas.record import Record
from tests.faults.gate import Address, AnyReader, Gate, HttpReader, PostgresReader, Reader
from tests.fixtures.pipelines import Pipeline
from tests.integration.loading import column
from tests.records import passback
from tests.sandbox.grader import RecordList, RecordSource
from tests.sandbox.world import SPREADSHEET_ID, World

if TYPE_CHECKING:
    from prefect_sqlalchemy import SqlAlchemyConnector

Service = Literal["database", "API", "sheet", "mail", "Prefect"]
FIRST: Final = "2023-04-01"
LAST: Final = "2023-04-02"
# What every run of the same records leaves, whatever became of the runs before it: not when and by whom a window was
# loaded, and how much of it was there already.
LASTING: Final = {
    "attempts": "SELECT t::text FROM attempts AS t ORDER BY 1",
    "daily_metrics": "SELECT t::text FROM daily_metrics AS t ORDER BY 1",
    "rejected_records": "SELECT t::text FROM rejected_records AS t ORDER BY 1",
    "loaded_windows": "SELECT (window_start, window_end, fetched, new + changed + unchanged, rejected, duplicates,"
    " warnings, checks, figures_due)::text FROM loaded_windows ORDER BY 1",
}


def two_days(each_hour: int = 12) -> list[Record]:
    """Records of two days, by many students; of every window some are rejected, and some are there twice."""
    records: list[Record] = [
        {
            "lti_user_id": f"{(day * 24 + hour) * each_hour + number % 7:032x}",
            "passback_params": passback(),
            "is_correct": number % 3 % 2 if number % 2 else None,
            "attempt_type": "submit" if number % 2 else "run",
            "created_at": f"2023-04-{1 + day:02} {hour:02}:{number:02}:00.{hour:06}",
        }
        for day in range(2)
        for hour in range(24)
        for number in range(each_hour)
    ]
    odd = [record | {"lti_user_id": None} for record in records[:: 6 * each_hour]]
    return records + odd + records[:: 4 * each_hour]


@dataclass
class Left:
    """What runs left: the tables' rows as text, and the sheet's cells."""

    tables: dict[str, list[str]]
    sheet: list[list[str]]


class GatedWorld(World):
    """The world, each service of which is reached through a gate.

    Args:
        folder: see `World`.
        records: see `World`.
        database: how to reach the run's database.
        server: the address of the Prefect server's API.
    """

    def __init__(self, folder: Path, records: RecordSource, database: "SqlAlchemyConnector", server: str) -> None:
        super().__init__(folder, records)
        self.database, self._server = database, server
        self.gates: dict[Service, Gate] = {}
        self._opened = ExitStack()

    def __enter__(self) -> "GatedWorld":
        super().__enter__()
        self._gate("database", socket_of(self.database), PostgresReader)
        self._gate("API", _address(self.grader.url), HttpReader)
        self._gate("sheet", _address(self.sheets.url), HttpReader)
        self._gate("mail", (self.smtp.host, self.smtp.port), AnyReader)
        self._gate("Prefect", _address(self._server), HttpReader)
        return self

    def __exit__(self, *details: Any) -> None:
        self._opened.close()
        super().__exit__(*details)

    def environment(self) -> dict[str, str]:
        usual = super().environment()
        api, sheet = urlsplit(self.grader.url), urlsplit(self.sheets.url)
        return usual | {
            "GRADER_API_URL": api._replace(netloc=f"127.0.0.1:{self.gates['API'].port}").geturl(),
            "GOOGLE_SHEETS_URL": sheet._replace(netloc=f"127.0.0.1:{self.gates['sheet'].port}").geturl(),
            "SMTP_PORT": str(self.gates["mail"].port),
            "DATABASE_URL": through(self.database, self.gates["database"].port),
            "PREFECT_API_URL": f"http://127.0.0.1:{self.gates['Prefect'].port}/api",
        }

    def _gate(self, service: Service, target: Address, reader: type[Reader]) -> None:
        self.gates[service] = self._opened.enter_context(Gate(target, reader))


def socket_of(connector: "SqlAlchemyConnector") -> str:
    """The path of the socket on which the embedded server listens."""
    components: Any = connector.connection_info
    return f"{components.host}/.s.PGSQL.{components.port or 5432}"


def through(connector: "SqlAlchemyConnector", port: int) -> str:
    """The address of that database on a port of this machine."""
    components: Any = connector.connection_info
    return f"postgresql://{components.username}@127.0.0.1:{port}/{components.database}"


@dataclass
class Gated:
    """The pipeline behind gates, with a database of its own that is empty at first."""

    pipeline: Pipeline
    world: GatedWorld

    def gate(self, service: Service) -> Gate:
        return self.world.gates[service]

    def left(self) -> Left:
        """What there is now."""
        with self.engine() as engine:
            tables = {name: column(engine, query) for name, query in LASTING.items()}
        return Left(tables, self.world.sheets.cells(SPREADSHEET_ID, "RawData"))

    @contextmanager
    def engine(self) -> Iterator[Engine]:
        """Connections to the database that go past the gate."""
        components: Any = self.world.database.connection_info
        engine = create_engine(components.create_url())
        try:
            yield engine
        finally:
            engine.dispose()


@contextmanager
def fresh_database(server: "SqlAlchemyConnector", name: str) -> Iterator["SqlAlchemyConnector"]:
    """A database of that name without any table."""
    components: Any = server.connection_info
    # Without a pool: the server may be restarted meanwhile.
    engine = create_engine(components.create_url(), isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield type(server)(connection_info=components.model_copy(update={"database": name}))
    with engine.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


@contextmanager
def gated(server: str, database: "SqlAlchemyConnector", records: list[Record]) -> Iterator[Gated]:
    """The pipeline behind gates, set up."""
    with TemporaryDirectory(prefix="codegrader-") as folder:
        home = Path(folder) / "home"
        home.mkdir(mode=0o700)
        with GatedWorld(home, RecordList(records), database, server) as world:
            pipeline = Pipeline(world, home, server)
            pipeline.set_up()
            yield Gated(pipeline, world)


def _address(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    return parts.hostname, parts.port
