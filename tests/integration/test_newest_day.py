"""What `codegrader status` tells of the newest complete day, from the database."""

from datetime import timedelta

from sqlalchemy import Engine

from flows.looking.newest_day import NewestDay, read_newest_day
from schemas.settings import Settings
from tests.integration.loading import do
from tests.integration.test_analyses import LAST, a_day, tried
from tests.integration.test_cases import COURSE, load_attempts


def read(engine: Engine) -> NewestDay:
    return read_newest_day(engine, a_day().period.days[0], Settings())


def test_it_tells_the_figures_what_was_not_expected_and_what_to_look_at(engine: Engine) -> None:
    days = [LAST - timedelta(weeks=week) for week in range(1, 7)]
    usual = [one for day in days for n in range(60) for one in tried(f"s{n}", day.day, 0, month=day.month)]
    load_attempts(engine, [*usual, *tried("s0", LAST.day, 0), *tried("new", LAST.day, 1)])
    newest = read(engine)
    assert (newest.figures["attempts"], newest.figures["new_students"], newest.figures["active_28_days"]) == (2, 1, 61)
    assert [(each.course, each.figure, each.expected) for each in newest.anomalies[:2]] == [
        ("", "attempts", 60),
        ("", "unique_users", 60),
    ]
    lines = list(newest.lines())
    assert lines[0] == (
        "newest day",
        "2023-04-30: 2 attempts, -97% on what is usual for that weekday; 50% of the submits right",
    )
    assert ("look at", "2023-04-30, Sun, all courses: Attempts 2, expected 60") in lines
    told = "“loops”: 59 of 61 students gave it up unsolved; rewrite or explain it"
    assert ("look at", told) in lines
    assert lines[-1][1].startswith("new students 1, returning students 1, tasks touched 1, ")
    assert (newest.day, newest.anomalies[0].expected) == (LAST, 60)
    assert [each.short for each in newest.headlines if each.text == told] == ["1 task to look at"]
    assert COURSE in {each.course for each in newest.anomalies}


def test_a_day_that_is_loaded_but_not_computed_says_so(engine: Engine) -> None:
    load_attempts(engine, tried("ann", LAST.day, 1))
    do(engine, "TRUNCATE daily_metrics")
    assert list(read(engine).lines()) == [("newest day", "2023-04-30: 1 attempt; 100% of the submits right")]
