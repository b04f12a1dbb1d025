"""Taking turns: what is compared is run alternately, so that a busy moment of the machine strikes all alike."""

import gc
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import Final, NamedTuple

from tests.fixtures.prefect_server import ROOT


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


class Taken(NamedTuple):
    """What a process took: seconds by the clock, and the largest resident size in MiB."""

    seconds: float
    peak_mib: float


# A process of its own starts it: a process's largest size counts from that of the one that it was forked from.
_LAUNCHER: Final = """
import resource, subprocess, sys, time
started = time.perf_counter()
subprocess.run([sys.executable, *sys.argv[1:]], stderr=subprocess.STDOUT, check=True)
print(time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)
"""


def run(arguments: Sequence[str], environment: Mapping[str, str]) -> Taken:
    """Runs Python with these arguments, to its end.

    Raises:
        RuntimeError: it failed; the message is its output.
    """
    command = [sys.executable, "-c", _LAUNCHER, *arguments]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | environment, text=True, capture_output=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{arguments} failed: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    seconds, peak = done.stdout.splitlines()[-1].split()
    return Taken(float(seconds), float(peak))
