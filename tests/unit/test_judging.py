"""Judging: the rule, its freedom of order, and what it makes of years with faults planted in them."""

from collections.abc import Sequence
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.judging import Figures, Flags, Judgement, Key, Observed, judge, judge_again, judge_day
from tests.synthetic_year import (
    DAYS_OFF,
    FAULTS,
    PAGE,
    SEEDS,
    Year,
    count_alarms,
    judge_year,
    outcome,
    places,
    write_page,
)

MONDAY = date(2023, 1, 2)
USUAL = {days: Observed(100) for days in range(1, 57)}


@pytest.mark.parametrize(("value", "is_anomaly"), [(100, False), (65, False), (140, False), (240, True), (5, True)])
def test_a_count_far_from_the_usual_is_an_anomaly(value: int, is_anomaly: bool) -> None:
    judged = judge("attempts", Observed(value), USUAL)
    assert judged is not None
    assert (judged.is_anomaly, judged.expected) == (is_anomaly, 100)
    assert (judged.low <= value <= judged.high) is not is_anomaly


def test_growth_is_carried_on_and_the_usual_spread_of_days_is_no_anomaly() -> None:
    growing = {days: Observed(round(1000 * 1.03 ** (-days / 7))) for days in range(1, 57)}
    judged = judge("attempts", Observed(1000), growing)
    assert judged is not None
    assert judged.expected == pytest.approx(1000, rel=0.01)
    for spread, is_anomaly in ((50, True), (400, False)):
        restless = {days: Observed(1000 + spread * (-1) ** (days // 7)) for days in range(1, 57)}
        judged = judge("attempts", Observed(500), restless)
        assert judged is not None
        assert judged.is_anomaly is is_anomaly


def test_of_a_share_both_sides_count() -> None:
    for usual, value in ((90, 50), (10, 50), (40, 0), (60, 100)):
        judged = judge("success_rate", Observed(value, 100), {days: Observed(usual, 100) for days in range(1, 57)})
        assert judged is not None
        assert judged.is_anomaly
        assert judged.expected == pytest.approx(usual / 100, abs=0.01)
        assert 0 <= judged.low <= judged.expected <= judged.high <= 1


def test_four_comparable_days_are_too_few() -> None:
    assert judge("attempts", Observed(0), {days: Observed(100) for days in (*range(1, 7), 7, 14, 21, 28)}) is None
    assert judge("success_rate", Observed(0, 0), {days: Observed(5, 10) for days in USUAL}) is None


def a_day(students: int) -> dict[Key, Observed]:
    attempts = {("", "attempts"): Observed(3 * students, by=students), ("", "unique_users"): Observed(students)}
    return attempts | {("", "rejected"): Observed(0)}


@pytest.mark.parametrize(("students", "is_judged"), [(10, True), (9, False)])
def test_no_attempts_of_ten_students_are_an_anomaly_and_of_fewer_are_not_judged(students: int, is_judged: bool) -> None:
    history: dict[date, Figures] = {MONDAY + timedelta(days): a_day(students) for days in range(56)}
    last = MONDAY + timedelta(56)
    judged = judge_day(last, (history | {last: a_day(0)}).get, {})
    assert [isinstance(judged["", name], Judgement) for name in ("attempts", "rejected")] == [is_judged, True]
    if found := judged["", "attempts"]:
        assert found.is_anomaly


def clean(history: dict[date, Figures]) -> Flags:
    flags: Flags = {}
    list(judge_again(history, history.get, flags))
    return {day: found for day, found in flags.items() if found}


COUNTS = st.lists(st.sampled_from([0, 0, 20, 22, 25, 90, None]), min_size=20, max_size=30)


@settings(max_examples=20)
@given(COUNTS, st.sampled_from([1, 7]), st.randoms(use_true_random=False))
def test_the_flags_follow_from_the_data_whatever_the_order_of_loads(
    counts: list[int | None], apart: int, chance: object
) -> None:
    usual = [20] * 20 if apart == 1 else []
    history: dict[date, Figures] = {
        MONDAY + timedelta(number * apart): {("", "attempts"): Observed(count), ("py", "attempts"): Observed(count)}
        for number, count in enumerate([*usual, *counts])
        if count is not None
    }
    order = list(history) + list(history)[-20:]
    chance.shuffle(order)  # type: ignore[attr-defined]
    known: dict[date, Figures] = {}
    flags: Flags = {}
    for day in order:
        known[day] = history[day] if day in known or order.count(day) == 1 else {("", "attempts"): Observed(7)}
        list(judge_again([day], known.get, flags))
    assert {day: found for day, found in flags.items() if found} == clean(history)


def check(years: Sequence[Year]) -> None:
    """Every fault is found in every year, in all courses or in the one that it hit, and false alarms are rare."""
    for fault in FAULTS:
        assert {outcome(fault, places(fault)[0], year) for year in years} == {"found"}, fault
    assert {outcome(FAULTS[0], "seminar", year) for year in years} == {"not judged"}
    assert not any(day in DAYS_OFF and found for year in years for day, found in year.flags.items())
    for course, (none, one, *more) in count_alarms(years).items():
        assert sum(more) <= 0.05 * (none + one + sum(more)), course


def test_in_synthetic_years_faults_are_found_and_false_alarms_are_rare() -> None:
    check([judge_year(seed) for seed in range(5)])


@pytest.mark.stress
def test_the_years_of_the_page_are_judged_as_it_says() -> None:
    years = [judge_year(seed) for seed in SEEDS]
    check(years)
    page = PAGE.read_text("utf-8")
    assert write_page(page, years) == page, "write it anew: python -m tests.synthetic_year"
