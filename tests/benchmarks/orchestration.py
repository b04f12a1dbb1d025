"""What Prefect costs: a month in 120 windows on a running server, beyond the data path; and the start of a command."""

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from schemas.period import Window
from tests.benchmarks import ours
from tests.benchmarks.measure import Ratio, alternate, at_most
from tests.benchmarks.processes import run
from tests.benchmarks.records import FIRST_DAY, NOW, DayOfRecords, month
from tests.fixtures.pipelines import Pipelines
from tests.sandbox.grader import RecordList

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

DAYS: Final = 30
WINDOWS: Final = 120
ALLOWED: Final = 0.080 * WINDOWS + 3


def compare_share(pipelines: Pipelines) -> Iterator[Ratio]:
    """Measures the flow in this process, without publishing, and the data path of the same windows alone."""
    days = month(DAYS)
    records = RecordList([record for day in days for record in day.records])
    warm, measured, bare = (pipelines.make(records) for _ in range(3))
    last_day = str(FIRST_DAY + timedelta(days=DAYS - 1))
    warm.run(str(FIRST_DAY), publish=False)
    measured.set_up()
    started = time.perf_counter()
    state = measured.run(str(FIRST_DAY), last_day, publish=False)
    whole = time.perf_counter() - started
    assert state.is_completed(), state.message
    with bare.engine() as engine:
        started = time.perf_counter()
        _data_path(engine, days)
        alone = time.perf_counter() - started
    share = whole - alone
    details = f"whole {whole:.1f} s, data path alone {alone:.1f} s, share {1000 * share / WINDOWS:.0f} ms a window"
    yield at_most(f"Prefect's share of {WINDOWS} windows / what is allowed", share / ALLOWED, 1, details)


def _data_path(engine: "Engine", days: list[DayOfRecords]) -> None:
    for day in days:
        for hour in range(0, 24, 6):
            start = day.window.start + timedelta(hours=hour)
            window = Window(start, start + timedelta(hours=6))
            ours.process(engine, day.text_between(window), window, NOW)


def compare_start() -> Iterator[Ratio]:
    """Measures `--help` against the import of Prefect's flows, in turn."""
    taken = alternate(
        {
            "help": lambda: run(["-m", "flows.etl", "--help"], {}),
            "import": lambda: run(["-c", "import prefect.flows"], {}),
        },
        rounds=5,
    )
    details = f"--help {taken['help']:.2f} s, import prefect.flows {taken['import']:.2f} s"
    yield at_most("python -m flows.etl --help / import prefect.flows", taken["help"] / taken["import"], 1.5, details)
