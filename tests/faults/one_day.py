"""A day of four windows, loaded by the whole flow, and what its tables are when nothing goes wrong."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

import pytest
from sqlalchemy import Engine

from schemas.record import Record
from tests.fixtures.pipelines import Pipeline, Pipelines
from tests.integration.loading import column, contents, empty_all, moment_of
from tests.records import record, submit
from tests.sandbox.grader import Fault, GraderSandbox, RecordList
from tests.sandbox.grader.faults import FaultKind

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State

DAY: Final = "2023-05-31"
WINDOWS: Final = tuple(datetime(2023, 5, 31, hour, tzinfo=UTC) for hour in (0, 6, 12, 18))
STRUCK: Final = WINDOWS[1]
"""The window that something happens to, where it happens to one."""
_STATE_OF_WINDOWS: Final = """
    SELECT (window_start, window_end, fetched, new + changed + unchanged, rejected, duplicates, warnings,
            figures_due)::text
    FROM loaded_windows ORDER BY 1
"""


def records_of_the_day() -> list[Record]:
    """Usual, repeated, contradictory and bad records in each window, and on its boundaries."""
    found: list[Record] = []
    for start in WINDOWS:
        hour = f"{DAY} {start.hour:02}"
        found += [record(lti_user_id=f"{number:032x}", created_at=f"{hour}:{number:02}:00.5") for number in range(12)]
        found += [
            *[submit(created_at=f"{hour}:00:00")] * 2,
            submit(created_at=f"{hour}:30:00", is_correct=0),
            submit(created_at=f"{hour}:30:00", is_correct=1),
            submit(created_at=f"{hour}:40:00", is_correct="?"),
            record(created_at=f"{hour}:50:00", passback_params="None"),
            record(created_at=f"{hour}:59:59.999999", lti_user_id=None),
        ]
    return sorted(found, key=moment_of)


class OneDay:
    """The pipeline, and the tables that it leaves.

    Attributes:
        untouched: the tables after a run to which nothing happened.
    """

    def __init__(self, pipeline: Pipeline, engine: Engine) -> None:
        self.pipeline, self.engine = pipeline, engine
        self.grader = pipeline.world.grader
        assert self.run().is_completed()
        self.untouched = self.tables()

    def run(self, **parameters: Any) -> "State[Any]":
        """Loads the day, however much of it is bad or there twice."""
        shares = {"max_rejected_share": 1.0, "max_duplicates_share": 1.0}
        return self.pipeline.run(DAY, DAY, publish=False, **shares, **parameters)

    def strike(self, kind: FaultKind, times: int | None) -> Fault:
        """Lets something happen to one window."""
        happening = Fault(kind, times=times, when=STRUCK.__eq__)
        self.grader.faults.append(happening)
        return happening

    @contextmanager
    def asking(self, url: str) -> Iterator[None]:
        """Meanwhile, the run is set up to ask another address."""
        self.pipeline.set_up(GRADER_API_URL=url)
        try:
            yield
        finally:
            self.pipeline.set_up()

    def another_grader(self, port: int) -> GraderSandbox:
        """The same service at another port, not started yet."""
        client, key = self.grader.client, self.grader.client_key
        return GraderSandbox(RecordList(records_of_the_day()), client=client, client_key=key, port=port)

    def forget(self) -> None:
        """Back to the beginning: nothing loaded, nothing cached, nothing going wrong."""
        self.grader.faults.clear()
        empty_all(self.engine)
        rmtree(self.pipeline.home / "cache")

    def tables(self) -> dict[str, list[str]]:
        """All that is loaded, but for who loaded it and when."""
        return contents(self.engine, "attempts", "rejected_records", "daily_metrics") | {
            "loaded_windows": column(self.engine, _STATE_OF_WINDOWS)
        }

    def loaded_windows(self) -> list[datetime]:
        """Where the windows begin that are loaded."""
        return column(self.engine, "SELECT window_start FROM loaded_windows ORDER BY 1")


@pytest.fixture(scope="module")
def one_day_of_all_tests(prefect_server: str) -> Iterator[OneDay]:
    """One pipeline for all tests of a file; its tasks wait hundredths of a second where they would wait seconds."""
    from tasks.database import embedded_database, open_engine
    from tasks.extract import extract

    quick = extract.with_options(retry_delay_seconds=[0.01] * 4)
    with (
        TemporaryDirectory(prefix="codegrader-") as folder,
        ExitStack() as stack,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr("flows.running.loading.extract", quick)
        pipeline = Pipelines(Path(folder), prefect_server, stack).make(RecordList(records_of_the_day()))
        engine = open_engine(embedded_database(pipeline.home / "postgres"))
        stack.callback(engine.dispose)
        yield OneDay(pipeline, engine)


@pytest.fixture
def one_day(one_day_of_all_tests: OneDay) -> OneDay:
    """The day, not loaded yet."""
    one_day_of_all_tests.forget()
    return one_day_of_all_tests
