"""Which days a run is about, and the windows it asks the API for."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from schemas.period import Day, Period, Window
from tasks.errors import InvalidInputError
from tasks.plan import day_before, plan_daily, plan_period, plan_range, split_into_windows

NOW = datetime(2023, 4, 10, 21, 30, tzinfo=UTC)
BERLIN = "Europe/Berlin"


def plan(start: date | str | None = None, end: date | str | None = None, zone: str = "UTC") -> Period:
    return plan_period(start, end, ZoneInfo(zone), NOW)


def span(period: Period) -> tuple[str, str]:
    return f"{period.start:%Y-%m-%d %H:%M %Z}", f"{period.end:%Y-%m-%d %H:%M %Z}"


def hours(windows: list[Window]) -> list[float]:
    return [(window.end - window.start) / timedelta(hours=1) for window in windows]


@pytest.mark.parametrize(
    ("zone", "day", "start"),
    [
        ("UTC", "2023-04-09", "2023-04-09 00:00 UTC"),
        # In Moscow the eleventh has begun.
        ("Europe/Moscow", "2023-04-10", "2023-04-09 21:00 UTC"),
        ("America/New_York", "2023-04-09", "2023-04-09 04:00 UTC"),
    ],
)
def test_asked_for_nothing_it_takes_yesterday_in_the_reporting_time_zone(zone: str, day: str, start: str) -> None:
    period = plan(zone=zone)
    assert str(period) == day
    assert span(period)[0] == start
    assert period.end - period.start == timedelta(days=1)


def test_the_daily_run_loads_gaps_then_the_lookback_then_its_day() -> None:
    looked_at: list[list[int]] = []

    def find_gaps(days: list[Day]) -> list[Day]:
        looked_at.append([day.date.day for day in days])
        return [days[0], days[-1]]

    planned = plan_daily(plan("2023-04-09"), 12, find_gaps, lookback_days=2, heal_days=4, refresh=False)

    assert looked_at == [[5, 6, 7, 8]]
    assert [gap.date.day for gap in planned.gaps] == [5]
    assert [window.start.day for window in planned.windows] == [5, 5, 7, 7, 8, 8, 9, 9]
    assert {window.start.day for window in planned.refresh} == {7, 8}
    # It tells of its day, whatever else it loads.
    assert str(planned.period) == "2023-04-09"


@pytest.mark.parametrize("refresh", [True, False])
def test_refreshing_asks_again_for_all_that_was_asked_for(refresh: bool) -> None:
    planned = plan_range(plan("2023-04-08", "2023-04-09"), 12, refresh=refresh)
    assert [window.start.day for window in planned.windows] == [8, 8, 9, 9]
    assert planned.refresh == frozenset(planned.windows if refresh else ())
    again = plan_daily(plan("2023-04-09"), 12, lambda _: (), lookback_days=0, heal_days=0, refresh=refresh)
    assert {window.start.day for window in again.refresh} == ({9} if refresh else set())


@pytest.mark.parametrize(
    ("start", "end", "day"),
    [
        ("2023-04-01", None, "2023-04-01"),
        (None, "2023-04-09", "2023-04-09"),
        (None, "2023-04-10", "2023-04-10 to 2023-04-10 21:30"),
        (None, "2023-04-09T12:00", "2023-04-09 to 2023-04-09 12:00"),
        # A midnight ends a day.
        (None, "2023-04-09T00:00", "2023-04-08"),
        ("2023-04-01T06:00", None, "2023-04-01 06:00 to 2023-04-01"),
    ],
)
def test_one_date_alone_means_its_day_whichever_it_is(start: str | None, end: str | None, day: str) -> None:
    assert str(plan(start, end)) == day


@pytest.mark.parametrize(
    ("start", "end", "name", "files"),
    [
        ("2023-04-01", "2023-04-02", "2023-04-01 to 2023-04-02", "2023-04-01_2023-04-02"),
        (
            "2023-04-01T06:00",
            "2023-04-01T12:00",
            "2023-04-01 06:00 to 2023-04-01 12:00",
            "2023-04-01T0600_2023-04-01T1200",
        ),
        # Today goes on: its files are to be written over later in the day.
        ("2023-04-10", None, "2023-04-10 to 2023-04-10 23:30", "2023-04-10"),
        ("2023-04-08", "2023-04-10", "2023-04-08 to 2023-04-10 23:30", "2023-04-08_2023-04-10"),
    ],
)
def test_a_part_of_a_day_never_calls_itself_the_day(start: str, end: str | None, name: str, files: str) -> None:
    period = plan(start, end, BERLIN)
    assert str(period) == name
    assert period.file_stem == files


def test_a_date_that_the_time_zone_left_out_is_refused_and_no_day_of_a_range() -> None:
    # Samoa went from the 29th to the 31st.
    with pytest.raises(
        InvalidInputError, match="start_date 2011-12-30 does not exist: Pacific/Apia left that date out"
    ):
        plan("2011-12-30", zone="Pacific/Apia")
    with pytest.raises(InvalidInputError, match="end_date 2011-12-30 does not exist"):
        plan("2011-12-29", "2011-12-30", zone="Pacific/Apia")
    period = plan("2011-12-29", "2011-12-31", zone="Pacific/Apia")
    assert [day.date.day for day in period.days] == [29, 31]
    assert day_before(datetime(2011, 12, 31, 12, tzinfo=ZoneInfo("Pacific/Apia")), ZoneInfo("Pacific/Apia")).day == 29


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2023-03-30", "2023-04-01"),
        (" 2023-03-30 ", "20230401"),
        (date(2023, 3, 30), date(2023, 4, 1)),
        ("2023-03-30T00:00", "2023-04-02T00:00"),
        ("2023-03-29T18:00-04:00", "2023-04-01"),
        (datetime(2023, 3, 29, 22, tzinfo=UTC), "2023-04-01T22:00Z"),
    ],
)
def test_the_last_day_is_included_and_a_last_moment_is_not(start: date | str, end: date | str) -> None:
    period = plan(start, end, BERLIN)
    assert span(period) == ("2023-03-29 22:00 UTC", "2023-04-01 22:00 UTC")
    assert [day.date.day for day in period.days] == [30, 31, 1]
    assert (period.first_day, period.last_day) == (date(2023, 3, 30), date(2023, 4, 1))


def test_a_period_between_moments_asks_for_nothing_outside_of_them() -> None:
    windows = split_into_windows(plan("2023-04-01T05:00", "2023-04-02T01:00"), 6)
    assert hours(windows) == [1, 6, 6, 6, 1]
    assert (windows[0].start.hour, windows[-1].end.hour) == (5, 1)
    assert hours(split_into_windows(plan("2022-03-03", "2023-04-06"), 24)) == [24] * 400, "so many are not too many"


def test_today_is_asked_for_up_to_now() -> None:
    period = plan("2023-04-09", "2023-04-10")
    assert period.end == NOW
    assert period.days[-1].end == datetime(2023, 4, 11, tzinfo=UTC)
    assert hours(split_into_windows(period, 6)) == [6, 6, 6, 6, 6, 6, 6, 3.5]


@pytest.mark.parametrize(
    ("zone", "day", "start", "lengths"),
    [
        ("UTC", "2023-04-01", "2023-04-01 00:00 UTC", [6, 6, 6, 6]),
        # Summer time begins and ends.
        (BERLIN, "2023-03-26", "2023-03-25 23:00 UTC", [6, 6, 6, 5]),
        (BERLIN, "2022-10-30", "2022-10-29 22:00 UTC", [6, 6, 6, 6, 1]),
        # Half an hour off, and half an hour forward and back.
        ("Asia/Kolkata", "2023-04-01", "2023-03-31 18:30 UTC", [6, 6, 6, 6]),
        ("Australia/Lord_Howe", "2022-10-02", "2022-10-01 13:30 UTC", [6, 6, 6, 5.5]),
        ("Australia/Lord_Howe", "2023-04-02", "2023-04-01 13:00 UTC", [6, 6, 6, 6, 0.5]),
        # A day whose midnight does not exist: the clock goes from 00:00 to 01:00.
        ("America/Sao_Paulo", "2018-11-04", "2018-11-04 03:00 UTC", [6, 6, 6, 5]),
        # A day whose midnight comes twice: the clock goes from 01:00 to 00:00.
        ("America/Havana", "2022-11-06", "2022-11-06 04:00 UTC", [6, 6, 6, 6, 1]),
    ],
)
def test_a_day_is_as_long_as_its_clock_makes_it(zone: str, day: str, start: str, lengths: list[float]) -> None:
    period = plan(day, zone=zone)
    assert str(period) == day
    assert span(period)[0] == start
    assert hours(split_into_windows(period, 6)) == lengths


ZONES = [
    *("UTC", BERLIN, "Europe/Moscow", "Asia/Kathmandu", "America/Sao_Paulo", "America/Havana"),
    # Clocks that go back at one minute past midnight, by half an hour, and across the date line.
    *("America/St_Johns", "Australia/Lord_Howe", "Pacific/Apia"),
]
# Without an offset, as a person writes them.
MOMENTS = st.datetimes(datetime(2000, 1, 2), datetime(2023, 1, 1))  # noqa: DTZ001


@given(
    zone=st.sampled_from(ZONES), start=MOMENTS, length=st.timedeltas(timedelta(0), timedelta(days=20)), data=st.data()
)
def test_windows_partition_any_period(zone: str, start: datetime, length: timedelta, data: st.DataObject) -> None:
    whole_days = data.draw(st.booleans(), label="whole days")
    step = data.draw(st.integers(1, 48), label="hours")
    first, last = start, start + length
    try:
        period = plan(first.date(), last.date(), zone) if whole_days else plan(first, last, zone)
    except InvalidInputError:
        assume(False)
    windows = split_into_windows(period, step)
    assert (windows[0].start, windows[-1].end) == (period.start, period.end)
    assert [window.start for window in windows[1:]] == [window.end for window in windows[:-1]]
    assert all(0 < length <= step for length in hours(windows))
    assert [window.start for window in windows if window.start.tzinfo is not UTC] == []


@given(zone=st.sampled_from(ZONES), day=st.dates(date(2000, 1, 8), date(2023, 1, 1)), before=st.integers(0, 5))
def test_a_day_has_the_same_windows_whatever_range_it_is_part_of(zone: str, day: date, before: int) -> None:
    try:
        alone = split_into_windows(plan(day, zone=zone), 5)
    except InvalidInputError:
        assume(False)
    range_ = split_into_windows(plan(day - timedelta(days=before), day + timedelta(days=2), zone), 5)
    assert [window for window in range_ if alone[0].start <= window.start < alone[-1].end] == alone


@pytest.mark.parametrize(
    ("start", "end", "complaint"),
    [
        ("yesterday", None, r"start_date 'yesterday' is not a date: write it as 2023-04-01"),
        ("2023-02-30", None, r"start_date '2023-02-30' is not a date"),
        ("2023-04-01", "", r"end_date '' is not a date"),
        ("2023-04-01T25:00", None, r"start_date '2023-04-01T25:00' is not a date"),
        ("\x00\n" * 500, None, r"start_date '(\\x00\\n){20}' is not a date"),
        ("2023-04-02", "2023-04-01", r"end_date 2023-04-01 is before start_date 2023-04-02"),
        ("2023-04-02T06:00", "2023-04-02T06:00", "are the same moment, 2023-04-02 06:00"),
        ("2023-04-11", None, r"start_date 2023-04-11 is in the future"),
        ("2023-04-10T21:30", "2023-04-10T22:00", r"start_date 2023-04-10 21:30:00 is in the future"),
        ("2023-04-10", "2023-04-11", r"end_date 2023-04-11 is in the future: .* today"),
        ("2022-03-02", "2023-04-06", r"401 days .*400"),
        ("0001-01-01", None, r"start_date '0001-01-01' is not in the years 2000 to 2100"),
        ("0001-01-01T00:00+14:00", None, r"is not in the years"),
        ("2023-04-01", "9999-12-31", r"end_date '9999-12-31' is not in the years"),
        ("2023-04-01", "9999-12-31T23:59:59-14:00", r"is not in the years"),
        (date.max, None, r"is not in the years"),
        ("2100-12-31", "2100-12-31", r"is in the future"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_one_line(start: date | str, end: str | None, complaint: str) -> None:
    with pytest.raises(InvalidInputError, match=complaint) as refusal:
        plan(start, end)
    assert len(str(refusal.value).splitlines()) == 1
    assert len(str(refusal.value)) < 250


@given(start=st.text(max_size=30), end=st.none() | st.text("0123456789-T:+.Z W", max_size=30))
def test_any_other_text_is_a_period_or_is_refused(start: str, end: str | None) -> None:
    try:
        period = plan(start, end)
    except InvalidInputError:
        return
    assert period.start < min(period.end, NOW)
