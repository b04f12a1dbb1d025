"""The slots of the grader's API that all workers share, on a real Prefect server."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from threading import Barrier

import pytest
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate
from prefect.exceptions import ObjectNotFound

from tasks import slots
from tasks.slots import CONCURRENCY_LIMIT, release_slots, slot
from tests.faults import fault

pytestmark = pytest.mark.slow


@pytest.fixture
def client(prefect_server: str) -> Iterator[SyncPrefectClient]:
    """A client of a server that has two slots."""
    with get_client(sync_client=True) as client:
        client.create_global_concurrency_limit(GlobalConcurrencyLimitCreate(name=CONCURRENCY_LIMIT, limit=2))
        try:
            yield client
        finally:
            release_slots()
            client.delete_global_concurrency_limit_by_name(CONCURRENCY_LIMIT)


def taken(client: SyncPrefectClient) -> int:
    """How many slots are taken, in the server's eyes."""
    return client.read_global_concurrency_limit_by_name(CONCURRENCY_LIMIT).active_slots


def test_a_slot_is_handed_on_while_requests_are_quick(client: SyncPrefectClient) -> None:
    for _ in range(3):
        with slot():
            assert taken(client) == 1
    assert taken(client) == 1
    release_slots()
    assert taken(client) == 0


def test_after_a_slow_request_others_may_have_it(client: SyncPrefectClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slots, "QUICK_S", -1)
    with slot():
        assert taken(client) == 1
    assert taken(client) == 0


def test_a_slot_is_not_kept_for_ever(client: SyncPrefectClient, monkeypatch: pytest.MonkeyPatch) -> None:
    with slot():
        pass
    monkeypatch.setattr(slots, "KEPT_S", -1)
    lease = slots._handed_on.queue[0].lease
    with slot():
        assert taken(client) == 1
    assert slots._handed_on.queue[0].lease != lease


def test_no_more_are_held_at_once_than_there_are(client: SyncPrefectClient) -> None:
    together, most = Barrier(4), []

    def ask() -> None:
        together.wait()
        with slot():
            most.append(taken(client))

    # The server's address is in the context.
    contexts = [copy_context() for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda context: context.run(ask), contexts))
    assert len(most) == 4
    assert max(most) <= 2


@fault("grader API", "a request that fails", "its slot is free again")
def test_a_failure_frees_its_slot(client: SyncPrefectClient) -> None:
    with suppress(RuntimeError), slot():
        raise RuntimeError
    release_slots()
    assert taken(client) == 0


def test_without_a_limit_there_is_always_a_slot(prefect_server: str) -> None:
    with get_client(sync_client=True) as client, pytest.raises(ObjectNotFound):
        client.read_global_concurrency_limit_by_name(CONCURRENCY_LIMIT)
    with slot(), slot(), slot():
        pass
    release_slots()
