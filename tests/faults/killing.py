"""Runs that are killed at a chosen message, and what they leave half-done: nothing."""

import signal
from collections.abc import Callable
from subprocess import Popen
from typing import Final

from tests.faults.gate import Moment, Trip
from tests.faults.gated import FIRST, LAST, Gated, Service
from tests.integration.loading import column, rows

STRAY: Final = """
    SELECT count(*) FROM attempts AS a WHERE NOT EXISTS (
        SELECT FROM loaded_windows WHERE window_start <= a.created_at AND a.created_at < window_end
    )
"""
UNEVEN: Final = """
    SELECT window_start FROM loaded_windows AS w WHERE new <> (
        SELECT count(*) FROM attempts WHERE created_at >= w.window_start AND created_at < w.window_end
    )
"""


def kill_at(
    gated: Gated,
    service: Service,
    number: int = 1,
    chosen: Callable[[str], bool] = lambda _: True,
    moment: Moment = "before",
) -> None:
    """Starts a run in a process of its own, and ends it with SIGKILL at that message; see `Trip`."""
    started: list[Popen[str]] = []

    def kill() -> None:
        started[0].kill()

    trip = Trip(kill, number, chosen, moment)
    gate = gated.gate(service)
    gate.trip = trip
    started.append(gated.pipeline.start(FIRST, LAST))
    output, _ = started[0].communicate(timeout=240)
    gate.trip = None
    assert trip.happened.is_set(), f"the run never came so far: {output}"
    assert started[0].returncode == -signal.SIGKILL


def assert_nothing_half_loaded(gated: Gated) -> None:
    """Every window is there as a whole, or not at all."""
    with gated.engine() as engine:
        if column(engine, "SELECT to_regclass('codegrader_schema')::text") == [None]:
            assert rows(engine, "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace") == []
            return
        assert column(engine, STRAY) == [0]
        assert column(engine, UNEVEN) == []
