"""Whole runs that are killed, or whose database goes away: nothing is lost or counted twice; the next completes it."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen
from tempfile import TemporaryDirectory
from threading import get_ident
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple
from urllib.parse import urlsplit

import pytest

from tasks.database import open_as_it_is
from tests.faults import fault, faults
from tests.faults.database_servers import OwnServer, behind, gate_before, kill_server
from tests.faults.days import lasting, whole_days
from tests.faults.gate import Address, AnyReader, Gate, Moment, Trip
from tests.fixtures.pipelines import Pipeline, Pipelines
from tests.fixtures.waiting import wait_until
from tests.sandbox.world import SPREADSHEET_ID, World

if TYPE_CHECKING:
    from prefect_sqlalchemy import SqlAlchemyConnector
    from sqlalchemy import Engine

Service = Literal["database", "API", "sheet", "mail", "Prefect"]
FIRST, LAST = "2023-04-01", "2023-04-02"
HALF_LOADED: Final = """
    SELECT id::text FROM attempts AS a WHERE NOT EXISTS (
        SELECT FROM loaded_windows WHERE window_start <= a.created_at AND a.created_at < window_end
    )
    UNION ALL
    SELECT window_start::text FROM loaded_windows AS w WHERE new <> (
        SELECT count(*) FROM attempts WHERE created_at >= w.window_start AND created_at < w.window_end
    )
