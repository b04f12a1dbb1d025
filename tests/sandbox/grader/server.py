"""The sandbox itself: an HTTP server on a free port of this machine, with the grader API's one address."""

import json
import secrets
import ssl
import time
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler
from threading import Thread
from types import TracebackType
from typing import Self

from tests.sandbox.certificates import ServerCertificate
from tests.sandbox.grader.exchange import Exchange
from tests.sandbox.grader.faults import Fault
from tests.sandbox.grader.listener import HOST, Listener
from tests.sandbox.grader.query import PATH, RefusedQueryError, Window, read_window
from tests.sandbox.grader.records import RecordList, RecordSource
from tests.sandbox.grader.traffic import ServedRequest, Traffic


class GraderSandbox:
    """The grader API for one client, for as long as the `with` block runs.

    Args:
        records: what it answers with: a source, or simply the records.
        client: the client's name.
        client_key: the client's secret key; a random one by default.
        latency_per_record: seconds that the service needs for each record, before the first byte is sent.
        max_connections: how many requests are worked on at one time, while the others queue; None for any number.
        faults: what goes wrong. A request gets the first of them that strikes it.
        port: the port to listen on; 0 for a free one.
        certificate: what it proves with who it is, over TLS; None for plain HTTP.

    Attributes:
        faults: the list above; it may be changed at any time.
    """

    def __init__(
        self,
        records: RecordSource | Sequence[object],
        *,
        client: str = "sandbox-university",
        client_key: str | None = None,
        latency_per_record: float = 0.0,
        max_connections: int | None = None,
        faults: Sequence[Fault] = (),
        port: int = 0,
        certificate: ServerCertificate | None = None,
    ) -> None:
        self.client = client
        self.client_key = secrets.token_urlsafe(24) if client_key is None else client_key
        self.faults = list(faults)
        self._source = RecordList(records) if isinstance(records, Sequence) else records
        self._latency_per_record = latency_per_record
        self._traffic = Traffic(max_connections)
        self._port = port
        self._tls = None
        if certificate is not None:
            self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._tls.load_cert_chain(certificate.certificate_file, certificate.key_file)
        self._listener: Listener | None = None

    @property
    def url(self) -> str:
        """Address of the statistics, without parameters; known as long as the sandbox is open."""
        if self._listener is None:
            raise RuntimeError("the sandbox has no address before it is entered")
        return f"http{'s' if self._tls else ''}://{HOST}:{self._listener.server_port}{PATH}"

    @property
    def requests(self) -> list[ServedRequest]:
        """The requests answered so far, refused ones included: a copy, in the order of the answers."""
        return self._traffic.served

    @property
    def max_parallel_seen(self) -> int:
        """Most requests that were there at one time, those in the queue included."""
        return self._traffic.max_parallel_seen

    def replace_records(self, records: RecordSource | Sequence[object]) -> None:
        """From now on it holds these records, as the service does when some came late."""
        self._source = RecordList(records) if isinstance(records, Sequence) else records

    def __enter__(self) -> Self:
        self._listener = Listener(self._serve, self._port, self._tls)
        self._thread = Thread(target=self._listener.serve_forever, args=(0.05,), name="grader-sandbox")
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._listener is None:
            return
        self._traffic.close()
        self._listener.shutdown()
        self._thread.join()
        self._listener.server_close()

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        with self._traffic.admit():
            try:
                window = read_window(handler.path, self.client, self.client_key)
            except RefusedQueryError as refused:
                body = json.dumps({"errors": str(refused)}).encode()
                Exchange(handler, self._traffic, None, self._find).send(refused.status, body)
                return
            exchange = Exchange(handler, self._traffic, window, self._find)
            fault = next((fault for fault in tuple(self.faults) if fault.strikes(window.start)), None)
            if fault is None:
                exchange.send(200, exchange.find_records())
            else:
                fault.kind.respond(exchange)

    def _find(self, window: Window) -> tuple[bytes, int]:
        began = time.monotonic()
        records = self._source.between(window.start, window.end)
        body = json.dumps(list(records), ensure_ascii=True, allow_nan=True).encode("ascii")
        self._traffic.wait(began + self._latency_per_record * len(records) - time.monotonic())
        return body, len(records)
