"""Transform: the API's records into a frame of attempts. Pure: no network, no database, no clock.

Every record becomes one row, in order, whatever state it is in; what cannot be understood becomes None or is kept as
its JSON text, and it is for the checks to say what that means.

Column by column, since a month has tens of thousands of records.
"""

import ast
import json
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from json.encoder import encode_basestring_ascii as quote
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from schemas.attempt import VERDICTS, attempts_frame
from schemas.record import Record, identity_of, to_json

MAX_PASSBACK_CHARACTERS: Final = 20_000
"""Longer LTI parameters are taken as unreadable: real ones have about 500 characters."""

MAX_ID_CHARACTERS: Final = 200
"""A longer user, course or task is none; three as long fit into a row of PostgreSQL's indexes in any alphabet."""

_SOURCED_ID = re.compile(
    rf"(?P<course>course-v1:[^:]{{1,{MAX_ID_CHARACTERS - 10}}})"
    rf":(?P<host>.+)-(?P<task>[^-:]{{1,{MAX_ID_CHARACTERS}}}):[^:]*"
)
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
# What nearly all times look like, which NumPy reads at once: the measure script / ours needs it. The calendar has no
# year 0, but NumPy has.
_USUAL_TIMES = re.compile(r"(?:(?!0000)\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}\n)*+", re.ASCII)


class LtiParameters(NamedTuple):
    """The LTI parameters of an attempt: columns of the table, and the sourced id as it was sent, for the identity.

    None for what is missing; course and task also where the sourced id is built in another way than we know.
    """

    exact_sourced_id: str | None
    oauth_consumer_key: str | None
    lis_result_sourcedid: str | None
    lis_outcome_service_url: str | None
    course: str | None
    task: str | None


NO_LTI_PARAMETERS: Final = LtiParameters(None, None, None, None, None, None)


def transform(records: Sequence[Record]) -> pd.DataFrame:
    """Turns records into a frame of attempts (see `schemas.attempt.attempts_frame`), in the same order."""
    users = [read_user(record.get("lti_user_id")) for record in records]
    times = read_times([record.get("created_at") for record in records])
    types = [read_text(record.get("attempt_type")) for record in records]
    sent = [record.get("passback_params") for record in records]
    parameters = [read_lti_parameters(value) for value in sent]
    columns = {name: [getattr(one, name) for one in parameters] for name in LtiParameters._fields}
    return attempts_frame(
        columns
        | {
            "id": identify(users, times, types, columns.pop("exact_sourced_id")),
            "user_id": [storable(user) for user in users],
            "is_correct": [read_verdict(record.get("is_correct")) for record in records],
            "attempt_type": [storable(kind) for kind in types],
            "created_at": pd.Series(times).dt.tz_localize("UTC"),
            "passback_params": [
                to_json(value) if lti.course is None else None for value, lti in zip(sent, parameters, strict=True)
            ],
        }
    )


def identify(
    users: Iterable[str | None],
    times: npt.NDArray[np.datetime64],
    types: Iterable[str | None],
    sourced_ids: Iterable[str | None],
) -> list[str | None]:
    """The attempts' identities: each the UUIDv5 (RFC 9562) of the JSON list of what makes it one, ever the same.

    None where user or time are missing. The times are in UTC, as `read_times` gives them, the sourced ids as sent.
    """
    # `json.dumps` of the list, to the letter; it takes three times as long, and script / ours would be missed.
    return [
        identity_of(f'[{quote(user)}, "{time}+00:00", {_quote(kind)}, {_quote(sourced_id)}]')
        if user and time != "NaT"
        else None
        for user, time, kind, sourced_id in zip(
            users, np.datetime_as_string(times).tolist(), types, sourced_ids, strict=True
        )
    ]


def _quote(text: str | None) -> str:
    return "null" if text is None else quote(text)


def read_user(value: object) -> str | None:
    """A student's pseudonym; None for null, blanks, anything that is not text, and a text too long to be one."""
    return value if isinstance(value, str) and value.strip() and len(value) <= MAX_ID_CHARACTERS else None


