"""The runs of a backfill on a real server: told what to do, found again, and missed when they are deleted."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from flows.backfilling.chunks import split_into_chunks
from tasks.plan import plan_period
from tests.e2e.workers import deployments

if TYPE_CHECKING:
    from prefect.client.schemas.objects import FlowRun, State

    from flows.backfilling.children import ChildRuns

__all__ = ["deployments"]

pytestmark = pytest.mark.slow


@pytest.fixture
def children(deployments: None) -> "Iterator[ChildRuns]":
    from prefect.client.orchestration import get_client

    from flows.backfilling.children import ChildRuns
    from flows.running.trust import Limits

    with get_client(sync_client=True) as client:
        yield ChildRuns(client, Limits(0.05, 0.1), refresh=False)


@pytest.fixture
def child(children: "ChildRuns") -> "Iterator[FlowRun]":
    """A child run that no worker takes."""
    from prefect.client.orchestration import get_client

    (chunk,) = split_into_chunks(plan_period("2022-01-05", "2022-01-31", ZoneInfo("UTC"), datetime.now(UTC)), 1)
    run = children.start(chunk, chunk.days[5], chunk.days[6])
    yield run
    with get_client(sync_client=True) as client:
        client.delete_flow_run(run.id)


def look_at(children: "ChildRuns", child: "FlowRun", times: int = 1) -> "State":
    """What a backfill sees of a run."""
    from prefect import flow
    from prefect.client.schemas.objects import State

    seen: list[State] = []

    @flow
    def backfill_that_looks() -> None:
        seen.extend(children.read_states([child.id])[child.id] for _ in range(times))

    backfill_that_looks()
    return seen[-1]


def put_in_state(child: "FlowRun", state: "State") -> None:
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        client.set_flow_run_state(child.id, state, force=True)


def test_a_child_run_is_told_what_it_needs_and_found_again(children: "ChildRuns", child: "FlowRun") -> None:
    from prefect.states import Completed

    assert child.parameters == {
        "start_date": "2022-01-10",
        "end_date": "2022-01-11",
        "refresh": False,
        "publish": False,
        "max_rejected_share": 0.05,
        "max_duplicates_share": 0.1,
    }
    assert children.find_active()["2022-01-05 to 2022-01-31"].id == child.id
    put_in_state(child, Completed())
    assert "2022-01-05 to 2022-01-31" not in children.find_active()


def test_where_no_worker_is_there_it_warns_once(
    children: "ChildRuns", child: "FlowRun", monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    look_at(children, child)
    assert "wait for a worker" not in caplog.text
    monkeypatch.setattr("flows.backfilling.children.START_PATIENCE", timedelta())

    look_at(children, child, times=3)

    assert caplog.text.count("wait for a worker") == 1
    assert "prefect worker start --pool codegrader" in caplog.text


def test_a_run_that_was_deleted_has_crashed(children: "ChildRuns") -> None:
    from prefect.client.schemas.objects import FlowRun

    assert look_at(children, FlowRun(id=uuid4(), flow_id=uuid4(), name="gone")).is_crashed()
