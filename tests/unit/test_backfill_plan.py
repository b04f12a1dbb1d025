"""A long range in chunks: every moment in exactly one, and the same chunks whatever the range."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.backfilling.chunks import describe_days, split_into_chunks, to_parameters
from schemas.period import Period, start_of
from tasks.plan import MAX_DAYS, plan_period

NOW = datetime(2026, 5, 20, 9, 30, tzinfo=UTC)
ZONES = st.sampled_from(["UTC", "Europe/Moscow", "America/New_York", "Australia/Lord_Howe"]).map(ZoneInfo)
DATES = st.dates(date(2005, 1, 1), date(2026, 5, 18))
MOMENTS = st.builds(datetime.combine, DATES, st.times())


def plan(start: date | str, end: date | str | None = None, zone: str = "UTC") -> Period:
    return plan_period(start, end, ZoneInfo(zone), NOW, max_days=None)


@st.composite
def periods(draw: st.DrawFn) -> Period:
    zone = draw(ZONES)
    first, last = sorted([draw(DATES | MOMENTS), draw(DATES | MOMENTS)], key=lambda one: start_of(one, zone))
    if isinstance(last, datetime) and start_of(last, zone) <= start_of(first, zone):
        last += timedelta(seconds=1)
    return plan_period(first, last, zone, NOW, max_days=None)


@given(periods(), st.integers(1, 12))
def test_chunks_partition_the_range(period: Period, months: int) -> None:
    chunks = split_into_chunks(period, months)

    days = [day for chunk in chunks for day in chunk.days]
    assert [day.date for day in days] == [day.date for day in period.days]
    assert days[0].start == period.start
    assert days[-1].end == period.end
    assert all(earlier.end == later.start for earlier, later in pairwise(days))
    assert all(len(chunk.days) <= MAX_DAYS for chunk in chunks)
    assert all(later.days[0].date.day == 1 for later in chunks[1:])


@given(periods(), st.integers(1, 12), st.data())
def test_a_run_told_about_days_plans_exactly_these(period: Period, months: int, data: st.DataObject) -> None:
    chunk = data.draw(st.sampled_from(split_into_chunks(period, months)))
    first = data.draw(st.integers(0, len(chunk.days) - 1))
    last = data.draw(st.integers(first, len(chunk.days) - 1))
    wanted = chunk.days[first : last + 1]

    parameters = to_parameters(wanted[0], wanted[-1], chunk.time_zone)
    planned = plan_period(parameters["start_date"], parameters["end_date"], chunk.time_zone, NOW)

    assert (planned.start, planned.end) == (wanted[0].start, wanted[-1].end)


@pytest.mark.parametrize(
    ("months", "expected"),
    [
        (1, ["2022-12-30 to 2022-12-31", "2023-01-01 to 2023-01-31", "2023-02-01 to 2023-02-28", "2023-03-01"]),
        (3, ["2022-12-30 to 2022-12-31", "2023-01-01 to 2023-03-01"]),
    ],
)
def test_chunks_are_calendar_months_and_quarters(months: int, expected: list[str]) -> None:
    assert list(map(str, split_into_chunks(plan("2022-12-30", "2023-03-01"), months))) == expected


def test_dates_are_told_as_dates_and_moments_as_moments() -> None:
    (chunk,) = split_into_chunks(plan("2026-05-01T06:00", "2026-05-20", "Europe/Moscow"), 1)
    assert to_parameters(chunk.days[0], chunk.days[1], chunk.time_zone) == {
        "start_date": "2026-05-01T03:00:00+00:00",
        "end_date": "2026-05-02",
    }
    # Today, as far as it has come.
    assert to_parameters(chunk.days[-2], chunk.days[-1], chunk.time_zone) == {
        "start_date": "2026-05-19",
        "end_date": "2026-05-20T09:30:00+00:00",
    }


@pytest.mark.parametrize(
    ("offsets", "expected"),
    [
        ([0], "2023-04-01"),
        ([5, 0, 1], "2023-04-01 to 2023-04-02, 2023-04-06"),
        (
            range(0, 80, 2),
            ", ".join(str(date(2023, 4, 1) + timedelta(2 * n)) for n in range(20)) + " and 20 more ranges",
        ),
    ],
)
def test_days_are_described_as_ranges_in_one_line_however_many(offsets: Iterable[int], expected: str) -> None:
    (day,) = plan("2023-04-01").days
    assert describe_days([replace(day, date=day.date + timedelta(days=offset)) for offset in offsets]) == expected