def read_text(value: object) -> str | None:
    """Text as it is, null as None, anything else as its JSON text."""
    return value if value is None or isinstance(value, str) else to_json(value)


def read_time(value: object) -> datetime | None:
    """A moment in UTC, from `YYYY-MM-DD HH:MM:SS`, with or without fraction, `T` and offset (UTC without one).

    None where the text is no full date and time of the calendar.
    """
    if not isinstance(value, str) or len(value) < len("2023-05-31 09:16:11") or value[4] != "-":
        return None
    try:
        moment = datetime.fromisoformat(value)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def read_times(values: Sequence[Any]) -> npt.NDArray[np.datetime64]:
    """Moments in UTC, as datetime64[us] without a zone; see `read_time`, NaT where that finds None."""
    try:
        if _USUAL_TIMES.fullmatch("\n".join([*values, ""])):
            return np.array(values, dtype="datetime64[us]")
    except (TypeError, ValueError):
        pass
    moments = [read_time(value) for value in values]
    return np.array([moment and moment.replace(tzinfo=None) for moment in moments], dtype="datetime64[us]")


def read_verdict(value: object) -> int | str | None:
    """0 or 1, also from a truth value, a float or a text that says the same; None for null.

    Anything else becomes its JSON text: a verdict that is not understood must not become one.
    """
    if value is None or (type(value) is int and value in VERDICTS):
        return value
    if isinstance(value, bool | int | float) and value in VERDICTS:
        return int(value)
    if isinstance(value, str) and value.strip() in ("0", "1"):
        return int(value)
    return to_json(value)


def read_lti_parameters(value: object) -> LtiParameters:
    """What we keep of the LTI parameters, which come as an object, or as the text of a Python literal or of JSON.

    `NO_LTI_PARAMETERS` if they are no dictionary, or a text too long to be one of ours.
    """
    if isinstance(value, str):
        return _parse(value) if len(value) <= MAX_PASSBACK_CHARACTERS else NO_LTI_PARAMETERS
    return _keep(value)


# A student sends the same text with every attempt at a task.
@lru_cache(maxsize=16_384)
def _parse(text: str) -> LtiParameters:
    """Reads the text without running anything."""
    readers: list[Callable[[str], Any]] = [json.loads, ast.literal_eval]
    if '"' not in text and "\\" not in text:
        # Nearly always: then it is JSON but for the kind of quotes, and that is read in a tenth of the time.
        readers.insert(0, lambda text: json.loads(text.replace("'", '"')))
    # JSON before Python: most of it would pass for Python, but with other escapes (`\/`).
    for read in readers:
        try:
            return _keep(read(text))
        # literal_eval answers deep nesting with MemoryError or RecursionError, and NUL with SyntaxError.
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            continue
    return NO_LTI_PARAMETERS


def _keep(parameters: object) -> LtiParameters:
    if not isinstance(parameters, dict):
        return NO_LTI_PARAMETERS
    key, sourced_id, url = (
        value if isinstance(value := parameters.get(name), str) else None
        for name in ("oauth_consumer_key", "lis_result_sourcedid", "lis_outcome_service_url")
    )
    course, task = split_sourced_id(storable(sourced_id))
    return LtiParameters(sourced_id, storable(key), storable(sourced_id), storable(url), course, task)


def split_sourced_id(sourced_id: str | None) -> tuple[str | None, str | None]:
    """Course key and block id, out of `course-v1:<org>+<course>+<run>:<LMS host>-<block>:<user>`; else None, None."""
    match = _SOURCED_ID.fullmatch(sourced_id) if sourced_id else None
    return (match["course"], match["task"]) if match else (None, None)


def storable(text: str | None) -> str | None:
    """Replaces by U+FFFD what PostgreSQL cannot hold in a text: NUL and lone surrogates."""
    return text if text is None or text.isprintable() else _UNSTORABLE.sub("\ufffd", text)
