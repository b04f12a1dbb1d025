"""Whole processes: how long they take, and how much memory at most."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from tests.fixtures.prefect_server import ROOT


class Taken(NamedTuple):
    """What a process took: seconds by the clock, and the largest resident size in MiB."""

    seconds: float
    peak_mib: float


# A process of its own starts it: a process's largest size counts from that of the one that it was forked from.
_LAUNCHER: Final = """
import resource, subprocess, sys, time
started = time.perf_counter()
code = subprocess.call([sys.executable, *sys.argv[1:]], stderr=subprocess.STDOUT)
seconds = time.perf_counter() - started
print(code, seconds, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)
"""


def run(arguments: Sequence[str], environment: Mapping[str, str]) -> Taken:
    """Runs Python with these arguments, to its end.

    Raises:
        RuntimeError: it failed; the message is its output.
    """
    launched = subprocess.run(
        [sys.executable, "-c", _LAUNCHER, *arguments],
        cwd=ROOT,
        env=os.environ | environment,
        text=True,
        capture_output=True,
        check=True,
    )
    code, seconds, peak = launched.stdout.splitlines()[-1].split()
    if code != "0":
        raise RuntimeError(f"{arguments} ended with {code}: {launched.stdout[-2000:]}")
    return Taken(float(seconds), float(peak))
