"""One run a day for most of a year, in one process and against one server: nothing may grow but the data."""

import gc
import logging
import os
import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import psutil
import pytest

from tests.faults import fault
from tests.fixtures.pipelines import Pipeline, Pipelines
from tests.fixtures.records import submit
from tests.sandbox.grader import RecordList

MOST_MIB_PER_100_RUNS: Final = 30
"""Samples differ by 20 MiB from one to the next. Under a worker, each run has a process of its own anyway."""
LAST_NIGHT: Final = (datetime.now(UTC) - timedelta(days=1)).replace(hour=3, minute=0, second=0, microsecond=0)
"""When the last run is scheduled: long enough ago for all of its answers to be final."""
CONNECTIONS: Final = """
    SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
"""
TEMPORARY_TABLES: Final = "SELECT count(*) FROM pg_class WHERE relpersistence = 't'"
PROMISE: Final = (
    "no connection, file, thread, handler or temporary table is left behind by a run; over 200, memory stays flat"
)


def run_daily(pipeline: Pipeline, scheduled: datetime) -> None:
    """The daily run of one night, as a worker would start it."""
    from prefect.client.orchestration import get_client
    from prefect.flow_engine import run_flow
    from prefect.states import Scheduled

    from flows.etl import codegrader_etl

    with pipeline.environment({}):
        with get_client(sync_client=True) as client:
            flow_run = client.create_flow_run(codegrader_etl, state=Scheduled(scheduled_time=scheduled))
        state: Any = run_flow(codegrader_etl, flow_run=flow_run, return_type="state")
    assert state.is_completed(), state.message


def take(pipeline: Pipeline) -> dict[str, int]:
    """What there is between two runs; the memory of this process in MiB, the log files' size in bytes."""
    # The mails are kept in this process too, by their server.
    pipeline.world.smtp.forget()
    gc.collect()
    process = psutil.Process()
    loggers = [logging.getLogger(), *logging.root.manager.loggerDict.values()]
    return {
        "memory": process.memory_info().rss // 2**20,
        "files": process.num_fds(),
        "threads": process.num_threads(),
        "handlers": sum(len(logger.handlers) for logger in loggers if isinstance(logger, logging.Logger)),
        "log": sum(path.stat().st_size for path in (pipeline.home / "logs").iterdir()),
        "cached": len(list((pipeline.home / "cache").iterdir())),
        "connections": pipeline.rows(CONNECTIONS)[0][0],
        "temporary tables": pipeline.rows(TEMPORARY_TABLES)[0][0],
    }


def soak(pipelines: Pipelines, runs: int, every: int) -> dict[int, dict[str, int]]:
    """Runs one day after the other, the oldest first; a sample after each so many."""
    days = [LAST_NIGHT - timedelta(days=before) for before in range(runs + 2)]
    hourly = [submit(created_at=f"{day:%Y-%m-%d} {hour:02}:30:00.0") for day in days for hour in range(24)]
    pipeline = pipelines.make(RecordList(hourly))
    samples = {}
    for number in range(1, runs + 1):
        run_daily(pipeline, LAST_NIGHT - timedelta(days=runs - number))
        if number % every == 0:
            samples[number] = take(pipeline)
            print(number, samples[number], flush=True)
    assert pipeline.rows("SELECT count(*), sum(attempts) FROM daily_metrics") == [(runs + 1, 24 * (runs + 1))]
    return samples


@fault("soak", "windows fail, or are asked for before they have ended", "what Prefect stores of them goes after a day")
def test_what_is_stored_but_not_cached_goes(tmp_path: Path) -> None:
    from tasks.extract import CACHE_EXPIRATION, delete_expired

    ages = {"now": timedelta(0), "noon": timedelta(hours=12), "old": timedelta(days=2), "expired": CACHE_EXPIRATION}
    for name, age in ages.items():
        for path in (tmp_path / f"extract-{name}", tmp_path / f"69d074387cdd41b69b53-{name}"):
            path.touch()
            os.utime(path, (time.time() - age.total_seconds() - 1,) * 2)

    delete_expired(tmp_path)
    kept = ["69d074387cdd41b69b53-noon", "69d074387cdd41b69b53-now", "extract-noon", "extract-now", "extract-old"]
    assert sorted(path.name for path in tmp_path.iterdir()) == kept


@fault("soak", "200 daily runs in a row", PROMISE)
@pytest.mark.stress
@pytest.mark.timeout(3600)
def test_daily_runs_leave_nothing_behind(pipelines: Pipelines) -> None:
    samples = soak(pipelines, 200, 20)
    # The first ones warm it up.
    numbers = [number for number in samples if number >= 60]
    first, last = samples[numbers[0]], samples[numbers[-1]]

    for sample in (samples[number] for number in numbers):
        expected = (0, 0, first["handlers"])
        assert (sample["connections"], sample["temporary tables"], sample["handlers"]) == expected
        # The connections to Prefect's server come and go by themselves.
        assert sample["files"] <= first["files"] + 5
        assert sample["threads"] <= first["threads"] + 5
    assert last["memory"] - first["memory"] < MOST_MIB_PER_100_RUNS * (numbers[-1] - numbers[0]) / 100
    # The log grows by as much each day, and a day's file is set aside at a fixed size.
    growth = [samples[after]["log"] - samples[before]["log"] for before, after in pairwise(numbers)]
    assert max(growth) < 1.5 * min(growth)
    assert last["cached"] - first["cached"] == 4 * (numbers[-1] - numbers[0])
