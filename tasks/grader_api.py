"""The grader's API over HTTP: one request, its limits, and what each fault means.

A failed fetch must never look like a day without attempts, so everything but a list of objects raises.
"""

import json
import re
import ssl
import time
from collections.abc import Mapping
from contextlib import suppress
from functools import cache, partial
from http.client import IncompleteRead
from typing import Any, Final

import orjson
import requests
import urllib3
from requests.adapters import HTTPAdapter

from schemas.period import Window
from tasks.errors import PermanentError, TransientError, is_caused_by
from tasks.redaction import redact, unescape

CONNECT_TIMEOUT_S: Final = 10
READ_TIMEOUT_S: Final = 180
"""Longest silence; the service computes for 20–50 s before it sends its first byte."""
TOTAL_TIMEOUT_S: Final = 900
"""Longest answer: a body that drips on for ever ends here."""
MAX_BODY_BYTES: Final = 256 * 1024 * 1024
"""Largest answer: sixty times the largest day seen."""
MAX_CONNECTIONS: Final = 4
"""Requests under way at once from one process: the server is shared with others."""
CONCURRENCY_LIMIT: Final = "grader-api"
"""The name of Prefect's global concurrency limit, which `flows.setup` makes: requests under way at once from all
workers together. Where there is none, nothing is waited for."""

LONGEST_COMPLAINT: Final = 5_000
"""Characters of an error that are looked through: the time that it takes grows with their square."""
_LIKE_AN_ID: Final = re.compile(
    r"[^\s@\"'<>]+@[^\s@\"'<>]+|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?=[a-z]*\d)[0-9a-z]{16,}|\d{9,}",
    re.IGNORECASE,
)
"""What may name a student in a text of the API's: an address, a UUID, a hash, a long number."""

_MAX_DEPTH: Final = 500
_TEXT_OR_BRACKET: Final = re.compile(r'"(?:[^"\\]|\\.)*+"|[\[\]{}]', re.DOTALL)


def fetch_records(url: str, client: str, client_key: str, window: Window) -> str:
    """Asks the API for one window: the answer as it came, JSON text, known to be a list of objects.

    The API may take `end` as inclusive: a record outside the window is for the checks to find.

    Raises:
        TransientError: a timeout, a broken connection, 408, 429, 5xx, or a truncated body.
        PermanentError: any other status, a redirect, a packed or too large body, or no list of objects.
    """
    start, end = (f"{moment:%Y-%m-%d %H:%M:%S.%f}" for moment in (window.start, window.end))
    query = {"client": client, "client_key": client_key, "start": start, "end": end}
    timeout = (CONNECT_TIMEOUT_S, READ_TIMEOUT_S)
    try:
        # A redirect would carry the key to another address, so none is followed.
        with _session().get(url, params=query, timeout=timeout, stream=True, allow_redirects=False) as answer:
            _check_status(answer.status_code, answer.headers)
            packing = answer.headers.get("Content-Encoding", "").strip().lower()
            # Unpacked, a small answer can fill the memory, or keep the library busy for ever.
            if packing not in ("", "identity"):
                raise PermanentError(f"grader API: its answer came packed ({packing[:20]!r}): see what packs it")
            body = _read_body(answer.raw)
    except (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema, requests.exceptions.MissingSchema):
        raise PermanentError("grader API: GRADER_API_URL is not a web address: correct it") from None
    except requests.exceptions.SSLError as error:
        if is_caused_by(error, ssl.SSLEOFError, ssl.SSLZeroReturnError):
            raise TransientError("grader API: the connection broke") from None
        raise PermanentError("grader API: its TLS certificate cannot be trusted: check GRADER_API_URL") from None
    except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
        # The original error's text holds the URL, and with it the key.
        raise TransientError(f"grader API: {_describe(error)}") from None
    return decode_records(body, client_key)


@cache
def _session() -> requests.Session:
    """One pool of connections for the whole process."""
    session = requests.Session()
    session.headers.update({"User-Agent": "CodeGrader-Analytics", "Accept-Encoding": "identity"})
    adapter = HTTPAdapter(pool_connections=1, pool_maxsize=MAX_CONNECTIONS)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


def _check_status(status: int, headers: Mapping[str, str]) -> None:
    if status == 200:
        return
    if status in (408, 429) or status >= 500:
        raise TransientError(f"grader API: it answered HTTP {status}", retry_after=read_retry_after(headers))
    advice = {
        401: "the client's name or key was refused: check GRADER_CLIENT and GRADER_CLIENT_KEY",
        403: "this client may not read the statistics: check GRADER_CLIENT, or ask the service for access",
        404: "there is nothing at this address: check GRADER_API_URL",
    }
    if 300 <= status < 400:
        advice[status] = "it points to another address, to which the key is not sent: correct GRADER_API_URL"
    raise PermanentError(f"grader API: it answered HTTP {status}: {advice.get(status, 'check GRADER_API_URL')}")


