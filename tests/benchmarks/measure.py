"""Taking turns: what is compared is run alternately, so that a busy moment of the machine strikes all alike."""

import gc
import time
from collections.abc import Callable, Mapping
from statistics import median
from typing import NamedTuple


class Ratio(NamedTuple):
    """One line of the table.

    Attributes:
        what: what is compared with what.
        value: the ratio.
        limit: what it must be, such as `at most 1.5`.
        reached: whether it is.
        details: the figures behind it.
    """

    what: str
    value: float
    limit: str
    reached: bool
    details: str


def at_most(what: str, value: float, limit: float, details: str) -> Ratio:
    """A ratio that must not be larger than the limit."""
    return Ratio(what, value, f"at most {limit:g}", value <= limit, details)


def at_least(what: str, value: float, limit: float, details: str) -> Ratio:
    """A ratio that must not be smaller than the limit."""
    return Ratio(what, value, f"at least {limit:g}", value >= limit, details)


def alternate(
    ways: Mapping[str, Callable[[], object]], rounds: int, before: Callable[[str], object] = lambda _: None
) -> dict[str, float]:
    """Runs each way once to warm it up, then all of them in turn.

    Args:
        before: what is done before each run of the way it is given, such as emptying tables; its time does not count.

    Returns:
        The median seconds of each.
    """
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name, way in ways.items():
            before(name)
            gc.collect()
            started = time.perf_counter()
            way()
            if number:
                seconds[name].append(time.perf_counter() - started)
    return {name: median(taken) for name, taken in seconds.items()}
