"""The attempts, in the shape in which they are checked and loaded: a frame, one row an attempt."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

import pandas as pd

from schemas.summary import CheckResult

ATTEMPT_TYPES: Final = ("run", "submit", "test", "check")
"""`run`: tried in the editor; `submit`: handed in for grading; the grader is said to know the other two as well."""

VERDICTS: Final = (0, 1)


class Attempt(NamedTuple):
    """A row of the table `attempts`, and of a frame of attempts; the fields are the columns, in order.

    Attributes:
        id: the identity, made from the content (see `tasks.transform.identify`); None where user or time are missing.
        user_id: the student's pseudonym; None where the record names nobody.
        oauth_consumer_key: the LTI consumer's key, often empty.
        lis_result_sourcedid: where the grade belongs: course, task and student in one text.
        lis_outcome_service_url: where the learning platform takes the grade; normal records lack it.
        is_correct: 1 or 0, the grader's verdict; None for none; any other answer as its JSON text, to be rejected.
        attempt_type: see `ATTEMPT_TYPES`.
        created_at: aware, in UTC; None where the record's time cannot be read.
        course: the course's key, such as `course-v1:Org+Course+Run`, taken from the sourced id.
        task: the task's block id, taken from the sourced id.
        passback_params: the LTI parameters as they came, as JSON text, where they name no course; else None.
    """

    id: str | None
    user_id: str | None
    oauth_consumer_key: str | None
    lis_result_sourcedid: str | None
    lis_outcome_service_url: str | None
    is_correct: int | str | None
    attempt_type: str | None
    created_at: datetime | None
    course: str | None
    task: str | None
    passback_params: str | None


def attempts_frame(columns: Mapping[str, "Sequence[object] | pd.Series[Any]"]) -> pd.DataFrame:
    """The fields of `Attempt` as columns, in order: dtype object, so that nothing is guessed or converted.

    Only `created_at` is given, and stays, datetime64[us, UTC].
    """
    frame = pd.DataFrame({name: columns[name] for name in Attempt._fields if name != "created_at"}, dtype=object)
    frame.insert(Attempt._fields.index("created_at"), "created_at", columns["created_at"])
    return frame


class Rejected(NamedTuple):
    """A record that failed a check of severity `error`: a row of `rejected_records`, but for the window.

    Attributes:
        record_id: a UUID made from the record's content, so that the same bad record is kept once.
        attempt_id: the identity it would have had as an attempt, if it has one.
        reasons: the names of the checks that it failed.
        record: the record as the API sent it, as JSON text.
    """

    record_id: str
    attempt_id: str | None
    reasons: tuple[str, ...]
    record: str


# Frames cannot be compared as a whole.
@dataclass(frozen=True, slots=True, eq=False)
class Checked:
    """What the checks made of one window's records: fetched = accepted + rejected + duplicates.

    Attributes:
        accepted: what is to be loaded, a frame of attempts, each id once, ordered by id.
        rejected: what is kept aside, each record once.
        duplicates: exact copies of an accepted attempt or of a rejected record.
        warnings: how often an accepted attempt failed a check of severity `warning`.
        results: the outcome of every check, also of those that nothing failed.
    """

    accepted: pd.DataFrame
    rejected: tuple[Rejected, ...]
    duplicates: int
    warnings: int
    results: tuple[CheckResult, ...]
