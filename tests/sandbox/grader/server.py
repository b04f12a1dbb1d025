"""The grader API for one client, on this machine: what it holds, what it was asked, and what goes wrong."""

import json
import secrets
import ssl
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import Event, Lock, Thread
from typing import Self
from urllib.parse import parse_qs, urlsplit

from trustme import LeafCert

from tests.sandbox.grader.exchange import HOST, Exchange, Listener, SandboxClosedError, ServedRequest, Window
from tests.sandbox.grader.faults import Fault
from tests.sandbox.grader.records import RecordList, RecordSource

PATH = "/api/statistics"
# All that public clients of the service send. A date alone is its midnight, also as the end.
TIME_FORMATS = ("%Y-%m-%d %H:%M:%S.%f", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d")


class GraderSandbox:
    """The grader API for one client, for as long as the `with` block runs.

    Args:
        records: what it answers with: a source, or simply the records.
        client: the client's name.
        client_key: the client's secret key; a random one by default.
        latency_per_record: seconds that the service needs for each record, before the first byte is sent.
        faults: what goes wrong. A request gets the first of them that strikes it.
        port: the port to listen on; 0 for a free one.
        certificate: what it proves with who it is, over TLS; None for plain HTTP.

    Attributes:
        faults: the list above; it may be changed at any time.
        requests: the requests answered so far, refused ones included, in the order of the answers.
        max_parallel_seen: most requests that were there at one time.
    """

    def __init__(
        self,
        records: RecordSource | Sequence[object],
        *,
        client: str = "sandbox-university",
        client_key: str | None = None,
        latency_per_record: float = 0.0,
        faults: Sequence[Fault] = (),
        port: int = 0,
        certificate: LeafCert | None = None,
    ) -> None:
        self.client = client
        self.client_key = secrets.token_urlsafe(24) if client_key is None else client_key
        self.faults = list(faults)
        self.max_parallel_seen = 0
        self._latency_per_record = latency_per_record
        self._port = port
        self._tls = None
        if certificate is not None:
            self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            certificate.configure_cert(self._tls)
        self._listener: Listener | None = None
        self._here = 0
        self._counting = Lock()
        self._closed = Event()
        self.requests: list[ServedRequest] = []
        self.replace_records(records)

    @property
    def url(self) -> str:
        """Address of the statistics, without parameters; known as long as the sandbox is open."""
        if self._listener is None:
            raise RuntimeError("the sandbox has no address before it is entered")
        return f"http{'s' if self._tls else ''}://{HOST}:{self._listener.server_port}{PATH}"

    def replace_records(self, records: RecordSource | Sequence[object]) -> None:
        """From now on it holds these records, as the service does when some came late."""
        self._source = RecordList(records) if isinstance(records, Sequence) else records

    def __enter__(self) -> Self:
        self._listener = Listener(self, self._port, self._tls)
        self._thread = Thread(target=self._listener.serve_forever, args=(0.05,), name="grader-sandbox")
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()
        if self._listener is not None:
            self._listener.shutdown()
            self._thread.join()
            self._listener.server_close()

    def serve(self, exchange: Exchange) -> None:
        """Answer one request, well or as badly as the first fault that strikes it says."""
        with self._counted():
            try:
                exchange.window = read_window(exchange.path, self.client, self.client_key)
            except RefusedQueryError as refused:
                exchange.send(refused.status, json.dumps({"errors": str(refused)}).encode())
                return
            start, _ = exchange.window
            fault = next((fault for fault in tuple(self.faults) if fault.strikes(start)), None)
            if fault is None:
                exchange.send(200, exchange.find_records())
            else:
                fault.kind.respond(exchange)

    def find(self, start: datetime, end: datetime) -> bytes:
        """Give the true answer's body, after the time that the service takes to find it."""
        began = time.monotonic()
        records = self._source.between(start, end)
        body = json.dumps(list(records), ensure_ascii=True, allow_nan=True).encode("ascii")
        self.wait(began + self._latency_per_record * len(records) - time.monotonic())
        return body

    def wait(self, seconds: float) -> None:
        """Let time pass, but not a moment longer than the sandbox lives.

        Raises:
            SandboxClosedError: the sandbox closed meanwhile.
        """
        if self._closed.wait(max(0.0, seconds)):
            raise SandboxClosedError("the sandbox is closed")

    @contextmanager
    def _counted(self) -> Iterator[None]:
        with self._counting:
            self._here += 1
            self.max_parallel_seen = max(self.max_parallel_seen, self._here)
        try:
            yield
        finally:
            with self._counting:
                self._here -= 1


class RefusedQueryError(Exception):
    """A request that gets no records.

    Attributes:
        status: the HTTP status to answer with.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def read_window(target: str, client: str, client_key: str) -> Window:
    """Read the window from a request's target, for the one client that is known here.

    Args:
        target: path and query as they stand in the request line.
        client: the name that the client has to give.
        client_key: the key that the client has to give.

    Raises:
        RefusedQueryError: 404 for another path, 400 for a missing, repeated or unreadable parameter, 401 for
            another client or key. Its message never holds what the client sent.
    """
    url = urlsplit(target)
    if url.path != PATH:
        raise RefusedQueryError(404, f"nothing is here but {PATH}")
    given = parse_qs(url.query, keep_blank_values=True)
    name, key, start, end = (_single(given, name) for name in ("client", "client_key", "start", "end"))
    if name != client or key != client_key:
        raise RefusedQueryError(401, "unknown client or wrong client_key")
    return _read_time("start", start), _read_time("end", end)


def _single(given: Mapping[str, list[str]], name: str) -> str:
    values = given.get(name, [])
    if len(values) != 1:
        raise RefusedQueryError(400, f"parameter {name} is needed once, not {len(values)} times")
    return values[0]


def _read_time(name: str, text: str) -> datetime:
    for time_format in TIME_FORMATS:
        try:
            return datetime.strptime(text, time_format).replace(tzinfo=UTC)
        except ValueError:
            continue
    raise RefusedQueryError(
        400, f"parameter {name} is neither a date like 2023-04-01 nor a time like 2023-04-01 00:00:00.000000"
    )
