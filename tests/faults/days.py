"""Records of whole days, what they leave in the tables, and a day that the whole flow loads again and again."""

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
from tests.fixtures.records import record, submit
from tests.integration.loading import column, contents, empty_all
from tests.sandbox.grader import Fault, RecordList
from tests.sandbox.grader.faults import FaultKind

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State

DAY: Final = "2023-04-01"
WINDOWS: Final = tuple(datetime(2023, 4, 1, hour, tzinfo=UTC) for hour in (0, 6, 12, 18))
STRUCK: Final = WINDOWS[1]
"""The window that something happens to, where it happens to one."""
WINDOWS_THERE: Final = """
    SELECT (window_start, window_end, fetched, new + changed + unchanged, rejected, duplicates, warnings, checks,
            figures_due)::text
    FROM loaded_windows ORDER BY 1
"""


def lasting(engine: Engine) -> dict[str, list[str]]:
    """What every run of the same records leaves, whatever became of the runs before it: not who loaded it and when."""
    return contents(engine, "attempts", "rejected_records", "daily_metrics") | {
        "loaded_windows": column(engine, WINDOWS_THERE)
    }


def whole_days(count: int) -> RecordList:
    """Days from 2023-04-01, twelve records an hour; in each window some repeated, contradictory and bad ones."""
    found: list[Record] = []
    for hour in range(24 * count):
        moment = f"2023-04-{1 + hour // 24:02} {hour % 24:02}"
        found += [
            (submit if n % 2 else record)(lti_user_id=f"{hour * 12 + n % 7:032x}", created_at=f"{moment}:{n:02}:00.5")
            for n in range(12)
        ]
        if hour % 6 == 0:
            found += [submit(created_at=f"{moment}:00:00")] * 2
            found += [submit(created_at=f"{moment}:30:00", is_correct=verdict) for verdict in (0, 1)]
            found += [record(created_at=f"{moment}:59:59.999999", lti_user_id=None)]
    return RecordList(found)


class OneDay:
    """The pipeline, and the tables that it leaves.

    Attributes:
        untouched: the tables after a run to which nothing happened.
    """

    def __init__(self, pipeline: Pipeline, engine: Engine) -> None:
        self.pipeline, self.engine = pipeline, engine
        self.grader = pipeline.world.grader
        assert self.run().is_completed()
        self.untouched = lasting(self.engine)

    def run(self, **parameters: Any) -> "State[Any]":
        """Loads the day, however much of it is bad or there twice."""
        shares = {"max_rejected_share": 1.0, "max_duplicates_share": 1.0}
        return self.pipeline.run(DAY, DAY, publish=False, **shares, **parameters)

    def strike(self, kind: FaultKind, times: int | None = 1, window: datetime = STRUCK) -> Fault:
        """Lets something happen to one window."""
        happening = Fault(kind, times=times, when=window.__eq__)
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

    def forget(self) -> None:
        """Back to the beginning: nothing loaded, nothing cached, nothing going wrong."""
        self.grader.faults.clear()
        self.grader.replace_records(whole_days(1))
        empty_all(self.engine)
        rmtree(self.pipeline.home / "cache")

    def loaded_windows(self) -> list[datetime]:
        """Where the windows begin that are loaded."""
        return column(self.engine, "SELECT window_start FROM loaded_windows ORDER BY 1")

    def assert_missing(self, state: "State[Any]", *missing: datetime) -> None:
        """These windows are missing, and said to be, in one line; the others are loaded; no key is shown."""
        assert state.is_failed()
        assert self.loaded_windows() == [window for window in WINDOWS if window not in missing]
        assert f"missing: {len(missing)} windows" in str(state.message)
        assert f"{missing[0]:%Y-%m-%d %H:%M} UTC" in str(state.message)
        assert "\n" not in str(state.message)
        assert self.grader.client_key not in f"{state.message}{self.pipeline.log()}"

    def assert_nothing_is_lost(self) -> None:
        """A run with nothing going wrong completes the tables."""
        self.grader.faults.clear()
        assert self.run().is_completed()
        assert lasting(self.engine) == self.untouched


@pytest.fixture(scope="module")
def one_day_of_all_tests(prefect_server: str) -> Iterator[OneDay]:
    """One pipeline for all tests of a file; its tasks wait hundredths of a second where they would wait seconds."""
    from tasks.database import embedded_database, open_engine
    from tasks.extract import extract

    with (
        TemporaryDirectory(prefix="codegrader-") as folder,
        ExitStack() as stack,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr("flows.running.loading.extract", extract.with_options(retry_delay_seconds=[0.01] * 4))
        pipeline = Pipelines(Path(folder), prefect_server, stack).make(whole_days(1))
        engine = open_engine(embedded_database(pipeline.home / "postgres"))
        stack.callback(engine.dispose)
        yield OneDay(pipeline, engine)


@pytest.fixture
def one_day(one_day_of_all_tests: OneDay) -> OneDay:
    """The day, not loaded yet."""
    one_day_of_all_tests.forget()
    return one_day_of_all_tests
