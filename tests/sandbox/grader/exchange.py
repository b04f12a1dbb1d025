"""HTTP under the sandbox: a thread for each connection, and the ways to answer a request well or badly."""

import os
import socket
import socketserver
import ssl
import struct
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from tests.sandbox.grader.server import GraderSandbox

HOST = "127.0.0.1"
JSON = "application/json"
# On, for 0 seconds: what Windows takes as two shorts, others as two ints.
NO_LINGERING = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)

Window = tuple[datetime, datetime]
"""The time asked for, in UTC; both ends belong to it."""
# What the base class passes around: a connection, or a datagram, which never comes here.
_Request = socket.socket | tuple[bytes, socket.socket]


class SandboxClosedError(ConnectionError):
    """The sandbox was closed while a request was still waiting for its answer."""


@dataclass(frozen=True)
class ServedRequest:
    """One request and its answer, noted just before the answer's first byte.

    Attributes:
        start: first moment asked for, UTC; None where the request was refused before it was understood.
        end: last moment asked for, UTC; None likewise.
        status: HTTP status of the answer; None where the connection was reset without one.
    """

    start: datetime | None
    end: datetime | None
    status: int | None


class Exchange(BaseHTTPRequestHandler):
    """A connection, and the request on it that is being answered.

    Every answer begins with `begin` or `begin_as_written`, or ends in `reset`, which note the request in the log before
    the client can know of the answer: whoever has received one finds it in the log.

    Attributes:
        window: what was asked for; None where the request was refused before it was understood.
    """

    protocol_version = "HTTP/1.1"
    # Head and body are two writes: without this, the second waits for the client's delayed acknowledgement.
    disable_nagle_algorithm = True
    window: Window | None

    def do_GET(self) -> None:
        """Answer a GET; the base class finds this method by its name."""
        self.window = None
        self.sandbox.serve(self)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Log nothing: a request line holds the client's key."""

    def find_records(self) -> bytes:
        """Give the true answer's body, after the time that the service takes to find it."""
        if self.window is None:
            raise ValueError("a refused request has no records")
        return self.sandbox.find(*self.window)

    def send(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        """Send a whole answer, with its length; JSON where the headers do not say otherwise."""
        self.begin(status, {"Content-Type": JSON, "Content-Length": str(len(body)), **(headers or {})})
        self.wfile.write(body)

    def begin(self, status: int, headers: Mapping[str, str]) -> None:
        """Note the request and send the head of an answer; the body is the caller's matter."""
        self._note(status)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def begin_as_written(self, status: int, head: bytes) -> None:
        """Note the request and send the first bytes of an answer as they are."""
        self._note(status)
        self.close_connection = True
        self.wfile.write(head)

    def reset(self) -> None:
        """Break the connection off with a TCP reset, instead of an answer."""
        self._note(None)
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGERING)
        # An ordinary close says goodbye first and waits for the reader; only the bare descriptor closes at once.
        socket.close(self.connection.detach())

    @property
    def sandbox(self) -> "GraderSandbox":
        """The sandbox that the request was sent to."""
        return cast("Listener", self.server).sandbox

    def _note(self, status: int | None) -> None:
        start, end = self.window or (None, None)
        self.sandbox.requests.append(ServedRequest(start, end, status))


class Listener(ThreadingHTTPServer):
    """Listens on this machine alone; quiet, and gone at once when it is closed.

    Args:
        sandbox: answers the requests.
        port: the port to listen on; 0 for a free one.
        tls: how it speaks TLS; None for plain HTTP.
    """

    daemon_threads = False
    # More clients at a time than the stock 5 would have the rest wait a second to try again.
    request_queue_size = 128

    def __init__(self, sandbox: "GraderSandbox", port: int, tls: ssl.SSLContext | None) -> None:
        self.sandbox = sandbox
        self._tls = tls
        self._connections: set[socket.socket] = set()
        super().__init__((HOST, port), Exchange)

    def server_bind(self) -> None:
        """Take the port; the stock method also asks DNS for this machine's name, which may take seconds."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = HOST, self.socket.getsockname()[1]

    def get_request(self) -> tuple[socket.socket, tuple[str, int]]:
        """Take a call; who greets whom with which certificate is left to the thread that serves it."""
        connection, address = super().get_request()
        if self._tls is not None:
            connection = self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        self._connections.add(connection)
        return connection, address

    def shutdown_request(self, request: _Request) -> None:
        """Close a connection that has been served."""
        self._connections.discard(cast("socket.socket", request))
        super().shutdown_request(request)

    def server_close(self) -> None:
        """Stop listening, end the connections that clients keep open, and wait for their threads."""
        for connection in list(self._connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        super().server_close()

    def handle_error(self, request: _Request, client_address: object) -> None:
        """Report a fault of the sandbox, but not a client that went away or was sent away."""
        if not isinstance(sys.exception(), ConnectionError | ssl.SSLError):
            super().handle_error(request, cast("tuple[str, int]", client_address))
