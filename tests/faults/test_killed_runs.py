"""A run that is killed at any moment loses nothing and counts nothing twice: the next one completes it."""

from collections.abc import Callable, Iterator
from threading import get_ident
from typing import TYPE_CHECKING, Final

import pytest

from tests.faults import fault
from tests.faults.database_servers import kill_server
from tests.faults.gate import Moment
from tests.faults.gated import FIRST, LAST, LASTING, Gated, Left, Service, fresh_database, gated, two_days
from tests.faults.killing import assert_nothing_half_loaded, kill_at
from tests.fixtures.pipelines import Pipelines
from tests.integration.loading import column
from tests.sandbox.grader import RecordList
from tests.sandbox.world import SPREADSHEET_ID
from tests.waiting import wait_until

if TYPE_CHECKING:
    from prefect_sqlalchemy import SqlAlchemyConnector

POINTS: Final[dict[Service, int]] = {"Prefect": 12, "API": 8, "database": 48, "sheet": 9, "mail": 10}
MOMENTS: Final[tuple[Moment, ...]] = ("before", "halfway", "answered")
SWEEP: Final = [
    pytest.param(service, (place + 0.5) / count * 0.95, MOMENTS[place % 3], id=f"{service} {place + 1} of {count}")
    for service, count in POINTS.items()
    for place in range(count)
]
"""Each service, how much of what a run sends to it has been sent, and what has become of the last message."""


def is_sent_each_time(service: Service) -> Callable[[str], bool]:
    """Which messages every run sends in the same number: to Prefect requests, not events, which leave in batches."""
    return lambda step: service != "Prefect" or step != "bytes"


class Untouched:
    """A run that nothing happened to: what it left, and how many messages it sent to each service."""

    def __init__(self, whole: Gated) -> None:
        process = whole.pipeline.start(FIRST, LAST)
        output, _ = process.communicate(timeout=240)
        assert process.returncode == 0, output
        self.left: Left = whole.left()
        self.messages = {
            service: sum(map(is_sent_each_time(service), gate.steps)) for service, gate in whole.world.gates.items()
        }


@pytest.fixture(scope="module")
def untouched(prefect_server: str, postgresql: "SqlAlchemyConnector") -> Untouched:
    with fresh_database(postgresql, "untouched") as database, gated(prefect_server, database, two_days()) as whole:
        return Untouched(whole)


@pytest.fixture
def killed(untouched: Untouched, prefect_server: str, empty: "SqlAlchemyConnector") -> Iterator[Gated]:
    with gated(prefect_server, empty, two_days()) as killed:
        yield killed


def assert_completed_by_the_next(killed: Gated, untouched: Untouched) -> None:
    assert_nothing_half_loaded(killed)
    state = killed.pipeline.run(FIRST, LAST)
    assert state.is_completed(), state.message
    assert killed.left() == untouched.left


@pytest.mark.slow
@fault(
    "killed processes",
    "`kill -9` in the middle of `COPY`",
    "the window is not there at all; the next run leaves tables and sheet as one run would have",
)
def test_killed_in_the_middle_of_a_copy(killed: Gated, untouched: Untouched) -> None:
    kill_at(killed, "database", 5, lambda step: step == "copied data", "halfway")
    assert_completed_by_the_next(killed, untouched)


@pytest.mark.slow
@fault(
    "killed processes",
    "`kill -9` while a `COMMIT` is under way",
    "the window is there as a whole, and is not counted twice by the next run",
)
def test_killed_in_the_middle_of_a_commit(killed: Gated, untouched: Untouched) -> None:
    inserting: list[int] = []

    def is_commit_of_a_window(step: str) -> bool:
        # The gate has a thread for each connection. Another one's `COMMIT`, with which a session is set up, may come
        # in between.
        if step.startswith("INSERT INTO loaded_windows"):
            inserting.append(get_ident())
        return step == "COMMIT" and len(inserting) > 1 and inserting[-1] == get_ident()

    kill_at(killed, "database", 1, is_commit_of_a_window, "answered")
    with killed.engine() as engine:
        assert column(engine, "SELECT count(*) FROM loaded_windows") == [2]
    assert_completed_by_the_next(killed, untouched)


@pytest.mark.slow
@fault(
    "killed processes",
    "`kill -9` while the sheet is written",
    "figures stay in the sheet, and the next run completes it",
)
def test_killed_in_the_middle_of_publishing(killed: Gated, untouched: Untouched) -> None:
    kill_at(killed, "sheet", 1, lambda step: step.startswith("PUT"), "answered")
    assert_completed_by_the_next(killed, untouched)


@pytest.mark.stress
@fault(
    "killed processes",
    f"`kill -9` at {len(SWEEP)} points of a run, from its first message to its last: before a service has the message, "
    "when it has half of it, and when it has answered",
    "no window is half-loaded; the next run leaves tables and sheet as one run would have, every time",
)
@pytest.mark.parametrize(("service", "share", "moment"), SWEEP)
def test_killed_at_any_point(
    killed: Gated, untouched: Untouched, service: Service, share: float, moment: Moment
) -> None:
    kill_at(killed, service, 1 + int(share * untouched.messages[service]), is_sent_each_time(service), moment)
    assert_completed_by_the_next(killed, untouched)


@pytest.mark.stress
@fault(
    "killed processes",
    "the machine dies: the run and the embedded PostgreSQL end at once, and of the cached answers only halves are left",
    "the database recovers, the answers are asked for again; tables and sheet are as one run would have left them",
)
def test_the_machine_dies(pipelines: Pipelines, untouched: Untouched) -> None:
    pipeline = pipelines.make(RecordList(two_days()))
    process = pipeline.start(FIRST, LAST)
    cache = pipeline.home / "cache"
    wait_until(lambda: len(list(cache.glob("extract-*"))) >= 5, seconds=120)
    process.kill()
    process.communicate()
    kill_server(pipeline.home / "postgres")
    answers = list(cache.glob("extract-*"))
    assert answers
    for answer in answers:
        answer.write_bytes(answer.read_bytes()[: answer.stat().st_size // 2])

    state = pipeline.run(FIRST, LAST)
    assert state.is_completed(), state.message
    tables = {name: [row[0] for row in pipeline.rows(query)] for name, query in LASTING.items()}
    assert Left(tables, pipeline.world.sheets.cells(SPREADSHEET_ID, "RawData")) == untouched.left
