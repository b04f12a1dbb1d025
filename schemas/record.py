"""The record contract: what the grader's API sends for an attempt, and how a record is named and kept."""

import hashlib
import json
import reprlib
import uuid
from typing import Any, Final

Record = dict[str, Any]
"""An object of the API's list: `lti_user_id`, `passback_params`, `is_correct`, `attempt_type`, `created_at`, and what
else it may hold; none of them is sure to be there, or to have the type it should."""

NAMESPACE: Final = uuid.uuid5(uuid.NAMESPACE_URL, "codegrader-analytics/attempt")
"""The namespace of all identities. Changing it would load everything a second time."""
_NAMESPACE: Final = NAMESPACE.bytes


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
