"""Ctrl-C in a real terminal: a run ends at once and says one line, and the same command goes on where it was."""

import os
import signal
import sqlite3
import subprocess
import sys
import time

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.sorting import FlowRunSort

from flows.running.loading import LOADERS
from flows.running.stopping import ENDED_WITHIN_S
from tests.faults import fault
from tests.fixtures.pipelines import Pipeline, Pipelines
from tests.fixtures.prefect_server import ROOT
from tests.fixtures.product import processes_of
from tests.fixtures.terminal import Terminal, flow_in_terminal
from tests.fixtures.waiting import wait_until
from tests.sandbox.grader import SyntheticRecords

pytestmark = pytest.mark.slow

YEAR = ("--start-date", "2021-06-01", "--end-date", "2022-05-31")
STOPPED = "Stopped. What is loaded stays; give the same command again to go on."
AT_MOST_S = 5


def ended(terminal: Terminal) -> tuple[int, list[str]]:
    """Presses Ctrl-C; the exit code, and what is shown but progress. It takes no longer than it may."""
    began = time.monotonic()
    terminal.press_ctrl_c()
    code = terminal.wait(60)
    assert terminal.has_cursor
    assert time.monotonic() - began < AT_MOST_S
    lines = [line.strip() for line in terminal.text().replace("^C", "").splitlines()]
    return code, [line for line in lines if line and not line.startswith("windows loaded")]


@fault("killed processes", "Ctrl-C in the middle of a year", "it ends within 5 s with one line; the next run goes on")
def test_a_years_run_is_stopped_and_goes_on(pipelines: Pipelines) -> None:
    pipeline = pipelines.make(SyntheticRecords())
    grader, windows = pipeline.world.grader, "SELECT window_start FROM loaded_windows ORDER BY 1"
    terminal = flow_in_terminal(pipeline, *YEAR)
    wait_until(lambda: len(grader.requests) > 12, 60)
    assert ended(terminal) == (130, [STOPPED])
    with get_client(sync_client=True) as client:
        (run,) = client.read_flow_runs(sort=FlowRunSort.START_TIME_DESC, limit=1)
    assert run.state_name == "Cancelled"
    assert pipeline.world.smtp.messages == []
    loaded, asked = pipeline.rows(windows), len(grader.requests)
    assert 0 < len(loaded) < 200

    # What is loaded stays, and of the first days next to nothing is asked for again.
    assert pipeline.run("2021-06-01", "2021-06-05", publish=False).is_completed()
    assert set(loaded) <= set(pipeline.rows(windows))
    assert len(grader.requests) - asked <= max(0, 20 - len(loaded)) + LOADERS


@pytest.fixture
def waiting(pipelines: Pipelines) -> Pipeline:
    """A pipeline whose API takes minutes for each answer."""
    return pipelines.make(SyntheticRecords(), latency_per_record=0.5)


def is_answering(pipeline: Pipeline) -> bool:
    return pipeline.world.grader.max_parallel_seen == 4


HANGING = """
import time
from flows.running.stopping import stoppable
with stoppable(lambda: time.sleep(60)):
    print("ready", flush=True)
    time.sleep(60)
"""


@fault("killed processes", "Ctrl-C while nothing answers any more", "it ends within 5 s; a second one ends it at once")
@pytest.mark.parametrize(("times", "seconds"), [(1, AT_MOST_S), (2, ENDED_WITHIN_S / 2)])
def test_what_hangs_ends_within_seconds_and_at_once_if_told_twice(times: int, seconds: float) -> None:
    with subprocess.Popen([sys.executable, "-c", HANGING], cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        began = time.monotonic()
        while process.poll() is None and time.monotonic() - began < AT_MOST_S:
            if times:
                process.send_signal(signal.SIGINT)
                times -= 1
            time.sleep(0.2)
        assert process.wait(60) == 130
        assert time.monotonic() - began < seconds


@fault("killed processes", "SIGTERM while the API is answering", "it ends within 5 s with one line; nobody gets a mail")
def test_what_kill_sends_ends_it_likewise(waiting: Pipeline) -> None:
    process = waiting.start("2021-06-01", "2022-05-31")
    wait_until(lambda: is_answering(waiting), 60)
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 143
    assert time.monotonic() - began < AT_MOST_S
    assert output.splitlines() == [STOPPED]
    assert waiting.world.smtp.messages == []


@fault(
    "killed processes", "Ctrl-C without a Prefect server of one's own", "the temporary one and PostgreSQL end as well"
)
def test_without_a_server_of_ones_own_nothing_is_left_running(waiting: Pipeline) -> None:
    alone = {**os.environ, **waiting.variables(), "PREFECT_HOME": str(waiting.home / "prefect")}
    del alone["PREFECT_API_URL"]
    setup = Terminal([sys.executable, "-m", "flows.setup"], alone)
    assert setup.wait(120) == 0, setup.text()

    terminal = Terminal([sys.executable, "-m", "flows.etl", *YEAR], alone)
    wait_until(lambda: is_answering(waiting), 120)
    code, lines = ended(terminal)

    assert code == 130
    assert lines[-1:] == [STOPPED]
    assert len(lines) == 2, "the server is told of, and its end"
    with sqlite3.connect(waiting.home / "prefect" / "prefect.db") as server:
        assert server.execute("SELECT state_name FROM flow_run").fetchall() == [("Cancelled",)]
    wait_until(lambda: not processes_of(waiting.home))
