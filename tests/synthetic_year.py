"""Years of five courses with faults planted in them, as daily figures, and what the judgement makes of them.

`python -m tests.synthetic_year` writes the tables of `docs/figures.md`, over the seeds that chose nothing; with
`--seeds 0 8` it prints them for the seeds 0 to 7, and with `--variation 0.2` for days that differ more.
"""

import argparse
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Final, Literal, get_args

import numpy as np

from tasks.judging import WEEKS, Figures, Flags, Key, Observed, judge_again, judge_day

PAGE: Final = Path(__file__).parents[1] / "docs" / "figures.md"
BEGIN, END = "<!-- synthetic year: written by python -m tests.synthetic_year -->", "<!-- end of the synthetic year -->"
FIRST: Final = date(2023, 1, 2)
"""The first day that is judged; the weeks before it are there to judge by."""
QUARTERS, QUARTER = 4, timedelta(weeks=13)
SEEDS: Final = range(1000, 1040)
"""Of the years that the page shows. The rule was chosen on others."""
VARIATION: Final = 0.1
"""By so much days differ beyond what chance gives."""
COURSES: Final = {"web": 300, "python": 120, "algorithms": 60, "databases": 25, "seminar": 4}
"""Students of a weekday at the beginning; each makes about 9 attempts."""
WEEKDAYS: Final = (1.0, 1.05, 1.0, 0.95, 0.8, 0.45, 0.6)
WEEKLY_GROWTH: Final = 1.03
DAYS_OFF: Final = frozenset(
    date.fromisoformat(day)
    for day in ("2023-03-08", "2023-05-01", "2023-05-08", "2023-05-09", "2023-06-12", "2023-11-06")
)
USUAL_SHARES: Final = {"rejected": 0.002, "duplicates": 0.0005, "unreadable": 0.02}
"""Of a day's records."""


@dataclass(frozen=True)
class Fault:
    """What happened on a day, and the figures that should tell of it."""

    name: str
    day: date
    figures: tuple[str, ...]
    course: str = ""
    """Empty: all courses."""
    told_in_all: bool = False
    """The figure is of all courses alone."""
    students: float = 1
    copies: int = 1
    success: float = 1
    rejected: float = 0
    duplicates: float = 0
    unreadable: float = 0

    def hits(self, course: str) -> bool:
        """Whether it changes that course's figures; each fault changes those of all (empty)."""
        return course == "" or self.course in ("", course)


Outcome = Literal["found", "missed", "not judged"]
VISITS: Final = ("attempts", "unique_users")
FAULTS: Final = (
    Fault("outage of a whole day", date(2023, 4, 12), VISITS, students=0),
    Fault("outage of half a day", date(2023, 9, 21), VISITS, students=0.5),
    Fault("load doubled", date(2023, 6, 20), ("attempts",), copies=2),
    Fault("exam day", date(2023, 8, 17), VISITS, "algorithms", students=2.5),
    Fault("outage of a course", date(2023, 11, 14), VISITS, "databases", students=0),
    Fault("checker refuses everything", date(2023, 7, 27), ("success_rate",), "python", success=0),
    Fault("checker refuses everything", date(2023, 10, 11), ("success_rate",), "databases", success=0),
    Fault("10 % of records rejected", date(2023, 5, 17), ("rejected",), told_in_all=True, rejected=0.1),
    Fault("5 % of records twice", date(2023, 10, 30), ("duplicates",), told_in_all=True, duplicates=0.05),
    Fault("half without LTI parameters", date(2023, 12, 7), ("unreadable_course",), told_in_all=True, unreadable=0.5),
)


def make_year(seed: int, variation: float = VARIATION) -> dict[date, Figures]:
    """The year's figures by day, with the weeks before it."""
    chance = np.random.default_rng(seed)
    numbers = range(-7 * WEEKS, QUARTER.days * QUARTERS)
    return {day: _make_day(chance, day, variation) for day in (FIRST + timedelta(days=number) for number in numbers)}


