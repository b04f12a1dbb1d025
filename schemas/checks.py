"""The data checks, as pandera schemas.

Two severities: a row that fails one of `error_checks` cannot be trusted in a figure and is rejected; a row that
fails one of `WARNING_CHECKS` is loaded, counted and reported.

The checks see a frame with the columns of `schemas.attempt.Attempt`, ordered so that of several rows with one id the
one to keep comes first.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

import numpy as np
import pandas as pd
import pandera.pandas as pa

from schemas.attempt import ATTEMPT_TYPES, VERDICTS, Attempt
from schemas.period import Window

SHAPE: Final = "shape"
DUPLICATE_ROWS: Final = "duplicate rows"
UNIQUE_ID: Final = "unique id"
FEW_DUPLICATES: Final = "few duplicates"

USUAL_DUPLICATES_SHARE: Final = 0.01
"""The service was seen to send none among 2,980 records; more than this share of a window is worth a warning."""
ENOUGH_RECORDS: Final = 20
"""In a window of fewer records, one copy is a large share, and times without a fraction may be a coincidence."""


def _check(name: str, rule: Callable[[pd.DataFrame], Any]) -> pa.Check:
    # Otherwise pandera passes every row in which nothing is given.
    return pa.Check(rule, name=name, ignore_na=False)


def attempts_schema(window: Window, now: datetime) -> pa.DataFrameSchema:
    """All checks of one window's attempts."""
    # The columns are one check, not a `pa.Column` each: eleven of these take a fifth of the time of all checks.
    shape = _check(SHAPE, lambda rows: tuple(rows.columns) == Attempt._fields)
    return pa.DataFrameSchema(checks=[shape, *error_checks(window, now), *WARNING_CHECKS])


def error_checks(window: Window, now: datetime) -> list[pa.Check]:
    """What must hold for a row to be loaded.

    `duplicate rows` finds exact copies, which are no error: they are loaded once. `unique id` finds rows that differ
    and yet claim to be the same attempt: one is loaded, the others are rejected.
    """
    start, end, present = (pd.Timestamp(moment) for moment in (window.start, window.end, now))
    return [
        _check(DUPLICATE_ROWS, lambda rows: ~_repeated(rows, Attempt._fields)),
        _check(UNIQUE_ID, lambda rows: ~_repeated(rows, ("id",))),
        _check("user id present", lambda rows: rows["user_id"].notna()),
        _check("valid time", lambda rows: rows["created_at"].notna()),
        _check("no date in the future", lambda rows: ~(rows["created_at"] > present)),
        _check("inside the window", lambda rows: ~((rows["created_at"] < start) | (rows["created_at"] >= end))),
        _check("allowed verdicts", lambda rows: rows["is_correct"].isin((*VERDICTS, None))),
    ]


def _repeated(rows: pd.DataFrame, columns: tuple[str, ...]) -> "pd.Series[bool]":
    """Rows that repeat an earlier one with the same id; a row without an id repeats none.

    Most windows hold no repeated id, and then the costlier comparison of whole rows is not made.
    """
    same_id = rows["id"].notna() & rows["id"].duplicated()
    return same_id & rows.duplicated(list(columns)) if len(columns) > 1 and same_id.any() else same_id


WARNING_CHECKS: Final = [
    _check("allowed attempt types", lambda rows: rows["attempt_type"].isin(ATTEMPT_TYPES)),
    _check("run without verdict", lambda rows: (rows["attempt_type"] != "run") | rows["is_correct"].isna()),
    _check("submit with verdict", lambda rows: (rows["attempt_type"] != "submit") | rows["is_correct"].notna()),
    _check("LTI parameters parsed", lambda rows: rows["course"].notna()),
    _check("storable text", lambda rows: ~_altered(rows)),
    _check("times with a fraction", lambda rows: ~_cut_off(rows)),
]


def _altered(rows: pd.DataFrame) -> "pd.Series[bool]":
    """Rows with a character that stands for one that the database, or UTF-8, cannot hold."""
    altered = pd.Series(data=False, index=rows.index)
    for name in ("user_id", "attempt_type", "oauth_consumer_key", "lis_result_sourcedid", "lis_outcome_service_url"):
        # Most columns hold nothing but ASCII, which is known of each text without a look at its characters.
        if not all(map(str.isascii, filter(None, rows[name].tolist()))):
            altered |= np.array(["\ufffd" in (text or "") for text in rows[name]])
    return altered


def _cut_off(rows: pd.DataFrame) -> "pd.Series[bool]":
    """Rows with a time, if no time of the window has a fraction of a second: they must have been cut off.

    Attempts of one student within the second, or the minute, to which they were cut are then taken for one.
    """
    timed = rows["created_at"].notna()
    is_cut = int(timed.sum()) >= ENOUGH_RECORDS and not rows["created_at"].dt.microsecond.gt(0).any()
    return timed & is_cut
