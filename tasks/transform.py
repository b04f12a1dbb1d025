"""Transform: the API's records, as text, into attempts. Pure: no network, no database, no clock.

Every record becomes one `Attempt`, in order, whatever state it is in; what cannot be understood becomes None or is kept
as its JSON text, and it is for the checks to say what that means.
"""

import ast
import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from json.encoder import encode_basestring_ascii as quote
from typing import Final, NamedTuple

from schemas.attempt import VERDICTS, Attempt
from schemas.record import Record, to_json, uuid5

MAX_PASSBACK_CHARACTERS: Final = 20_000
"""Longer LTI parameters are taken as unreadable: real ones have about 500 characters."""

_SOURCED_ID = re.compile(r"(?P<course>course-v1:[^:]+):(?P<host>.+)-(?P<task>[^-:]+):[^:]*")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
# What nearly all LTI parameters look like: a dictionary of texts in ASCII without quotes or escapes. Read so, they
# take a fraction of the time; whatever else there is goes the long way.
_PLAIN_TEXT = r"'([ -&(-\[\]-~]*)'"
_PLAIN_PAIR = re.compile(f"{_PLAIN_TEXT}: {_PLAIN_TEXT}")
_PLAIN_DICTIONARY = re.compile(rf"\{{{_PLAIN_PAIR.pattern}(?:, {_PLAIN_PAIR.pattern})*\}}")


class Launch(NamedTuple):
    """What the learning platform's launch parameters say of an attempt, ready for the table; None for what is missing.

    Attributes:
        identity: the sourced id exactly as it was sent, for the attempt's identity.
        course: the course's key, None where the sourced id is built in another way than we know.
        task: the task's block id, likewise.
    """

    identity: str | None
    oauth_consumer_key: str | None
    lis_result_sourcedid: str | None
    lis_outcome_service_url: str | None
    course: str | None
    task: str | None


NO_LAUNCH: Final = Launch(None, None, None, None, None, None)


def transform(records: Sequence[Record]) -> list[Attempt]:
    """Turns records into attempts, one for each, in the same order."""
    return [_to_attempt(record) for record in records]


def _to_attempt(record: Record) -> Attempt:
    user_id = read_user(record.get("lti_user_id"))
    created_at = read_time(record.get("created_at"))
    attempt_type = read_text(record.get("attempt_type"))
    passback = record.get("passback_params")
    launch = parse_passback(passback) if isinstance(passback, str) else read_launch(passback)
    return Attempt(
        id=identify(user_id, created_at, attempt_type, launch.identity) if user_id and created_at else None,
        user_id=storable(user_id),
        oauth_consumer_key=launch.oauth_consumer_key,
        lis_result_sourcedid=launch.lis_result_sourcedid,
        lis_outcome_service_url=launch.lis_outcome_service_url,
        is_correct=read_verdict(record.get("is_correct")),
        attempt_type=storable(attempt_type),
        created_at=created_at,
        course=launch.course,
        task=launch.task,
        passback_params=to_json(passback) if launch.course is None else None,
    )


def identify(user_id: str, created_at: datetime, attempt_type: str | None, sourced_id: str | None) -> str:
    """An attempt's identity: the UUIDv5 (RFC 9562) of the JSON list of what makes it one, the same on every run.

    Args:
        created_at: aware, in UTC.
    """
    # `json.dumps` of the list, to the letter, but faster; so is the time without its zone.
    kind, launch = ("null" if text is None else quote(text) for text in (attempt_type, sourced_id))
    moment = created_at.replace(tzinfo=None).isoformat(timespec="microseconds")
    return uuid5(f'[{quote(user_id)}, "{moment}+00:00", {kind}, {launch}]')


def read_user(value: object) -> str | None:
    """A student's pseudonym; None for null, blanks and anything that is not text."""
    return value if isinstance(value, str) and value.strip() else None


def read_text(value: object) -> str | None:
    """Text as it is, null as None, anything else as its JSON text."""
    return value if value is None or isinstance(value, str) else to_json(value)


def read_time(value: object) -> datetime | None:
    """A moment in UTC, from `YYYY-MM-DD HH:MM:SS`, with or without fraction, `T` and offset (UTC without one).

    Returns:
        None where the text is no full date and time of the calendar.
    """
    if not isinstance(value, str) or len(value) < len("2023-05-31 09:16:11") or value[4] != "-":
        return None
    try:
        moment = datetime.fromisoformat(value)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def read_verdict(value: object) -> int | str | None:
    """0 or 1, also from a truth value, a float or a text that says the same; None for null.

    Returns:
        Anything else as its JSON text: a verdict that is not understood must not become one.
    """
    if value is None or (type(value) is int and value in VERDICTS):
        return value
    if isinstance(value, bool | int | float) and value in VERDICTS:
        return int(value)
    if isinstance(value, str) and value.strip() in ("0", "1"):
        return int(value)
    return to_json(value)


def parse_passback(text: str) -> Launch:
    """Reads the LTI parameters from a Python literal, or from JSON, without running anything.

    A text that is not a dictionary, or too long to be one of ours, yields `NO_LAUNCH`.
    """
    return _parse_passback(text) if len(text) <= MAX_PASSBACK_CHARACTERS else NO_LAUNCH


# A student sends the same text with every attempt at a task.
@lru_cache(maxsize=16_384)
def _parse_passback(text: str) -> Launch:
    if _PLAIN_DICTIONARY.fullmatch(text):
        return read_launch(dict(_PLAIN_PAIR.findall(text)))
    # JSON first: most of it would pass for Python, but with other escapes (`\/`).
    for read in (json.loads, ast.literal_eval):
        try:
            return read_launch(read(text))
        # literal_eval answers deep nesting with MemoryError or RecursionError, and NUL with SyntaxError.
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            continue
    return NO_LAUNCH


def read_launch(parameters: object) -> Launch:
    """Takes what we keep out of the LTI parameters; `NO_LAUNCH` if they are not a dictionary."""
    if not isinstance(parameters, dict):
        return NO_LAUNCH
    key, sourced_id, url = (
        value if isinstance(value := parameters.get(name), str) else None
        for name in ("oauth_consumer_key", "lis_result_sourcedid", "lis_outcome_service_url")
    )
    course, task = split_sourced_id(storable(sourced_id))
    return Launch(sourced_id, storable(key), storable(sourced_id), storable(url), course, task)


def split_sourced_id(sourced_id: str | None) -> tuple[str | None, str | None]:
    """Takes course and task out of `course-v1:<org>+<course>+<run>:<LMS host>-<block>:<user>`.

    Returns:
        (course key, block id), or (None, None) where the text is built in another way.
    """
    match = _SOURCED_ID.fullmatch(sourced_id) if sourced_id else None
    return (match["course"], match["task"]) if match else (None, None)


def storable(text: str | None) -> str | None:
    """Replaces by U+FFFD what PostgreSQL cannot hold in a text: NUL and lone surrogates."""
    return _UNSTORABLE.sub("\ufffd", text) if text and _UNSTORABLE.search(text) else text
