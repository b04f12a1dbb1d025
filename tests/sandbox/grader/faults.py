"""What can go wrong with an answer, one class for each way, and which requests it strikes.

A new way needs a `respond` and nothing else.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from threading import Lock
from typing import Literal, Protocol

from tests.sandbox.grader.exchange import JSON, Exchange


class FaultKind(Protocol):
    """One way of answering badly."""

    def respond(self, exchange: Exchange) -> None:
        """Answer the request in this way."""
        ...


@dataclass
class Fault:
    """A fault that is switched on, for well-formed requests with the right key.

    Attributes:
        kind: what happens to a request that is struck.
        times: how many requests it strikes before it is over; None for as long as the sandbox lives.
        when: takes the start of a request's window (UTC) and says whether it may be struck; None for any.
        probability: share of the matching requests that are struck, 0 to 1, drawn by a generator of its own.
        seed: seed of that generator: the same seed strikes the same requests, if they come in the same order.
        struck: how many requests it has struck so far.
    """

    kind: FaultKind
    times: int | None = 1
    when: Callable[[datetime], bool] | None = None
    probability: float = 1.0
    seed: str = "fault"
    struck: int = field(default=0, init=False)
    _random: random.Random = field(init=False, repr=False, compare=False)
    _lock: Lock = field(default_factory=Lock, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def strikes(self, start: datetime) -> bool:
        """Decide on the request whose window starts then, and count it if it is struck."""
        with self._lock:
            is_over = self.times is not None and self.struck >= self.times
            if is_over or (self.when and not self.when(start)) or self._random.random() >= self.probability:
                return False
            self.struck += 1
            return True


@dataclass(frozen=True)
class Status:
    """An answer under another status, such as 503 with a `Retry-After`.

    Attributes:
        code: the HTTP status.
        body: the answer's body.
        headers: headers besides the length; a `Content-Type` among them replaces that of JSON.
    """

    code: int
    body: bytes = b'{"errors": "the sandbox was told to fail"}'
    headers: Mapping[str, str] = field(default_factory=dict)

    def respond(self, exchange: Exchange) -> None:
        exchange.send(self.code, self.body, self.headers)


@dataclass(frozen=True)
class Body:
    """A 200 that holds something else than a list of records: HTML, `null`, nothing at all."""

    body: bytes
    content_type: str = JSON

    def respond(self, exchange: Exchange) -> None:
        exchange.send(200, self.body, {"Content-Type": self.content_type})


@dataclass(frozen=True)
class Redirect:
    """A redirect to another address, as a proxy or a login page would send it."""

    location: str
    code: int = 302

    def respond(self, exchange: Exchange) -> None:
        exchange.send(self.code, b"", {"Location": self.location})


@dataclass(frozen=True)
class Reset:
    """A connection that breaks off with a TCP reset before any answer."""

    def respond(self, exchange: Exchange) -> None:
        exchange.reset()


@dataclass(frozen=True)
class Raw:
    """Bytes as they are, which need not be HTTP; then the connection ends."""

    data: bytes

    def respond(self, exchange: Exchange) -> None:
        exchange.begin_as_written(200, self.data)


@dataclass(frozen=True)
class Truncate:
    """The true answer, cut off in its middle by the end of the connection.

    Attributes:
        framing: how the body's end would have been known. `length`: by a Content-Length that is never reached;
            `chunked`: by a last chunk that never comes; `close`: by the end of the connection alone, so that HTTP
            itself sees nothing wrong.
        share: how much of the body is sent, 0 to 1; always less than the whole.
    """

    framing: Literal["length", "chunked", "close"] = "length"
    share: float = 0.5

    def respond(self, exchange: Exchange) -> None:
        whole = exchange.find_records()
        part = whole[: min(int(len(whole) * self.share), len(whole) - 1)]
        headers = {"Content-Type": JSON, "Connection": "close"}
        if self.framing == "length":
            headers["Content-Length"] = str(len(whole))
        elif self.framing == "chunked":
            headers["Transfer-Encoding"] = "chunked"
            part = b"%x\r\n%b\r\n" % (len(part), part) if part else b""
        exchange.begin(200, headers)
        exchange.wfile.write(part)
        exchange.close_connection = True


@dataclass(frozen=True)
class Stall:
    """The true answer, with a long silence before its head, within it, or in the middle of its body.

    Attributes:
        seconds: length of the silence; it ends early when the sandbox closes.
        where: the part of the answer that is late.
    """

    seconds: float
    where: Literal["head", "headers", "body"] = "head"

    def respond(self, exchange: Exchange) -> None:
        body = exchange.find_records()
        if self.where == "head":
            exchange.sandbox.wait(self.seconds)
            exchange.send(200, body)
            return
        if self.where == "headers":
            exchange.begin_as_written(200, b"HTTP/1.1 200 OK\r\nContent-Type: application/js")
            exchange.sandbox.wait(self.seconds)
            exchange.wfile.write(b"on\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
            return
        half = len(body) // 2
        exchange.begin(200, {"Content-Type": JSON, "Content-Length": str(len(body))})
        exchange.wfile.write(body[:half])
        exchange.sandbox.wait(self.seconds)
        exchange.wfile.write(body[half:])


@dataclass(frozen=True)
class Dress:
    """The true answer, written in another way that means the same: compressed, or behind a byte order mark.

    Attributes:
        write: makes the new body of the true one.
    """

    write: Callable[[bytes], bytes]
    headers: Mapping[str, str] = field(default_factory=dict)

    def respond(self, exchange: Exchange) -> None:
        exchange.send(200, self.write(exchange.find_records()), self.headers)


@dataclass(frozen=True)
class Stream:
    """A 200 whose body is one piece again and again: far too much of it, or without end.

    Attributes:
        opening: what the body begins with.
        times: how often the piece is sent; None for as long as somebody reads.
        pause: seconds between two pieces.
    """

    piece: bytes
    opening: bytes = b""
    times: int | None = None
    pause: float = 0.0
    headers: Mapping[str, str] = field(default_factory=dict)

    def respond(self, exchange: Exchange) -> None:
        size = {} if self.times is None else {"Content-Length": str(len(self.opening) + self.times * len(self.piece))}
        exchange.begin(200, {"Content-Type": JSON, "Connection": "close", **size, **self.headers})
        exchange.wfile.write(self.opening)
        for _ in count() if self.times is None else range(self.times):
            exchange.wfile.write(self.piece)
            exchange.sandbox.wait(self.pause)
        exchange.close_connection = True
