"""The analyses: what they say of a course, its tasks and its students, over attempts made for the purpose."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine

from flows.running.publishing import ANALYSES
from schemas.language import Link
from schemas.period import Day, Period
from schemas.section import Findings, Line, Section
from schemas.small_numbers import FEW, FEWEST_STUDENTS
from schemas.summary import LoadCounts, RunSummary
from tasks.analyses import analyse
from tasks.analyses.comparison import analyse_comparison
from tasks.analyses.courses import analyse_courses, course_weeks
from tasks.analyses.days import analyse_days
from tasks.analyses.hours import analyse_hours
from tasks.analyses.records import analyse_records
from tasks.analyses.refusals import analyse_refusals
from tasks.analyses.students import analyse_students
from tasks.analyses.tasks import analyse_tasks
from tasks.coverage import loaded_since
from tasks.titles import Title, save_titles
from tests.integration.test_cases import COURSE, export, load_attempts

LAST = date(2023, 4, 30)


def tried(
    student: str, day: int, *verdicts: int | None, task: str = "loops", month: int = 4, hour: int = 10
) -> list[dict[str, str]]:
    """Submits of a student on a task, a minute apart; None is a run."""
    return [
        {
            "student": student,
            "at": f"2023-{month:02}-{day:02} {hour}:{minute:02}:00",
            "type": "run" if verdict is None else "submit",
            "verdict": "" if verdict is None else str(verdict),
            "task": task,
        }
        for minute, verdict in enumerate(verdicts)
    ]


def a_day(last: date = LAST, **parts: Any) -> RunSummary:
    """A run that is about one day."""
    start = datetime(last.year, last.month, last.day, tzinfo=UTC)
    day = Day(last, start, start + timedelta(days=1))
    period = Period(day.start, day.end, (day,), ZoneInfo("UTC"))
    return replace(RunSummary(period, start, 4, LoadCounts(), ()), language="en", **parts)


def shown(section: Section, *columns: str) -> list[tuple[Any, ...]]:
    return list(zip(*(map(getattr_text, section.values(name)) for name in columns), strict=True))


def getattr_text(value: Any) -> Any:
    return getattr(value, "text", value)


def the(findings: Findings, name: str) -> Section:
    (section,) = (section for section in findings.sections if section.name == name)
    return section


def students(engine: Engine, attempts: Sequence[dict[str, str]], **parts: Any) -> Findings:
    """What is said of them in a course that is large enough to tell of it."""
    company = [one for n in range(FEWEST_STUDENTS) for one in tried(f"other{n}", LAST.day, 1, task="other")]
    load_attempts(engine, [*attempts, *company])
    return analyse_students(engine, a_day(**parts))


def test_who_is_stuck_has_many_submits_on_one_task_lately_and_none_right(engine: Engine) -> None:
    attempts = [
        *tried("stuck", 20, *[0] * 6),
        *tried("stuck", 25, *[0] * 4),
        *tried("solved", 25, *[0] * 10, 1),
        *tried("nine", 25, *[0] * 9),
        *tried("before", 23, *[0] * 12),
        *tried("ungraded", 25, *[None] * 12),
    ]
    found = students(engine, attempts, lists_students=True)
    listed = shown(the(found, "student_list"), "state", "student", "task", "number")
    assert [row[1:] for row in listed if row[0] == "stuck on a task"] == [("stuck", "loops", 10)]
    (told,) = found.headlines
    assert told.text == "Students who may need a hand: stuck on a task — 1, struggling this week — 1, gone quiet — 1"
    assert shown(the(found, "hands"), "stuck", "struggling", "quiet") == [(1, 1, 1)]


def test_who_struggles_needs_more_submits_for_a_task_solved_than_most_of_the_course(engine: Engine) -> None:
    usual = [one for n in range(12) for one in tried(f"usual{n:02}", 26, 0, 1, 0, 1, 1)]
    found = students(
        engine, [*usual, *tried("struggles", 26, *[0] * 7, 1), *tried("few", 26, 0, 0)], lists_students=True
    )
    listed = shown(the(found, "student_list"), "state", "student")
    assert [student for state, student in listed if state == "struggling this week"] == ["struggles"]


def test_who_has_gone_quiet_left_something_unsolved(engine: Engine) -> None:
    attempts = [
        *tried("quiet", 22, 0, 1),
        *tried("quiet", 23, 0, task="lists"),
        *tried("finished", 22, 1),
        *tried("present", 24, 0),
        *tried("long_gone", 31, 0, month=3),
    ]
    found = students(engine, attempts, lists_students=True)
    listed = shown(the(found, "student_list"), "state", "student", "number")
    assert [row[1:] for row in listed if row[0] == "gone quiet"] == [("quiet", 1)]


def test_students_are_counted_always_and_listed_only_if_that_was_asked_for(engine: Engine) -> None:
    found = students(engine, tried("stuck", 25, *[0] * 10))
    assert [section.name for section in found.sections] == ["hands", "students"]
    assert not any(getattr_text(value) == "stuck" for row in found.sections[0].rows for value in row.values)
    asked = analyse_students(engine, a_day(lists_students=True))
    assert the(asked, "student_list").is_personal
    assert not the(asked, "students").is_personal


def test_a_course_by_week_tells_new_students_from_returning_ones(engine: Engine) -> None:
    # 2023-04-17 and 2023-04-24 are Mondays.
    attempts = [*tried("ann", 18, 0, 1), *tried("ann", 25, 1), *tried("bob", 25, None, 0), *tried("bob", 26, 1)]
    load_attempts(engine, attempts)
    weeks = course_weeks(engine, date(2023, 4, 17), LAST, "en")
    columns = ("week", "active_students", "new_students", "returning_students", "attempts", "solved")
    assert shown(weeks, *columns) == [
        (date(2023, 4, 17), 1, 1, 0, 2, 1),
        (date(2023, 4, 24), 2, 1, 1, 4, 1),
    ]


def test_the_way_through_a_course_is_the_order_in_which_students_meet_its_tasks(engine: Engine) -> None:
    met = {"ann": ("values", "loops", "files"), "bob": ("values", "loops"), "cid": ("values",)}
    attempts = [
        one
        for name, tasks in met.items()
        for n in range(FEWEST_STUDENTS)
        for day, task in enumerate(tasks, 20)
        for one in tried(f"{name}{n}", day, 1, task=task)
    ]
    load_attempts(engine, attempts)
    way = the(analyse_tasks(engine, a_day()), "way")
    assert shown(way, "task", "place", "reached", "went_on", "share") == [
        ("values", 1, 30, 20, 0.6667),
        ("loops", 2, 20, 10, 0.5),
        ("files", 3, 10, 0, 0.0),
    ]


def test_of_tasks_those_that_lose_most_students_come_first_but_not_by_three_students(engine: Engine) -> None:
    lost = [one for n in range(12) for one in tried(f"lost{n:02}", 15, 0, task="hard")]
    easy = [one for n in range(12) for one in tried(f"easy{n:02}", 28, 1, task="easy")]
    rare = [one for n in range(3) for one in tried(f"rare{n:02}", 15, 0, task="rare")]
    load_attempts(engine, [*lost, *easy, *rare])
    save_titles(engine, [Title(COURSE, "hard", "=HYPERLINK(1)"), Title(COURSE, "nobody", "Nobody's task")])
    findings = analyse_tasks(engine, a_day())
    section = the(findings, "tasks")
    assert shown(section, "rank", "task", "students_tried", "students_lost") == [
        (1, "=HYPERLINK(1)", 12, 12),
        (None, "easy", 12, 0),
        (None, "rare", FEW, None),
    ]
    link: Any = section.values("task")[0]
    assert link.url == f"https://lms.uni.example/courses/{COURSE}/jump_to_id/hard"
    assert "=HYPERLINK(1)" in findings.headlines[0].text


def test_a_retired_task_that_is_still_attempted_stays_in_the_figures(engine: Engine) -> None:
    load_attempts(engine, tried("ann", 28, 1))
    save_titles(engine, [Title(COURSE, "loops", "Loops", 3, retired=True)])
    assert shown(the(analyse_tasks(engine, a_day()), "tasks"), "task") == [("Loops (retired)",)]


def test_a_task_that_nobody_has_named_is_short_and_leads_to_its_whole_id(engine: Engine) -> None:
    load_attempts(engine, tried("ann", 28, 1, task="9d2f5a61b7c44e8f"))
    save_titles(engine, [Title(COURSE, "of nobody", "Nobody's task")])
    section = the(analyse_tasks(engine, a_day()), "tasks")
    (link,) = section.values("task")
    assert isinstance(link, Link)
    assert link.text == "9d2f5a61…"
    assert str(link.url).endswith("/jump_to_id/9d2f5a61b7c44e8f")
    assert section.rows[0].key == (COURSE, "9d2f5a61b7c44e8f")


def test_an_attempt_of_no_readable_course_counts_in_the_day_and_is_named_in_the_checks_alone(engine: Engine) -> None:
    load_attempts(engine, [*tried("ann", LAST.day, 1, task=""), *tried("bob", LAST.day, 1)])
    assert shown(the(analyse_days(engine, a_day()), "days"), "attempts", "unique_users")[-1] == (2, 2)
    checks = loaded_since(engine, datetime(2023, 4, 1, tzinfo=UTC)).checks
    assert {each.check: each.rows for each in checks if each.rows} == {"LTI parameters parsed": 1}
    assert [row["attempts"] for row in export(engine, "courses", LAST, LAST)] == ["1"]
    assert [row["task"] for row in export(engine, "tasks", LAST, LAST)] == ["loops"]


@pytest.mark.parametrize(("weeks", "compared"), [(5, True), (4, False)])
def test_a_day_is_compared_with_the_same_weekday_if_there_are_enough(
    engine: Engine, weeks: int, compared: bool
) -> None:
    days = [LAST - timedelta(weeks=week) for week in range(weeks + 1)]
    attempts = [one for day in days for one in tried("ann", day.day, 1, 0, month=day.month)]
    load_attempts(engine, [*attempts, *tried("bob", LAST.day, 1, 1, hour=11), *tried("ann", LAST.day - 1, 1)])
    rows = shown(the(analyse_comparison(engine, a_day()), "comparison"), "period", "attempts", "success_rate")
    usual = [row[1:] for row in rows if row[0] == "Same weekday, median"]
    assert rows[0][1:] == (4, 0.75)
    assert usual == ([(2, 0.5)] if compared else [])
    assert ("Change", "+100.0%", "+25.0\xa0pp") in rows or not compared
    assert ("Change", "+300.0%", "-25.0\xa0pp") in [
        (name, attempts, rate.replace("−", "-")) for name, attempts, rate in rows if name == "Change"
    ]


@pytest.mark.parametrize(
    ("students", "right_now", "right_before", "named"),
    [
        (12, 0, 9, True),
        (12, 1, 9, False),
        # Of a task that few ever solve, or of a few students, such a day is nothing unusual, or tells of each of them.
        (12, 0, 1, False),
        (FEWEST_STUDENTS - 1, 0, 9, False),
    ],
)
def test_a_task_of_which_suddenly_nothing_is_right_is_named(
    engine: Engine, students: int, right_now: int, right_before: int, named: bool
) -> None:
    before = [one for n in range(12) for day in (3, 20, 29) for one in tried(f"s{n}", day, int(n < right_before))]
    # Whoever is refused tries again, which makes it no more certain.
    now = [one for n in range(students) for one in tried(f"t{n}", LAST.day, 0, int(n < right_now))]
    load_attempts(engine, [*before, *now, *tried("bob", LAST.day, 1, task="other")])
    found = analyse_refusals(engine, a_day())
    rows = [shown(each, "day", "task", "students", "submits", "before") for each in found.sections]
    share = round(right_before / 12 * 36 / 37, 4)
    assert rows == ([[(LAST, "loops", students, 2 * students, share)]] if named else [])
    assert [each.text for each in found.headlines] == (
        ["“loops”, 2023-04-30, Sun: none of 24 submits was right, 73% used to solve it: look at its checker"]
        if named
        else []
    )


def test_one_student_with_fifty_thousand_attempts_is_a_row(engine: Engine) -> None:
    start = datetime(2023, 4, 28, tzinfo=UTC)
    attempts = [
        {
            "student": "ann",
            "at": (start + timedelta(seconds=number)).isoformat(" ")[:19],
            "type": "submit",
            "verdict": "0",
            "task": "loops",
        }
        for number in range(50_000)
    ]
    span = load_attempts(engine, attempts)
    (row,) = export(engine, "tasks", *span)
    figures = ("students_tried", "unsolved_after_10", "median_submits_to_success")
    assert [row[name] for name in figures] == ["1", "1.0000", ""]
    listed = the(analyse_students(engine, a_day(lists_students=True)), "student_list")
    assert shown(listed, "state", "number") == [("stuck on a task", 50_000)]


def test_an_analysis_that_fails_takes_nothing_from_the_others(engine: Engine) -> None:
    def broken(_engine: Engine, _summary: RunSummary) -> Findings:
        raise ZeroDivisionError

    failed, found = analyse.fn((broken, analyse_records), engine, a_day())
    assert isinstance(failed, ZeroDivisionError)
    assert isinstance(found, Findings)
    assert found.sections


def test_every_analysis_has_nothing_to_say_of_an_empty_database(engine: Engine) -> None:
    for analysis in ANALYSES:
        for section in analysis(engine, a_day()).sections:
            assert section.name in ("records", "checks", "anomalies")
    assert not analyse_courses(engine, a_day()).sections


def test_attempts_are_counted_by_weekday_and_hour_of_the_reporting_time_zone(engine: Engine) -> None:
    # 2023-04-28 is a Friday. A minute apart from 22:00 in UTC on, the last one is the first of an hour in Kolkata.
    load_attempts(engine, [*tried("ann", 28, *[None] * 31, hour=22), *tried("bob", 25, 0), *tried("old", 1, 1)])

    def counted(time_zone: str) -> dict[tuple[Any, int], Any]:
        summary = a_day()
        zoned = replace(summary, period=replace(summary.period, time_zone=ZoneInfo(time_zone)))
        rows = the(analyse_hours(engine, zoned), "hours").rows
        assert [row.values[0] for row in rows] == ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
        return {
            (weekday, hour): count
            for weekday, *counts in (row.values for row in rows)
            for hour, count in enumerate(counts)
            if count
        }

    assert counted("UTC") == {("Fri", 22): 31, ("Tue", 10): 1}
    assert counted("Asia/Kolkata") == {("Sat", 3): 30, ("Sat", 4): 1, ("Tue", 15): 1}


def test_a_trend_has_a_point_for_each_week_in_which_enough_students_began(engine: Engine) -> None:
    # The weeks end on the last day: that of the 24th to the 30th, and those before it.
    attempts = [
        *(one for n in range(10) for one in tried(f"early{n}", 17, int(n < 4), 1)),
        *(one for n in range(10) for one in tried(f"early{n}", 25, 1)),
        *(one for n in range(12) for one in tried(f"late{n}", 24, int(n < 9))),
        *(one for n in range(9) for one in tried(f"few{n}", 10, 1)),
    ]
    load_attempts(engine, attempts)
    (line,) = the(analyse_tasks(engine, a_day()), "tasks").values("weeks")
    assert isinstance(line, Line)
    assert (line, line.points) == ("40% → 75%", (None,) * 6 + (0.4, 0.75))
