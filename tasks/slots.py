"""The slots that all workers share, so that together they stay polite to the grader's API."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from queue import Empty, LifoQueue
from typing import Final, NamedTuple
from uuid import UUID

import httpx
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.responses import ConcurrencyLimitWithLeaseResponse
from prefect.context import SyncClientContext

CONCURRENCY_LIMIT: Final = "grader-api"
"""The global concurrency limit that `flows.setup` makes; where there is none, there is always a slot."""
LEASE_S: Final = 180
"""After so long, the server takes a slot back, say from a process that was killed. If an answer ever takes longer, one
more request may begin beside it."""
QUICK_S: Final = 1
"""A slot is handed on to this process's next request after one that took no longer."""
KEPT_S: Final = 5
"""So long at most; then other processes may have it."""


class _Slot(NamedTuple):
    lease: UUID
    since: float


_handed_on: Final[LifoQueue[_Slot]] = LifoQueue()


@contextmanager
def slot() -> Iterator[None]:
    """Holds one slot; waits for one as long as all are taken.

    Prefect's own `concurrency` takes and renews each slot with a client and a thread of its own, one after the other.
    With an API that answers at once, that and the server's part of it took half of a run's time.
    """
    with SyncClientContext.get_or_create() as context:
        held = _take(context.client)
        began = time.monotonic()
        try:
            yield
        finally:
            if time.monotonic() - began <= QUICK_S:
                _handed_on.put(held)
            else:
                _release(context.client, held)


def release_slots() -> None:
    """Gives back the slots that are kept for further requests, when there are none."""
    with SyncClientContext.get_or_create() as context, suppress(Empty):
        while True:
            _release(context.client, _handed_on.get_nowait())


def _take(client: SyncPrefectClient) -> _Slot:
    wait = 0.0
    while True:
        # While the server has none, this process may have one to hand on.
        with suppress(Empty):
            held = _handed_on.get(timeout=wait)
            if time.monotonic() - held.since <= KEPT_S:
                return held
            _release(client, held)
        try:
            answer = client.increment_concurrency_slots_with_lease([CONCURRENCY_LIMIT], 1, "concurrency", LEASE_S)
        except httpx.HTTPStatusError as error:
            if error.response.status_code != httpx.codes.LOCKED:
                raise
            wait = float(error.response.headers["Retry-After"])
        else:
            lease = ConcurrencyLimitWithLeaseResponse.model_validate(answer.json()).lease_id
            return _Slot(lease, time.monotonic())


def _release(client: SyncPrefectClient, held: _Slot) -> None:
    # Should Prefect's server be away just now, the lease ends by itself.
    with suppress(httpx.HTTPError):
        client.release_concurrency_slots_with_lease(held.lease)
