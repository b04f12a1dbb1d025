"""`make up` says in one line what is in its way, and leaves nothing behind."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from flows import up
from tests.fixtures.prefect_server import ROOT
from tests.fixtures.product import Product, processes_of
from tests.fixtures.waiting import wait_until

GRADER = {"GRADER_API_URL": "http://127.0.0.1:1/", "GRADER_CLIENT": "nobody", "GRADER_CLIENT_KEY": "nothing"}
STUBBORN = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print(subprocess.Popen(["sleep", "60"], start_new_session=True).pid, file=sys.stdout, flush=True)
time.sleep(60)
"""


def test_a_port_that_is_taken_is_told_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
        done = subprocess.run(
            [sys.executable, "-m", "flows.up"],
            cwd=ROOT,
            env={**os.environ, **GRADER, "CODEGRADER_HOME": str(tmp_path), "PORT": port},
            text=True,
            capture_output=True,
            check=False,
        )

    assert done.returncode == 1
    assert f"port {port} " in done.stderr
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_what_does_not_end_by_itself_is_killed_with_all_that_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(up, "STOPPED_WITHIN_S", 0.2)
    output = tmp_path / "output"
    with output.open("w") as file, up.running([sys.executable, "-c", STUBBORN], file) as child:
        wait_until(lambda: output.read_text().endswith("\n"))
        grandchild = psutil.Process(int(output.read_text()))

    assert child.returncode == -signal.SIGKILL
    wait_until(lambda: not grandchild.is_running() or grandchild.status() == psutil.STATUS_ZOMBIE)


@pytest.mark.slow
def test_ctrl_c_stops_all_of_it_and_says_what_became_of_the_run(product: Product) -> None:
    """The last of the tests that share it."""
    states = "SELECT state_type::text FROM flow_run WHERE name = '2022-01-01 to 2022-12-31'"
    asked = len(product.world.grader.requests)
    with product.client() as client:
        daily = client.read_deployment_by_name("codegrader-etl/daily").id
        client.create_flow_run_from_deployment(daily, parameters={"start_date": "2022-01-01", "end_date": "2022-12-31"})
    wait_until(lambda: len(product.world.grader.requests) > asked + 10, 60)
    assert product.rows(states, "prefect") == [("RUNNING",)]
    # The command itself, server, worker, the run's process, and PostgreSQL.
    assert len(processes_of(product.home)) >= 5

    told = len(product.output())
    assert product.stop() == 0

    wait_until(lambda: not processes_of(product.home))
    assert "Traceback" not in product.output()[told:]
    with product.database_alone():
        assert product.rows(states, "prefect") == [("CRASHED",)]
