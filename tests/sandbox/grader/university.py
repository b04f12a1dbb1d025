"""A fictitious university, made up: courses, tasks and students, and what they hand in on any day.

It is the same on every machine and Python: only `Random.random` and `Random.getrandbits` are used, and only plain
arithmetic on what they give. Other methods of `Random`, `sum` of floats and the functions of `math` differ in places.
"""

import random
from bisect import bisect_right
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import accumulate, islice
from typing import NamedTuple

HOST = "lms.sandbox.example"
# Each course with its number of tasks.
COURSES = {
    "SandboxU+PY-101+2023": 48,
    "SandboxU+SQL-201+2023": 32,
    "SandboxU+ALG-202+2023": 40,
    "SandboxU+DS-301+2024": 26,
}
STUDENTS = 4800
DAY = 24 * 60 * 60.0
# How many sittings begin in each hour UTC, where the students' clocks are three hours ahead.
WEEKDAY_HOURS = (2, 1, 1, 3, 8, 18, 34, 46, 50, 46, 42, 46, 50, 52, 54, 60, 74, 86, 88, 74, 48, 26, 12, 5)
WEEKEND_HOURS = (4, 2, 1, 2, 3, 6, 14, 26, 40, 52, 60, 64, 66, 66, 64, 60, 62, 68, 70, 60, 44, 28, 16, 8)
# Fewest and most records.
WEEKDAY_RECORDS = (3950, 4600)
WEEKEND_RECORDS = (3500, 4050)
# Share of the records without an address for the grade. A sitting has it or not as a whole, so that one sitting of
# the greatest length (about 1 % of a day) may come on top.
UNGRADED_SHARE = (0.125, 0.165)
LONGEST_SITTING = 40


class Task(NamedTuple):
    """One exercise of the course `course-v1:<course>`; its difficulty is 0 for everybody, 1 for hardly anybody."""

    course: str
    block: str
    difficulty: float


class Student(NamedTuple):
    """One student of one course, with its tasks in order; the skill is 0 for a beginner, 1 for who needs no course.

    Attributes:
        head_start: by how many days the student is ahead of the course's first.
    """

    pseudonym: str
    tasks: tuple[Task, ...]
    skill: float
    head_start: int


class Attempt(NamedTuple):
    """A run (no verdict) or a submit; `second` is counted from the day's start."""

    second: float
    verdict: int | None
    passback: str


class University:
    """All there is to know about it."""

    def __init__(self) -> None:
        draw = random.Random("sandbox university")
        courses = [_tasks(course, count, draw) for course, count in COURSES.items()]
        self._students = [_student(courses, draw) for _ in range(STUDENTS)]

    def day(self, day: date) -> list[tuple[datetime, dict[str, object]]]:
        """Write the records of a day (UTC), oldest first, each with its time; no two have the same one."""
        draw = random.Random(f"sandbox {day.isoformat()}")
        weekend = day.isoweekday() >= 6
        wanted = round(_between(WEEKEND_RECORDS if weekend else WEEKDAY_RECORDS, draw))
        ungraded = wanted * _between(UNGRADED_SHARE, draw)
        hours = list(accumulate(WEEKEND_HOURS if weekend else WEEKDAY_HOURS))
        midnight = datetime.combine(day, time(), UTC)
        written: dict[datetime, dict[str, object]] = {}
        for student in self._visitors(draw):
            begin = _time_of_day(hours, draw)
            sitting = _sitting(student, day.toordinal(), begin, graded=len(written) >= ungraded, draw=draw)
            for attempt in islice(sitting, min(LONGEST_SITTING, wanted - len(written))):
                moment = midnight + timedelta(microseconds=int(attempt.second * 1_000_000))
                # Two in one microsecond: the later one is forgotten.
                written.setdefault(moment, _record(student, attempt, moment))
            if len(written) == wanted:
                break
        return sorted(written.items(), key=lambda pair: pair[0])

    def _visitors(self, draw: random.Random) -> Iterator[Student]:
        """Draw the students who come today, each of them once; some come more often than others."""
        seen: set[int] = set()
        while len(seen) < len(self._students):
            chance = draw.random()
            number = int(len(self._students) * chance * chance)
            if number not in seen:
                seen.add(number)
                yield self._students[number]


def _tasks(course: str, count: int, draw: random.Random) -> tuple[Task, ...]:
    """Make tasks that grow harder towards the end of the course, with exceptions."""
    return tuple(
        Task(course, f"{draw.getrandbits(128):032x}", 0.6 * number / count + 0.4 * draw.random())
        for number in range(count)
    )


def _student(courses: list[tuple[Task, ...]], draw: random.Random) -> Student:
    return Student(
        pseudonym=f"{draw.getrandbits(128):032x}",
        tasks=courses[int(len(courses) * draw.random())],
        skill=(draw.random() + draw.random()) / 2,
        head_start=int(365 * draw.random()),
    )


def _between(ends: tuple[float, float], draw: random.Random) -> float:
    return ends[0] + (ends[1] - ends[0]) * draw.random()


def _time_of_day(hours: list[int], draw: random.Random) -> float:
    """Draw when a sitting begins, in seconds, from the hours' running totals."""
    hour = bisect_right(hours, int(hours[-1] * draw.random()))
    return 3600 * (hour + draw.random())


def _sitting(student: Student, day: int, begin: float, graded: bool, draw: random.Random) -> Iterator[Attempt]:
    """Take the tasks that are due, one after the other, until the student has had enough or the day is over."""
    second = begin
    due = (day + student.head_start) // 2
    for number in range(1 + int(4 * draw.random() * draw.random())):
        task = student.tasks[(due + number) % len(student.tasks)]
        passback = _passback_params(task, student, graded)
        for attempt in range(1 + int(6 * draw.random())):
            # Who starts anew tries more before handing in, and everybody gets better with each attempt.
            for _ in range(int(4 * draw.random() * (1.2 if attempt == 0 else 0.9))):
                second += 8 + 160 * draw.random() * draw.random()
                yield from _unless_over(Attempt(second, None, passback))
            second += 5 + 60 * draw.random()
            chance = 0.5 + 0.5 * student.skill - 0.6 * task.difficulty + 0.12 * attempt
            solved = draw.random() < min(0.97, max(0.04, chance))
            yield from _unless_over(Attempt(second, int(solved), passback))
            if solved:
                break
        second += 30 + 1200 * draw.random() * draw.random()


def _unless_over(attempt: Attempt) -> tuple[Attempt, ...]:
    """Drop what would happen after midnight: that day is written by itself."""
    return (attempt,) if attempt.second < DAY else ()


def _passback_params(task: Task, student: Student, graded: bool) -> str:
    """Write LTI parameters as the API has them, a Python literal; some name no address for the grade."""
    params = {
        "oauth_consumer_key": "",
        "lis_result_sourcedid": f"course-v1:{task.course}:{HOST}-{task.block}:{student.pseudonym}",
    }
    if graded:
        params["lis_outcome_service_url"] = (
            f"https://{HOST}/courses/course-v1:{task.course}/xblock/"
            f"block-v1:{task.course}+type@lti+block@{task.block}/handler_noauth/grade_handler"
        )
    return repr(params)


def _record(student: Student, attempt: Attempt, moment: datetime) -> dict[str, object]:
    return {
        "lti_user_id": student.pseudonym,
        "passback_params": attempt.passback,
        "is_correct": attempt.verdict,
        "attempt_type": "run" if attempt.verdict is None else "submit",
        "created_at": moment.isoformat(" ", "microseconds").removesuffix("+00:00"),
    }
