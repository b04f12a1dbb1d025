"""The HTTP server under the sandbox: a thread for each connection, quiet, and gone at once when it is closed."""

import socket
import socketserver
import ssl
import sys
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock
from typing import cast

HOST = "127.0.0.1"
# What the base class passes around: a connection, or a datagram, which never comes here.
_Request = socket.socket | tuple[bytes, socket.socket]


class Listener(ThreadingHTTPServer):
    """Listens on this machine alone and hands every GET to one function.

    Args:
        serve: answers one request.
        port: the port to listen on; 0 for a free one.
        tls: how it speaks TLS; None for plain HTTP.
    """

    daemon_threads = False
    # More clients at a time than the stock 5 would have the rest wait a second to try again.
    request_queue_size = 128

    def __init__(
        self, serve: Callable[[BaseHTTPRequestHandler], None], port: int, tls: ssl.SSLContext | None = None
    ) -> None:
        self.serve = serve
        self._tls = tls
        self._connections: set[socket.socket] = set()
        self._lock = Lock()
        super().__init__((HOST, port), _Handler)

    def server_bind(self) -> None:
        """Take the port; the stock method also asks DNS for this machine's name, which may take seconds."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = HOST, self.socket.getsockname()[1]

    def get_request(self) -> tuple[socket.socket, tuple[str, int]]:
        """Take a call; who greets whom with which certificate is left to the thread that serves it."""
        connection, address = super().get_request()
        if self._tls is not None:
            connection = self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return connection, address

    def process_request(self, request: _Request, client_address: object) -> None:
        """Serve a connection in a thread, and remember it until it ends."""
        with self._lock:
            self._connections.add(cast("socket.socket", request))
        super().process_request(request, cast("tuple[str, int]", client_address))

    def shutdown_request(self, request: _Request) -> None:
        """Close a connection that has been served."""
        with self._lock:
            self._connections.discard(cast("socket.socket", request))
        super().shutdown_request(request)

    def server_close(self) -> None:
        """Stop listening, end the connections that clients keep open, and wait for their threads."""
        with self._lock:
            for connection in self._connections:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        super().server_close()

    def handle_error(self, request: _Request, client_address: object) -> None:
        """Report a fault of the sandbox, but not a client that went away or was sent away."""
        if not isinstance(sys.exception(), ConnectionError | ssl.SSLError):
            super().handle_error(request, cast("tuple[str, int]", client_address))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "GraderSandbox"
    sys_version = ""
    # Head and body are two writes: without this, the second waits for the client's delayed acknowledgement.
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        """Answer a GET; the base class finds this method by its name."""
        cast("Listener", self.server).serve(self)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Log nothing: a request line holds the client's key."""
