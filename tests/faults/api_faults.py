"""What can go wrong with the grader's API: each fault with what the pipeline says of it."""

import gzip
import json
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, Final

import pytest

from tests.faults import fault
from tests.sandbox.grader.fault_kinds import Body, Dress, Raw, Redirect, Reset, Stall, Status, Stream, Truncate
from tests.sandbox.grader.faults import FaultKind

MEBIBYTE: Final = 2**20
UNREACHABLE: Final = "http://127.0.0.1:1/api/statistics"
OK: Final = b"HTTP/1.1 200 OK\r\n"
TWO_LENGTHS: Final = OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n[]x"
NO_CHUNK: Final = OK + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n[]\r\n"
GZIP: Final = {"Content-Encoding": "gzip"}
PAGE: Final = b"<html><title>502 Bad Gateway</title></html>"
# The head of a gzip file that promises a name; the name never ends, so nothing is ever unpacked.
ENDLESS_NAME: Final = b"\x1f\x8b\x08\x08\x00\x00\x00\x00\x00\xff"


@dataclass(frozen=True)
class ApiFault:
    """One way in which the API fails.

    Attributes:
        make: makes the fault; a date in it is then near the present.
        complaint: what the run says of it.
        limits: the client's limits for this test, in place of minutes.
    """

    what: str
    make: Callable[[], FaultKind]
    complaint: str = ""
    limits: Mapping[str, float] = field(default_factory=dict)


def marked(faults: Iterable[ApiFault], promise: str, often: str = "") -> list[Any]:
    """The faults as a test's parameters, each with its mark, which also says how often it happens."""
    return [pytest.param(one, id=one.what, marks=fault("grader API", one.what + often, promise)) for one in faults]


def _overloaded(status: int, body: bytes = PAGE, **headers: str) -> FaultKind:
    return Status(
        status, body, {"Content-Type": "text/html", **{name.replace("_", "-"): headers[name] for name in headers}}
    )


def _soon() -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=1), usegmt=True)


def _damaged(body: bytes) -> bytes:
    return gzip.compress(body)[:-8] + bytes(8)


_SILENT: Final = {"READ_TIMEOUT_S": 0.3}
_LONG: Final = {"TOTAL_TIMEOUT_S": 0.5}
_SHORT_WAIT: Final = {"MAX_RETRY_AFTER_S": 0.2}

FLEETING: Final = (
    ApiFault("the connection is reset", Reset, "the connection broke"),
    ApiFault("a body cut short, with Content-Length", lambda: Truncate("length"), "cut short"),
    ApiFault("a body cut short, in chunks", lambda: Truncate("chunked"), "cut short"),
    ApiFault("a body cut short, without Content-Length", lambda: Truncate("close"), "cut short"),
    ApiFault("a body without its last byte", lambda: Truncate("close", share=1.0), "cut short"),
    ApiFault("what is no HTTP at all", lambda: Raw(b"SSH-2.0-OpenSSH_9.6\r\n"), "the connection broke"),
    ApiFault("two lengths that contradict each other", lambda: Raw(TWO_LENGTHS), "the connection broke"),
    ApiFault("a chunk whose length is nonsense", lambda: Raw(NO_CHUNK), "cut short"),
    ApiFault("200 headers", lambda: Raw(OK + b"X-More: y\r\n" * 200 + b"\r\n[]"), "the connection broke"),
    ApiFault("an empty body", lambda: Body(b""), "empty"),
    ApiFault("a stall before the headers", lambda: Stall(600, "head"), "silent for", _SILENT),
    ApiFault("a stall in the headers", lambda: Stall(600, "headers"), "silent for", _SILENT),
    ApiFault("a stall in the middle of the body", lambda: Stall(600, "body"), "silent for", _SILENT),
    ApiFault("a body that drips without end", lambda: Stream(b" ", b"[", pause=0.02), "not complete after", _LONG),
    ApiFault(
        "a compressed body without end that unpacks to nothing",
        lambda: Stream(b"x" * 1000, ENDLESS_NAME, pause=0.02, headers=GZIP),
        "not complete after",
        _LONG,
    ),
    ApiFault("a compressed body that is damaged", lambda: Dress(_damaged, GZIP), "damaged"),
    ApiFault("a compressed body cut short", lambda: Dress(lambda body: gzip.compress(body)[:-40], GZIP), "cut short"),
    ApiFault("HTTP 408", lambda: _overloaded(408), "HTTP 408"),
    ApiFault("HTTP 429", lambda: _overloaded(429), "HTTP 429"),
    ApiFault("HTTP 429 with Retry-After in seconds", lambda: _overloaded(429, Retry_After="1"), "HTTP 429"),
    ApiFault("HTTP 429 with Retry-After as a date", lambda: _overloaded(429, Retry_After=_soon()), "HTTP 429"),
    ApiFault("HTTP 429 with Retry-After as nonsense", lambda: _overloaded(429, Retry_After="soon, ok?"), "HTTP 429"),
    ApiFault("HTTP 429 with Retry-After of an hour", lambda: _overloaded(429, Retry_After="3600"), "429", _SHORT_WAIT),
    ApiFault("HTTP 500", lambda: Status(500), "HTTP 500"),
    ApiFault("HTTP 502 with HTML", lambda: _overloaded(502), "HTTP 502"),
    ApiFault("HTTP 503", lambda: _overloaded(503), "HTTP 503"),
    ApiFault("HTTP 504", lambda: _overloaded(504), "HTTP 504"),
)
"""What may pass: it is asked for again."""

