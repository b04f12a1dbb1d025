"""Google's own description of the Sheets API, which comes with its Python client."""

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from urllib.parse import unquote

import googleapiclient

from tests.sandbox.sheets.protocol.json_types import JsonObject

DOCUMENT = Path("discovery_cache", "documents", "sheets.v4.json")


@dataclass(frozen=True)
class Method:
    """One method of the API.

    Attributes:
        name: such as `sheets.spreadsheets.values.update`.
        http_method: such as `PUT`.
        path: what the path looks like, with a group for each parameter in it.
        parameters: the description of each parameter in the query.
        request: the name of the body's schema; None where the method has no body.
        response: the name of the answer's schema.
        scopes: the scopes of which a token needs one.
    """

    name: str
    http_method: str
    path: re.Pattern[str]
    parameters: JsonObject
    request: str | None
    response: str
    scopes: frozenset[str]


@lru_cache(maxsize=1)
def document() -> JsonObject:
    """Give the description as Google publishes it."""
    folder = Path(str(googleapiclient.__file__)).parent
    read: JsonObject = json.loads((folder / DOCUMENT).read_text(encoding="utf-8"))
    return read


def schema(name: str) -> JsonObject:
    """Give the description of a message.

    Args:
        name: the message's name, such as `ValueRange`.
    """
    found: JsonObject = document()["schemas"][name]
    return found


def all_scopes() -> frozenset[str]:
    """Give the scopes that are of use with the Sheets API."""
    return frozenset(document()["auth"]["oauth2"]["scopes"])


def find_method(http_method: str, path: str) -> tuple[Method, dict[str, str]] | None:
    """Find the method that a request calls.

    Args:
        http_method: such as `PUT`.
        path: the path as it was sent, percent-encoded, without the query.

    Returns:
        The method, and the decoded parameters in the path; None where the API has no such method.
    """
    for method in _methods():
        match = method.path.fullmatch(path)
        if match and method.http_method == http_method:
            return method, {name: unquote(value) for name, value in match.groupdict().items()}
    return None


@lru_cache(maxsize=1)
def _methods() -> list[Method]:
    described = _described(document())
    # `{range}:append` comes before `{range}`, which would take the colon for a part of the range.
    described.sort(key=lambda one: len(re.sub(r"\{.*?\}", "", one["path"])), reverse=True)
    return [_method(one) for one in described]


def _described(resource: JsonObject) -> list[JsonObject]:
    inner = [method for one in resource.get("resources", {}).values() for method in _described(one)]
    return [*resource.get("methods", {}).values(), *inner]


def _method(described: JsonObject) -> Method:
    own = {name: one for name, one in described["parameters"].items() if one["location"] == "query"}
    return Method(
        described["id"],
        described["httpMethod"],
        re.compile("/" + re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(described["path"]))),
        document()["parameters"] | own,
        described.get("request", {}).get("$ref"),
        described["response"]["$ref"],
        frozenset(described["scopes"]),
    )
