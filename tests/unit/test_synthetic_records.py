"""The made-up records: the same everywhere, none lost between windows, and a few odd ones a day."""

import hashlib
import json
from datetime import UTC, date, datetime, timedelta
from functools import cache

import pytest

from schemas.period import Window
from schemas.record import Record
from tasks.check import check
from tasks.transform import transform
from tests.sandbox.grader import SyntheticRecords

DAYS = [date(2025, 3, 1) + timedelta(days=number) for number in range(3)]
MICROSECOND = timedelta(microseconds=1)
LATER = date(2100, 1, 1)
REJECTED_BY = ("user id present", "valid time", "allowed verdicts")
WARNED_OF_BY = ("run without verdict", "submit with verdict", "LTI parameters parsed")


def midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


@cache
def records_of(day: date) -> list[Record]:
    return SyntheticRecords().between(midnight(day), midnight(day + timedelta(days=1)) - MICROSECOND)


def test_a_day_is_the_same_on_every_machine_and_python() -> None:
    written = json.dumps(records_of(date(2023, 4, 1))).encode()
    assert hashlib.sha256(written).hexdigest() == "4b670d8ea857ac00535134b37a54bbc0690f288376d8aa3a803505f8b495be3c"


def test_windows_hold_both_their_ends_and_join_without_gap_in_order_of_time() -> None:
    whole = [record for day in DAYS for record in records_of(day)]
    source, hour = SyntheticRecords(), timedelta(hours=1)
    starts = [midnight(DAYS[0]) + number * hour for number in range(72)]
    assert [record for start in starts for record in source.between(start, start + hour - MICROSECOND)] == whole
    times = [datetime.fromisoformat(f"{record['created_at']}+00:00") for record in whole]
    assert times == sorted(times)
    assert source.between(times[10], times[20]) == whole[10:21]
    assert source.between(times[10] + MICROSECOND, times[20] - MICROSECOND) == whole[11:20]


def test_nothing_is_known_of_the_future() -> None:
    noon = datetime(2025, 3, 4, 12, tzinfo=UTC)
    source = SyntheticRecords(now=lambda: noon)
    today = source.between(midnight(date(2025, 3, 4)), midnight(date(2025, 3, 5)))
    assert today == [record for record in records_of(date(2025, 3, 4)) if record["created_at"] <= "2025-03-04 12"]
    assert source.between(midnight(date(2025, 3, 5)), midnight(date(2025, 3, 6))) == []


@pytest.mark.parametrize("day", [date(2023, 4, 1), *DAYS])
def test_a_day_has_some_odd_records_of_each_kind_if_asked_for(day: date) -> None:
    window = Window(midnight(day), midnight(day + timedelta(days=1)))
    odd = SyntheticRecords(odd=True).between(window.start, window.end - MICROSECOND)

    checked = check(odd, transform(odd), window, midnight(LATER))

    found = {result.check: result.rows for result in checked.results if result.rows}
    assert set(found) == {"duplicate rows", *REJECTED_BY, *WARNED_OF_BY}
    assert all(2 <= rows <= 3 for rows in found.values())
    assert len(checked.rejected) == sum(found[name] for name in REJECTED_BY)
    assert checked.warnings == sum(found[name] for name in WARNED_OF_BY)
    assert sum(record not in odd for record in records_of(day)) == len(checked.rejected) + checked.warnings
    assert len(odd) == len(records_of(day)) + checked.duplicates
