"""The record contract: how the grader's API writes a record, and how a record is named and kept."""

import hashlib
import json
import re
import reprlib
import uuid
from typing import Any, Final

import orjson

Record = dict[str, Any]
"""An object of the API's list: `lti_user_id`, `passback_params`, `is_correct`, `attempt_type`, `created_at`, and what
else it may hold; none of them is sure to be there, or to have the type it should."""

NAMESPACE: Final = uuid.uuid5(uuid.NAMESPACE_URL, "codegrader-analytics/attempt")
"""The namespace of all identities. Changing it would load everything a second time."""

_NAMESPACE: Final = NAMESPACE.bytes
_MAX_DEPTH: Final = 500
_TEXT_OR_BRACKET: Final = re.compile(r'"(?:[^"\\]|\\.)*+"|[\[\]{}]', re.DOTALL)


def parse_records(text: str) -> Any:
    """Reads an answer's JSON.

    `orjson` is strict and fast; what it refuses for one record's sake must not cost the others, so the standard library
    reads it: NaN, lone surrogates, line breaks in a text, numbers of thousands of digits, values nested thousands of
    times. NaN and infinities become text, which no check takes for a verdict.

    Raises:
        ValueError: not JSON.
        RecursionError: nested too deeply, and cut short.
    """
    try:
        return orjson.loads(text)
    except ValueError:
        pass
    try:
        return _parse_leniently(text)
    except RecursionError:
        return _parse_leniently(_flatten(text))


def _parse_leniently(text: str) -> Any:
    return json.loads(text, parse_constant=str, parse_int=_parse_integer, strict=False)


def _parse_integer(digits: str) -> int | float:
    """As `orjson` reads it, so that a record is the same whatever else is in its answer."""
    is_short = len(digits) <= len(str(-(2**63)))
    return int(digits) if is_short and -(2**63) <= int(digits) < 2**64 else float(digits)


def _flatten(text: str) -> str:
    """Puts what is nested too deeply into texts that hold its JSON."""
    parts: list[str] = []
    done = start = depth = 0
    for token in _TEXT_OR_BRACKET.finditer(text):
        if token[0] in "[{":
            depth += 1
            if depth == _MAX_DEPTH:
                start = token.start()
        elif token[0] in "]}":
            if depth == _MAX_DEPTH:
                parts += [text[done:start], json.dumps(text[start : token.end()])]
                done = token.end()
            depth -= 1
    return "".join(parts) + text[done:]


def to_json(value: object) -> str:
    """A value as ASCII JSON that does not depend on the order of its keys.

    An infinity, from a number such as 1e999, becomes text; what is nested too deeply is abbreviated.
    """
    try:
        try:
            return json.dumps(value, sort_keys=True, allow_nan=False)
        except ValueError:
            return json.dumps(json.loads(json.dumps(value), parse_constant=str), sort_keys=True)
    except RecursionError:
        return json.dumps(reprlib.repr(value))


def identity_of(content: str) -> str:
    """The identity that a text in ASCII has: `str(uuid.uuid5(NAMESPACE, content))`.

    Made without `uuid.UUID`, which takes three times as long: the data path's measure script / ours needs it.
    """
    digits = hashlib.sha1(_NAMESPACE + content.encode(), usedforsecurity=False).hexdigest()
    # Version and variant, which RFC 9562 puts over six of the bits.
    variant = "89ab"[int(digits[16], 16) % 4]
    return f"{digits[:8]}-{digits[8:12]}-5{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:32]}"
