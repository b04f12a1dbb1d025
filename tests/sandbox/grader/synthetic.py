"""Made-up records for any day: always the same ones for the same day and seed, on every machine and Python.

Only `Random.random` and `Random.getrandbits` are used, and only plain arithmetic on what they give: the other methods
of `Random`, `sum` of floats and the functions of `math` may differ between versions of Python.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from threading import Lock

from tests.sandbox.grader.odd_records import with_odd_records
from tests.sandbox.grader.synthetic_day import Day, write_day
from tests.sandbox.grader.university import University

CACHED_DAYS = 31


class SyntheticRecords:
    """The attempts at a fictitious university, written day by day as they are asked for.

    Like the real service, it knows nothing of the future.

    Args:
        seed: names the university: another seed gives other students, tasks and attempts.
        now: tells the time, with a time zone; nothing later is answered.
        odd: have some odd records a day; without, there is nothing to reject or to warn of.
    """

    def __init__(
        self,
        seed: str = "sandbox",
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        *,
        odd: bool = False,
    ) -> None:
        self._university = University(seed)
        self._now = now
        self._odd = odd
        self._write = lru_cache(maxsize=CACHED_DAYS)(self._write_day)
        self._writing = Lock()

    def between(self, start: datetime, end: datetime) -> Sequence[object]:
        """Give the records of a window (UTC), both ends included, oldest first."""
        end = min(end, self._now().astimezone(UTC))
        days = max(0, (end.date() - start.date()).days + 1)
        found: list[object] = []
        for number in range(days):
            day = self._day(start.date() + timedelta(days=number))
            found += day.records[bisect_left(day.times, start) : bisect_right(day.times, end)]
        return found

    def _write_day(self, day: date) -> Day:
        written = write_day(self._university, day)
        return with_odd_records(written) if self._odd else written

    def _day(self, day: date) -> Day:
        # Windows of one day are asked for together: the first writes the day, the others wait for it.
        with self._writing:
            return self._write(day)
