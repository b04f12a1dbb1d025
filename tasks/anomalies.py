"""Anomalies: the days whose figures were not to be expected, kept in `anomalies` and judged again when days change."""

from collections.abc import Container, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy.engine import Connection, Engine

from schemas.period import start_of
from schemas.tables import anomalies, daily_metrics, loaded_windows, student_task_days
from tasks.database import read_rows, translate_errors
from tasks.judging import (
    ACTIVE_STUDENTS,
    ATTEMPTS,
    REACH,
    SUCCESS_RATE,
    Figures,
    Flags,
    Judgement,
    Key,
    Observed,
    judge_again,
    judge_day,
)

UNREADABLE: Final = "unreadable_course"
REJECTED: Final = "rejected"
DUPLICATES: Final = "duplicates"

# A window belongs to the day in which it begins. A day that is not complete is none.
_DAYS: Final = f"""
    SELECT days.day, windows.rejected, windows.duplicates
    FROM unnest(CAST(%(days)s AS date[]), CAST(%(starts)s AS timestamptz[]), CAST(%(ends)s AS timestamptz[]))
        AS days (day, day_start, day_end)
    JOIN {daily_metrics.name} AS kept ON kept.day = days.day AND kept.complete
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(rejected), 0) AS rejected, coalesce(sum(duplicates), 0) AS duplicates
        FROM {loaded_windows.name}
        WHERE window_start >= days.day_start AND window_start < days.day_end
    ) AS windows
"""
_COURSES: Final = f"""
    SELECT day, course, sum(attempts), count(DISTINCT user_id), sum(correct), sum(submits)
    FROM {student_task_days.name}
    WHERE day = ANY(CAST(%(days)s AS date[]))
    GROUP BY GROUPING SETS ((day, course), (day))
"""
_FLAGS: Final = f"""
    SELECT day, course, figure, value, expected, low, high
    FROM {anomalies.name}
    WHERE day = ANY(CAST(%(days)s AS date[]))
"""
_BETWEEN: Final = f"""
    SELECT day, course, figure, value, expected, low, high
    FROM {anomalies.name}
    WHERE day BETWEEN %(first)s AND %(last)s AND (
        %(fewest)s = 0 OR course = '' OR %(fewest)s <= (
            SELECT count(DISTINCT user_id)
            FROM {student_task_days.name} AS done
            WHERE done.course = anomalies.course AND done.day > anomalies.day - 28 AND done.day <= anomalies.day
        )
    )
    ORDER BY day, course, figure
"""
_KNOWN: Final = f"SELECT day, complete FROM {daily_metrics.name} WHERE day BETWEEN %(first)s AND %(last)s ORDER BY day"


@dataclass(frozen=True, slots=True)
class Anomaly:
    """A figure of a day that was not to be expected, as kept in `anomalies`; `course` is empty for all of them."""

    day: date
    course: str
    figure: str
    value: float
    expected: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Unjudged:
    """The days of a span that were not judged, by the reason.

    Attributes:
        short: too few comparable days before them, or too few students.
        courses: those of which that is true on another day.
    """

    incomplete: tuple[date, ...]
    off: tuple[date, ...]
    short: tuple[date, ...]
    courses: tuple[str, ...]


