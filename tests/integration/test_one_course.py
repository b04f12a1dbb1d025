"""One course alone: the figures that a plain count over its attempts gives, and of no other course a word."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from flows.running.publishing import FROM_THE_DATABASE
from schemas.section import Section
from schemas.small_numbers import FEWEST_STUDENTS
from schemas.summary import RunSummary
from tasks.analyses import find
from tasks.errors import InvalidInputError
from tasks.one_course import find_course
from tests.integration.loading import do
from tests.integration.test_analyses import LAST, a_day, shown
from tests.integration.test_cases import COURSE, load_attempts
from tests.integration.test_oracle import a_term, as_frame
from tests.integration.test_small_numbers import group

OTHER = "course-v1:Uni+OTHER+2023"


def tell(engine: Engine, course: str = COURSE, **parts: Any) -> RunSummary:
    """What is found of the course on a day."""
    summary = replace(a_day(**parts), course=course)
    found: Any = find(FROM_THE_DATABASE, engine, summary)
    return replace(summary, findings=tuple(found))


def by_name(summary: RunSummary) -> dict[str, Section]:
    return {section.name: section for section in summary.sections}


def test_it_is_told_what_would_be_told_if_there_were_no_other(engine: Engine) -> None:
    term = a_term(0, days=28)
    _, last = load_attempts(engine, term)
    alone = tell(engine, last=last)
    # The same students in another course, on tasks of the same names, and one that stopped taking solutions.
    others = [one | {"course": OTHER} for one in a_term(1, days=28)]
    before = [one for day in range(1, 8) for one in group(30, "elsewhere", 1, day=last.day - day, course=OTHER)]
    load_attempts(engine, [*others, *before, *group(30, "elsewhere", 0, day=last.day, course=OTHER)])
    do(engine, f"INSERT INTO anomalies VALUES ('{last}', '{OTHER}', 'attempts', 30, 3000, 2000, 4000)")
    do(engine, f"INSERT INTO anomalies VALUES ('{last}', '', 'rejected', 30, 3, 2, 4)")

    assert tell(engine, last=last) == alone

    both = replace(a_day(last), findings=tuple(analysis(engine, a_day(last)) for analysis in FROM_THE_DATABASE))
    assert "elsewhere" in repr(both.sections)
    assert both.headlines != alone.headlines
    assert "OTHER" not in repr((alone.sections, alone.headlines))
    frame = as_frame(term)
    for day, attempts, right, users in shown(
        by_name(alone)["days"], "day", "attempts", "successful_attempts", "unique_users"
    ):
        rows = frame[frame["day"] == day]
        told = (right, users) if users is not None else None
        counted = (int((rows["verdict"] == 1).sum()), rows["student"].nunique())
        assert (attempts, told) == (len(rows), counted if not 0 < counted[1] < FEWEST_STUDENTS else None), day


def headlines(summary: RunSummary) -> list[str]:
    return [headline.text for headline in summary.headlines]


@pytest.mark.parametrize(
    ("students", "day", "told"),
    [
        (FEWEST_STUDENTS - 1, 29, ["Fewer than 10 students in 28 days: no figures, since they would tell of each"]),
        (FEWEST_STUDENTS, 1, ["There was no attempt in 28 days"]),
        (0, 1, ["There has been no attempt yet: is the key of this course in EMAIL_TO right?"]),
    ],
)
def test_of_a_course_of_few_students_no_figure_is_told(
    engine: Engine, students: int, day: int, told: list[str]
) -> None:
    load_attempts(engine, [*group(students, "loops", 0, 1, day=day), *group(30, "lists", 1, course=OTHER)])
    summary = tell(engine)
    assert (headlines(summary), summary.sections) == (told, ())


def test_of_a_day_of_few_students_only_the_attempts_are_told_and_of_none_that_there_was_none(engine: Engine) -> None:
    load_attempts(
        engine, [*group(12, "loops", 0, 1, day=28), *group(3, "loops", 1, day=29), *group(9, "x", 1, course=OTHER)]
    )
    summary = tell(engine, last=LAST - timedelta(days=1))
    told = shown(by_name(summary)["days"], "attempts", "successful_attempts", "unique_users", "success_rate")
    assert told[-2:] == [(24, 12, 12, 0.5), (3, None, None, None)]
    assert any(note.startswith("—: too few") for note in by_name(summary)["days"].notes)
    assert shown(by_name(summary)["engagement"], "new_students", "median_minutes") == [(None, None)]
    assert shown(by_name(summary)["brief"], "now", "change") == [("3", "-87.5%"), ("—", "—"), ("—", "—")]
    assert "3 attempts, -88% on the period before" in headlines(summary)
    assert "There were no attempts" in headlines(tell(engine))


def test_what_is_unusual_in_it_is_told_by_its_name(engine: Engine) -> None:
    load_attempts(engine, group(12, "loops", 0, 1, day=30))
    do(engine, f"INSERT INTO anomalies VALUES ('{LAST}', '{COURSE}', 'attempts', 24, 3000, 2000, 4000)")
    summary = tell(engine, course=COURSE.removeprefix("course-v1:"))
    assert "2023-04-30, Sun, Uni+PY+2023: Attempts 24, expected 3,000" in headlines(summary)
    assert shown(by_name(summary)["anomalies"], "course") == [("Uni+PY+2023",)]


def test_a_course_is_found_by_its_key_with_or_without_what_all_keys_begin_with(engine: Engine) -> None:
    with pytest.raises(InvalidInputError, match="no course 'x': choose one of those that are loaded"):
        find_course(engine, "x")
    load_attempts(engine, [*group(1, "loops", 0), *group(1, "lists", 1, course=OTHER)])
    assert find_course(engine, "Uni+OTHER+2023") == find_course(engine, OTHER) == OTHER
    with pytest.raises(
        InvalidInputError, match=rf"^there is no course 'x': choose one of {OTHER}, {COURSE}$".replace("+", r"\+")
    ):
        find_course(engine, "x")
