"""Google's own description of the Sheets API, which comes with its Python client, and what can be read off it."""

import json
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from urllib.parse import unquote

import googleapiclient

from tests.sandbox.sheets.errors import GoogleError
from tests.sandbox.sheets.json_types import Json, JsonObject

DOCUMENT = Path("discovery_cache", "documents", "sheets.v4.json")


@cache
def document() -> JsonObject:
    """The whole description."""
    folder = Path(str(googleapiclient.__file__)).parent
    read: JsonObject = json.loads((folder / DOCUMENT).read_text(encoding="utf-8"))
    return read


def schema(name: str) -> JsonObject:
    """The description of a message, such as `ValueRange`."""
    found: JsonObject = document()["schemas"][name]
    return found


def find_method(http_method: str, path: str) -> tuple[JsonObject, dict[str, str]]:
    """Finds the method that a request calls: its description, and the decoded parameters in the path.

    Args:
        http_method: such as `PUT`.
        path: the path as it was sent, percent-encoded, without the query.
    """
    for method in _methods():
        form = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(method["path"]))
        match = re.fullmatch(f"/{form}", path)
        if match and method["httpMethod"] == http_method:
            return method, {name: unquote(value) for name, value in match.groupdict().items()}
    raise GoogleError(404, "There is no such method.")


def rewrite(
    name: str, message: JsonObject, change: Callable[[str, JsonObject], JsonObject | None]
) -> JsonObject | None:
    """Changes the messages within a message, the innermost first, and last the message itself.

    Args:
        name: the name of the message's schema.
        message: the message; it is not changed.
        change: gets the name of a schema and a message of it, and gives the new message, or None for none.

    Returns:
        The new message; None where it is gone, be it with its `range`, its place in the sheet.
    """
    fields, new = schema(name).get("properties", {}), dict(message)
    for field, value in message.items():
        described = fields.get(field, {})
        inner = described.get("items", described).get("$ref")
        if inner is None:
            continue
        if isinstance(value, list):
            new[field] = [item for item in (rewrite(inner, one, change) for one in value) if item is not None]
        else:
            new[field] = rewrite(inner, value, change)
        if new[field] is None:
            if field == "range":
                return None
            del new[field]
    return change(name, new)


@cache
def _methods() -> list[Json]:
    # `{range}:append` comes before `{range}`, which would take the colon for a part of the range.
    return sorted(_described(document()), key=lambda one: len(re.sub(r"\{.*?\}", "", one["path"])), reverse=True)


def _described(resource: JsonObject) -> list[Json]:
    inner = [method for one in resource.get("resources", {}).values() for method in _described(one)]
    return [*resource.get("methods", {}).values(), *inner]
