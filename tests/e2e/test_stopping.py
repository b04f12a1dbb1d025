"""What is told to end does so within seconds, also where it hangs."""

import signal
import subprocess
import sys
import time

import pytest

from flows.running.stopping import ENDED_WITHIN_S
from tests.faults import fault
from tests.fixtures.prefect_server import ROOT

pytestmark = pytest.mark.slow

STOPPED = "Stopped. What is loaded stays; give the same command again to go on."
AT_MOST_S = 5


HANGING = """
import time
from flows.running.stopping import stoppable
with stoppable(lambda: time.sleep(60)):
    print("ready", flush=True)
    time.sleep(60)
"""


@fault("killed processes", "Ctrl-C while nothing answers any more", "it ends within 5 s; a second one ends it at once")
@pytest.mark.parametrize(("times", "seconds"), [(1, AT_MOST_S), (2, ENDED_WITHIN_S / 2)])
def test_what_hangs_ends_within_seconds_and_at_once_if_told_twice(times: int, seconds: float) -> None:
    with subprocess.Popen([sys.executable, "-c", HANGING], cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        began = time.monotonic()
        while process.poll() is None and time.monotonic() - began < AT_MOST_S:
            if times:
                process.send_signal(signal.SIGINT)
                times -= 1
            time.sleep(0.2)
        assert process.wait(60) == 130
        assert time.monotonic() - began < seconds
