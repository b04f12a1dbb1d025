"""A run that nobody is left to end is marked as crashed and told of, and only such a run."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowFilter, FlowFilterName
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.events import RelatedResource, emit_event

from flows.installing import server_objects
from flows.installing.server_objects import DIED, TELL_OF_IT, create_server_objects
from tests.fixtures.prefect_server import ROOT, own_server
from tests.fixtures.server_objects import Server
from tests.fixtures.waiting import wait_until

pytestmark = pytest.mark.slow

# Stands in for a flow of the first name; the second argument is for how many seconds it runs.
RUN = "import sys, time, prefect; prefect.flow(name=sys.argv[1])(lambda: time.sleep(float(sys.argv[2])))()"
SILENCE = timedelta(seconds=15)
PATIENCE_S = 120
REFUSED = {"filter": {"event": {"name": ["prefect.automation.action.failed"]}}}


@pytest.fixture(scope="module")
def prefect_server() -> Iterator[str]:
    with own_server() as api:
        yield api


@pytest.fixture
def server(prefect_server: str, monkeypatch: pytest.MonkeyPatch) -> Server:
    """The server with the deployment that writes the mail, and with automations that are in a hurry."""
    server = Server(prefect_server)
    server.clear()
    server.pretend_to_deploy()
    monkeypatch.setattr(server_objects, "SILENCE", SILENCE)
    list(create_server_objects())
    return server


class Runs:
    """The runs of a flow that are new since this was made."""

    def __init__(self, flow_name: str) -> None:
        self._flow = FlowFilter(name=FlowFilterName(any_=[flow_name]))
        self._known = set[UUID]()
        self._known = {run.id for run in self.new()}

    def new(self) -> list[FlowRun]:
        with get_client(sync_client=True) as client:
            return [run for run in client.read_flow_runs(flow_filter=self._flow) if run.id not in self._known]

    def wait(self, state: StateType) -> FlowRun:
        """The one new run, once it is in that state."""
        wait_until(lambda: [run.state_type for run in self.new()] == [state], PATIENCE_S)
        return self.new()[0]


def start(server: str, flow_name: str, seconds: float) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-c", RUN, flow_name, str(seconds)], cwd=ROOT, env=os.environ | {"PREFECT_API_URL": server}
    )


def signs_of(server: Server, run: FlowRun) -> int:
    """How many heartbeats of a run the server has got."""
    resource = {"id": [f"prefect.flow-run.{run.id}"]}
    wanted = {"filter": {"event": {"name": ["prefect.flow-run.heartbeat"]}, "resource": resource}}
    return len(server.ask("POST", "events/filter", wanted)["events"])


def beat_late(run: FlowRun) -> None:
    """A heartbeat that arrives when the run has ended, as happens where the process takes its time to end."""
    flow = RelatedResource.model_validate(
        {
            "prefect.resource.id": f"prefect.flow.{run.flow_id}",
            "prefect.resource.role": "flow",
            "prefect.resource.name": "codegrader-etl",
        }
    )
    emit_event("prefect.flow-run.heartbeat", {"prefect.resource.id": f"prefect.flow-run.{run.id}"}, related=[flow])


def test_a_run_whose_process_is_killed_is_marked_and_told_of(prefect_server: str, server: Server) -> None:
    dead, notices, foreign = Runs("codegrader-etl"), Runs("codegrader-notify"), Runs("another")
    processes = [start(prefect_server, name, 600) for name in ("codegrader-etl", "another")]
    for runs in (dead, foreign):
        run = runs.wait(StateType.RUNNING)
        wait_until(lambda run=run: signs_of(server, run) > 0, PATIENCE_S)  # type: ignore[misc]
    for process in processes:
        process.kill()
        process.wait()

    state = dead.wait(StateType.CRASHED).state

    assert state is not None
    assert (state.name, state.message) == ("Crashed", DIED)
    notice = notices.wait(StateType.SCHEDULED)
    deployment = server.find("automations", TELL_OF_IT)
    assert deployment is not None
    assert str(notice.deployment_id) == deployment["actions"][0]["deployment_id"]
    assert notice.parameters == {"flow_run_id": str(dead.new()[0].id)}
    foreign.wait(StateType.RUNNING)


def test_a_run_whose_worker_died_before_it_began_is_marked_and_told_of(server: Server) -> None:
    dead, notices = Runs("codegrader-backfill"), Runs("codegrader-notify")
    flow = server.ask("POST", "flows/", {"name": "codegrader-backfill"})
    server.ask("POST", "flow_runs/", {"flow_id": flow["id"], "state": {"type": "PENDING"}})

    run = dead.wait(StateType.CRASHED)

    assert notices.wait(StateType.SCHEDULED).parameters == {"flow_run_id": str(run.id)}


def test_a_run_that_ended_is_never_told_of(prefect_server: str, server: Server) -> None:
    ended, notices = Runs("codegrader-etl"), Runs("codegrader-notify")
    assert start(prefect_server, "codegrader-etl", 0).wait(60) == 0
    run = ended.wait(StateType.COMPLETED)
    refused = len(server.ask("POST", "events/filter", REFUSED)["events"])
    beat_late(run)

    # The automation takes it for dead, as it must, and is refused.
    wait_until(lambda: len(server.ask("POST", "events/filter", REFUSED)["events"]) > refused, PATIENCE_S)

    time.sleep(5)
    assert ended.wait(StateType.COMPLETED).state_name == "Completed"
    assert notices.new() == []
