"""What can go wrong with the grader's API: each fault by its name, with what makes it."""

import gzip
import json
import zlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Final

from tests.sandbox.grader.faults import Body, Dress, FaultKind, Raw, Redirect, Reset, Stall, Status, Stream, Truncate

Faults = Mapping[str, Callable[[], FaultKind]]
"""A fault is made when it is needed, so that a date in it is near the present."""

MEBIBYTE: Final = 2**20
UNREACHABLE: Final = "http://127.0.0.1:1/api/statistics"
OK: Final = b"HTTP/1.1 200 OK\r\n"
GZIP: Final = {"Content-Encoding": "gzip"}
PAGE: Final = b"<html><title>502 Bad Gateway</title></html>"
# The head of a gzip file that promises a name; the name never ends, so nothing is ever unpacked.
ENDLESS_NAME: Final = b"\x1f\x8b\x08\x08\x00\x00\x00\x00\x00\xff"


def _in_a_second() -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=1), usegmt=True)


FLEETING: Final[Faults] = {
    "the connection is reset": Reset,
    "a body cut short, with Content-Length": lambda: Truncate("length"),
    "a body cut short, in chunks": lambda: Truncate("chunked"),
    "a body cut short, without Content-Length": lambda: Truncate("close"),
    "a body without its last byte": lambda: Truncate("close", share=1.0),
    "what is no HTTP at all": lambda: Raw(b"SSH-2.0-OpenSSH_9.6\r\n"),
    "two lengths that contradict each other": lambda: Raw(OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n[]x"),
    "a chunk whose length is nonsense": lambda: Raw(OK + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n[]\r\n"),
    "200 headers": lambda: Raw(OK + b"X-More: y\r\n" * 200 + b"\r\n[]"),
    "an empty body": lambda: Body(b""),
    "a stall before the headers": lambda: Stall(600, "head"),
    "a stall in the headers": lambda: Stall(600, "headers"),
    "a stall in the middle of the body": lambda: Stall(600, "body"),
    "a body that drips without end": lambda: Stream(b" ", b"[", pause=0.02),
    "HTTP 408": lambda: Status(408, PAGE),
    "HTTP 429": lambda: Status(429, PAGE),
    "HTTP 429 with Retry-After in seconds": lambda: Status(429, headers={"Retry-After": "1"}),
    "HTTP 429 with Retry-After as a date": lambda: Status(429, headers={"Retry-After": _in_a_second()}),
    "HTTP 429 with Retry-After as nonsense": lambda: Status(429, headers={"Retry-After": "soon, ok?"}),
    "HTTP 429 with Retry-After of an hour": lambda: Status(429, headers={"Retry-After": "3600"}),
    "HTTP 500": lambda: Status(500),
    "HTTP 502 with HTML": lambda: Status(502, PAGE, {"Content-Type": "text/html"}),
    "HTTP 503": lambda: Status(503, PAGE),
    "HTTP 504": lambda: Status(504, PAGE),
}
"""What may pass: it is asked for again."""

LIMITS: Final = {
    **{what: {"tasks.grader_api.READ_TIMEOUT_S": 0.3} for what in FLEETING if "stall" in what},
    **{what: {"tasks.grader_api.TOTAL_TIMEOUT_S": 0.5} for what in FLEETING if "without end" in what},
    "HTTP 429 with Retry-After of an hour": {"tasks.retries.MAX_RETRY_AFTER_S": 0.2},
}
"""The client's limits in place of minutes, for faults that would take that long."""

LASTING: Final[Faults] = {
    "HTTP 401": lambda: Status(401),
    "HTTP 403": lambda: Status(403),
    "HTTP 404": lambda: Status(404),
    "a redirect to another host": lambda: Redirect(UNREACHABLE),
    '`{"errors": …}` under 200': lambda: Body(b'{"errors": "out of order"}'),
    "`null`": lambda: Body(b"null"),
    "`{}`": lambda: Body(b"{}"),
    "a string": lambda: Body(b'"no data"'),
    "a number": lambda: Body(b"0"),
    "a list of something else than records": lambda: Body(b"[null, {}]"),
    "HTML under 200": lambda: Body(PAGE, "text/html"),
    "UTF-16": lambda: Dress(lambda body: body.decode().encode("utf-16")),
    "gzip, unasked": lambda: Dress(gzip.compress, GZIP),
    "gzip in several parts, with padding": lambda: Dress(_in_parts, GZIP),
    "deflate, unasked": lambda: Dress(zlib.compress, {"Content-Encoding": "deflate"}),
    "a compressed body that is damaged": lambda: Dress(lambda body: gzip.compress(body)[:-8] + bytes(8), GZIP),
    "a compressed body cut short": lambda: Dress(lambda body: gzip.compress(body)[:-40], GZIP),
    "a compressed body without end that unpacks to nothing": lambda: Stream(
        b"x" * 1000, ENDLESS_NAME, pause=0.02, headers=GZIP
    ),
    "a compressed bomb": lambda: Status(200, gzip.compress(b" " * MEBIBYTE) * 300, GZIP),
    "a body of 300 MB": lambda: Stream(b" " * MEBIBYTE, b"[", times=300),
    "a body without end": lambda: Stream(b" " * MEBIBYTE, b"["),
}
"""What no retry mends."""


def _in_parts(body: bytes) -> bytes:
    half = len(body) // 2
    return gzip.compress(body[:half]) + gzip.compress(body[half:]) + bytes(20)


def _over_many_lines(body: bytes) -> bytes:
    return json.dumps(json.loads(body), indent=4, ensure_ascii=False).replace("\n", "\r\n").encode()


def _each_record_begins_with(keys: bytes) -> FaultKind:
    return Dress(lambda body: body.replace(b'{"lti_user_id"', b"{" + keys + b', "lti_user_id"'))


HARMLESS: Final[Faults] = {
    "a byte order mark": lambda: Dress(lambda body: b"\xef\xbb\xbf" + body),
    "JSON over many lines, not in ASCII": lambda: Dress(_over_many_lines),
    "duplicate keys": lambda: _each_record_begins_with(b'"created_at": "never", "lti_user_id": "nobody"'),
    "NaN": lambda: _each_record_begins_with(b'"remark": NaN'),
    "invalid UTF-8": lambda: _each_record_begins_with(b'"remark": "\xff\xc3\x28"'),
    "a line break in a text": lambda: _each_record_begins_with(b'"remark": "a\nb\x00c"'),
    "a number of 5,000 digits": lambda: _each_record_begins_with(b'"remark": ' + b"1" * 5_000),
    "10,000 nested lists": lambda: _each_record_begins_with(b'"remark": ' + b"[" * 10_000 + b"]" * 10_000),
}
"""What is read all the same."""
