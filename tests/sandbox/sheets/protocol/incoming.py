"""Requests checked against Google's description and read into the form that it gives them."""

import json
import re
from urllib.parse import parse_qs

from tests.sandbox.sheets.protocol.discovery import Method, schema
from tests.sandbox.sheets.protocol.errors import GoogleError, Violation, bad_request, invalid_argument
from tests.sandbox.sheets.protocol.json_types import Json, JsonObject

PACKAGE = "type.googleapis.com/google.apps.sheets.v4"
LIST_VALUE = "type.googleapis.com/google.protobuf.ListValue"
TYPE_NAMES = {
    "int32": "TYPE_INT32",
    "double": "TYPE_DOUBLE",
    "float": "TYPE_FLOAT",
    "boolean": "TYPE_BOOL",
    "string": "TYPE_STRING",
    "google-fieldmask": "TYPE_STRING",
}
TRUTH = {"true": True, "false": False, "1": True, "0": False}
# Where a body is one field of the request rather than the whole of it, messages name that field.
BODY_FIELDS = {"ValueRange": "data", "Spreadsheet": "spreadsheet"}


def read_query(method: Method, query: str) -> JsonObject:
    """Read the parameters in a query.

    Args:
        method: the method that is called.
        query: the query as it was sent.

    Returns:
        The parameters by name: texts and truth values, and lists where a parameter may be repeated.

    Raises:
        GoogleError: a parameter is unknown, or its value is not of its kind.
    """
    found: JsonObject = {}
    problems: list[Violation] = []
    for name, values in parse_qs(query, keep_blank_values=True).items():
        described = method.parameters.get(name)
        if described is None:
            reason = f"Cannot bind query parameter. Field '{name}' could not be found in request message."
            problems.append(Violation("", f'Invalid JSON payload received. Unknown name "{name}": {reason}'))
        elif described.get("repeated"):
            found[name] = values
        else:
            found[name] = _parameter(name, values[-1], described, problems)
    if problems:
        raise bad_request(problems)
    return found


def read_body(method: Method, raw: bytes) -> JsonObject:
    """Read a body: names in camel case, numbers as numbers, and nothing for `null`.

    Args:
        method: the method that is called.
        raw: the body as it was sent; an empty one is an empty object.

    Raises:
        GoogleError: the body is not JSON, or not of the method's form.
    """
    if method.request is None or not raw.strip():
        return {}
    try:
        sent = json.loads(raw, parse_constant=_refuse_constant)
    except ValueError as error:
        raise invalid_argument(f"Invalid JSON payload received. {error}") from None
    reader = _Reader()
    read: JsonObject = reader.message(schema(method.request), sent, BODY_FIELDS.get(method.request, ""))
    if reader.problems:
        raise bad_request(reader.problems)
    return read


def not_a_scalar(place: str, value: Json) -> GoogleError:
    """Give the refusal of a list or an object in the place of a cell's value.

    Args:
        place: such as `values[0][1]`.
        value: what was sent.
    """
    kind = "list_value" if isinstance(value, list) else "struct_value"
    return invalid_argument(f"Invalid {place}: {kind} {json.dumps(value)}")


def _parameter(name: str, value: str, described: JsonObject, problems: list[Violation]) -> Json:
    if "enum" in described and value not in described["enum"]:
        kind = name.removeprefix("response")
        problems.append(_invalid(_snake(name), f"{PACKAGE}.{kind[:1].upper()}{kind[1:]}", value))
    if described["type"] == "boolean":
        if value.lower() not in TRUTH:
            problems.append(_invalid(_snake(name), TYPE_NAMES["boolean"], value))
        return TRUTH.get(value.lower())
    return value


class _Reader:
    """Reads messages and notes everything that is wrong with them."""

    def __init__(self) -> None:
        self.problems: list[Violation] = []

    def message(self, described: JsonObject, value: Json, place: str) -> JsonObject:
        if not isinstance(value, dict):
            self.problems.append(_invalid(place, f"{PACKAGE}.{described['id']}", value))
            return {}
        fields = described.get("properties", {})
        read: JsonObject = {}
        for sent_name, inner in value.items():
            name = sent_name if sent_name in fields else _camel(sent_name)
            if name not in fields:
                self._unknown(sent_name, place, "Cannot find field.")
            elif isinstance(inner, list) and fields[name].get("type") != "array":
                self._unknown(sent_name, place, "Proto field is not repeating, cannot start list.")
            elif inner is not None:
                read[name] = self.value(fields[name], inner, f"{place}.{_snake(name)}".lstrip("."))
        return read

    def value(self, described: JsonObject, value: Json, place: str) -> Json:
        if "$ref" in described:
            return self.message(schema(described["$ref"]), value, place)
        kind = described["type"]
        if kind == "array":
            return self._items(described["items"], value, place)
        if kind == "object":
            return self._entries(described["additionalProperties"], value, place)
        return value if kind == "any" else self._scalar(described, value, place)

    def _items(self, described: JsonObject, value: Json, place: str) -> list[Json]:
        # A lone value may stand for a list of one.
        items = value if isinstance(value, list) else [value]
        if described.get("type") == "array":
            for index, item in enumerate(items):
                if not isinstance(item, list):
                    self.problems.append(_invalid(f"{place}[{index}]", LIST_VALUE, item))
        return [self.value(described, item, f"{place}[{index}]") for index, item in enumerate(items)]

    def _entries(self, described: JsonObject, value: Json, place: str) -> JsonObject:
        if not isinstance(value, dict):
            self.problems.append(_invalid(place, "type.googleapis.com/google.protobuf.Struct", value))
            return {}
        return {name: self.value(described, inner, f"{place}.{name}") for name, inner in value.items()}

    def _scalar(self, described: JsonObject, value: Json, place: str) -> Json:
        kind = described["type"]
        if kind in {"integer", "number"}:
            number = _number(value)
            if number is not None and (kind == "number" or float(number).is_integer()):
                return int(number) if kind == "integer" else number
        elif isinstance(value, bool if kind == "boolean" else str) and value in described.get("enum", [value]):
            return value
        if "enum" in described:
            name = f"{PACKAGE}.{place.rpartition('.')[2].title().replace('_', '')}"
        else:
            name = TYPE_NAMES[str(described.get("format", kind))]
        self.problems.append(_invalid(place, name, value))
        return value

    def _unknown(self, name: str, place: str, reason: str) -> None:
        where = f" at '{place}'" if place else ""
        self.problems.append(Violation(place, f'Invalid JSON payload received. Unknown name "{name}"{where}: {reason}'))


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


def _invalid(place: str, kind: str, value: Json) -> Violation:
    return Violation(place, f"Invalid value at '{place}' ({kind}), {json.dumps(value, ensure_ascii=False)}")


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower()


def _camel(name: str) -> str:
    return re.sub(r"_([a-z])", lambda match: match[1].upper(), name)
