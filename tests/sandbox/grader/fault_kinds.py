"""What can go wrong with an answer, one class for each way. A new one needs a `respond` and nothing else."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Literal

from tests.sandbox.grader.exchange import JSON, Exchange


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
        """Answer at once."""
        exchange.send(self.code, self.body, self.headers)


@dataclass(frozen=True)
class Body:
    """A 200 that holds something else than a list of records: HTML, `null`, nothing at all."""

    body: bytes
    content_type: str = JSON

    def respond(self, exchange: Exchange) -> None:
        """Answer at once."""
        exchange.send(200, self.body, {"Content-Type": self.content_type})


@dataclass(frozen=True)
class Redirect:
    """A redirect to another address, as a proxy or a login page would send it."""

    location: str
    code: int = 302

    def respond(self, exchange: Exchange) -> None:
        """Answer at once, with an empty body."""
        exchange.send(self.code, b"", {"Location": self.location})


@dataclass(frozen=True)
class Reset:
    """A connection that breaks off with a TCP reset before any answer."""

    def respond(self, exchange: Exchange) -> None:
        """Break off at once."""
        exchange.reset()


@dataclass(frozen=True)
class Raw:
    """Bytes as they are, which need not be HTTP; then the connection ends."""

    data: bytes

    def respond(self, exchange: Exchange) -> None:
        """Answer at once."""
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
        """Find the records, then send a part of them."""
        whole = exchange.find_records()
        part = whole[: min(int(len(whole) * self.share), len(whole) - 1)]
        headers = {"Content-Type": JSON, "Connection": "close"}
        if self.framing == "length":
            headers["Content-Length"] = str(len(whole))
        elif self.framing == "chunked":
            headers["Transfer-Encoding"] = "chunked"
            part = b"%x\r\n%b\r\n" % (len(part), part) if part else b""
        exchange.begin(200, headers)
        exchange.write(part)
        exchange.hang_up()


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
        """Find the records, and send them with the silence."""
        body = exchange.find_records()
        if self.where == "head":
            exchange.wait(self.seconds)
            exchange.send(200, body)
            return
        if self.where == "headers":
            exchange.begin_as_written(200, b"HTTP/1.1 200 OK\r\nContent-Type: application/js")
            exchange.wait(self.seconds)
            exchange.write(b"on\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
            return
        half = len(body) // 2
        exchange.begin(200, {"Content-Type": JSON, "Content-Length": str(len(body))})
        exchange.write(body[:half])
        exchange.wait(self.seconds)
        exchange.write(body[half:])


@dataclass(frozen=True)
class Dress:
    """The true answer, written in another way that means the same: compressed, or behind a byte order mark.

    Attributes:
        write: makes the new body of the true one.
    """

    write: Callable[[bytes], bytes]
    headers: Mapping[str, str] = field(default_factory=dict)

    def respond(self, exchange: Exchange) -> None:
        """Find the records, and send them so."""
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
        """Send until the end, or until the reader has had enough."""
        size = {} if self.times is None else {"Content-Length": str(len(self.opening) + self.times * len(self.piece))}
        exchange.begin(200, {"Content-Type": JSON, "Connection": "close", **size, **self.headers})
        exchange.write(self.opening)
        for _ in count() if self.times is None else range(self.times):
            exchange.write(self.piece)
            exchange.wait(self.pause)
        exchange.hang_up()
