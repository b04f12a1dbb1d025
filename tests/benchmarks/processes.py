"""Whole processes: how long they take, and how much memory at most."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tests.e2e.prefect_server import ROOT


class Taken(NamedTuple):
    """What a process took: seconds by the clock, and the largest resident size in MiB."""

    seconds: float
    peak_mib: float


def run(arguments: Sequence[str], environment: Mapping[str, str]) -> Taken:
    """Runs Python with these arguments, to its end.

    Raises:
        RuntimeError: it failed; the message is its output.
    """
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert process.stdout is not None
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stdout.close()
    if process.returncode:
        raise RuntimeError(f"{arguments} ended with {process.returncode}: {output.decode()[-2000:]}")
    return Taken(time.perf_counter() - started, usage.ru_maxrss / 1024)
