"""Histories of attempts, and their figures as a few plain lines count them, which share no code with the product."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final

from tests.sandbox.grader import RecordList, RecordsFile, RecordSource, SyntheticRecords

FIRST: Final = "2023-03-10"
LAST: Final = "2023-03-22"
WINDOWS: Final = 13 * 4
EVERY: Final = 40


@dataclass(frozen=True)
class History:
    """What the grader holds.

    Attributes:
        days: attempts, successful attempts and students of each day, as texts, by its date.
    """

    source: RecordSource
    first: str
    last: str
    days: dict[str, tuple[str, str, str]]


@cache
def generated_history() -> History:
    """Thirteen days of the fictitious university, of which every fortieth record was kept."""
    start = datetime.fromisoformat(FIRST).replace(tzinfo=UTC)
    end = datetime.fromisoformat(LAST).replace(tzinfo=UTC) + timedelta(days=1, microseconds=-1)
    records: list[Any] = list(SyntheticRecords().between(start, end))[::EVERY]
    return History(RecordList(records), FIRST, LAST, count_days(records))


def real_history(path: Path) -> History:
    """A thousand real submissions, from a file with one on each line."""
    records = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    return History(RecordsFile(path), "2017-10-02", "2017-10-14", count_days(records))


def count_days(records: list[dict[str, Any]]) -> dict[str, tuple[str, str, str]]:
    """By the date, in UTC, with which each record's time begins."""
    days: dict[str, list[dict[str, Any]]] = {}
    for record in sorted(records, key=lambda record: str(record["created_at"])):
        days.setdefault(record["created_at"][:10], []).append(record)
    return {
        day: (
            str(len(found)),
            str(sum(record["is_correct"] == 1 for record in found)),
            str(len({record["lti_user_id"] for record in found})),
        )
        for day, found in days.items()
    }
