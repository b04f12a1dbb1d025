"""A run that nobody is left to end is marked as crashed and told of, and only such a run."""

import os
import subprocess
import sys
from datetime import timedelta
from typing import Any

import pytest
from prefect.client.orchestration import get_client
from prefect.events import RelatedResource, emit_event

from flows.installing import server_objects
from flows.installing.server_objects import DIED, TELL_OF_IT, put_automations
from tests.fixtures.prefect_server import ROOT
from tests.fixtures.server_objects import Server
from tests.fixtures.waiting import wait_until

RUN = """
import sys, time, prefect
flow, run, seconds = sys.argv[1:]
prefect.flow(name=flow, flow_run_name=run)(lambda: time.sleep(float(seconds)))()
"""
HEARTBEAT, REFUSED = "prefect.flow-run.heartbeat", "prefect.automation.action.failed"
SILENCE = timedelta(seconds=10)
"""The shortest that Prefect takes."""
PATIENCE_S = 120


def start(server: str, *flow_run_seconds: str) -> "subprocess.Popen[bytes]":
    """Stands in for a run of ours, or of somebody else's."""
    return subprocess.Popen(
        [sys.executable, "-c", RUN, *flow_run_seconds], cwd=ROOT, env=os.environ | {"PREFECT_API_URL": server}
    )


def events(server: Server, name: str, **more: object) -> int:
    """How many events of that name the server has got."""
    return len(server.ask("POST", "events/filter", {"filter": {"event": {"name": [name]}, **more}})["events"])


def find_run(server: Server, name: str) -> dict[str, Any]:
    (run,) = server.ask("POST", "flow_runs/filter", {"flow_runs": {"name": {"any_": [name]}}}) or [{}]
    return dict(run)


def lives(server: Server, name: str) -> bool:
    """Whether a run has begun, and has given a sign of life."""
    run = find_run(server, name)
    of_run = {"id": [f"prefect.flow-run.{run['id']}"]} if run else None
    return run.get("state_type") == "RUNNING" and events(server, HEARTBEAT, resource=of_run) > 0


def beat_late(run: dict[str, Any]) -> None:
    """A heartbeat that arrives when the run has ended, as happens where the process takes its time to end."""
    flow = RelatedResource.model_validate(
        {
            "prefect.resource.id": f"prefect.flow.{run['flow_id']}",
            "prefect.resource.role": "flow",
            "prefect.resource.name": "codegrader-etl",
        }
    )
    emit_event(HEARTBEAT, {"prefect.resource.id": f"prefect.flow-run.{run['id']}"}, related=[flow])


@pytest.mark.slow
def test_only_a_run_that_has_died_is_marked_and_told_of(
    prefect_server: str, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_objects, "SILENCE", SILENCE)
    with get_client(sync_client=True) as client:
        list(put_automations(client, is_expected=False))
    refused = events(server, REFUSED)
    processes = {
        "killed": start(prefect_server, "codegrader-etl", "killed", "600"),
        "another's": start(prefect_server, "another", "another's", "600"),
    }
    assert start(prefect_server, "codegrader-etl", "ended", "0").wait(PATIENCE_S) == 0
    wait_until(lambda: find_run(server, "ended")["state_type"] == "COMPLETED")
    beat_late(find_run(server, "ended"))
    # Its silence begins last, so that it is told of last.
    flow = server.ask("POST", "flows/", {"name": "codegrader-backfill"})
    server.ask("POST", "flow_runs/", {"flow_id": flow["id"], "name": "never begun", "state": {"type": "PENDING"}})
    for name, process in processes.items():
        wait_until(lambda name=name: lives(server, name), PATIENCE_S)  # type: ignore[misc]
        process.kill()
        process.wait()

    def notices() -> list[dict[str, str]]:
        tells = server.find("automations", TELL_OF_IT)
        assert tells is not None
        of_it = {"id": {"any_": [tells["actions"][0]["deployment_id"]]}}
        return [run["parameters"] for run in server.ask("POST", "flow_runs/filter", {"deployments": of_it})]

    dead = [find_run(server, name)["id"] for name in ("killed", "never begun")]
    wait_until(lambda: {"flow_run_id": dead[1]} in notices(), PATIENCE_S)
    # The automation takes the one that ended for dead as well, as it must, and is refused.
    wait_until(lambda: events(server, REFUSED) > refused)
    assert sorted(notice["flow_run_id"] for notice in notices()) == sorted(dead)
    states = {name: find_run(server, name)["state"] for name in ("killed", "never begun", "another's", "ended")}
    assert [state["name"] for state in states.values()] == ["Crashed", "Crashed", "Running", "Completed"]
    assert states["killed"]["message"] == DIED
