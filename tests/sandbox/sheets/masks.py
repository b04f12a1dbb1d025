"""Field masks: which parts of a message are asked for, or are to be changed."""

import re
from collections.abc import Iterator
from typing import TypeAlias

from tests.sandbox.sheets.discovery import schema
from tests.sandbox.sheets.errors import invalid_argument
from tests.sandbox.sheets.json_types import Json, JsonObject

# The fields by name, each with the mask of what lies in it; an empty mask means all of it.
Mask: TypeAlias = dict[str, "Mask"]
TOKEN = re.compile(r"\w+|[*(),./]", re.ASCII)


def parse_mask(text: str) -> Mask:
    """Reads a mask such as `sheets.data(rowData,columnMetadata/pixelSize)` or `*`.

    Raises:
        ValueError: it is not a mask.
    """
    tokens = TOKEN.findall(text)
    rest = tokens[::-1]
    paths = _read_list(rest)
    if rest or "".join(tokens) != text:
        raise ValueError(text)
    mask: Mask = {}
    # The shorter ones first: a field that is named as a whole is whole, whatever parts of it are named too.
    for path in sorted(paths, key=len):
        inner = mask
        for name in path:
            if name in inner and not inner[name]:
                break
            inner = inner.setdefault(name, {})
    return mask


def requested_mask(request: JsonObject, message: str) -> Mask:
    """The mask of the fields that a request changes, a colour in both its spellings."""
    text = request.get("fields", "")
    if not text:
        raise invalid_argument("At least one field must be listed in 'fields'. (Use '*' to indicate all fields.)")
    try:
        mask = parse_mask(text)
    except ValueError:
        raise invalid_argument(f"Invalid field: {text}") from None
    for unknown in unknown_paths(mask, message):
        raise invalid_argument(f"Invalid field: {unknown}")
    return _with_both_spellings(mask)


def unknown_paths(mask: Mask, message: str, place: str = "") -> Iterator[str]:
    """The paths in a mask that a message, named by its schema (empty for one without fields), does not have."""
    fields = schema(message).get("properties", {}) if message else {}
    for name, inner in mask.items():
        path = f"{place}.{name}".lstrip(".")
        if name in fields:
            yield from unknown_paths(inner, fields[name].get("items", fields[name]).get("$ref", ""), path)
        elif name != "*":
            yield path


def select(value: Json, mask: Mask) -> Json:
    """The parts of an answer that a mask names; of a list, those of each of its members."""
    if not mask or "*" in mask:
        return value
    if isinstance(value, list):
        return [select(item, mask) for item in value]
    if not isinstance(value, dict):
        return value
    return {name: select(value[name], inner) for name, inner in mask.items() if name in value}


def reaches(mask: Mask, *path: str) -> bool:
    """Whether a mask asks for a field or for a part of it."""
    if not mask or "*" in mask or not path:
        return True
    return path[0] in mask and reaches(mask[path[0]], *path[1:])


def update_fields(target: JsonObject, source: JsonObject, mask: Mask) -> JsonObject:
    """A message with the parts that a mask names taken from another one, and removed where that has none."""
    if not mask or "*" in mask:
        return source
    updated = dict(target)
    for name, inner in mask.items():
        if inner:
            updated[name] = update_fields(target.get(name, {}), source.get(name, {}), inner)
        elif name in source:
            updated[name] = source[name]
        else:
            updated.pop(name, None)
    return updated


def _read_list(rest: list[str]) -> list[list[str]]:
    """Takes `a.b,c(d,e)` from the end of the tokens, whose order is turned round: `a.b`, `c.d` and `c.e`."""
    paths = _read_item(rest)
    while rest and rest[-1] == ",":
        rest.pop()
        paths += _read_item(rest)
    return paths


def _read_item(rest: list[str]) -> list[list[str]]:
    if not rest or rest[-1] in "(),./":
        raise ValueError("".join(rest))
    name = rest.pop()
    inner: list[list[str]] = [[]]
    if rest and rest[-1] in "./":
        rest.pop()
        inner = _read_item(rest)
    elif rest and rest[-1] == "(":
        rest.pop()
        inner = _read_list(rest)
        if not rest or rest.pop() != ")":
            raise ValueError(name)
    return [[name, *path] for path in inner]


def _with_both_spellings(mask: Mask) -> Mask:
    whole: Mask = {}
    for name, inner in mask.items():
        plain = name.removesuffix("Style")
        if plain.endswith("Color"):
            whole |= {plain: {}, f"{plain}Style": {}}
        else:
            whole[name] = _with_both_spellings(inner)
    return whole
