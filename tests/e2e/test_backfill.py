"""A long range, loaded by runs that several workers share, one of which is killed."""

import threading
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from tests.e2e.conftest import Pipeline, Pipelines
from tests.e2e.workers import deploy, workers_running
from tests.sandbox.grader import RecordList
from tests.waiting import wait_until

pytestmark = pytest.mark.slow


def attempt(moment: datetime) -> dict[str, Any]:
    return {
        "lti_user_id": f"{moment.timetuple().tm_yday:032x}",
        "passback_params": "{'lis_result_sourcedid': 'course-v1:SandboxU+PY-101+2023:lms.example-abc:u'}",
        "is_correct": moment.day % 2,
        "attempt_type": "submit",
        "created_at": f"{moment:%Y-%m-%d %H:%M:%S}",
    }


@pytest.fixture
def pipeline(pipelines: Pipelines) -> Pipeline:
    noons = [datetime(2022, 1, 1, 12, tzinfo=UTC) + timedelta(days=days) for days in range(0, 365, 5)]
    pipeline = pipelines.make(RecordList(map(attempt, noons)))
    deploy(pipeline.server)
    return pipeline


def backfill(pipeline: Pipeline, start: str, end: str, **parameters: Any) -> Any:
    from flows.backfill import codegrader_backfill

    with pipeline.environment({}):
        return codegrader_backfill(start, end, **parameters, return_state=True)


def test_timing(pipeline: Pipeline) -> None:
    import time

    pipeline.rows("SELECT 1")
    with workers_running(pipeline, 2):
        t = time.time()
        state = backfill(pipeline, "2022-01-01", "2022-04-30")
        print("TIME", time.time() - t)
        print(state.message)
        print(len(pipeline.world.grader.requests))
        for w in ("worker-0", "worker-1"):
            print((pipeline.home / f"{w}.log").read_text()[:6000])
    assert state.is_completed()
