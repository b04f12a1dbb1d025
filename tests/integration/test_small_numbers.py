"""Small numbers: what is told to readers says nothing of fewer than ten students but that they are fewer."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest
from sqlalchemy import Engine

from flows.running.publishing import ANALYSES
from schemas.courses import course_name
from schemas.section import Section
from schemas.small_numbers import FEW, FEWEST_STUDENTS
from schemas.task_figures import TASK_FIGURES
from tasks.analyses.anomalies import analyse_anomalies
from tasks.analyses.courses import analyse_courses
from tasks.analyses.students import analyse_students
from tasks.analyses.tasks import analyse_tasks
from tests.integration.loading import do
from tests.integration.test_analyses import LAST, a_day, getattr_text, shown, the, tried
from tests.integration.test_cases import COURSE, export, load_attempts

SMALL = "course-v1:Uni+SMALL+2023"
Attempts = list[dict[str, str]]


def group(count: int, task: str, *verdicts: int | None, day: int = 26, **course: str) -> Attempts:
    """So many students who do the same on a task."""
    one_each = (tried(f"{task}{number:02}", day, *verdicts, task=task) for number in range(count))
    return [one | course for each in one_each for one in each]


def row_of(section: Section, name: str, column: str) -> dict[str, Any]:
    names = [each.name for each in section.columns]
    (row,) = (row for row in shown(section, *names) if row[names.index(column)] == name)
    return dict(zip(names, row, strict=True))


def test_a_task_of_few_students_tells_no_more_than_that(engine: Engine) -> None:
    load_attempts(engine, [*group(9, "few", 0, 1), *group(10, "enough", 0, 1), *group(12, "more", 1)])
    section = the(analyse_tasks(engine, a_day()), "tasks")
    few = row_of(section, "few", "task")
    assert few["students_tried"] == FEW == "< 10"
    assert (
        {few[figure.name] for figure in TASK_FIGURES[1:]}
        == {few[name] for name in ("trend", "weeks", "rank")}
        == {None}
    )
    assert any(FEW in note for note in section.notes)
    assert row_of(section, "more", "task")["students_solved"] == 12


def test_what_would_give_it_away_is_withheld_too(engine: Engine) -> None:
    """The weeks of the course tell how many were solved in all, and so what a single withheld task came to."""
    load_attempts(engine, [*group(9, "few", 0, 1), *group(10, "enough", 0, 1), *group(12, "more", 1)])
    enough = row_of(the(analyse_tasks(engine, a_day()), "tasks"), "enough", "task")
    assert (enough["students_tried"], enough["first_submit_correctness"]) == (10, 0.0)
    assert {enough[name] for name in ("students_solved", "share_unsolved", "unsolved_low", "unsolved_high")} == {None}


def test_two_that_are_withheld_hide_each_other(engine: Engine) -> None:
    load_attempts(engine, [*group(9, "few", 0, 1), *group(2, "fewer", 0, 1), *group(10, "enough", 0, 1)])
    assert row_of(the(analyse_tasks(engine, a_day()), "tasks"), "enough", "task")["students_solved"] == 10


def test_a_trend_needs_enough_students_in_both_spans(engine: Engine) -> None:
    before = [one for n in range(9) for one in tried(f"before{n}", 28, 1, task="loops", month=3)]
    load_attempts(engine, [*before, *group(12, "loops", 0, 1)])
    assert row_of(the(analyse_tasks(engine, a_day()), "tasks"), "loops", "task")["trend"] is None


def test_a_week_and_a_step_of_few_students_tell_no_more_than_that(engine: Engine) -> None:
    load_attempts(engine, [*group(9, "rare", 1, course=SMALL), *group(11, "loops", 0, 1), *group(30, "lists", 1)])
    findings = analyse_courses(engine, a_day())
    small = row_of(the(findings, "courses"), course_name(SMALL), "course")
    names = ("active_students", "new_students", "returning_students", "solved", "attempts")
    assert [small[name] for name in names] == [FEW, None, None, None, 9]
    large = row_of(the(findings, "courses"), course_name(COURSE), "course")
    assert [large[name] for name in names] == [41, 41, 0, None, 52]
    way = the(analyse_tasks(engine, a_day()), "way")
    step = row_of(way, "rare", "task")
    assert [step[name] for name in ("reached", "place", "went_on", "share")] == [FEW, None, None, None]
    assert row_of(way, "loops", "task")["reached"] == 11


@pytest.mark.parametrize(("others", "is_told"), [(FEWEST_STUDENTS - 1, True), (FEWEST_STUDENTS - 2, False)])
def test_of_a_small_course_no_student_in_need_is_counted_but_may_be_listed(
    engine: Engine, others: int, is_told: bool
) -> None:
    load_attempts(engine, [*tried("stuck", 25, *[0] * 10), *group(others, "loops", 1)])
    found = analyse_students(engine, a_day(lists_students=True))
    assert bool(found.headlines) == is_told
    assert [each.name for each in found.sections] == (["hands", "students"] if is_told else []) + ["student_list"]
    assert shown(the(found, "student_list"), "student") == [("stuck",)]


@pytest.mark.parametrize(("count", "is_told"), [(FEWEST_STUDENTS, True), (FEWEST_STUDENTS - 1, False)])
def test_of_a_small_course_no_unusual_day_is_told(engine: Engine, count: int, is_told: bool) -> None:
    load_attempts(engine, group(count, "loops", 1, day=3))
    do(engine, f"INSERT INTO anomalies VALUES ('{LAST}', '{COURSE}', 'success_rate', 0.1, 0.5, 0.3, 0.7)")
    assert [row["course"] for row in export(engine, "anomalies", LAST, LAST)] == [COURSE]
    findings = analyse_anomalies(engine, a_day())
    assert (course_name(COURSE) in the(findings, "anomalies").values("course")) == is_told
    assert any(course_name(COURSE) in told.text for told in findings.headlines) == is_told


def test_an_export_for_whoever_may_read_the_database_withholds_nothing(engine: Engine) -> None:
    (few,) = export(engine, "tasks", *load_attempts(engine, group(9, "few", 0, 1)))
    assert (few["students_tried"], few["first_submit_correctness"]) == ("9", "0.0000")


def numbers_of(sections: Sequence[Section], name: str) -> list[Any]:
    """All numbers in the rows that name this course."""
    rows = (row for section in sections for row in section.rows)
    texts = ([getattr_text(value) for value in row.values] for row in rows)
    return [value for row in texts if name in row for value in row if isinstance(value, int | float)]


def test_of_a_course_of_one_student_no_analysis_tells_but_the_attempts(engine: Engine) -> None:
    alone = [one | {"course": SMALL} for one in tried("alone", 28, *[0] * 11, task="rare")]
    load_attempts(engine, [*alone, *group(12, "loops", 0, 1), *group(15, "lists", 1)])
    sections = [section for analysis in ANALYSES for section in analysis(engine, a_day()).sections]
    assert [numbers_of(sections, name) for name in (SMALL, course_name(SMALL))] == [[], [11]]
    assert row_of(the(analyse_courses(engine, a_day()), "courses"), course_name(SMALL), "course")["week"] == date(
        2023, 4, 24
    )
