"""The records that are measured: a made-up university's, a fixed number a day."""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

import orjson

from schemas.period import Window
from tests.sandbox.grader import RecordList, SyntheticRecords

A_DAY: Final = 1_556
"""The records of an average day of the service: 46,680 in a month of thirty days."""
FIRST_DAY: Final = date(2023, 4, 1)
NOW: Final = datetime(2026, 1, 1, tzinfo=UTC)


class DayOfRecords:
    """One day: its window, its records, and the text in which the API would send them."""

    def __init__(self, day: date, records: list[Any]) -> None:
        start = datetime.combine(day, time.min, UTC)
        self.day, self.window = day, Window(start, start + timedelta(days=1))
        self.records = records
        self.text = orjson.dumps(records).decode()

    def text_between(self, window: Window) -> str:
        """The text of the records of a part of the day."""
        start, end = (f"{moment:%Y-%m-%d %H:%M:%S.%f}" for moment in (window.start, window.end))
        return orjson.dumps([record for record in self.records if start <= record["created_at"] < end]).decode()


def month(days: int = 30, first: date = FIRST_DAY, a_day: int = A_DAY) -> list[DayOfRecords]:
    """So many days of records, oldest first."""
    return list(_days(days, first, a_day))


def source_of(days: Iterable[DayOfRecords]) -> RecordList:
    """What the API holds: the records of these days."""
    return RecordList([record for day in days for record in day.records])


def _days(days: int, first: date, a_day: int) -> Iterator[DayOfRecords]:
    source = SyntheticRecords(now=lambda: NOW)
    for number in range(days):
        day = first + timedelta(days=number)
        start = datetime.combine(day, time.min, UTC)
        records = source.between(start, start + timedelta(days=1) - timedelta(microseconds=1))
        yield DayOfRecords(day, _of_some_students(records, a_day))


def _of_some_students(records: list[Any], number: int) -> list[Any]:
    """So many records, in their order, of as few students as have them: whole sessions stay whole."""
    by_student = sorted(range(len(records)), key=lambda place: str(records[place]["lti_user_id"])[::-1])
    return [records[place] for place in sorted(by_student[:number])]