"""
POINTS: Final[dict[Service, int]] = {"Prefect": 12, "API": 8, "database": 48, "sheet": 9, "mail": 10}
MOMENTS: Final[tuple[Moment, ...]] = ("before", "halfway", "answered")
SWEEP: Final = [
    pytest.param(service, (place + 0.5) / count * 0.95, MOMENTS[place % 3], id=f"{service} {place + 1} of {count}")
    for service, count in POINTS.items()
    for place in range(count)
]
"""Each service, how much of what a run sends to it has been sent, and what has become of the last message."""


@dataclass
class GatedPipeline(Pipeline):
    """The pipeline with its services behind gates, and with a database of its own that is empty at first."""

    database: "SqlAlchemyConnector"
    gates: dict[Service, Gate]

    def left(self) -> tuple[dict[str, list[str]], list[list[list[str]]]]:
        """What there is now, in tables and sheet."""
        with self.engine() as engine:
            return lasting(engine), sheet_of(self)

    @contextmanager
    def engine(self) -> Iterator["Engine"]:
        """Connections to the database, as it is, that go past the gate."""
        engine = open_as_it_is(self.database)
        try:
            yield engine
        finally:
            engine.dispose()

    def kill_at(self, service: Service, number: int, chosen: Callable[[str], bool], moment: Moment) -> None:
        """Starts a run in a process of its own, and ends it with SIGKILL at that message: no window is half-loaded."""
        started: list[Popen[str]] = []
        trip = self.gates[service].trip = Trip(lambda: started[0].kill(), number, chosen, moment)  # noqa: PLW0108
        started.append(self.start(FIRST, LAST))
        output, _ = started[0].communicate(timeout=240)
        self.gates[service].trip = None
        assert trip.happened.is_set(), f"the run never came so far: {output}"
        assert started[0].returncode == -signal.SIGKILL
        self.assert_nothing_half_loaded()

    def assert_nothing_half_loaded(self) -> None:
        """Every window is there as a whole, or not at all; likewise the schema."""
        if self.rows("SELECT to_regclass('codegrader_schema')::text") == [(None,)]:
            assert self.rows("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace") == []
        else:
            assert self.rows(HALF_LOADED) == []


def sheet_of(pipeline: Pipeline) -> list[list[list[str]]]:
    """What the tabs show of which every run has something to say."""
    return [pipeline.world.sheets.cells(SPREADSHEET_ID, tab) for tab in ("RawData", "Days", "Checks")]


def at(gate: Gate, url: str) -> str:
    return urlsplit(url)._replace(netloc=f"127.0.0.1:{gate.port}").geturl()


@contextmanager
def gated(server: str, database: "SqlAlchemyConnector") -> Iterator[GatedPipeline]:
    """The pipeline behind gates, set up."""
    with TemporaryDirectory(prefix="codegrader-") as folder, World(Path(folder), whole_days(2)) as world:
        urls: dict[Service, str] = {"API": world.grader.url, "sheet": world.sheets.url, "Prefect": server}
        addresses: dict[Service, Address] = {"mail": (world.smtp.host, world.smtp.port)}
        addresses |= {service: (urlsplit(url).hostname or "", urlsplit(url).port or 0) for service, url in urls.items()}
        gates = {service: Gate(address, AnyReader) for service, address in addresses.items()}
        gates["database"] = gate_before(database)
        for gate in gates.values():
            world.enter_context(gate)
        components: Any = behind(gates["database"], database).connection_info
        world.settings |= {
            "GRADER_API_URL": at(gates["API"], world.grader.url),
            "GOOGLE_SHEETS_URL": at(gates["sheet"], world.sheets.url),
            "SMTP_PORT": str(gates["mail"].port),
            "DATABASE_URL": f"postgresql://{components.username}@127.0.0.1:{components.port}/{components.database}",
            "PREFECT_API_URL": at(gates["Prefect"], server),
        }
        home = Path(folder) / "home"
        home.mkdir(mode=0o700)
        pipeline = GatedPipeline(world, home, server, database, gates)
        pipeline.set_up()
        yield pipeline


class Untouched(NamedTuple):
    """What a run left that nothing happened to, and how many messages it sent to each service."""

    left: tuple[dict[str, list[str]], list[list[list[str]]]]
    messages: dict[Service, int]


def is_sent_each_time(service: Service, step: str) -> bool:
    """Whether every run sends as many: of HTTP the heads, and no events, which go to Prefect in batches."""
    return service in ("database", "mail") or step.startswith(("GET ", "POST ", "PUT ", "PATCH ", "DELETE "))


@pytest.fixture(scope="module")
def untouched(prefect_server: str, own_server: OwnServer) -> Untouched:
    with own_server.fresh_database("untouched") as database, gated(prefect_server, database) as whole:
        process = whole.start(FIRST, LAST)
        output, _ = process.communicate(timeout=240)
        assert process.returncode == 0, output
        sent = {
            service: [step for step in gate.steps if is_sent_each_time(service, step)]
            for service, gate in whole.gates.items()
        }
        assert all(sent.values())
        return Untouched(whole.left(), {service: len(steps) for service, steps in sent.items()})


@pytest.fixture
def struck(untouched: Untouched, prefect_server: str, own_server: OwnServer) -> Iterator[GatedPipeline]:
    """A pipeline that something is about to happen to."""
    with own_server.fresh_database("struck") as database, gated(prefect_server, database) as struck:
        yield struck


def assert_completed(pipeline: GatedPipeline, untouched: Untouched) -> None:
    """The run that begins now leaves tables and sheet as if nothing had happened."""
    state = pipeline.run(FIRST, LAST)
    assert state.is_completed(), state.message
    assert pipeline.left() == untouched.left


# --- the run is killed


@pytest.mark.stress
@pytest.mark.parametrize(
    ("service", "number", "step", "moment"),
    faults(
        "killed processes",
        "nothing is there in part; the next run leaves tables and sheet as one run would have",
        {
            "`kill -9` in the middle of `COPY`": ["database", 5, "copied data", "halfway"],
            "`kill -9` while the sheet is written": ["sheet", 1, "PUT", "answered"],
        },
    ),
)
def test_killed_at_a_step(
    struck: GatedPipeline, untouched: Untouched, service: Service, number: int, step: str, moment: Moment
) -> None:
    struck.kill_at(service, number, lambda sent: sent.startswith(step), moment)
    assert_completed(struck, untouched)


@pytest.mark.slow
@fault(
    "killed processes",
    "`kill -9` while a `COMMIT` is under way",
    "the window is there as a whole, and is not counted twice by the next run",
)
def test_killed_in_the_middle_of_a_commit(struck: GatedPipeline, untouched: Untouched) -> None:
    inserting: list[int] = []

    def is_commit_of_a_window(step: str) -> bool:
        # The gate has a thread for each connection. Another one's `COMMIT`, with which a session is set up, may come
        # in between.
        if step.startswith("INSERT INTO loaded_windows"):
            inserting.append(get_ident())
        return step == "COMMIT" and len(inserting) > 1 and inserting[-1] == get_ident()

    struck.kill_at("database", 1, is_commit_of_a_window, "answered")
    assert struck.rows("SELECT count(*) FROM loaded_windows") == [(2,)]
    assert_completed(struck, untouched)


@pytest.mark.stress
@fault(
    "killed processes",
    f"`kill -9` at {len(SWEEP)} points of a run, from its first message to its last: before a service has the message, "
    "when it has half of it, and when it has answered",
    "no window is half-loaded; the next run leaves tables and sheet as one run would have, every time",
)
@pytest.mark.parametrize(("service", "share", "moment"), SWEEP)
def test_killed_at_any_point(
    struck: GatedPipeline, untouched: Untouched, service: Service, share: float, moment: Moment
) -> None:
    number = 1 + int(share * untouched.messages[service])
    struck.kill_at(service, number, lambda step: is_sent_each_time(service, step), moment)
    assert_completed(struck, untouched)


@pytest.mark.stress
@fault(
    "killed processes",
    "the machine dies: the run and the embedded PostgreSQL end at once, and of the cached answers only halves are left",
    "the database recovers, the answers are asked for again; tables and sheet are as one run would have left them",
)
def test_the_machine_dies(pipelines: Pipelines, untouched: Untouched) -> None:
    pipeline = pipelines.make(whole_days(2))
    process = pipeline.start(FIRST, LAST)
    cache = pipeline.home / "cache"
    wait_until(lambda: len(list(cache.glob("extract-*"))) >= 5, seconds=120)
    process.kill()
    process.communicate()
    kill_server(pipeline.home / "postgres")
    for answer in cache.glob("extract-*"):
        answer.write_bytes(answer.read_bytes()[: answer.stat().st_size // 2])

    state = pipeline.run(FIRST, LAST)
    assert state.is_completed(), state.message
    with pipeline.engine() as engine:
        assert (lasting(engine), sheet_of(pipeline)) == untouched.left


# --- the database goes away


@pytest.mark.stress
@fault(
    "database",
    "the server restarts in the middle of a run's `COPY`, and again while the figures are computed",
    "the run itself tries again, and leaves tables and sheet as if nothing had happened",
)
@fault(
    "database",
    "the connection is cut while the figures are read for the sheet",
    "read again by the same run; the sheet is as if nothing had happened",
)
def test_a_run_outlives_restarts(struck: GatedPipeline, own_server: OwnServer, untouched: Untouched) -> None:
    gate = struck.gates["database"]
    last = Trip(number=2, chosen=lambda step: step.startswith("SELECT day, complete"))

    def restart_and_then(trip: Trip) -> None:
        gate.trip = trip
        own_server.restart()

    computing = Trip(lambda: restart_and_then(last), chosen=lambda step: step.startswith("INSERT INTO daily_metrics"))
    gate.trip = Trip(lambda: restart_and_then(computing), 4, "copied data".__eq__, "halfway")
    assert_completed(struck, untouched)
    assert computing.happened.is_set()
    assert last.happened.is_set()


@pytest.mark.stress
@fault(
    "database",
    "the database goes away in the middle of a run, and stays away",
    "the run fails with one line; what is loaded stays, the sheet is left as it is, and the next run completes both",
)
def test_a_database_that_stays_away_costs_nothing(struck: GatedPipeline, untouched: Untouched) -> None:
    gate = struck.gates["database"]
    gate.trip = Trip(gate.close, 3, lambda step: step.startswith("INSERT INTO loaded_windows"), "answered")
    state = struck.run(FIRST, LAST)
    assert state.is_failed()
    assert "load failed: database" in str(state.message)
    assert len(str(state.message).splitlines()) == 1
    struck.assert_nothing_half_loaded()
    assert not struck.world.sheets.requests
    gate.is_closed = False
    assert_completed(struck, untouched)
