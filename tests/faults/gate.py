"""A gate in front of a service: it hands on what a client sends, and at a chosen message lets something happen."""

import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Event, Lock, Thread
from typing import Any, Final, Literal, Self

Moment = Literal["before", "halfway", "answered"]
Address = tuple[str, int] | str
CHUNK: Final = 65536
ANSWER_WITHIN_S: Final = 2.0
"""Seconds in which a service answers; to some messages, such as a part of a `COPY`, it says nothing."""

_TLS_OR_GSS: Final = (80877103, 80877104)
"""What PostgreSQL's clients ask before they begin; the same message begins anew after it."""


class PostgresReader:
    """Cuts what a client sends into messages of PostgreSQL's protocol; a query is described by its beginning."""

    def __init__(self) -> None:
        self._rest = b""
        self._started = False

    def feed(self, data: bytes) -> Iterator[tuple[str, bytes]]:
        """The messages that are complete now, each with its description."""
        self._rest += data
        # The first message has no letter before its length.
        while len(self._rest) >= (offset := int(self._started)) + 4:
            size = offset + int(struct.unpack_from(">I", self._rest, offset)[0])
            if len(self._rest) < size:
                return
            message, self._rest = self._rest[:size], self._rest[size:]
            yield self._describe(message), message

    def _describe(self, message: bytes) -> str:
        if not self._started:
            self._started = struct.unpack_from(">I", message, 4)[0] not in _TLS_OR_GSS
            return "start" if self._started else "ask for encryption"
        if message[:1] == b"Q":
            return " ".join(message[5:-1].decode(errors="replace").split())[:80]
        return {b"d": "copied data", b"c": "end of copied data", b"X": "goodbye"}.get(message[:1], "other")


class AnyReader:
    """Whatever a client sends at once, described by its first line: a request's head, for one."""

    def feed(self, data: bytes) -> Iterator[tuple[str, bytes]]:
        """All of it."""
        yield data.partition(b"\r\n")[0][:80].decode(errors="replace"), data


Reader = PostgresReader | AnyReader


@dataclass
class Trip:
    """Something that happens once, at a message; then the message's connection is broken off.

    Attributes:
        act: what happens; by default nothing else.
        number: at which of the messages, from 1.
        chosen: which messages count, by their descriptions; by default all.
        moment: before the service gets it, when it has half of it, or when it has answered and the client waits.
    """

    act: Callable[[], object] = lambda: None
    number: int = 1
    chosen: Callable[[str], bool] = lambda _: True
    moment: Moment = "before"
    happened: Event = field(default_factory=Event, init=False)
    _lock: Any = field(default_factory=Lock, init=False)

    def is_due(self, step: str) -> bool:
        """Whether this is the message; asked once for each."""
        with self._lock:
            self.number -= (is_chosen := self.chosen(step))
            return is_chosen and self.number == 0


class Gate(ThreadingTCPServer):
    """Hands connections on to a service, for as long as the `with` block runs.

    Args:
        target: where the service is: a host and a port, or the path of a socket.
        reader: makes what cuts a connection's data into messages.

    Attributes:
        port: where the gate listens, on 127.0.0.1.
        steps: the descriptions of the messages that clients have sent so far.
        trip: what is to happen next, if anything.
        is_closed: whether nobody gets through.
    """

    request_queue_size = 64

    def __init__(self, target: Address, reader: type[Reader]) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.target, self.reader = target, reader
        self.port: int = self.server_address[1]
        self.steps: list[str] = []
        self.trip: Trip | None = None
        self.is_closed = False
        self.sockets: list[socket.socket] = []

    def __enter__(self) -> Self:
        Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.close()
        self.server_close()

    def close(self) -> None:
        """From now on nobody gets through."""
        self.is_closed = True
        self.cut()

    def cut(self) -> None:
        """Breaks every connection off."""
        for one in list(self.sockets):
            _break_off(one)


class _Connection(BaseRequestHandler):
    """One client's connection, and the one to the service that it is handed on to."""

    server: Gate
    request: socket.socket

    def handle(self) -> None:
        if self.server.is_closed:
            return
        self._held, self._arrived = Event(), Event()
        with suppress(OSError), _connect(self.server.target) as service:
            self.server.sockets += [self.request, service]
            answers = Thread(target=self._hand_back, args=[service])
            answers.start()
            with suppress(OSError):
                self._hand_on(service)
            _break_off(self.request)
            _break_off(service)
            answers.join()

    def _hand_on(self, service: socket.socket) -> None:
        reader = self.server.reader()
        while data := self.request.recv(CHUNK):
            for step, message in reader.feed(data):
                self.server.steps.append(step)
                trip = self.server.trip
                if trip is None or not trip.is_due(step):
                    service.sendall(message)
                    continue
                if trip.moment == "halfway":
                    service.sendall(message[: len(message) // 2])
                elif trip.moment == "answered":
                    self._held.set()
                    service.sendall(message)
                    self._arrived.wait(ANSWER_WITHIN_S)
                trip.act()
                trip.happened.set()
                return

    def _hand_back(self, service: socket.socket) -> None:
        """The service's answers, until the client is to learn of no more."""
        with suppress(OSError):
            while data := service.recv(CHUNK):
                if self._held.is_set():
                    self._arrived.set()
                else:
                    self.request.sendall(data)
            self.request.shutdown(socket.SHUT_WR)
        self._arrived.set()


def _connect(target: Address) -> socket.socket:
    if isinstance(target, tuple):
        return socket.create_connection(target, timeout=None)
    service = socket.socket(socket.AF_UNIX)
    try:
        service.connect(target)
    except OSError:
        service.close()
        raise
    return service


def _break_off(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
