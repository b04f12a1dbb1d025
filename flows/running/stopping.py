"""Ctrl-C, and what `kill` sends: a command ends within seconds, whatever it is waiting for.

Python handles a signal between two instructions of the main thread. That thread may be waiting for the database, for
Prefect's server, or at the end for threads that read an answer of the API, each for minutes. So a thread of its own
notices the signal, by way of Python's wake-up file descriptor, tidies up and ends the process. What is loaded stays, a
window at a time; PostgreSQL rolls back what is under way.

`flows.up` reads this before it sets the variables that Prefect reads when it is imported: nothing here imports Prefect.
"""

import logging
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

SIGNALS: Final = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
ENDED_WITHIN_S: Final = 4.0
"""Longest time to tidy up; then the process ends all the same."""

is_stopping: Final = threading.Event()
"""Set once the process was told to end: what fails after that is not reported."""


@contextmanager
def stoppable(*tidy_up: Callable[[], object]) -> Iterator[None]:
    """Ends the process when it is told to, for as long as the `with` block runs; told again, at once.

    What is to tidy up is called before, in order, even if some of it fails.
    """
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    # Handlers that do nothing: Python's own would raise KeyboardInterrupt in the main thread.
    handlers = {number: signal.signal(number, lambda *_: None) for number in SIGNALS}
    earlier = signal.set_wakeup_fd(writer.fileno())
    threading.Thread(target=_watch, args=(reader, tidy_up), name="signals", daemon=True).start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(earlier)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        writer.close()


def _watch(reader: socket.socket, tidy_up: tuple[Callable[[], object], ...]) -> None:
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
        threading.Thread(target=_end, args=(code, tidy_up), daemon=True).start()


def _end(code: int, tidy_up: tuple[Callable[[], object], ...]) -> None:
    logging.disable()
    for act in tidy_up:
        with suppress(Exception):
            act()
    os._exit(code)
