"""Field masks: which parts of a message are asked for, or are to be changed."""

import re
from collections.abc import Iterator
from typing import TypeAlias

from tests.sandbox.sheets.discovery import schema
from tests.sandbox.sheets.errors import invalid_argument
from tests.sandbox.sheets.json_types import Json, JsonObject

# The fields by name, each with the mask of what lies in it; an empty mask means all of it.
Mask: TypeAlias = dict[str, "Mask"]
PATH = re.compile(r"(\w+|\*)([./](\w+|\*))*", re.ASCII)
GROUP = re.compile(r"([\w./]+)\(([^()]*)\)(?=[,)]|$)", re.ASCII)


def parse_mask(text: str) -> Mask:
    """Reads a mask such as `sheets.data(rowData,columnMetadata/pixelSize)` or `*`.

    Raises:
        ValueError: it is not a mask.
    """
    rest = text
    while group := GROUP.search(rest):
        within = ",".join(f"{group[1]}.{path}" for path in group[2].split(","))
        rest = rest[: group.start()] + within + rest[group.end() :]
    paths = rest.split(",")
    if not all(map(PATH.fullmatch, paths)):
        raise ValueError(text)
    mask: Mask = {}
    # The shorter ones first: a field that is named as a whole is whole, whatever parts of it are named too.
    for path in sorted((re.split("[./]", path) for path in paths), key=len):
        inner = mask
        for name in path:
            if name in inner and not inner[name]:
                break
            inner = inner.setdefault(name, {})
    return mask


def read_mask(text: str, message: str) -> Mask:
    """Reads a mask, and refuses one that names what a message, named by its schema, does not have."""
    try:
        mask = parse_mask(text)
        wrong = list(unknown_paths(mask, message))
    except ValueError:
        wrong = [text]
    if wrong:
        raise invalid_argument(f"Invalid field: {', '.join(wrong)}")
    return mask


def requested_mask(request: JsonObject, message: str) -> Mask:
    """The mask of the fields that a request changes, a colour in both its spellings."""
    if not request.get("fields"):
        raise invalid_argument("At least one field must be listed in 'fields'. (Use '*' to indicate all fields.)")
    return _with_both_spellings(read_mask(request["fields"], message))


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


def _with_both_spellings(mask: Mask) -> Mask:
    whole: Mask = {}
    for name, inner in mask.items():
        plain = name.removesuffix("Style")
        if plain.endswith("Color"):
            whole |= {plain: {}, f"{plain}Style": {}}
        else:
            whole[name] = _with_both_spellings(inner)
    return whole
