"""A run whose process is killed, and which has no worker that sees it, is marked as crashed and told of."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowFilter, FlowFilterName
from prefect.client.schemas.objects import FlowRun, StateType

from flows import server_objects
from flows.server_objects import A_RUN_HAS_DIED, DIED, TELL_OF_IT, create_server_objects
from tests.e2e.prefect_server import ROOT
from tests.e2e.test_setup import Server, notify_deployment
from tests.waiting import wait_until

pytestmark = pytest.mark.slow

# Stands in for a flow of that name: `sleep` is how long it takes.
RUN = "import sys, time, prefect; prefect.flow(name=sys.argv[1])(lambda: time.sleep(float(sys.argv[2])))()"
PATIENCE_S = 90


@pytest.fixture
def deployment(prefect_server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[UUID]:
    """The deployment that writes the mail, and the automations, in a hurry for this test alone."""
    server = Server(prefect_server)
    delete_automations(server)
    deployment = notify_deployment(server)
    monkeypatch.setattr(server_objects, "SILENCE", timedelta(seconds=15))
    list(create_server_objects())
    yield deployment
    delete_automations(server)


def delete_automations(server: Server) -> None:
    for name in (A_RUN_HAS_DIED, TELL_OF_IT):
        automation = server.find("automations", name)
        if automation:
            server.ask("DELETE", f"automations/{automation['id']}")


def start(server: str, flow_name: str, seconds: float) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-c", RUN, flow_name, str(seconds)], cwd=ROOT, env=os.environ | {"PREFECT_API_URL": server}
    )


def runs(flow_name: str) -> list[FlowRun]:
    with get_client(sync_client=True) as client:
        return client.read_flow_runs(flow_filter=FlowFilter(name=FlowFilterName(any_=[flow_name])))


def latest(flow_name: str) -> FlowRun:
    return max(runs(flow_name), key=lambda run: run.created or 0)  # type: ignore[return-value,arg-type]


def test_a_dead_run_is_marked_and_told_of_and_others_are_not(prefect_server: str, deployment: UUID) -> None:
    told = len(runs("codegrader-notify"))
    known = {run.id for name in ("codegrader-etl", "codegrader-backfill", "another") for run in runs(name)}
    killed = [start(prefect_server, name, 600) for name in ("codegrader-etl", "another")]
    finished = start(prefect_server, "codegrader-backfill", 0)

    def find(name: str) -> Any:
        return next((run for run in runs(name) if run.id not in known), None)

    def is_in(state: StateType, name: str) -> bool:
        run = find(name)
        return run is not None and run.state.type == state

    wait_until(lambda: all(is_in(StateType.RUNNING, name) for name in ("codegrader-etl", "another")), PATIENCE_S)
    # So that its first heartbeat has arrived.
    time.sleep(3)
    for process in killed:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert finished.wait(60) == 0

    wait_until(lambda: is_in(StateType.CRASHED, "codegrader-etl"), PATIENCE_S)
    dead = find("codegrader-etl")
    assert (dead.state.name, dead.state.message) == ("Crashed", DIED)
    wait_until(lambda: len(runs("codegrader-notify")) > told, PATIENCE_S)
    notice = latest("codegrader-notify")
    assert notice.deployment_id == deployment
    assert notice.parameters == {"flow_run_id": str(dead.id)}
    # Long enough for the others to be taken for dead as well.
    time.sleep(30)
    assert len(runs("codegrader-notify")) == told + 1
    assert find("another").state.is_running()
    assert find("codegrader-backfill").state.is_completed()
