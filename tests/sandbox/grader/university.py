"""A fictitious university: its courses, their tasks, and some thousands of students, all made from a seed."""

import random
from dataclasses import dataclass

HOST = "lms.sandbox.example"
# Each course with its number of tasks.
COURSES = {
    "SandboxU+PY-101+2023": 48,
    "SandboxU+SQL-201+2023": 32,
    "SandboxU+ALG-202+2023": 40,
    "SandboxU+DS-301+2024": 26,
}
STUDENTS = 4800


@dataclass(frozen=True)
class Task:
    """One exercise of a course.

    Attributes:
        course: the course's key, as in `course-v1:<key>`.
        block: the task's id, 32 hexadecimal digits.
        difficulty: 0 for what everybody can do, 1 for what hardly anybody can.
    """

    course: str
    block: str
    difficulty: float


@dataclass(frozen=True)
class Student:
    """One student of one course.

    Attributes:
        pseudonym: 32 hexadecimal digits.
        tasks: the tasks of the student's course, in the order in which they are taken.
        skill: 0 for somebody new to it all, 1 for somebody who needs no course.
        head_start: by how many days the student is ahead of the course's first.
    """

    pseudonym: str
    tasks: tuple[Task, ...]
    skill: float
    head_start: int


class University:
    """All there is to know about it; the same for the same seed."""

    def __init__(self, seed: str) -> None:
        self.seed = seed
        draw = random.Random(f"{seed} university")
        courses = [_tasks(course, count, draw) for course, count in COURSES.items()]
        self.students = [_student(courses, draw) for _ in range(STUDENTS)]


def passback_params(task: Task, student: Student, graded: bool) -> str:
    """Write the parameters of an LTI launch as the API has them: a Python literal in a string.

    Args:
        task: the task that was opened.
        student: the one who opened it.
        graded: whether the learning platform wants a grade back, and so names an address for it.
    """
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
