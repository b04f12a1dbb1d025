"""Waiting for what others do, without a sleep of fixed length."""

import time
from collections.abc import Callable


def wait_until(holds: Callable[[], bool], seconds: float = 5.0) -> None:
    """Look again and again, for what only the other side of a connection can bring about.

    At first at once, then less often: who waits for a server to start should not take the processor away from it.
    """
    started = time.monotonic()
    while not holds():
        waited = time.monotonic() - started
        assert waited < seconds, "it did not come about in time"
        time.sleep(min(0.002 + waited / 20, 0.25))