def _make_day(chance: np.random.Generator, day: date, variation: float) -> Figures:
    planted = [fault for fault in FAULTS if fault.day == day]
    unreadable = max((fault.unreadable for fault in planted), default=0) or USUAL_SHARES["unreadable"]
    weeks = (day - FIRST).days / 7
    shared = WEEKDAYS[day.weekday()] * WEEKLY_GROWTH**weeks * (0.15 if day in DAYS_OFF else 1)
    figures: dict[Key, Observed] = {}
    totals = np.zeros(5, dtype=int)
    for course, size in COURSES.items():
        usual, copies, success = size * shared, 1, 1.0
        for fault in planted:
            if fault.hits(course):
                usual, copies, success = usual * fault.students, copies * fault.copies, success * fault.success
        students = int(chance.poisson(usual * chance.gamma(variation**-2, variation**2)))
        # The sum of a negative binomial number a student.
        attempts = int(chance.negative_binomial(2 * students, 2 / 11)) * copies if students else 0
        lost = int(chance.binomial(attempts, unreadable))
        submits = int(chance.binomial(attempts - lost, 0.4))
        right = round(chance.binomial(submits, chance.beta(90, 110)) * success)
        if attempts:
            figures |= _figures(course, attempts - lost, students, submits, right)
        totals += (attempts, students, submits, right, lost)
    attempts, students, submits, right, lost = (int(each) for each in totals)
    for name in ("rejected", "duplicates"):
        share = max((getattr(fault, name) for fault in planted), default=0) or USUAL_SHARES[name]
        figures["", name] = Observed(int(chance.binomial(attempts, share)))
    figures["", "unreadable_course"] = Observed(lost, attempts)
    return figures | _figures("", attempts, students, submits, right)


def _figures(course: str, attempts: int, students: int, submits: int, right: int) -> dict[Key, Observed]:
    return {
        (course, "attempts"): Observed(attempts, by=students),
        (course, "unique_users"): Observed(students),
        (course, "success_rate"): Observed(right, submits),
    }


@dataclass(frozen=True)
class Year:
    """A year's figures, and the anomalies that were found in it."""

    figures: dict[date, Figures]
    flags: Flags

    def read(self, day: date) -> Figures | None:
        """A day's figures, unless it is off."""
        return None if day in DAYS_OFF else self.figures.get(day)


def judge_year(seed: int, variation: float = VARIATION) -> Year:
    """A year, each day judged once, in order."""
    year = Year(make_year(seed, variation), {})
    list(judge_again(year.figures, year.read, year.flags))
    return year


def places(fault: Fault) -> list[str]:
    """The courses in which a fault should be found; empty: all together."""
    return [""] if fault.told_in_all else [fault.course] if fault.course else ["", *COURSES]


def outcome(fault: Fault, course: str, year: Year) -> Outcome:
    """Whether a figure that should tell of it is flagged on its day."""
    keys = [(course, figure) for figure in fault.figures]
    if any(key in year.flags.get(fault.day, {}) for key in keys):
        return "found"
    judged = judge_day(fault.day, year.read, year.flags)
    return "missed" if any(judged.get(key) for key in keys) else "not judged"


def false_alarms(year: Year) -> Iterator[tuple[str, int]]:
    """How many days of each course (empty: all) in each quarter have an anomaly where nothing was planted.

    Several figures of one course on one day are one alarm. Of all courses together a fault in any is one planted.
    """
    for course in ("", *COURSES):
        planted = {fault.day for fault in FAULTS if fault.hits(course)}
        days = [day for day, found in year.flags.items() if day not in planted and any(of == course for of, _ in found)]
        for number in range(QUARTERS):
            start = FIRST + QUARTER * number
            yield course, sum(start <= day < start + QUARTER for day in days)


def count_alarms(years: Iterable[Year]) -> dict[str, list[int]]:
    """By course (empty: all), in how many quarters there were so many false alarms: none, one, and so on."""
    alarms = {course: [0] * 4 for course in ("", *COURSES)}
    for year in years:
        for course, number in false_alarms(year):
            alarms[course][min(number, 3)] += 1
    return alarms


def write_tables(years: Sequence[Year]) -> str:
    """What stands in `docs/figures.md`."""
    lines = ["| planted | day | in | found in years | missed | not judged |", "|---|---|---|---|---|---|"]
    for fault in FAULTS:
        for course in places(fault):
            counts = Counter(outcome(fault, course, year) for year in years)
            cells = (fault.name, fault.day, course or "all", *(counts[each] for each in get_args(Outcome)))
            lines.append(f"| {' | '.join(map(str, cells))} |")
    lines += ["", "| quarters of | without a false alarm | with one | with two | with more |", "|---|---|---|---|---|"]
    for course, numbers in count_alarms(years).items():
        lines.append(f"| {' | '.join(map(str, (course or 'all', *numbers)))} |")
    return "\n".join(lines)


def write_page(page: str, years: Sequence[Year]) -> str:
    """The page with its tables written anew."""
    return re.sub(f"{BEGIN}.*{END}", lambda _: f"{BEGIN}\n\n{write_tables(years)}\n\n{END}", page, flags=re.DOTALL)


def main() -> None:
    """Writes the tables into the page, or prints those of other years."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", nargs=2, type=int)
    parser.add_argument("--variation", type=float, default=VARIATION)
    asked = parser.parse_args()
    years = [judge_year(seed, asked.variation) for seed in (range(*asked.seeds) if asked.seeds else SEEDS)]
    if asked.seeds:
        print(write_tables(years))
    else:
        PAGE.write_text(write_page(PAGE.read_text("utf-8"), years), "utf-8")


if __name__ == "__main__":
    main()
