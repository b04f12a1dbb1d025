"""Judging: whether a day's figure is what the same weekdays before it let one expect. No database, only numbers.

The rule, and what it is for, stands in `docs/figures.md`.
"""

import heapq
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from math import asinh, exp, inf, log, pi, sinh, sqrt
from statistics import fmean, median
from typing import Final

WEEK: Final = timedelta(days=7)
WEEKS: Final = 8
"""A day is judged by so many weeks before it."""
FEWEST: Final = 5
"""Of the same weekday so many must be usable, or the day is not judged."""
REACH: Final = 7 * (WEEKS + 2)
"""A day's judgement may change with a day so many days before it: its oldest reference looks back two more weeks."""
SCALES: Final = 3.7
"""Of the 273 judgements of a course in a quarter, three a day, 0.2 are then false: by Student's t with 40 degrees of
freedom, since the scale is measured on some 50 days."""
SMALLEST: Final = 10
"""A deviation of fewer attempts, students or records is nothing to look at, nor is a day of fewer students."""
SMALLEST_SHARE: Final = 0.3
MOST_GROWTH: Final = 0.05
"""A trend of more than this a week is not carried on."""
LEAST_VARIATION: Final = 0.01
"""Beyond what chance gives days always differ a little."""

ATTEMPTS: Final = "attempts"
ACTIVE_STUDENTS: Final = "unique_users"
SUCCESS_RATE: Final = "success_rate"
OF_STUDENTS: Final = (ATTEMPTS, ACTIVE_STUDENTS, SUCCESS_RATE)
"""What fewer than `SMALLEST` students do is not judged."""

Key = tuple[str, str]
"""A course, empty for all, and a figure's name."""


