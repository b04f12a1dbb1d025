"""A year of three courses with faults planted in it, as daily figures, and what the judgement makes of them.

`python -m tests.synthetic_year` writes the table of `docs/figures.md`; with `--seeds 20` it prints the mean over years.
"""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Final

import numpy as np

from tasks.judging import WEEKS, Figures, Flags, Key, Observed, judge_again

PAGE: Final = Path(__file__).parents[1] / "docs" / "figures.md"
BEGIN, END = "<!-- synthetic year: written by python -m tests.synthetic_year -->", "<!-- end of the synthetic year -->"
FIRST, DAYS = date(2023, 1, 2), 364
SEED: Final = 12
COURSES: Final = {"python": 120, "algorithms": 60, "databases": 25}
"""Students of a weekday at the beginning of the year; each makes about 9 attempts."""
WEEKDAYS: Final = (1.0, 1.05, 1.0, 0.95, 0.8, 0.45, 0.6)
WEEKLY_GROWTH: Final = 1.03
DAYS_OFF: Final = frozenset(
    date.fromisoformat(day)
    for day in ("2023-03-08", "2023-05-01", "2023-05-08", "2023-05-09", "2023-06-12", "2023-11-06")
)


@dataclass(frozen=True)
class Fault:
    """What happened on a day, and the figure of the course that should tell of it."""

    name: str
    day: date
    figure: str
    course: str = ""
    """Empty: of all courses."""
    students: float = 1
    copies: int = 1
    success: float = 1

    def hits(self, course: str) -> bool:
        return self.course in ("", course)


FAULTS: Final = (
    Fault("outage of a whole day", date(2023, 4, 12), "attempts", students=0),
    Fault("outage of half a day", date(2023, 9, 21), "attempts", students=0.5),
    Fault("load doubled", date(2023, 6, 20), "attempts", copies=2),
    Fault("checker refuses everything", date(2023, 7, 27), "success_rate", "python", success=0),
    Fault("checker refuses everything", date(2023, 10, 11), "success_rate", "databases", success=0),
    Fault("exam day", date(2023, 8, 17), "attempts", "algorithms", students=2.5),
    Fault("outage of a course", date(2023, 11, 14), "attempts", "databases", students=0),
)


def make_year(seed: int = SEED) -> dict[date, Figures]:
    """The year's figures by day; days vary by 10 % beyond what chance gives."""
    chance = np.random.default_rng(seed)
    return {FIRST + timedelta(days=number): _make_day(chance, number) for number in range(DAYS)}


def _make_day(chance: np.random.Generator, number: int) -> Figures:
    day = FIRST + timedelta(days=number)
    figures: dict[Key, Observed] = {}
    total = np.zeros(4, dtype=int)
    for course, size in COURSES.items():
        usual = size * WEEKDAYS[day.weekday()] * WEEKLY_GROWTH ** (number / 7) * (0.15 if day in DAYS_OFF else 1)
        planted = [fault for fault in FAULTS if fault.day == day and fault.hits(course)]
        for fault in planted:
            usual *= fault.students
        students = chance.poisson(usual * chance.gamma(100, 1 / 100))
        attempts = int(chance.negative_binomial(2, 2 / 11, students).sum()) if students else 0
        submits = int(chance.binomial(attempts, 0.4))
        right = int(chance.binomial(submits, chance.beta(90, 110)))
        for fault in planted:
            attempts, submits, right = attempts * fault.copies, submits * fault.copies, right * fault.copies
            right = round(right * fault.success)
        if attempts:
            figures |= _figures(course, attempts, int(students), submits, right)
        total += (attempts, students, submits, right)
    return figures | _figures("", *(int(each) for each in total))


def _figures(course: str, attempts: int, students: int, submits: int, right: int) -> dict[Key, Observed]:
    return {
        (course, "attempts"): Observed(attempts, by=students),
        (course, "unique_users"): Observed(students),
        (course, "success_rate"): Observed(right, submits),
    }


def judge_year(year: dict[date, Figures]) -> Flags:
    """The anomalies, each day judged once, in order."""
    flags: Flags = {}
    for day in year:
        list(judge_again([day], lambda asked: None if asked in DAYS_OFF else year.get(asked), flags))
    return flags


def detections(flags: Flags) -> Iterator[tuple[Fault, str, bool]]:
    """Each planted fault with each course that it hit, and whether it was found on its day."""
    for fault in FAULTS:
        for course in [fault.course] if fault.course else ["", *COURSES]:
            yield fault, course, (course, fault.figure) in flags.get(fault.day, {})


def false_alarms(flags: Flags) -> dict[str, int]:
    """Days of each course (empty: all) with an anomaly where nothing was planted."""
    planted = {fault.day for fault in FAULTS}
    return {
        course: sum(any(of == course for of, _ in found) for day, found in flags.items() if day not in planted)
        for course in ("", *COURSES)
    }


def write_table(flags: Flags) -> str:
    """What stands in `docs/figures.md`."""
    lines = ["| planted | day | in | figure | found on its day |", "|---|---|---|---|---|"]
    for fault, course, found in detections(flags):
        lines.append(
            f"| {fault.name} | {fault.day} | {course or 'all'} | `{fault.figure}` | {'yes' if found else 'no'} |"
        )
    judged = DAYS / 7 - WEEKS
    lines += ["", "| in | days with a false alarm | a quarter |", "|---|---|---|"]
    lines += [f"| {course or 'all'} | {n} | {n / judged * 13:.1f} |" for course, n in false_alarms(flags).items()]
    return "\n".join(lines)


def main() -> None:
    """Writes the table into the page, or prints the means of many years."""
    if "--seeds" in sys.argv:
        years = [judge_year(make_year(seed)) for seed in range(int(sys.argv[-1]))]
        missed = [(fault.name, course) for flags in years for fault, course, found in detections(flags) if not found]
        alarms = {course: [false_alarms(flags)[course] for flags in years] for course in ("", *COURSES)}
        print("missed:", {each: missed.count(each) for each in missed})
        print("false alarms a year:", {course: (sum(n) / len(years), max(n)) for course, n in alarms.items()})
        return
    page = PAGE.read_text("utf-8")
    table = f"{BEGIN}\n\n{write_table(judge_year(make_year()))}\n\n{END}"
    PAGE.write_text(re.sub(f"{BEGIN}.*{END}", lambda _: table, page, flags=re.DOTALL), "utf-8")


if __name__ == "__main__":
    main()
