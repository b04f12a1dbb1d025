"""Heartbeat: a call to a dead-man's switch after each good daily run; if it stays away, somebody outside notices."""

from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.errors import TransientError

TIMEOUT_S = 10
"""For all of it, which Prefect ends; a connection alone would be given as long for each of its parts."""


def call(url: str) -> int:
    """Calls the address once.

    Returns:
        The status of the answer.

    Raises:
        TransientError: it did not answer well, or not within 10 seconds.
    """
    import requests

    try:
        # What it says besides is not read.
        with requests.get(url, timeout=TIMEOUT_S, stream=True) as answer:
            status = answer.status_code
    except requests.RequestException as error:
        # The address may hold a key: it is not named.
        raise TransientError(f"HEARTBEAT_URL cannot be reached ({type(error).__name__})") from None
    if status >= 400:
        raise TransientError(f"HEARTBEAT_URL answered {status}")
    return status


@task(
    task_run_name="heartbeat",
    description="Tells the dead-man's switch that the daily run went well.",
    cache_policy=NO_CACHE,
    timeout_seconds=TIMEOUT_S,
)
def heartbeat(url: str) -> None:
    """Calls the address; see `call`."""
    call(url)
