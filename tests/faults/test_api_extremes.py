"""Answers of extreme size, and waits of extreme length, under the whole flow and with its real limits."""

import time
from collections.abc import Iterator
from datetime import timedelta

import pytest

from schemas.record import Record
from tasks.retries import MAX_RETRY_AFTER_S
from tests.faults import fault
from tests.faults.one_day import DAY, STRUCK, OneDay, one_day, one_day_of_all_tests, records_of_the_day
from tests.integration.loading import rows
from tests.records import record, submit
from tests.sandbox.grader import RecordList
from tests.sandbox.grader.fault_kinds import Status

__all__ = ["one_day", "one_day_of_all_tests"]

pytestmark = pytest.mark.stress

MANY = 100_000


@pytest.fixture
def day(one_day: OneDay) -> Iterator[OneDay]:
    """The day, whose records a test may replace."""
    yield one_day
    one_day.grader.replace_records(RecordList(records_of_the_day()))


def many_records() -> list[Record]:
    """A hundred thousand in one window, by 500 students, every tenth a success."""
    start = STRUCK.replace(tzinfo=None)
    return [
        (submit if number % 10 == 0 else record)(
            lti_user_id=f"{number % 500:032x}", created_at=f"{start + timedelta(milliseconds=200 * number)}"
        )
        for number in range(MANY)
    ]


@fault("grader API", "100,000 records in one window", "all are loaded, once")
def test_a_hundred_thousand_records_are_one_window(day: OneDay) -> None:
    day.grader.replace_records(RecordList(many_records()))

    for new in (MANY, 0):
        state = day.run(refresh=True)

        assert state.is_completed(), state.message
        ((fetched, loaded),) = rows(
            day.engine, "SELECT fetched, new FROM loaded_windows WHERE window_start = :start", start=STRUCK
        )
        assert (fetched, loaded) == (MANY, new)
    ((attempts, successful, users),) = rows(
        day.engine, "SELECT attempts, successful_attempts, unique_users FROM daily_metrics WHERE day = :day", day=DAY
    )
    assert (attempts, successful, users) == (MANY, MANY // 10, 500)


@fault("grader API", "a window without records", "loaded as empty; the day's figures are zero and complete")
def test_an_empty_day_is_a_day(day: OneDay) -> None:
    day.grader.replace_records(RecordList([]))

    assert day.run().is_completed()

    assert len(day.loaded_windows()) == 4
    ((attempts, rate, complete),) = rows(day.engine, "SELECT attempts, success_rate, complete FROM daily_metrics")
    assert (attempts, rate, complete) == (0, None, True)


@fault("grader API", "Retry-After of an hour, with the real limit", "waits two minutes, then asks again")
def test_an_hour_is_not_waited_for(day: OneDay) -> None:
    happening = day.strike(Status(429, headers={"Retry-After": "3600"}), times=1)
    started = time.monotonic()

    state = day.run()

    assert state.is_completed(), state.message
    assert happening.struck == 1
    assert MAX_RETRY_AFTER_S <= time.monotonic() - started < 2 * MAX_RETRY_AFTER_S
    assert day.tables() == day.untouched
