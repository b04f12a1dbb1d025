"""The slots of the grader's API that all workers share, on a real Prefect server, held by processes of their own."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final
from uuid import UUID

import httpx
import pytest
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate

from tasks.errors import TransientError
from tasks.extract import LEASE_S, _slot
from tasks.grader_api import CONCURRENCY_LIMIT
from tests.faults import fault
from tests.fixtures.prefect_server import ROOT
from tests.fixtures.waiting import wait_until

pytestmark = pytest.mark.slow

LIMIT: Final = 2
HOLD: Final = """
import sys
from tasks.extract import _slot
print("asks", flush=True)
with _slot():
    print("has it", flush=True)
    input()
"""


@pytest.fixture
def client(prefect_server: str) -> Iterator[SyncPrefectClient]:
    """A client of a server that has two slots."""
    with get_client(sync_client=True) as client:
        client.create_global_concurrency_limit(GlobalConcurrencyLimitCreate(name=CONCURRENCY_LIMIT, limit=LIMIT))
        yield client
        client.delete_global_concurrency_limit_by_name(CONCURRENCY_LIMIT)


def taken(client: SyncPrefectClient) -> int:
    """How many slots are taken, in the server's eyes."""
    return client.read_global_concurrency_limit_by_name(CONCURRENCY_LIMIT).active_slots


class Holder:
    """A process that wants a slot and, once it has one, holds it."""

    def __init__(self, output: Path, server: str) -> None:
        self._output = output
        with output.open("w") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-c", HOLD],
                cwd=ROOT,
                env=os.environ | {"PREFECT_API_URL": server},
                stdin=subprocess.PIPE,
                stdout=file,
                text=True,
            )

    def has_slot(self, what: str = "has it") -> bool:
        assert self.process.poll() is None
        return what in self._output.read_text().splitlines()

    def give_back(self) -> None:
        """Lets it end as it should."""
        self.process.communicate("\n", timeout=60)


@pytest.fixture
def holders(prefect_server: str, client: SyncPrefectClient, tmp_path: Path) -> Iterator[list[Holder]]:
    """One more than there are slots; those that are left are killed."""
    started = [Holder(tmp_path / f"{number}", prefect_server) for number in range(LIMIT + 1)]
    yield started
    for holder in started:
        holder.process.kill()
        holder.process.communicate()


@fault("grader API", "more processes ask it than there are slots", "they wait for one another")
def test_processes_together_hold_no_more_than_there_are(client: SyncPrefectClient, holders: list[Holder]) -> None:
    wait_until(lambda: all(holder.has_slot("asks") for holder in holders), 60)
    wait_until(lambda: taken(client) == LIMIT and sum(map(Holder.has_slot, holders)) == LIMIT, 60)
    # The last one goes on asking; more than a second of that brings it nothing.
    patience = time.monotonic() + 2
    wait_until(lambda: all(map(Holder.has_slot, holders)) or time.monotonic() > patience, 60)
    (waiting,) = (holder for holder in holders if not holder.has_slot())
    next(holder for holder in holders if holder is not waiting).give_back()
    wait_until(waiting.has_slot, 60)
    assert taken(client) == LIMIT


@fault(
    "grader API", "a process that holds a slot is killed", "its slot is free again after a minute; others keep theirs"
)
@pytest.mark.stress
def test_a_killed_process_loses_its_slot_and_a_living_one_keeps_it_past_its_lease(
    client: SyncPrefectClient, holders: list[Holder]
) -> None:
    wait_until(lambda: sum(map(Holder.has_slot, holders)) == LIMIT, 60)
    waiting, killed, living = sorted(holders, key=Holder.has_slot)
    killed.process.kill()
    wait_until(waiting.has_slot, 3 * LEASE_S)
    # The leases of the other two began together, so the living one's would have ended as well.
    ended = time.monotonic() + LEASE_S / 2
    wait_until(lambda: taken(client) != LIMIT or time.monotonic() > ended, LEASE_S)
    assert taken(client) == LIMIT
    assert living.has_slot()
    waiting.give_back()
    living.give_back()
    assert taken(client) == 0


@fault("grader API", "a request that fails", "its slot is free again")
@fault("grader API", "Prefect's server is away when a slot is given back", "the answer is kept")
def test_a_failure_frees_its_slot_and_an_answer_is_kept_though_its_slot_cannot_be_given_back(
    client: SyncPrefectClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_lease: UUID) -> None:
        raise httpx.ConnectError("refused")

    with suppress(RuntimeError), _slot():
        assert taken(client) == 1
        raise RuntimeError
    assert taken(client) == 0
    monkeypatch.setattr("prefect.concurrency._sync.release_concurrency_slots_with_lease", refuse)
    with _slot():
        assert taken(client) == 1
    with pytest.raises(RuntimeError, match="the request's own"), _slot():
        raise RuntimeError("the request's own")


@fault("grader API", "Prefect's server fails to give a slot", "told in one line; tried again")
def test_a_server_that_fails_is_told_in_one_line(client: SyncPrefectClient, monkeypatch: pytest.MonkeyPatch) -> None:
    # Less than the server accepts.
    monkeypatch.setattr("tasks.extract.LEASE_S", 1)
    with pytest.raises(TransientError, match="422"), _slot():
        pass


def test_without_a_limit_nothing_is_waited_for(prefect_server: str) -> None:
    with _slot(), _slot(), _slot():
        pass