class _History:
    """The figures of days, read a batch at a time and kept."""

    def __init__(self, connection: Connection, time_zone: ZoneInfo, days_off: Container[date]) -> None:
        self._connection, self._time_zone, self._days_off = connection, time_zone, days_off
        self._known: dict[date, Figures | None] = {}
        self.flags: Flags = {}

    def prefetch(self, days: Iterable[date], *, before: int = 0, after: int = 0, step: int = 1) -> None:
        """Reads these days and so many before and after each, or every seventh of them."""
        self._fetch({day + timedelta(number) for day in days for number in range(-before, after + 1, step)})

    def read(self, day: date) -> Figures | None:
        """A day's figures; None if it neither judges nor is judged."""
        if day not in self._known:
            self.prefetch([day], after=REACH)
        return self._known[day]

    def _fetch(self, wanted: set[date]) -> None:
        days = sorted(wanted - self._known.keys())
        next_days = [day + timedelta(days=1) for day in days]
        spans: dict[str, Any] = {
            "days": days,
            "starts": [start_of(day, self._time_zone) for day in days],
            "ends": [start_of(day, self._time_zone) for day in next_days],
        }
        self._known |= dict.fromkeys(days)
        usable: dict[date, dict[Key, Observed]] = {}
        for day, rejected, duplicates in self._connection.exec_driver_sql(_DAYS, spans):
            if day not in self._days_off:
                usable[day] = {
                    ("", ATTEMPTS): Observed(0),
                    ("", ACTIVE_STUDENTS): Observed(0),
                    ("", REJECTED): Observed(int(rejected)),
                    ("", DUPLICATES): Observed(int(duplicates)),
                }
        unreadable: dict[date, int] = {}
        for day, course, attempts, students, correct, submits in self._connection.exec_driver_sql(_COURSES, spans):
            if course == "":
                unreadable[day] = attempts
            elif day in usable:
                usable[day] |= {
                    (course or "", ATTEMPTS): Observed(attempts, by=students),
                    (course or "", ACTIVE_STUDENTS): Observed(students),
                    (course or "", SUCCESS_RATE): Observed(correct, submits),
                }
        for day, figures in usable.items():
            figures["", UNREADABLE] = Observed(unreadable.get(day, 0), figures["", ATTEMPTS].count)
        self._known |= usable
        for row in self._connection.exec_driver_sql(_FLAGS, spans):
            flag = Anomaly(*row)
            judged = Judgement(flag.value, flag.expected, flag.low, flag.high, is_anomaly=True)
            self.flags.setdefault(flag.day, {})[flag.course, flag.figure] = judged


def judge_days(
    connection: Connection, days: Iterable[date], time_zone: ZoneInfo, days_off: Container[date] = frozenset()
) -> None:
    """Judges these days, and each later one whose judgement may follow from them, within the caller's transaction.

    Args:
        days: whose figures may have changed.
        days_off: days that neither judge nor are judged.
    """
    touched = list(days)
    history = _History(connection, time_zone, days_off)
    history.prefetch(touched, before=REACH, after=REACH)
    changed = list(judge_again(touched, history.read, history.flags))
    if not changed:
        return
    connection.execute(anomalies.delete().where(anomalies.c.day.in_(changed)))
    found = [
        {"day": day, "course": course, "figure": figure}
        | {name: getattr(judged, name) for name in ("value", "expected", "low", "high")}
        for day in changed
        for (course, figure), judged in history.flags[day].items()
    ]
    if found:
        connection.execute(anomalies.insert(), found)


def read_anomalies(engine: Engine, first: date, last: date, fewest_students: int = 0) -> list[Anomaly]:
    """The anomalies of the days from `first` to `last`, inclusive, by day, course and figure.

    Args:
        fewest_students: courses in which fewer were active in the 28 days up to that day are left out.

    Raises:
        TransientError, PermanentError: see `tasks.database.translate_errors`.
    """
    span = {"first": first, "last": last, "fewest": fewest_students}
    return [Anomaly(*row) for row in read_rows(engine, _BETWEEN, span)]


def read_unjudged(
    engine: Engine, first: date, last: date, time_zone: ZoneInfo, days_off: Container[date] = frozenset()
) -> Unjudged:
    """Which days of a span were not judged, of those of which anything is known.

    Raises:
        TransientError, PermanentError: see `tasks.database.translate_errors`.
    """
    known = read_rows(engine, _KNOWN, {"first": first, "last": last})
    complete = [day for day, is_complete in known if is_complete and day not in days_off]
    with translate_errors(engine), engine.connect() as connection:
        history = _History(connection, time_zone, days_off)
        # Whether a day is judged depends on its own weekday alone.
        history.prefetch(complete, before=REACH, step=7)
        judged = {day: judge_day(day, partial(_read_weekday, history, day), history.flags) for day in complete}
    short = tuple(day for day in complete if judged[day]["", ATTEMPTS] is None)
    courses = {
        course
        for day in judged.keys() - set(short)
        for (course, figure), found in judged[day].items()
        if figure == ATTEMPTS and found is None
    }
    return Unjudged(
        tuple(day for day, is_complete in known if not is_complete and day not in days_off),
        tuple(day for day, _ in known if day in days_off),
        short,
        tuple(sorted(courses)),
    )


def _read_weekday(history: _History, weekday: date, day: date) -> Figures | None:
    return history.read(day) if day.weekday() == weekday.weekday() else None
