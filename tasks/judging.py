"""Judging: whether a day's figure is what the same weekdays before it let one expect. No database, only numbers.

The rule, and what it is for, stands in `docs/figures.md`.
"""

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import combinations
from math import hypot, sqrt
from statistics import median
from typing import Final

WEEK: Final = timedelta(days=7)
WEEKS: Final = 8
"""A day is judged by the same weekday of so many weeks before it."""
FEWEST: Final = 5
"""Of these so many must be usable, or the day is not judged."""
SCALES: Final = 3.5
SMALLEST: Final = 10
"""A deviation of fewer attempts, students or records is nothing to look at."""
SMALLEST_SHARE: Final = 0.3
MOST_GROWTH: Final = 0.04
"""A trend of more than this a week is not carried on."""
VARIATION: Final = 0.15
"""Days differ by so much beyond what chance gives; eight values are too few to measure it."""
REACH: Final = WEEKS + 2
"""A day's judgement may change with a day of so many weeks before it: its oldest reference looks back two more."""

ATTEMPTS: Final = "attempts"
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


@dataclass(frozen=True, slots=True)
class Judgement:
    """What was expected of a figure, and the range in which it would not be told of."""

    value: float
    expected: float
    low: float
    high: float
    is_anomaly: bool


Figures = Mapping[Key, Observed]
Read = Callable[[date], Figures | None]
"""The figures of a day; None if it neither judges nor is judged: unknown, incomplete, or a day off."""
Flags = dict[date, dict[Key, Judgement]]
"""The anomalies by day."""


def judge(figure: str, observed: Observed, past: Mapping[int, Observed]) -> Judgement | None:
    """Judges a figure by its past values; None if these are too few, or there is nothing of which to take a share.

    Args:
        past: by how many weeks before they were.
    """
    past = {weeks: each for weeks, each in past.items() if each.of != 0}
    if len(past) < FEWEST or observed.of == 0:
        return None
    # A share is judged as the count that it is of this day's whole, by a binomial scale where a count has Poisson's.
    whole = 1 if observed.of is None else observed.of
    values = _brought_to_today({weeks: each.value for weeks, each in past.items()}, is_count=observed.of is None)
    usual = median(values)
    spread = 1.4826 * median(abs(value - usual) for value in values) * whole
    expected = usual * whole
    # Of a share the smaller side counts: a checker that lets everything pass is as wrong as one that refuses all.
    rare = expected if observed.of is None else min(expected, whole - expected)
    # Attempts come in bunches, one a student, of very different sizes; so they vary more than their number says.
    bunch = max(1.0, median(2 * each.count / each.by if each.by else 1.0 for each in past.values()))
    variance = expected * bunch if observed.of is None else expected * (1 - usual)
    scale = max(spread, hypot(sqrt(variance), VARIATION * rare), 1)
    deviation = abs(observed.count - expected)
    is_silent = figure == ATTEMPTS and observed.count == 0 and expected >= FEWEST
    margin = max(SCALES * scale, SMALLEST, SMALLEST_SHARE * rare)
    is_far = deviation > SCALES * scale and deviation >= max(SMALLEST, SMALLEST_SHARE * rare)
    low, high = max(expected - margin, 0) / whole, (expected + margin) / whole
    if observed.of is not None:
        high = min(high, 1.0)
    value, usual, low, high = (round(each, 4) for each in (observed.value, usual, low, high))
    return Judgement(value, usual, low, high, is_silent or is_far)


def _brought_to_today(values: Mapping[int, float], *, is_count: bool) -> list[float]:
    """Past values as they would be today, by their own trend: the median of all slopes between two (Theil-Sen).

    A share has no trend. At most `MOST_GROWTH` a week.
    """
    if not is_count:
        return list(values.values())
    pairs = combinations(sorted(values.items()), 2)
    slopes = [(value - other) / (before - weeks) for (weeks, value), (before, other) in pairs]
    most = MOST_GROWTH * median(values.values())
    slope = max(-most, min(most, median(slopes)))
    return [max(value + slope * weeks, 0.0) for weeks, value in values.items()]


def judge_day(day: date, read: Read, flags: Flags) -> dict[Key, Judgement | None]:
    """Judges all figures of a day by the same weekdays before it that are not flagged; None: not judged."""
    present = _present(day, read)
    past = {weeks: _present(day - WEEK * weeks, read) for weeks in range(1, WEEKS + 1)}
    return {
        key: judge(
            key[1],
            observed,
            {
                weeks: known[key]
                for weeks, known in past.items()
                if key in known and key not in flags.get(day - WEEK * weeks, {})
            },
        )
        for key, observed in present.items()
    }


def judge_again(touched: Iterable[date], read: Read, flags: Flags) -> Iterator[date]:
    """Judges these days, and each later day whose judgement may follow from them, in order; corrects the flags.

    A later day is judged again only if within `REACH` weeks before it the same weekday was touched or its flags
    have changed. So what is judged ends by itself, and the flags are those of judging the whole history once.

    Yields:
        The days whose flags have changed.
    """
    changed = set(touched)
    due = sorted(changed)
    known = set(due)
    while due:
        day = heapq.heappop(due)
        judged = judge_day(day, read, flags)
        found = {key: each for key, each in judged.items() if each is not None and each.is_anomaly}
        is_new = found != flags.get(day, {})
        if is_new:
            flags[day] = found
            yield day
        if is_new or day in changed:
            for later in (day + WEEK * number for number in range(1, REACH + 1)):
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
    absent = {(course, figure): Observed(0) for course in courses for figure in (ATTEMPTS, "unique_users")}
    return {**absent, **figures}
