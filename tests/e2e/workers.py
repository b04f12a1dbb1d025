"""The deployments, and process workers that may be killed."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import psutil
import pytest

from tests.e2e.prefect_server import ROOT
from tests.fixtures.pipelines import Pipeline


@pytest.fixture(scope="session")
def deployments(prefect_server: str) -> None:
    deploy(prefect_server)


def deploy(server: str) -> None:
    """Makes the work pool and all deployments, as the documentation says."""
    from prefect.client.orchestration import get_client

    from flows.installing.server_objects import create_work_pool

    with get_client(sync_client=True) as client:
        create_work_pool(client)
    command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"]
    variables = {"PREFECT_API_URL": server}
    subprocess.run(command, cwd=ROOT, env=os.environ | variables, check=True, capture_output=True)


class Worker:
    """A process worker that takes one run at a time."""

    def __init__(self, pipeline: Pipeline, name: str) -> None:
        variables = {"PREFECT_WORKER_QUERY_SECONDS": "1", "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30"}
        command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", "codegrader", "--limit", "1"]
        with (pipeline.home / f"{name}.log").open("w") as log:
            self._process = subprocess.Popen(
                [*command, "--name", name],
                cwd=ROOT,
                env=os.environ | pipeline.variables() | variables,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def runs(self, flow_run_id: UUID) -> bool:
        """Whether the flow run's process is its own."""
        processes = psutil.Process(self._process.pid).children(recursive=True)
        return any(process.environ().get("PREFECT__FLOW_RUN_ID") == str(flow_run_id) for process in processes)

    def kill(self) -> None:
        """Ends it and its run as a power cut would."""
        worker = psutil.Process(self._process.pid)
        # Stopped first: it would report what becomes of its run.
        worker.suspend()
        for process in [*worker.children(recursive=True), worker]:
            process.kill()
        self._process.wait()

    def stop(self) -> None:
        """Ends it; a run that is under way is killed."""
        if self._process.poll() is None:
            self.kill()


@contextmanager
def workers_running(pipeline: Pipeline, count: int) -> Iterator[list[Worker]]:
    """Workers, for as long as the `with` block runs."""
    workers = [Worker(pipeline, f"worker-{number}") for number in range(count)]
    try:
        yield workers
    finally:
        for worker in workers:
            worker.stop()
