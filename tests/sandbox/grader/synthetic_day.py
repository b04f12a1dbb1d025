"""One day at the fictitious university: sittings of students who run their programs and then hand them in."""

import random
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import accumulate, islice

from tests.sandbox.grader.university import Student, University, passback_params

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


@dataclass(frozen=True)
class Day:
    """The records of one day UTC in the shape of the API, oldest first, and the time of each."""

    times: list[datetime]
    records: list[dict[str, object]]


@dataclass(frozen=True)
class _Attempt:
    """A run (no verdict) or a submit; `second` is counted from the day's start."""

    second: float
    verdict: int | None
    passback: str


def write_day(university: University, day: date) -> Day:
    """Write the records of a day; no two of them have the same time.

    Args:
        university: whose records.
        day: the day, UTC.
    """
    draw = random.Random(f"{university.seed} {day.isoformat()}")
    weekend = day.isoweekday() >= 6
    wanted = round(_between(WEEKEND_RECORDS if weekend else WEEKDAY_RECORDS, draw))
    ungraded = wanted * _between(UNGRADED_SHARE, draw)
    hours = list(accumulate(WEEKEND_HOURS if weekend else WEEKDAY_HOURS))
    midnight = datetime.combine(day, time(), UTC)
    written: dict[datetime, dict[str, object]] = {}
    for student in _visitors(university, draw):
        begin = _time_of_day(hours, draw)
        sitting = _sitting(student, day.toordinal(), begin, graded=len(written) >= ungraded, draw=draw)
        for attempt in islice(sitting, min(LONGEST_SITTING, wanted - len(written))):
            moment = midnight + timedelta(microseconds=int(attempt.second * 1_000_000))
            # Two in one microsecond: the later one is forgotten.
            written.setdefault(moment, _record(student, attempt, moment))
        if len(written) == wanted:
            break
    times = sorted(written)
    return Day(times, [written[moment] for moment in times])


def _between(ends: tuple[float, float], draw: random.Random) -> float:
    return ends[0] + (ends[1] - ends[0]) * draw.random()


def _time_of_day(hours: list[int], draw: random.Random) -> float:
    """Draw when a sitting begins, in seconds, from the hours' running totals."""
    hour = bisect_right(hours, int(hours[-1] * draw.random()))
    return 3600 * (hour + draw.random())


def _visitors(university: University, draw: random.Random) -> Iterator[Student]:
    """Draw the students who come today, each of them once; some come more often than others."""
    seen: set[int] = set()
    while len(seen) < len(university.students):
        chance = draw.random()
        number = int(len(university.students) * chance * chance)
        if number not in seen:
            seen.add(number)
            yield university.students[number]


def _sitting(student: Student, day: int, begin: float, graded: bool, draw: random.Random) -> Iterator[_Attempt]:
    """Take the tasks that are due, one after the other, until the student has had enough or the day is over."""
    second = begin
    due = (day + student.head_start) // 2
    for number in range(1 + int(4 * draw.random() * draw.random())):
        task = student.tasks[(due + number) % len(student.tasks)]
        passback = passback_params(task, student, graded)
        for attempt in range(1 + int(6 * draw.random())):
            # Who starts anew tries more before handing in, and everybody gets better with each attempt.
            for _ in range(int(4 * draw.random() * (1.2 if attempt == 0 else 0.9))):
                second += 8 + 160 * draw.random() * draw.random()
                yield from _unless_over(_Attempt(second, None, passback))
            second += 5 + 60 * draw.random()
            chance = 0.5 + 0.5 * student.skill - 0.6 * task.difficulty + 0.12 * attempt
            solved = draw.random() < min(0.97, max(0.04, chance))
            yield from _unless_over(_Attempt(second, int(solved), passback))
            if solved:
                break
        second += 30 + 1200 * draw.random() * draw.random()


def _unless_over(attempt: _Attempt) -> tuple[_Attempt, ...]:
    """Drop what would happen after midnight: that day is written by itself."""
    return (attempt,) if attempt.second < DAY else ()


def _record(student: Student, attempt: _Attempt, moment: datetime) -> dict[str, object]:
    return {
        "lti_user_id": student.pseudonym,
        "passback_params": attempt.passback,
        "is_correct": attempt.verdict,
        "attempt_type": "run" if attempt.verdict is None else "submit",
        "created_at": moment.isoformat(" ", "microseconds").removesuffix("+00:00"),
    }
