"""A gate in front of a service: it hands on what a client sends, and at a chosen message lets something happen."""

import re
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import suppress
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Final, Literal, Protocol, Self

Moment = Literal["before", "halfway", "answered"]
Address = tuple[str, int] | str
CHUNK: Final = 65536
PATIENCE: Final = 30.0
"""Seconds in which a thread ends."""

ANSWER_WITHIN_S: Final = 2.0
"""Seconds in which a service answers; to some messages, such as a part of a `COPY`, it says nothing."""

_METHOD: Final = re.compile(rb"(GET|POST|PUT|PATCH|DELETE) \S+ HTTP/1\.1")
_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_TLS_OR_GSS: Final = (80877103, 80877104)
"""What PostgreSQL's clients ask before they begin; the same message begins anew after it."""


class Reader(Protocol):
    """Cuts what one connection's client sends into messages."""

    def feed(self, data: bytes) -> Iterator[tuple[str, bytes]]:
        """The messages that are complete now, each with its description."""
        ...


class PostgresReader:
    """Messages of PostgreSQL's protocol, version 3; a query is described by its beginning."""

    def __init__(self) -> None:
        self._rest = b""
        self._started = False

    def feed(self, data: bytes) -> Iterator[tuple[str, bytes]]:
        self._rest += data
        while (size := self._size()) and len(self._rest) >= size:
            message, self._rest = self._rest[:size], self._rest[size:]
            yield self._describe(message), message

    def _size(self) -> int:
        """The length of the first message; 0 if that is not known yet."""
        offset = 1 if self._started else 0
        if len(self._rest) < offset + 4:
            return 0
        return offset + int(struct.unpack_from(">I", self._rest, offset)[0])

    def _describe(self, message: bytes) -> str:
        if not self._started:
            self._started = struct.unpack_from(">I", message, 4)[0] not in _TLS_OR_GSS
            return "start" if self._started else "ask for encryption"
        kinds = {b"d": "copied data", b"c": "end of copied data", b"X": "goodbye"}
        if message[:1] == b"Q":
            return " ".join(message[5:-1].decode(errors="replace").split())[:80]
        return kinds.get(message[:1], "other")


class HttpReader:
    """Whole requests of HTTP/1.1, described by method and path; after an upgrade, whatever is sent at once."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[tuple[str, bytes]]:
        self._rest += data
        while self._rest:
            head, end, _ = self._rest.partition(b"\r\n\r\n")
            if not _METHOD.match(head):
                yield "bytes", self._rest
                self._rest = b""
                return
            length = _LENGTH.search(head)
            size = len(head + end) + (int(length[1]) if length else 0)
            if not end or len(self._rest) < size:
                return
            message, self._rest = self._rest[:size], self._rest[size:]
            method, path = head.split(b" ", 2)[:2]
            yield f"{method.decode()} {path.partition(b'?')[0].decode(errors='replace')}", message


class AnyReader:
    """Whatever a client sends at once, such as a line of SMTP or what TLS has made of it."""

    def feed(self, data: bytes) -> Iterator[tuple[str, bytes]]:
        yield "bytes", data


class Trip:
    """Something that happens once, at a message; then the message's connection is broken off.

    Args:
        act: what happens.
        number: at which of the messages, from 1.
        chosen: which messages count, by their descriptions; by default all.
        moment: before the service gets it, when it has half of it, or when it has answered and the client waits.
    """

    def __init__(
        self,
        act: Callable[[], None],
        number: int = 1,
        chosen: Callable[[str], bool] = lambda _: True,
        moment: Moment = "before",
    ) -> None:
        self.moment = moment
        self.happened = Event()
        self._act, self._number, self._chosen = act, number, chosen
        self._lock = Lock()

    def is_due(self, step: str) -> bool:
        """Whether this is the message; asked once for each."""
        with self._lock:
            if not self._chosen(step):
                return False
            self._number -= 1
            return self._number == 0

    def happen(self) -> None:
        self._act()
        self.happened.set()


class Gate:
    """Hands connections on to a service, for as long as the `with` block runs.

    Args:
        target: where the service is: a host and a port, or the path of a socket.
        reader: makes what cuts a connection's data into messages.

    Attributes:
        port: where the gate listens, on 127.0.0.1.
        steps: the descriptions of the messages that clients have sent so far.
        trip: what is to happen next, if anything.
    """

    def __init__(self, target: Address, reader: Callable[[], Reader]) -> None:
        self._target, self._reader = target, reader
        self.steps: list[str] = []
        self.trip: Trip | None = None
        self._closed = False
        self._lock = Lock()
        self._sockets: list[socket.socket] = []
        self._threads: list[Thread] = []

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        self._start(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()
        for thread in list(self._threads):
            thread.join(PATIENCE)
        assert not any(thread.is_alive() for thread in self._threads)

    def close(self) -> None:
        """From now on nobody gets through."""
        self._closed = True
        self.cut()

    def open(self) -> None:
        """Lets everybody through again."""
        self._closed = False

    def cut(self) -> None:
        """Breaks every connection off."""
        with self._lock:
            for one in self._sockets:
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def _start(self, target: Callable[..., None], *arguments: object) -> None:
        thread = Thread(target=target, args=arguments, name="gate", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._start(self._serve, client)

    def _serve(self, client: socket.socket) -> None:
        try:
            service = None if self._closed else _connect(self._target)
        except OSError:
            service = None
        if service is None:
            client.close()
            return
        with client, service:
            with self._lock:
                self._sockets += [client, service]
            answers = _Answers(service, client)
            self._start(answers.hand_on)
            with suppress(OSError):
                self._hand_on(client, service, answers)
            for one in (client, service):
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
            answers.ended.wait(PATIENCE)
            with self._lock:
                self._sockets = [one for one in self._sockets if one not in (client, service)]

    def _hand_on(self, client: socket.socket, service: socket.socket, answers: "_Answers") -> None:
        reader = self._reader()
        while data := client.recv(CHUNK):
            for step, message in reader.feed(data):
                self.steps.append(step)
                trip = self.trip
                if trip is None or not trip.is_due(step):
                    service.sendall(message)
                    continue
                if trip.moment == "halfway":
                    service.sendall(message[: len(message) // 2])
                elif trip.moment == "answered":
                    answers.hold()
                    service.sendall(message)
                    answers.arrived.wait(ANSWER_WITHIN_S)
                trip.happen()
                return


class _Answers:
    """A service's answers on their way to the client, until they are held back."""

    def __init__(self, service: socket.socket, client: socket.socket) -> None:
        self._service, self._client = service, client
        self._held = Event()
        self.arrived, self.ended = Event(), Event()

    def hold(self) -> None:
        """From now on the client learns of nothing."""
        self._held.set()

    def hand_on(self) -> None:
        with suppress(OSError):
            while data := self._service.recv(CHUNK):
                if self._held.is_set():
                    self.arrived.set()
                    continue
                self._client.sendall(data)
            self._client.shutdown(socket.SHUT_WR)
        self.arrived.set()
        self.ended.set()


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
