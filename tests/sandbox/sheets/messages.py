"""Requests, and our own answers, checked against Google's description of them; whatever does not fit it is said."""

import json
from collections.abc import Iterator
from functools import cache
from typing import Any
from urllib.parse import parse_qs

from jsonschema import Draft7Validator

from tests.sandbox.sheets.discovery import document
from tests.sandbox.sheets.errors import SandboxBugError, invalid_argument
from tests.sandbox.sheets.json_types import Json, JsonObject

TRUTH = {"true": True, "false": False, "1": True, "0": False}


def read_query(method: JsonObject, query: str) -> JsonObject:
    """Reads the parameters in a query: texts and truth values, and lists where a parameter may be repeated."""
    parameters, found = document()["parameters"] | method["parameters"], {}
    for name, values in parse_qs(query, keep_blank_values=True).items():
        described = parameters.get(name, {})
        value = TRUTH.get(values[-1].lower(), values[-1]) if described.get("type") == "boolean" else values[-1]
        found[name] = values if described.get("repeated") else value
    fields = {
        name: {"items": _as_schema(one)} if one.get("repeated") else _as_schema(one) for name, one in parameters.items()
    }
    _refuse(_problems(Draft7Validator({"properties": fields, "additionalProperties": False}), found))
    return found


def read_body(method: JsonObject, raw: bytes) -> JsonObject:
    """Reads a body; a field that is `null` is one that is left out."""
    if "request" not in method or not raw.strip():
        return {}
    try:
        read: JsonObject = json.loads(raw, object_hook=_without_nulls)
    except ValueError as error:
        raise invalid_argument(f"Invalid JSON payload received. {error}") from None
    _refuse(_problems(_message(method["request"]["$ref"]), read))
    return read


def check_answer(name: str, answer: Json) -> None:
    """Sees whether an answer is what the service could answer: one that is not would teach a client wrongly.

    Raises:
        SandboxBugError: it is not; the message says where and why.
    """
    problems = list(_problems(_message(name), answer))
    if problems:
        raise SandboxBugError(f"{name}: {problems}")


@cache
def _message(name: str) -> Any:
    """What checks a message, such as `ValueRange`."""
    definitions = {name: _as_schema(described) for name, described in document()["schemas"].items()}
    return Draft7Validator({"definitions": definitions, "$ref": f"#/definitions/{name}"})


def _as_schema(described: JsonObject) -> JsonObject:
    """A description in the words of JSON Schema, in which `any` is no limit, and a message has no unknown fields."""
    if "$ref" in described:
        return {"$ref": f"#/definitions/{described['$ref']}"}
    found = {name: described[name] for name in ("type", "format", "enum") if described.get(name, "any") != "any"}
    if described["type"] == "array":
        found["items"] = _as_schema(described["items"])
    if described["type"] == "object":
        fields = described.get("properties", {})
        found["properties"] = {name: _as_schema(field) for name, field in fields.items()}
        others = described.get("additionalProperties")
        found["additionalProperties"] = _as_schema(others) if others else False
    return found


def _problems(validator: Any, value: Json) -> Iterator[str]:
    """What is wrong with a message, in words like Google's."""
    for problem in validator.iter_errors(value):
        place = problem.json_path.removeprefix("$").lstrip(".")
        if problem.validator == "additionalProperties":
            for name in problem.instance.keys() - problem.schema["properties"].keys():
                yield f"Invalid JSON payload received. Unknown name \"{name}\" at '{place}': Cannot find field."
        else:
            kind = problem.schema.get("format", problem.schema["type"])
            yield f"Invalid value at '{place}' ({kind}), {json.dumps(problem.instance, ensure_ascii=False)}"


def _refuse(problems: Iterator[str]) -> None:
    found = "\n".join(problems)
    if found:
        raise invalid_argument(found)


def _without_nulls(sent: JsonObject) -> JsonObject:
    return {name: value for name, value in sent.items() if value is not None}
