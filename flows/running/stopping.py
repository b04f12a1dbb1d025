"""Ctrl-C, and what `kill` sends: a run ends within seconds, whatever it is waiting for.

Python handles a signal between two instructions of the main thread. That thread may be waiting for the database, for
Prefect's server, or at the end for threads that read an answer of the API, each for minutes. So a thread of its own
notices the signal, by way of Python's wake-up file descriptor, tidies up and ends the process. What is loaded stays, a
window at a time; PostgreSQL rolls back what is under way.
"""

import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

from prefect import get_client
from prefect.context import FlowRunContext
from prefect.states import Cancelled

from flows.running.console import close_quiet_console

ENDED_WITHIN_S: Final = 4.0
"""Longest time to tidy up; then the process ends all the same."""
SIGNALS: Final = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]

is_stopping: Final = threading.Event()
"""Set once the process was told to end: what fails from then on is nobody's business."""
_run: FlowRunContext | None = None


def note_run() -> None:
    """Notes which flow run this process is busy with, so that it can be marked as stopped."""
    global _run  # noqa: PLW0603 (a process runs one)
    _run = FlowRunContext.get()


@contextmanager
def stoppable(message: str, tidy_up: Callable[[], None]) -> Iterator[None]:
    """Ends the process when it is told to, for as long as the `with` block runs; told again, at once.

    Args:
        message: what the user is told, in one line.
        tidy_up: stops what this process has started.
    """
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    handlers = {number: signal.signal(number, _do_nothing) for number in SIGNALS}
    earlier = signal.set_wakeup_fd(writer.fileno())
    threading.Thread(target=_watch, args=(reader, message, tidy_up), name="signals", daemon=True).start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(earlier)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        writer.close()


def _do_nothing(*_: object) -> None:
    """Keeps Python's own handler from raising KeyboardInterrupt in the main thread."""


def _watch(reader: socket.socket, message: str, tidy_up: Callable[[], None]) -> None:
    while data := reader.recv(1):
        if data[0] not in SIGNALS:
            continue
        code = 128 + data[0]
        if is_stopping.is_set():
            os._exit(code)
        is_stopping.set()
        limit = threading.Timer(ENDED_WITHIN_S, os._exit, [code])
        limit.daemon = True
        limit.start()
        threading.Thread(target=_end, args=(code, message, tidy_up), daemon=True).start()


def _end(code: int, message: str, tidy_up: Callable[[], None]) -> None:
    logging.disable()
    close_quiet_console()
    print(message, file=sys.stderr, flush=True)
    for act in (_mark_as_stopped, tidy_up):
        with suppress(Exception):
            act()
    os._exit(code)


def _mark_as_stopped() -> None:
    """Tells Prefect's server, which would else show the run as running for ever."""
    if _run is None or _run.flow_run is None:
        return
    settings: dict[str, Any] = {"timeout": ENDED_WITHIN_S / 4}
    with get_client(httpx_settings=settings, sync_client=True) as client:
        client.set_flow_run_state(_run.flow_run.id, Cancelled(message="stopped by hand"), force=True)
