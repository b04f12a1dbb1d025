"""HTTP requests and answers, apart from how they travel."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from tests.sandbox.sheets.protocol.json_types import JsonObject

JSON_TYPE = "application/json; charset=UTF-8"
HTML_TYPE = "text/html; charset=UTF-8"


@dataclass(frozen=True)
class Request:
    """One HTTP request.

    Attributes:
        method: the HTTP method, in capitals.
        target: the path and the query as they were sent.
        headers: the headers, their names in title case.
        body: the body.
    """

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        """The decoded path, without the query."""
        return unquote(self.raw_path)

    @property
    def raw_path(self) -> str:
        """The path as it was sent, without the query."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        """The query as it was sent."""
        return self.target.partition("?")[2]


@dataclass(frozen=True)
class Answer:
    """What a request is answered with.

    Attributes:
        status: the HTTP status.
        content_type: what the body is.
        body: the body.
    """

    status: int
    content_type: str
    body: bytes


def json_answer(status: int, content: JsonObject) -> Answer:
    """Give an answer whose body is JSON.

    Args:
        status: the HTTP status.
        content: the body.
    """
    return Answer(status, JSON_TYPE, json.dumps(content, ensure_ascii=False, allow_nan=False).encode())


def no_such_page(path: str) -> Answer:
    """Give the page that Google's servers show where there is nothing: no API speaks there.

    Args:
        path: the decoded path.
    """
    text = (
        f"<!DOCTYPE html><title>Error 404 (Not Found)!!1</title><p>The requested URL <code>{path}</code> was not found."
    )
    return Answer(404, HTML_TYPE, text.encode())