@dataclass(frozen=True, slots=True)
class Observed:
    """A day's figure: a count, or a share, which is so many `of` so many; attempts are made `by` so many students."""

    count: int
    of: int | None = None
    by: int | None = None

    @property
    def value(self) -> float:
        """The count, or the share from 0 to 1."""
        return self.count if self.of is None else self.count / self.of

    @property
    def rest(self) -> "Observed":
        """The other side of a share."""
        return Observed((self.of or 0) - self.count, self.of)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What was expected of a figure, and the range in which it would not be told of."""

    value: float
    expected: float
    low: float
    high: float
    is_anomaly: bool

    @property
    def rest(self) -> "Judgement":
        """That of the other side of a share."""
        value, expected, low, high = (round(1 - each, 4) for each in (self.value, self.expected, self.high, self.low))
        return Judgement(value, expected, low, high, self.is_anomaly)


Figures = Mapping[Key, Observed]
Read = Callable[[date], Figures | None]
"""The figures of a day; None if it neither judges nor is judged: unknown, incomplete, or a day off."""
Flags = dict[date, dict[Key, Judgement]]
"""The anomalies by day."""


def judge(figure: str, observed: Observed, past: Mapping[int, Observed]) -> Judgement | None:
    """Judges a figure by its past values; None if these are too few, or there is nothing of which to take a share.

    Args:
        past: by how many days before they were.
    """
    past = {days: each for days, each in past.items() if each.of != 0}
    same = [each for days, each in past.items() if days % 7 == 0]
    if len(same) < FEWEST or observed.of == 0:
        return None
    # Of a share the rarer side counts: a checker that lets everything pass is as wrong as one that refuses all.
    if observed.of is not None and median(each.value for each in same) > 0.5:
        other = judge(figure, observed.rest, {days: each.rest for days, each in past.items()})
        return other and other.rest
    whole = observed.of or 1
    level, spread = _expect({days: log((each.count + 0.5) / (each.of or 1)) for days, each in past.items()})
    expected = max(exp(level) * whole - 0.5, 0.0)
    # By chance a count varies as its number (Poisson), a share a little less (binomial). Attempts come in bunches, one
    # a student, of very different sizes, so they vary more.
    bunch = median(2 * each.count / each.by if each.by else 1.0 for each in same)
    if observed.of is not None:
        bunch = max(1 - expected / whole, 0.5)
    by_chance = median(bunch / (each.count + 0.5) for each in past.values())
    variation = sqrt(max(spread**2 - by_chance, LEAST_VARIATION**2))
    # What is expected is itself uncertain: the median has pi / 2 / n of a day's variance, the trend about 1 / 8.
    low, high = _range(expected, bunch, variation, SCALES * sqrt(1 + pi / 2 / len(same) + 1 / 8))
    margin = max(SMALLEST, SMALLEST_SHARE * expected)
    low, high = max(min(low, expected - margin), 0.0), min(max(high, expected + margin), observed.of or inf)
    if figure == ATTEMPTS:
        low = max(low, 1.0)
    value, middle, least, most = (round(each / whole, 4) for each in (observed.count, expected, low, high))
    return Judgement(value, middle, least, most, not low <= observed.count <= high)


def _expect(logs: Mapping[int, float]) -> tuple[float, float]:
    """What the logarithm of a value should be today, and how much days differ from what they should have been."""
    slopes = [(value - logs[days + 28]) / 28 for days, value in logs.items() if days + 28 in logs]
    steepest = log(1 + MOST_GROWTH) / 7
    growth = max(-steepest, min(steepest, median(slopes))) if slopes else 0.0
    weekdays: dict[int, list[float]] = defaultdict(list)
    for days, value in logs.items():
        weekdays[days % 7].append(value + growth * days)
    levels = {weekday: median(values) for weekday, values in weekdays.items()}
    apart = [abs(value - levels[weekday]) for weekday, values in weekdays.items() for value in values]
    # The MAD alone would be less exact by half; a day that is far off counts as one at three times the MAD.
    farthest = 3 * 1.4826 * median(apart)
    return levels[0], fmean(min(each, farthest) for each in apart) * sqrt(pi / 2 * WEEKS / (WEEKS - 1))


def _range(expected: float, bunch: float, variation: float, scales: float) -> tuple[float, float]:
    """So many standard deviations about a count n whose variance is bunch * n + (variation * n) ** 2.

    They are counted where that variance is 1 everywhere, as Anscombe (1948) does.
    """
    middle = 2 / variation * asinh(variation * sqrt(expected / bunch))
    ends = (max(middle - scales, 0.0), middle + scales)
    low, high = (bunch * (sinh(variation * end / 2) / variation) ** 2 for end in ends)
    return low, high


def judge_day(day: date, read: Read, flags: Flags) -> dict[Key, Judgement | None]:
    """Judges all figures of a day by the weeks before it, those aside that are flagged; None: not judged."""
    return _judge_day(day, cache(lambda asked: _present(asked, read)), flags)


def _judge_day(day: date, present: Callable[[date], Figures], flags: Flags) -> dict[Key, Judgement | None]:
    today = present(day)
    if not today:
        return {}
    past: dict[Key, dict[int, Observed]] = {key: {} for key in today}
    for days in range(1, 7 * WEEKS + 1):
        before = day - timedelta(days)
        flagged = flags.get(before, {})
        for key, each in present(before).items():
            if key in past and key not in flagged:
                past[key][days] = each
    return {
        (course, figure): None
        if figure in OF_STUDENTS and _is_small(past.get((course, ACTIVE_STUDENTS), {}))
        else judge(figure, observed, past[course, figure])
        for (course, figure), observed in today.items()
    }


def _is_small(students: Mapping[int, Observed]) -> bool:
    counts = [each.count for days, each in students.items() if days % 7 == 0]
    return bool(counts) and median(counts) < SMALLEST


def judge_again(touched: Iterable[date], read: Read, flags: Flags) -> Iterator[date]:
    """Judges these days, and each later day whose judgement may follow from them, in order; corrects the flags.

    A later day is judged again only if one within `REACH` days before it was touched or its flags have changed. So
    what is judged ends by itself, and the flags are those of judging the whole history once.

    Yields:
        The days whose flags have changed.
    """
    present = cache(lambda asked: _present(asked, read))
    changed = set(touched)
    due = sorted(changed)
    known = set(due)
    while due:
        day = heapq.heappop(due)
        judged = _judge_day(day, present, flags)
        found = {key: each for key, each in judged.items() if each is not None and each.is_anomaly}
        is_new = found != flags.get(day, {})
        if is_new:
            flags[day] = found
            yield day
        if is_new or day in changed:
            for later in (day + timedelta(days) for days in range(1, REACH + 1)):
                if later not in known:
                    known.add(later)
                    heapq.heappush(due, later)


def _present(day: date, read: Read) -> Figures:
    """A day's figures; those of a course that has rested for two such weekdays are none, not zero."""
    figures = read(day) or {}
    before = next((found for number in (1, 2) if (found := read(day - WEEK * number))), {})
    running = {
        course for (course, figure), each in (*figures.items(), *before.items()) if figure == ATTEMPTS and each.count
    }
    courses = running - {""} if figures else set()
    absent = {(course, figure): Observed(0) for course in courses for figure in (ATTEMPTS, ACTIVE_STUDENTS)}
    return {**absent, **figures}
