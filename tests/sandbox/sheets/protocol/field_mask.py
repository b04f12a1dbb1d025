"""Field masks: which parts of a message are asked for, or are to be changed."""

import re
from collections.abc import Iterator, Sequence
from typing import TypeAlias, cast

from tests.sandbox.sheets.protocol.discovery import schema
from tests.sandbox.sheets.protocol.json_types import Json, JsonObject

# The fields by name, each with the mask of what lies in it; an empty mask means all of it.
Mask: TypeAlias = dict[str, "Mask"]
TOKEN = re.compile(r"[A-Za-z0-9_]+|[*(),./]")


def parse_mask(text: str) -> Mask:
    """Read a mask such as `sheets.data(rowData,columnMetadata/pixelSize)` or `*`.

    Args:
        text: the mask.

    Raises:
        ValueError: it is not a mask; the message is the part that cannot be read.
    """
    tokens = TOKEN.findall(text)
    if "".join(tokens) != text or not tokens:
        raise ValueError(text)
    mask, rest = _read_list(tokens)
    if rest:
        raise ValueError("".join(rest))
    return mask


def unknown_paths(mask: Mask, described: JsonObject, place: str = "") -> Iterator[str]:
    """Give the paths in a mask that a message does not have.

    Args:
        mask: the mask.
        described: the message's schema.
        place: the path to the message.
    """
    fields = described.get("properties", {})
    for name, inner in mask.items():
        path = f"{place}.{name}".lstrip(".")
        if name == "*":
            continue
        if name not in fields:
            yield path
            continue
        field = fields[name].get("items", fields[name])
        yield from unknown_paths(inner, schema(field["$ref"]) if "$ref" in field else {}, path)


def select(value: Json, mask: Mask) -> Json:
    """Give the parts of an answer that a mask names; from a list, those of each of its members.

    Args:
        value: the answer.
        mask: the mask.
    """
    if not mask or "*" in mask:
        return value
    if isinstance(value, list):
        return [select(item, mask) for item in value]
    if not isinstance(value, dict):
        return value
    return {name: select(value[name], inner) for name, inner in mask.items() if name in value}


def reaches(mask: Mask, path: Sequence[str]) -> bool:
    """Say whether a mask asks for a field or for a part of it.

    Args:
        mask: the mask.
        path: the names that lead to the field.
    """
    if not mask or "*" in mask or not path:
        return True
    return path[0] in mask and reaches(mask[path[0]], path[1:])


def update_fields(target: JsonObject, source: JsonObject, mask: Mask) -> JsonObject:
    """Give a message with the parts that a mask names taken from another one, and removed where that has none.

    Args:
        target: the message as it was; it is not changed.
        source: the message with the new parts.
        mask: the mask; `*` names every part of either message.
    """
    names = {name: cast("Mask", {}) for name in (*target, *source)} if "*" in mask else mask
    updated = dict(target)
    for name, inner in names.items():
        if inner:
            updated[name] = update_fields(target.get(name, {}), source.get(name, {}), inner)
        elif name in source:
            updated[name] = source[name]
        else:
            updated.pop(name, None)
    return updated


def _read_list(tokens: list[str]) -> tuple[Mask, list[str]]:
    mask: Mask = {}
    while True:
        tokens = _read_path(tokens, mask)
        if tokens[:1] != [","]:
            return mask, tokens
        tokens = tokens[1:]


def _read_path(tokens: list[str], mask: Mask) -> list[str]:
    if not tokens or tokens[0] in "(),./":
        raise ValueError("".join(tokens))
    name, rest = tokens[0], tokens[1:]
    known = name in mask
    inner = mask.setdefault(name, {})
    if rest[:1] in ([","], [")"], []):
        # The whole field was named, whatever parts of it were named before.
        inner.clear()
        return rest
    added: Mask = {}
    if rest[0] == "(":
        added, rest = _read_list(rest[1:])
        if rest[:1] != [")"]:
            raise ValueError("".join(rest))
        rest = rest[1:]
    else:
        rest = _read_path(rest[1:], added)
    if inner or not known:
        _merge(inner, added)
    return rest


def _merge(mask: Mask, added: Mask) -> None:
    for name, inner in added.items():
        if name in mask and mask[name] and inner:
            _merge(mask[name], inner)
        else:
            mask[name] = {} if name in mask else inner
