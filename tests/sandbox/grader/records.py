"""Where the records come from that the sandbox answers with: a list, or made up for any day."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import cycle
from operator import itemgetter
from threading import Lock
from typing import Any, Protocol

from tests.sandbox.grader.university import University

CACHED_DAYS = 31
EVERY = 250
"""One record in so many is odd: 14 to 18 a day, each kind at least twice. Up to 5 % rejected are nothing that fails."""
SENT_TWICE = None
ODDITIES: tuple[Mapping[str, object] | None, ...] = (
    # Three are rejected, three warned of.
    {"lti_user_id": None},
    {"created_at": "0000-00-00 00:00:00"},
    {"attempt_type": "submit", "is_correct": 7},
    {"attempt_type": "run", "is_correct": 0},
    {"attempt_type": "submit", "is_correct": None},
    {"passback_params": "{'oauth_consumer_key': '', 'lis_result_sourcedid': 'course-v1:Sandb"},
    SENT_TWICE,
)

Timed = tuple[datetime, object]


class RecordSource(Protocol):
    """Anything that can say what was recorded in a window."""

    def between(self, start: datetime, end: datetime) -> Sequence[object]:
        """Give the records of a window, oldest first.

        Normally they are dictionaries in the shape of the API. They may be anything that `json.dumps` can write,
        so that a test can have the sandbox answer with what no record should be.

        Args:
            start: first moment of the window, UTC.
            end: last moment of the window, UTC; it belongs to the window.
        """
        ...


class RecordList:
    """Records given one by one, in any order and however odd.

    A record whose `created_at` cannot be read has the place of the readable one before it in the list, or of the
    first readable one where none stands before it; without any readable one, every window gets all the records.
    """

    def __init__(self, records: Iterable[object]) -> None:
        listed = list(records)
        times = [_created_at(record) for record in listed]
        place = next((time for time in times if time is not None), None)
        placed: list[Timed] = []
        for time, record in zip(times, listed, strict=True):
            place = time or place
            if place is not None:
                placed.append((place, record))
        self._placed = sorted(placed, key=itemgetter(0))
        self._timeless = listed if place is None else []

    def between(self, start: datetime, end: datetime) -> Sequence[object]:
        """Give the records of a window, both ends included, oldest first; those of one moment stay in order."""
        return self._timeless or _between(self._placed, start, end)


class SyntheticRecords:
    """The attempts at a fictitious university, written day by day as they are asked for.

    Like the real service, it knows nothing of the future.

    Args:
        now: tells the time, with a time zone; nothing later is answered.
        odd: have some odd records a day; without, there is nothing to reject or to warn of.
    """

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC), *, odd: bool = False) -> None:
        self._university = University()
        self._now = now
        self._odd = odd
        self._day = lru_cache(maxsize=CACHED_DAYS)(self._write_day)
        self._writing = Lock()

    def between(self, start: datetime, end: datetime) -> list[Any]:
        """Give the records of a window (UTC), both ends included, oldest first."""
        end = min(end, self._now().astimezone(UTC))
        found: list[Any] = []
        for number in range((end.date() - start.date()).days + 1):
            # Windows of one day are asked for together: the first writes the day, the others wait for it.
            with self._writing:
                day = self._day(start.date() + timedelta(days=number))
            found += _between(day, start, end)
        return found

    def _write_day(self, day: date) -> list[Timed]:
        oddities = cycle(ODDITIES)
        written: list[Timed] = []
        for number, (time, record) in enumerate(self._university.day(day), start=1):
            changes = next(oddities) if self._odd and number % EVERY == 0 else {}
            written += [(time, record)] * 2 if changes is SENT_TWICE else [(time, {**record, **changes})]
        return written


def _between(timed: Sequence[Timed], start: datetime, end: datetime) -> list[object]:
    first, behind = bisect_left(timed, start, key=itemgetter(0)), bisect_right(timed, end, key=itemgetter(0))
    return [record for _, record in timed[first:behind]]


def _created_at(record: object) -> datetime | None:
    text = record.get("created_at") if isinstance(record, dict) else None
    if not isinstance(text, str):
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time