def read_retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait by `Retry-After`, a number or a date: never negative; None where it is missing or nonsense."""
    try:
        return float(urllib3.Retry().parse_retry_after(headers.get("Retry-After", "")))
    except (urllib3.exceptions.InvalidHeader, ValueError, OverflowError):
        return None


def _read_body(raw: Any) -> bytes:
    """Reads what arrives as it arrives, so that neither a huge body nor an endless one can hold us."""
    deadline = time.monotonic() + TOTAL_TIMEOUT_S
    body = bytearray()
    while chunk := raw.read1(64 * 1024, decode_content=False):
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise PermanentError(
                f"grader API: its answer is larger than {MAX_BODY_BYTES // 2**20} MiB: ask for smaller windows"
            )
        if time.monotonic() > deadline:
            raise TransientError(f"grader API: its answer was not complete after {TOTAL_TIMEOUT_S} s")
    return bytes(body)


def decode_records(body: bytes, client_key: str = "") -> str:
    """Turns an answer's body into text and makes sure that it is a JSON list of objects.

    Bytes that are not UTF-8 become U+FFFD: one student's broken name must not cost a day.

    Should the API repeat the client's key in an error, it is quoted without.

    Raises:
        TransientError: the body begins like a list but does not end like one: it was cut short.
        PermanentError: it is anything else than a list of objects.
    """
    text = body.decode("utf-8-sig", errors="replace")
    if not text.strip():
        raise TransientError("grader API: its answer was empty")
    try:
        answer: Any = parse_records(text)
    except (ValueError, RecursionError):
        if text.lstrip().startswith("["):
            raise TransientError("grader API: its answer was cut short or is not JSON") from None
        raise PermanentError("grader API: its answer is not JSON: check GRADER_API_URL") from None
    if isinstance(answer, dict) and "errors" in answer:
        raise PermanentError(f"grader API: it refused: {_quote(answer['errors'], client_key)}")
    if not isinstance(answer, list):
        raise PermanentError("grader API: its answer is not a list of records: check GRADER_API_URL")
    if not all(isinstance(record, dict) for record in answer):
        raise PermanentError("grader API: its list holds something else than records")
    return text


def parse_records(text: str) -> Any:
    """Reads an answer's JSON.

    `orjson` is strict and fast; what it refuses for one record's sake must not cost the others, so the standard library
    reads it: NaN, lone surrogates, line breaks in a text, numbers of thousands of digits, values nested thousands of
    times. NaN and infinities become text, which no check takes for a verdict.

    Raises:
        ValueError: not JSON.
        RecursionError: nested too deeply, and cut short.
    """
    with suppress(ValueError):
        return orjson.loads(text)
    parse = partial(json.loads, parse_constant=str, parse_int=_parse_integer, strict=False)
    try:
        return parse(text)
    except RecursionError:
        return parse(_flatten(text))


def _parse_integer(digits: str) -> int | float:
    """As `orjson` reads it, so that a record is the same whatever else is in its answer."""
    is_short = len(digits) <= len(str(-(2**63)))
    return int(digits) if is_short and -(2**63) <= int(digits) < 2**64 else float(digits)


def _flatten(text: str) -> str:
    """Puts what is nested too deeply into texts that hold its JSON."""
    parts: list[str] = []
    done = start = depth = 0
    for token in _TEXT_OR_BRACKET.finditer(text):
        if token[0] in "[{":
            depth += 1
            if depth == _MAX_DEPTH:
                start = token.start()
        elif token[0] in "]}":
            if depth == _MAX_DEPTH:
                parts += [text[done:start], json.dumps(text[start : token.end()])]
                done = token.end()
            depth -= 1
    return "".join(parts) + text[done:]


def _describe(error: Exception) -> str:
    faults = urllib3.exceptions
    # In this order: to urllib3, a connection that was not made is one that took too long, whatever the reason.
    if is_caused_by(error, faults.NameResolutionError):
        return "its host name cannot be resolved: check GRADER_API_URL and the network"
    if is_caused_by(error, ConnectionRefusedError):
        return "it refused the connection: check GRADER_API_URL and the network"
    if is_caused_by(error, faults.ConnectTimeoutError):
        return f"it could not be reached within {CONNECT_TIMEOUT_S} s"
    if is_caused_by(error, faults.TimeoutError, TimeoutError):
        return f"it was silent for {READ_TIMEOUT_S} s"
    if is_caused_by(error, faults.IncompleteRead, IncompleteRead):
        return "its answer was cut short"
    return "the connection broke"


def _quote(value: object, client_key: str) -> str:
    """The API's own words, in one line: plainly spelled, and without the key or what may name a student."""
    text = str(value)
    if len(text) > LONGEST_COMPLAINT:
        return f"a text of {len(text):,} characters"
    shown = unescape(redact(text, [client_key]))
    return _LIKE_AN_ID.sub(lambda found: f"{found[0][:4]}…", " ".join(shown.split()))[:200]
