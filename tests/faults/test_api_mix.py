"""All that can go wrong with the grader's API, in one run and at random: what comes of it is as if nothing had."""

import random
from collections.abc import Iterator

import pytest

from tests.faults import fault
from tests.faults.api_faults import FLEETING, HARMLESS, LASTING, ApiFault
from tests.faults.one_day import WINDOWS, OneDay, one_day, one_day_of_all_tests
from tests.sandbox.grader import Fault

__all__ = ["one_day", "one_day_of_all_tests"]

# Without those that take long or add to the records; they have tests of their own.
LONG = {"a compressed bomb", "a body of 300 MB", "a body without end"}
QUICK = [trouble for trouble in (*FLEETING, *LASTING) if not trouble.limits and trouble.what not in LONG]
DRESSES = HARMLESS[:5]
MOST_RUNS = 25


def strike_all_windows(one_day: OneDay, *troubles: ApiFault | None) -> None:
    """Lets one thing happen to each window, once."""
    for window, trouble in zip(WINDOWS, troubles, strict=True):
        if trouble is not None:
            one_day.grader.faults.append(Fault(trouble.make(), when=window.__eq__))


def named(what: str) -> ApiFault:
    (trouble,) = [one for one in (*FLEETING, *LASTING, *HARMLESS) if one.what == what]
    return trouble


@pytest.mark.slow
@fault("grader API", "another fault in each window", "asked again where that helps; only the refused window is missing")
def test_each_window_fails_in_its_own_way(one_day: OneDay) -> None:
    fleeting = [
        named(what) for what in ("the connection is reset", "a body cut short, in chunks", "HTTP 502 with HTML")
    ]
    strike_all_windows(one_day, *fleeting, named('`{"errors": …}` under 200'))

    state = one_day.run()

    assert state.is_failed()
    assert "it refused: out of order (missing: 1 windows from 2023-05-31 18:00 UTC)" in str(state.message)
    assert one_day.loaded_windows() == list(WINDOWS[:3])
    strike_all_windows(one_day, None, None, None, named("gzip in several parts, with padding"))
    state = one_day.run()
    assert state.is_completed(), state.message
    assert one_day.tables() == one_day.untouched


def at_random(seed: int, probability: float) -> Iterator[Fault]:
    """Every fault again and again, in an order of its own."""
    troubles = random.Random(seed).sample([*QUICK, *DRESSES], len(QUICK) + len(DRESSES))
    for trouble in troubles:
        yield Fault(trouble.make(), times=None, probability=probability, seed=f"{seed} {trouble.what}")


@fault(
    "grader API",
    "all faults, mixed at random, run after run",
    "when a run completes, the tables are an untouched run's",
)
@pytest.mark.parametrize(
    ("seed", "hours"),
    [
        pytest.param(1, 6, marks=pytest.mark.slow),
        *(pytest.param(seed, hours, marks=pytest.mark.stress) for seed in range(2, 12) for hours in (1, 6)),
    ],
)
def test_a_random_mix_loses_nothing(one_day: OneDay, seed: int, hours: int) -> None:
    assert one_day.run(window_hours=hours).is_completed()
    untouched = one_day.tables()
    one_day.forget()
    faults = list(at_random(seed, probability=0.02))
    one_day.grader.faults += faults

    runs = 0
    while not (state := one_day.run(window_hours=hours)).is_completed():
        runs += 1
        assert "missing: " in str(state.message)
        assert runs < MOST_RUNS, "it never completes"

    assert sum(one.struck for one in faults) >= 1
    assert one_day.tables() == untouched
