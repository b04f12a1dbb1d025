"""What a request asks for: its four parameters, checked as the grader API checks them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

PATH = "/api/statistics"
# All that public clients of the service send. A date alone is its midnight, also as the end.
TIME_FORMATS = ("%Y-%m-%d %H:%M:%S.%f", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d")


class RefusedQueryError(Exception):
    """A request that gets no records.

    Attributes:
        status: the HTTP status to answer with.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Window:
    """The time asked for, in UTC; both ends belong to it."""

    start: datetime
    end: datetime


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
    name, key = _single(given, "client"), _single(given, "client_key")
    start, end = _single(given, "start"), _single(given, "end")
    if name != client or key != client_key:
        raise RefusedQueryError(401, "unknown client or wrong client_key")
    return Window(_read_time("start", start), _read_time("end", end))


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
