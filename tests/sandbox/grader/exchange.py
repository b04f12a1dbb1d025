"""One request while it is being answered: what was asked, and the ways to answer it well or badly."""

import os
import socket
import struct
import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler

from tests.sandbox.grader.query import Window
from tests.sandbox.grader.traffic import ServedRequest, Traffic

JSON = "application/json"
# On, for 0 seconds: what Windows takes as two shorts, others as two ints.
NO_LINGERING = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)


class Exchange:
    """A request that the gate has let in.

    Every answer begins with `begin` or `begin_as_written`, or ends in `reset`, which note the request in the log before
    the client can know of the answer: whoever has received one finds it in the log.

    Attributes:
        window: what was asked for; None where the request was refused before it was understood.
    """

    def __init__(
        self,
        handler: BaseHTTPRequestHandler,
        traffic: Traffic,
        window: Window | None,
        find: Callable[[Window], tuple[bytes, int]],
    ) -> None:
        self.window = window
        self._handler = handler
        self._traffic = traffic
        self._find = find
        self._began = time.monotonic()
        self._records = 0
        self._noted = False

    def find_records(self) -> bytes:
        """Give the true answer's body, after the time that the service takes to find it."""
        if self.window is None:
            raise ValueError("a refused request has no records")
        body, self._records = self._find(self.window)
        return body

    def send(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        """Send a whole answer, with its length; JSON where the headers do not say otherwise."""
        self.begin(status, {"Content-Type": JSON, "Content-Length": str(len(body)), **(headers or {})})
        self.write(body)

    def begin(self, status: int, headers: Mapping[str, str]) -> None:
        """Note the request and send the head of an answer; the body is the caller's matter."""
        self._note(status)
        self._handler.send_response(status)
        for name, value in headers.items():
            self._handler.send_header(name, value)
        self._handler.end_headers()

    def begin_as_written(self, status: int, head: bytes) -> None:
        """Note the request and send the first bytes of an answer as they are."""
        self._note(status)
        self._handler.close_connection = True
        self.write(head)

    def write(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._handler.wfile.write(data)

    def wait(self, seconds: float) -> None:
        """Let time pass; ends early, with `SandboxClosedError`, when the sandbox closes."""
        self._traffic.wait(seconds)

    def hang_up(self) -> None:
        """Close the connection in good order after what was sent so far."""
        self._handler.close_connection = True

    def reset(self) -> None:
        """Break the connection off with a TCP reset, whatever was sent so far."""
        if not self._noted:
            self._note(None)
        self._handler.close_connection = True
        connection = self._handler.connection
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGERING)
        # An ordinary close says goodbye first and waits for the reader; only the bare descriptor closes at once.
        socket.close(connection.detach())

    def _note(self, status: int | None) -> None:
        self._noted = True
        window = self.window
        self._traffic.note(
            ServedRequest(
                start=window.start if window else None,
                end=window.end if window else None,
                status=status,
                records=self._records,
                began=self._began,
                answered=time.monotonic(),
            )
        )
