"""Extract: one window's records from the grader's API, asked for once.

The result is the answer's text, not the parsed list. It is cached as it came, character for character; Prefect need not
walk through thousands of dictionaries; and nothing in an answer can be taken for one of the objects that Prefect's own
JSON decoder would make (`{"__class__": …}`).
"""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any, Final

import httpx
from prefect import task
from prefect.concurrency.asyncio import ConcurrencySlotAcquisitionError
from prefect.concurrency.sync import concurrency
from prefect.context import TaskRunContext
from prefect.serializers import CompressedSerializer, JSONSerializer
from prefect.settings import get_current_settings
from prefect.tasks import exponential_backoff
from prefect.utilities.hashing import hash_objects

from schemas.blocks import GraderApi
from schemas.period import Window
from tasks.errors import CodegraderError, TransientError
from tasks.grader_api import CONCURRENCY_LIMIT, MAX_CONNECTIONS, fetch_records
from tasks.retries import is_transient

CLOSED_AFTER: Final = timedelta(hours=1)
"""How long after a window's end its answer is taken as final and may be cached."""
LEASE_S: Final = 60
"""After so long without a renewal, the server takes a slot back, say from a process that was killed: the shortest time
that it accepts. A slot that is held is renewed as long as its answer takes."""
_CONNECTIONS: Final = BoundedSemaphore(MAX_CONNECTIONS)
CACHE_EXPIRATION: Final = timedelta(days=30)
UNCACHED: Final = timedelta(days=1)
"""How long what is stored but not cached stays: longer than the run takes that stored it."""


def cache_key(_context: TaskRunContext, parameters: dict[str, Any]) -> str | None:
    """The window, the API's address and the client's name; no key, so no caching, for a window that may still grow."""
    api, window = parameters["api"], parameters["window"]
    if window.end + CLOSED_AFTER > datetime.now(UTC):
        return None
    digest = hash_objects("extract-1", api.url, api.client, window.start.isoformat(), window.end.isoformat())
    return f"extract-{digest}"


@task(
    task_run_name="extract {window}",
    description="Asks the grader's API for one window's records.",
    cache_key_fn=cache_key,
    cache_expiration=CACHE_EXPIRATION,
    # By default it would be lzma, which takes fifteen times as long, for an answer three quarters as large.
    result_serializer=CompressedSerializer(serializer=JSONSerializer(), compressionlib="zlib"),
    # Each answer is read once: Prefect would hold a thousand of them in memory.
    cache_result_in_memory=False,
    retries=4,
    retry_delay_seconds=exponential_backoff(backoff_factor=2),
    retry_jitter_factor=0.5,
    retry_condition_fn=is_transient,
)
def extract(api: GraderApi, window: Window) -> str:
    """One window's records, as the JSON text in which the API sent them; raises what `fetch_records` does."""
    is_alone = get_current_settings().api.url is None
    try:
        with _CONNECTIONS, nullcontext() if is_alone else _slot():
            return fetch_records(api.url, api.client, api.client_key.get_secret_value(), window)
    except CodegraderError as error:
        error.stage = "extract"
        raise


@contextmanager
def _slot() -> Iterator[None]:
    """Holds one of the slots that all workers share; waits for one as long as all are taken.

    Held for the request alone: a cached window needs none. A run with a server of its own has nobody to share with.
    """
    held = ExitStack()
    try:
        held.enter_context(concurrency(CONCURRENCY_LIMIT, lease_duration=LEASE_S))
    except ConcurrencySlotAcquisitionError as error:
        raise TransientError(f"Prefect's server gave no slot for the grader API ({error}): see that it runs") from None
    try:
        yield
    finally:
        # Should Prefect's server be away just now, the answer is kept all the same, and the lease ends by itself.
        with suppress(httpx.HTTPError):
            held.close()


def delete_expired(folder: Path) -> None:
    """Deletes what Prefect no longer uses, which it never does itself.

    That is cached answers that have expired, and what it stores besides: answers of windows that are not cached, and
    the errors of those that failed. Nobody asks for these again once their run has ended.
    """
    now = time.time()
    kept = ((path, CACHE_EXPIRATION if path.name.startswith("extract-") else UNCACHED) for path in folder.iterdir())
    for path, limit in kept:
        if path.is_file() and path.stat().st_mtime < now - limit.total_seconds():
            path.unlink(missing_ok=True)
