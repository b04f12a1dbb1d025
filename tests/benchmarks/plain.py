"""The product as it would be without any learning figures.

As a process it is the daily flow's command: `python -m tests.benchmarks.plain with --start-date …`, or `without` them.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from unittest.mock import patch

from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

import tasks.figures
from flows import etl
from flows.running import publishing
from tasks.analyses.checks import analyse_checks
from tasks.analyses.days import analyse_days
from tasks.analyses.hours import analyse_hours
from tasks.analyses.records import analyse_records
from tasks.analyses.term import analyse_term


@contextmanager
def without_learning() -> Iterator[None]:
    """Nothing is rolled up or judged, no titles are read, and only attempts, records and checks are told of."""
    plain = (analyse_days, analyse_term, analyse_hours, analyse_records, analyse_checks)
    with (
        patch.object(tasks.figures, "roll_up", lambda *_: None),
        patch.object(tasks.figures, "judge_days", lambda *_: None),
        patch.object(publishing, "ANALYSES", plain),
        patch.object(publishing, "_refresh_titles", lambda _: None),
    ):
        yield


if __name__ == "__main__":
    way = without_learning() if sys.argv[1] == "without" else nullcontext()
    # A run waits for the thread of its heartbeats, to the next full second, and so hides what is less.
    with way, temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
        code = etl.main(sys.argv[2:])
    sys.exit(code)
