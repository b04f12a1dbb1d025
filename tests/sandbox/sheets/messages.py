"""Requests, and our own answers, read by Google's description of them; whatever does not fit it is said."""

import json
import re
from urllib.parse import parse_qs

from tests.sandbox.sheets.discovery import document, schema
from tests.sandbox.sheets.errors import SandboxBugError, bad_request, invalid_argument
from tests.sandbox.sheets.json_types import Json, JsonObject

PACKAGE = "type.googleapis.com/google.apps.sheets.v4"
PROTOBUF = "type.googleapis.com/google.protobuf"
UNKNOWN = "Invalid JSON payload received. Unknown name"
TRUTH = {"true": True, "false": False, "1": True, "0": False}
# Where a body is one field of the request rather than the whole of it, messages name that field.
BODY_FIELDS = {"ValueRange": "data"}


def read_query(method: JsonObject, query: str) -> JsonObject:
    """Reads the parameters in a query: texts and truth values, and lists where a parameter may be repeated."""
    found: JsonObject = {}
    parameters, reader = document()["parameters"] | method["parameters"], _Reader()
    for name, values in parse_qs(query, keep_blank_values=True).items():
        described = parameters.get(name)
        if described is None:
            reason = f"Cannot bind query parameter. Field '{name}' could not be found in request message."
            reader.problems.append(("", f'{UNKNOWN} "{name}": {reason}'))
        elif described.get("repeated"):
            found[name] = values
        elif described["type"] == "boolean":
            found[name] = reader.value(described, TRUTH.get(values[-1].lower(), values[-1]), _snake(name))
        else:
            found[name] = reader.value(described | {"type": "string"}, values[-1], _snake(name))
    reader.refuse()
    return found


def read_body(method: JsonObject, raw: bytes) -> JsonObject:
    """Reads a body: names in camel case, numbers as numbers, and nothing for `null`."""
    if "request" not in method or not raw.strip():
        return {}
    name = method["request"]["$ref"]
    try:
        sent = json.loads(raw, parse_constant=_refuse_constant)
    except ValueError as error:
        raise invalid_argument(f"Invalid JSON payload received. {error}") from None
    reader = _Reader()
    read = reader.message(name, sent, BODY_FIELDS.get(name, ""))
    reader.refuse()
    return read


def check_answer(name: str, answer: Json) -> None:
    """Sees whether an answer is what the service could answer: one that is not would teach a client wrongly.

    Raises:
        SandboxBugError: it is not; the message says where and why.
    """
    reader = _Reader()
    read = reader.message(name, answer, name)
    # What is only tolerated in a request, such as a number that is sent as a text, was read as something else.
    if reader.problems or json.dumps(read) != json.dumps(answer):
        raise SandboxBugError(f"{name}: {reader.problems or answer}")


class _Reader:
    """Reads messages and notes everything that is wrong with them: the field and the description."""

    def __init__(self) -> None:
        self.problems: list[tuple[str, str]] = []

    def refuse(self) -> None:
        if self.problems:
            raise bad_request(self.problems)

    def message(self, name: str, value: Json, place: str) -> JsonObject:
        if not isinstance(value, dict):
            self._invalid(place, f"{PACKAGE}.{name}", value)
            return {}
        fields, read = schema(name).get("properties", {}), {}
        for sent_name, inner in value.items():
            field = sent_name if sent_name in fields else _camel(sent_name)
            if field not in fields:
                self._unknown(sent_name, place, "Cannot find field.")
            elif isinstance(inner, list) and fields[field].get("type") != "array":
                self._unknown(sent_name, place, "Proto field is not repeating, cannot start list.")
            elif inner is not None:
                read[field] = self.value(fields[field], inner, f"{place}.{_snake(field)}".lstrip("."))
        return read

    def value(self, described: JsonObject, value: Json, place: str) -> Json:
        if "$ref" in described:
            return self.message(described["$ref"], value, place)
        kind = described["type"]
        if kind == "array":
            return self._items(described["items"], value, place)
        if kind != "object":
            return value if kind == "any" else self._scalar(described, value, place)
        if not isinstance(value, dict):
            self._invalid(place, f"{PROTOBUF}.Struct", value)
            return {}
        inner = described["additionalProperties"]
        return {name: self.value(inner, one, f"{place}.{name}") for name, one in value.items()}

    def _items(self, described: JsonObject, value: Json, place: str) -> list[Json]:
        # A lone value may stand for a list of one, but not for a list within a list.
        items = value if isinstance(value, list) else [value]
        for index, item in enumerate(items):
            if described.get("type") == "array" and not isinstance(item, list):
                self._invalid(f"{place}[{index}]", f"{PROTOBUF}.ListValue", item)
        return [self.value(described, item, f"{place}[{index}]") for index, item in enumerate(items)]

    def _scalar(self, described: JsonObject, value: Json, place: str) -> Json:
        kind = described["type"]
        if kind in {"integer", "number"}:
            number = _number(value)
            if number is not None and (kind == "number" or float(number).is_integer()):
                return int(number) if kind == "integer" else number
        elif isinstance(value, bool if kind == "boolean" else str) and value in described.get("enum", [value]):
            return value
        if "enum" in described:
            enum = place.rpartition(".")[2].title().replace("_", "").removeprefix("Response")
            self._invalid(place, f"{PACKAGE}.{enum}", value)
        else:
            name = str(described.get("format", kind))
            name = {"boolean": "bool", "google-fieldmask": "string"}.get(name, name)
            self._invalid(place, f"TYPE_{name.upper()}", value)
        return value

    def _unknown(self, name: str, place: str, reason: str) -> None:
        where = f" at '{place}'" if place else ""
        self.problems.append((place, f'{UNKNOWN} "{name}"{where}: {reason}'))

    def _invalid(self, place: str, kind: str, value: Json) -> None:
        sent = json.dumps(value, ensure_ascii=False)
        self.problems.append((place, f"Invalid value at '{place}' ({kind}), {sent}"))


def _refuse_constant(name: str) -> None:
    # Python reads NaN and Infinity, which JSON does not have.
    raise ValueError(f"Unexpected token. {name}")


def _number(value: Json) -> float | int | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return None


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower()


def _camel(name: str) -> str:
    return re.sub(r"_([a-z])", lambda match: match[1].upper(), name)
