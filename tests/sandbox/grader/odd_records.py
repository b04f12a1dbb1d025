"""What is odd in a few records of a day: faults as an analyst meets them, so that there are some to look at."""

from collections.abc import Mapping
from itertools import cycle

from tests.sandbox.grader.synthetic_day import Day

EVERY = 250
"""One record in so many is odd: 14 to 18 a day, each kind at least twice. Up to 5 % rejected are nothing that fails."""
REJECTED: tuple[Mapping[str, object], ...] = (
    {"lti_user_id": None},
    {"created_at": "0000-00-00 00:00:00"},
    {"attempt_type": "submit", "is_correct": 7},
)
WARNED_OF: tuple[Mapping[str, object], ...] = (
    {"attempt_type": "run", "is_correct": 0},
    {"attempt_type": "submit", "is_correct": None},
    {"passback_params": "{'oauth_consumer_key': '', 'lis_result_sourcedid': 'course-v1:Sandb"},
)
SENT_TWICE = None


def with_odd_records(day: Day) -> Day:
    """Give the same day with some odd records, which take turns: three are rejected, three warned of, one sent twice.

    Args:
        day: the day without them.
    """
    oddities = cycle([*REJECTED, *WARNED_OF, SENT_TWICE])
    times, records = [], []
    for number, (time, record) in enumerate(zip(day.times, day.records, strict=True), start=1):
        written = [record]
        if number % EVERY == 0:
            changes = next(oddities)
            written = [record, record] if changes is SENT_TWICE else [{**record, **changes}]
        times += [time] * len(written)
        records += written
    return Day(times, records)