LASTING: Final = (
    ApiFault("HTTP 401", lambda: Status(401), "check GRADER_CLIENT and GRADER_CLIENT_KEY"),
    ApiFault("HTTP 403", lambda: Status(403), "this client may not read the statistics"),
    ApiFault("HTTP 404", lambda: Status(404), "there is nothing at this address"),
    ApiFault("a redirect to another host", lambda: Redirect(UNREACHABLE), "to which the key is not sent"),
    ApiFault('`{"errors": …}` under 200', lambda: Body(b'{"errors": "out of order"}'), "it refused: out of order"),
    ApiFault("`null`", lambda: Body(b"null"), "not a list of records but null"),
    ApiFault("`{}`", lambda: Body(b"{}"), "not a list of records but an object"),
    ApiFault("a string", lambda: Body(b'"no data"'), "not a list of records but a text"),
    ApiFault("a number", lambda: Body(b"0"), "not a list of records but a number"),
    ApiFault("a list of something else than records", lambda: Body(b"[null, {}]"), "something else than records"),
    ApiFault("HTML under 200", lambda: Body(PAGE, "text/html"), "its answer is not JSON"),
    ApiFault("UTF-16", lambda: Dress(lambda body: body.decode().encode("utf-16")), "its answer is not JSON"),
    ApiFault(
        "a compressed bomb",
        lambda: Status(200, gzip.compress(b" " * MEBIBYTE) * 300, GZIP),
        "larger than 256 MiB",
    ),
    ApiFault("a body of 300 MB", lambda: Stream(b" " * MEBIBYTE, b"[", times=300), "larger than 256 MiB"),
    ApiFault("a body without end", lambda: Stream(b" " * MEBIBYTE, b"["), "larger than 256 MiB"),
)
"""What no retry mends."""


def _in_parts(body: bytes) -> bytes:
    half = len(body) // 2
    return gzip.compress(body[:half]) + gzip.compress(body[half:]) + bytes(20)


def _spread_out(body: bytes) -> bytes:
    return json.dumps(json.loads(body), indent=4, ensure_ascii=False).replace("\n", "\r\n").encode()


def _every_key_twice(body: bytes) -> bytes:
    return body.replace(b'{"lti_user_id"', b'{"created_at": "never", "lti_user_id": "nobody", "lti_user_id"')


def _key_after_key(body: bytes, more: bytes) -> bytes:
    return body.replace(b'{"lti_user_id"', b'{"remark": ' + more + b', "lti_user_id"')


HARMLESS: Final = (
    ApiFault("a byte order mark", lambda: Dress(lambda body: b"\xef\xbb\xbf" + body)),
    ApiFault("gzip", lambda: Dress(gzip.compress, GZIP)),
    ApiFault("gzip in several parts, with padding", lambda: Dress(_in_parts, GZIP)),
    ApiFault("deflate", lambda: Dress(zlib.compress, {"Content-Encoding": "deflate"})),
    ApiFault("JSON over many lines, not in ASCII", lambda: Dress(_spread_out)),
    ApiFault("duplicate keys", lambda: Dress(_every_key_twice)),
    ApiFault("NaN", lambda: Dress(lambda body: _key_after_key(body, b"NaN"))),
    ApiFault("invalid UTF-8", lambda: Dress(lambda body: _key_after_key(body, b'"\xff\xc3\x28"'))),
    ApiFault("a line break in a text", lambda: Dress(lambda body: _key_after_key(body, b'"a\nb\x00c"'))),
    ApiFault("a number of 5,000 digits", lambda: Dress(lambda body: _key_after_key(body, b"1" * 5_000))),
    ApiFault("10,000 nested lists", lambda: Dress(lambda body: _key_after_key(body, b"[" * 10_000 + b"]" * 10_000))),
)
"""What is read all the same."""
