"""The order in which windows are loaded: as they come, but the last ones longest first.

The API takes its time by the record. Were a window of the afternoon the last to be asked for, one connection would be
busy with it alone; those of a quiet night fill the gaps at the end.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import time, timedelta
from math import inf
from typing import Final

from schemas.period import Window
from tasks.grader_api import MAX_CONNECTIONS

LAST: Final = 4 * MAX_CONNECTIONS
"""So many windows at the end are put in another order: those of two days. Of a long range all others come as they are,
so that one that breaks off leaves whole days."""

Hours = tuple[time, timedelta]
"""The time of day in UTC at which a window begins, and its length: what lets one expect a number of records."""


def hours_of(window: Window) -> Hours:
    """When a window begins, whatever the day, and how long it is."""
    return window.start.timetz().replace(tzinfo=None), window.end - window.start


def order(windows: Sequence[Window], records: Mapping[Hours, float]) -> Iterator[Window]:
    """Puts the windows in the order in which they are to be loaded.

    Args:
        records: how many records to expect of a window of these hours; of any other one, the most. It may come to know
            more while the windows are taken.
    """
    in_order = max(0, len(windows) - LAST)
    yield from windows[:in_order]
    last = list(windows[in_order:])
    while last:
        longest = max(last, key=lambda window: records.get(hours_of(window), inf))
        last.remove(longest)
        yield longest
