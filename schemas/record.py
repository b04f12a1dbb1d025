"""The record contract: how the grader's API writes a record, and how a record is named and kept."""

import hashlib
import json
import reprlib
import uuid
from typing import Any, Final

import orjson

Record = dict[str, Any]
"""An object of the API's list: `lti_user_id`, `passback_params`, `is_correct`, `attempt_type`, `created_at`, and what
else it may hold; none of them is sure to be there, or to have the type it should."""

NAMESPACE: Final = uuid.uuid5(uuid.NAMESPACE_URL, "codegrader-analytics/attempt")
"""The namespace of all identities. Changing it would load everything a second time."""


def parse_records(text: str) -> Any:
    """Reads an answer's JSON.

    `orjson` is strict and fast; what it refuses (NaN, lone surrogates) the standard library reads. NaN and infinities
    become text, which no check takes for a verdict.

    Raises:
        ValueError: not JSON.
        RecursionError: nested too deeply.
    """
    try:
        return orjson.loads(text)
    except ValueError:
        return json.loads(text, parse_constant=str)


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


def record_identity(record_json: str) -> str:
    """A rejected record's identity, made from its JSON text (`to_json`)."""
    return uuid5(record_json)


def uuid5(ascii_name: str) -> str:
    """`str(uuid.uuid5(NAMESPACE, …))`, RFC 9562, without the object, which costs more than the hash."""
    digest = bytearray(hashlib.sha1(NAMESPACE.bytes + ascii_name.encode("ascii"), usedforsecurity=False).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x50
    digest[8] = digest[8] & 0x3F | 0x80
    text = digest.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
