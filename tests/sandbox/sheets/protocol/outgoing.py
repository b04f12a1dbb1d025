"""Our own answers checked against Google's description: one that does not fit it would teach a client wrongly."""

from tests.sandbox.sheets.protocol.discovery import schema
from tests.sandbox.sheets.protocol.errors import SandboxBugError
from tests.sandbox.sheets.protocol.json_types import Json, JsonObject

PYTHON_TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
    "array": list,
    "object": dict,
    "any": (str, bool, int, float),
}
NUMBERS = {"integer", "number"}


def check_answer(name: str, answer: Json) -> None:
    """See whether an answer is what the service could answer.

    Args:
        name: the name of the answer's schema.
        answer: the answer.

    Raises:
        SandboxBugError: it is not; the message says where and why.
    """
    _check({"$ref": name}, answer, name)


def _check(described: JsonObject, value: Json, place: str) -> None:
    if "$ref" in described:
        described = schema(described["$ref"])
    kind = described["type"]
    # To Python a truth value is a number too.
    fits: bool = isinstance(value, PYTHON_TYPES[kind]) and not (isinstance(value, bool) and kind in NUMBERS)
    if not fits:
        raise SandboxBugError(f"{place} should be of type {kind}, but is {value!r}")
    if "enum" in described and value not in described["enum"]:
        raise SandboxBugError(f"{place} should be one of {described['enum']}, but is {value!r}")
    if kind == "array":
        for index, item in enumerate(value):
            _check(described["items"], item, f"{place}[{index}]")
    elif kind == "object":
        _check_fields(described, value, place)


def _check_fields(described: JsonObject, value: JsonObject, place: str) -> None:
    fields = described.get("properties", {})
    for name, inner in value.items():
        field = fields.get(name) or described.get("additionalProperties")
        if field is None:
            raise SandboxBugError(f"{place} has no field {name!r}")
        _check(field, inner, f"{place}.{name}")
