"""Who is being served: a gate for requests that arrive together, and a log of those that were answered."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from threading import Condition


class SandboxClosedError(ConnectionError):
    """The sandbox was closed while a request was still waiting for its answer."""


@dataclass(frozen=True)
class ServedRequest:
    """One request and its answer, noted just before the answer's first byte.

    Attributes:
        start: first moment asked for, UTC; None where the request was refused before it was understood.
        end: last moment asked for, UTC; None likewise.
        status: HTTP status of the answer; None where the connection was reset without one.
        records: number of records in the answer, or that would have been in it, had it not been cut short.
        began: when the gate let the request in, in seconds of `time.monotonic()`.
        answered: when the answer began, likewise.
    """

    start: datetime | None
    end: datetime | None
    status: int | None
    records: int
    began: float
    answered: float


class Traffic:
    """Lets at most `limit` requests in at once; the others queue, in no particular order.

    Attributes:
        max_parallel_seen: most requests that were there at one time, those in the queue included.
    """

    def __init__(self, limit: int | None = None) -> None:
        self.max_parallel_seen = 0
        self._limit = limit
        self._here = 0
        self._let_in = 0
        self._closed = False
        self._served: list[ServedRequest] = []
        self._changed = Condition()

    @property
    def served(self) -> list[ServedRequest]:
        """A copy of the log, in the order of the answers."""
        with self._changed:
            return list(self._served)

    def note(self, request: ServedRequest) -> None:
        """Add one request to the log."""
        with self._changed:
            self._served.append(request)

    @contextmanager
    def admit(self) -> Iterator[None]:
        """Wait at the gate, then be counted as let in for as long as the block runs.

        Raises:
            SandboxClosedError: the sandbox closed meanwhile.
        """
        with self._changed:
            self._here += 1
            self.max_parallel_seen = max(self.max_parallel_seen, self._here)
            self._changed.wait_for(lambda: self._closed or self._has_room())
            self._let_in += 1
        try:
            self.fail_when_closed()
            yield
        finally:
            with self._changed:
                self._here -= 1
                self._let_in -= 1
                self._changed.notify_all()

    def wait(self, seconds: float) -> None:
        """Let time pass, but not a moment longer than the sandbox lives.

        Raises:
            SandboxClosedError: the sandbox closed meanwhile.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._closed, timeout=max(0.0, seconds))
        self.fail_when_closed()

    def close(self) -> None:
        """End every wait at once, and let nobody in any more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def fail_when_closed(self) -> None:
        """Raise `SandboxClosedError` once the sandbox is closed."""
        if self._closed:
            raise SandboxClosedError("the sandbox is closed")

    def _has_room(self) -> bool:
        return self._limit is None or self._let_in < self._limit
