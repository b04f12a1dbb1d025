"""The daily figures: from all attempts of a day, in the reporting time zone, whichever run brought them."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine

from schemas.period import Day, Window, days_between
from tasks.errors import PermanentError
from tasks.figures import DayFigures, compute_figures, read_figures, read_figures_over
from tests.fixtures.records import numbered, record, submit
from tests.fixtures.summaries import by_name, day_figures
from tests.integration.loading import column, contents, do, load, span, versions

UTC_ZONE, MOSCOW, BERLIN = ZoneInfo("UTC"), ZoneInfo("Europe/Moscow"), ZoneInfo("Europe/Berlin")
YESTERDAY = span("2023-05-30 00:00", "2023-05-31 00:00")
TODAY = span("2023-05-31 00:00", "2023-06-01 00:00")
BOTH = span("2023-05-30 00:00", "2023-06-01 00:00")


def days_of(window: Window, time_zone: ZoneInfo = UTC_ZONE) -> list[Day]:
    return list(days_between(window.start, window.end, time_zone))


def compute(engine: Engine, window: Window = TODAY, time_zone: ZoneInfo = UTC_ZONE) -> dict[str, DayFigures]:
    compute_figures(engine, days_of(window, time_zone), time_zone)
    return {figures.day.isoformat(): figures for figures in read_figures(engine)}


def attempts_of(figures: dict[str, DayFigures]) -> dict[str, float]:
    return {day: one.values["attempts"] or 0 for day, one in figures.items()}


# --- definitions


def test_each_figure_is_what_its_definition_says(engine: Engine) -> None:
    one, other = numbered(2)
    records = [
        one,
        other | {"is_correct": 1},
        one | {"attempt_type": "submit", "is_correct": 1},
        one | {"attempt_type": "submit", "is_correct": 0, "passback_params": None},
        other | {"attempt_type": "submit"},
        other | {"attempt_type": "test", "is_correct": 1},
        other | {"attempt_type": None},
        record(created_at=None),
    ]
    load(engine, records, TODAY)
    # Without submits there is no rate.
    load(engine, [record(created_at="2023-05-30 10:00:00", is_correct=1)], YESTERDAY)
    assert list(compute(engine, BOTH).values()) == [
        day_figures(date(2023, 5, 30), 1, 1, 1, 1, 0, None),
        day_figures(date(2023, 5, 31), 7, 3, 2, 2, 3, 0.3333),
    ]


# --- days


@pytest.mark.parametrize(
    ("day", "zone", "first", "last"),
    [
        (26, "Europe/Berlin", "2023-03-25 23:00:00", "2023-03-26 21:59:59.999999"),
        (30, "Europe/Berlin", "2022-10-29 22:00:00", "2022-10-30 22:59:59.999999"),
        (4, "America/Sao_Paulo", "2018-11-04 03:00:00", "2018-11-05 01:59:59.999999"),
        (2, "Asia/Kolkata", "2023-04-01 18:30:00", "2023-04-02 18:29:59.999999"),
    ],
)
def test_a_day_begins_and_ends_with_its_own_clock(engine: Engine, day: int, zone: str, first: str, last: str) -> None:
    inside = [datetime.fromisoformat(moment).replace(tzinfo=UTC) for moment in (first, last)]
    moments = [inside[0] - timedelta(microseconds=1), *inside, inside[1] + timedelta(microseconds=1)]
    around = Window(inside[0] - timedelta(days=2), inside[1] + timedelta(days=2))
    load(engine, [record(created_at=moment.isoformat()) for moment in moments], around)
    counts = attempts_of(compute(engine, around, ZoneInfo(zone)))
    assert [(int(name[-2:]), count) for name, count in counts.items() if count] == [
        (day - 1, 1),
        (day, 2),
        (day + 1, 1),
    ]


@pytest.mark.parametrize(
    ("windows", "zone", "complete"),
    [
        # In any order, and where they overlap.
        ([(0, 6), (12, 24), (5, 12)], "UTC", True),
        ([(0, 6), (7, 24)], "UTC", False),
        # The day begins three hours earlier in Moscow.
        ([(0, 24)], "Europe/Moscow", False),
    ],
)
def test_a_day_is_complete_when_every_moment_of_it_was_loaded(
    engine: Engine, windows: list[tuple[int, int]], zone: str, *, complete: bool
) -> None:
    for start, end in windows:
        load(engine, [], Window(TODAY.start + timedelta(hours=start), TODAY.start + timedelta(hours=end)))
    assert compute(engine, TODAY, ZoneInfo(zone))["2023-05-31"].complete is complete


def test_a_day_without_attempts_is_zero_one_not_loaded_is_unknown_and_a_later_window_completes_it(
    engine: Engine,
) -> None:
    today = date(2023, 5, 31)
    morning, evening = span("2023-05-31 00:00", "2023-05-31 12:00"), span("2023-05-31 12:00", "2023-06-01 00:00")
    load(engine, [], morning)
    around = span("2023-05-30 00:00", "2023-06-02 00:00")
    assert compute(engine, around) == {"2023-05-31": day_figures(today, 0, 0, 0, 0, 0, None, complete=False)}
    load(engine, [submit(created_at="2023-05-31 20:00:00")], evening)
    assert compute(engine, around) == {"2023-05-31": day_figures(today, 1, 1, 1, 0, 1, 1.0)}


# --- again, later, elsewhere


def test_a_late_record_corrects_its_day_alone_and_without_news_no_row_is_touched(engine: Engine) -> None:
    load(engine, [submit(created_at="2023-05-30 10:00:00")], YESTERDAY)
    load(engine, numbered(3), TODAY)
    compute(engine, BOTH)
    before = versions(engine, "daily_metrics")
    load(engine, numbered(3), TODAY)
    compute(engine, BOTH)
    assert versions(engine, "daily_metrics") == before
    load(engine, [*numbered(3), submit()], TODAY)
    assert attempts_of(compute(engine)) == {"2023-05-30": 1, "2023-05-31": 4}
    assert len(set(before) & set(versions(engine, "daily_metrics"))) == 1


def test_only_the_days_asked_for_are_computed_and_those_that_an_interrupted_run_has_loaded(engine: Engine) -> None:
    load(engine, [record(created_at="2023-04-07 23:30:00")], span("2023-04-07 18:00", "2023-04-08 00:00"))
    load(engine, numbered(3), TODAY)
    assert column(engine, "SELECT figures_due FROM loaded_windows") == [True, True]
    assert compute_figures(engine, days_of(TODAY), UTC_ZONE) == 2
    assert column(engine, "SELECT figures_due FROM loaded_windows") == [False, False]
    assert compute_figures(engine, [], UTC_ZONE) == 0
    assert attempts_of(compute(engine)) == {"2023-04-07": 1, "2023-05-31": 3}


def test_another_time_zone_rebuilds_every_day(engine: Engine) -> None:
    load(engine, [submit(created_at="2023-05-30 22:30:00")], YESTERDAY)
    load(engine, numbered(3), TODAY)
    in_utc = compute(engine)
    assert attempts_of(in_utc) == {"2023-05-30": 1, "2023-05-31": 3}
    in_moscow = compute(engine, span("2023-06-10 00:00", "2023-06-11 00:00"), MOSCOW)
    assert attempts_of(in_moscow) == {"2023-05-30": 0, "2023-05-31": 4, "2023-06-01": 0}
    assert [one.complete for one in in_moscow.values()] == [False, True, False]
    assert set(column(engine, "SELECT time_zone FROM daily_metrics")) == {"Europe/Moscow"}
    assert compute(engine, TODAY, UTC_ZONE) == in_utc
    assert set(column(engine, "SELECT time_zone FROM daily_metrics")) == {"UTC"}


def test_a_failure_leaves_the_figures_as_they_were_and_due(engine: Engine) -> None:
    load(engine, numbered(3), TODAY)
    compute(engine)
    load(engine, [], span("2023-06-01 00:00", "2023-06-02 00:00"))
    before = contents(engine, "daily_metrics", "loaded_windows")
    do(engine, "ALTER TABLE daily_metrics ADD CONSTRAINT of_this_test CHECK (time_zone = 'UTC')")
    try:
        for days, time_zone in (([], MOSCOW), (days_of(TODAY, BERLIN), BERLIN)):
            with pytest.raises(PermanentError, match="violates check constraint"):
                compute_figures(engine, days, time_zone)
            assert contents(engine, "daily_metrics", "loaded_windows") == before
    finally:
        do(engine, "ALTER TABLE daily_metrics DROP CONSTRAINT of_this_test")
    assert list(compute(engine)) == ["2023-05-31", "2023-06-01"]


def test_figures_are_read_for_the_days_asked_for_oldest_first(engine: Engine) -> None:
    for day in (3, 1, 2):
        load(engine, [], span(f"2023-06-0{day} 00:00", f"2023-06-0{day + 1} 00:00"))
    compute(engine)
    second = date(2023, 6, 2)
    spans = [(), (second,), (date.min, second), (date(2024, 1, 1), date.max)]
    read = [[one.day.day for one in read_figures(engine, *span)] for span in spans]
    assert read == [[1, 2, 3], [2, 3], [1, 2], []]


def test_over_a_period_a_student_of_several_days_counts_once(engine: Engine) -> None:
    for window, day in ((YESTERDAY, "2023-05-30"), (TODAY, "2023-05-31")):
        wrong = submit(created_at=f"{day} 11:00:00", is_correct=0)
        load(engine, [submit(created_at=f"{day} 10:00:00"), wrong], window)
    assert read_figures_over(engine, BOTH.start, BOTH.end) == by_name((4, 2, 1, 0, 4, 0.5))
    assert [one.values["unique_users"] for one in compute(engine, BOTH).values()] == [1, 1]
    assert read_figures_over(engine, BOTH.end, BOTH.end) == by_name((0, 0, 0, 0, 0, None))
