"""The grader's API fails, once, for ever and at random, under the whole flow: nothing is lost but what never came."""

import random
import time
from datetime import timedelta
from pathlib import Path

import pytest

from tasks.retries import MAX_RETRY_AFTER_S
from tests.faults import fault, faults
from tests.faults.api_faults import FLEETING, HARMLESS, LASTING, LIMITS, UNREACHABLE
from tests.faults.days import DAY, STRUCK, WINDOWS, OneDay, lasting
from tests.fixtures.records import record, submit
from tests.integration.loading import rows
from tests.sandbox.certificates import PrivateAuthority
from tests.sandbox.grader import Fault, GraderSandbox, RecordList
from tests.sandbox.grader.faults import Status

MANY = 100_000
MOST_RUNS = 25
# Without those that take long or add to the records.
IN_THE_MIX = {
    what: make
    for what, make in [*FLEETING.items(), *LASTING.items(), *list(HARMLESS.items())[:2]]
    if what not in {*LIMITS, "a body of 300 MB", "a body without end"}
}


@pytest.fixture
def limits(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The client's limits as the fault wants them."""
    for name, value in LIMITS.get(request.getfixturevalue("what"), {}).items():
        monkeypatch.setattr(name, value)


@pytest.mark.stress
@pytest.mark.usefixtures("limits")
@pytest.mark.parametrize(
    "what",
    faults(
        "grader API",
        "once: asked again, and everything is loaded; again and again: given up after five times, the window alone is "
        "missing, and named, and the next run has it",
        list(FLEETING),
    ),
)
@pytest.mark.parametrize("times", [1, None], ids=["once", "again and again"])
def test_what_may_pass_is_asked_for_again(one_day: OneDay, what: str, times: int | None) -> None:
    happening = one_day.strike(FLEETING[what](), times)

    state = one_day.run()

    assert happening.struck == (times or 5)
    if times:
        assert state.is_completed(), state.message
        assert lasting(one_day.engine) == one_day.untouched
    else:
        one_day.assert_missing(state, STRUCK)
        one_day.assert_nothing_is_lost()


@pytest.mark.stress
@pytest.mark.parametrize(
    "what",
    faults("grader API", "not asked again; the window alone is missing, and named; the next run has it", list(LASTING)),
)
@pytest.mark.parametrize("times", [1, None], ids=["once", "for ever"])
def test_what_no_retry_mends_costs_its_window_alone(one_day: OneDay, what: str, times: int | None) -> None:
    happening = one_day.strike(LASTING[what](), times)

    one_day.assert_missing(one_day.run(), STRUCK)

    assert happening.struck == 1
    one_day.assert_nothing_is_lost()


@pytest.mark.stress
@pytest.mark.parametrize("what", faults("grader API", "read all the same; every good record is loaded", list(HARMLESS)))
def test_what_is_only_odd_costs_nothing(one_day: OneDay, what: str) -> None:
    happening = one_day.strike(HARMLESS[what](), times=None)

    state = one_day.run()

    assert state.is_completed(), state.message
    assert happening.struck == 1
    # The rejected records are kept as they came, and so with what was put into them.
    for table in ("attempts", "daily_metrics", "loaded_windows"):
        assert lasting(one_day.engine)[table] == one_day.untouched[table]


@pytest.mark.slow
@fault("grader API", "another fault in each window", "asked again where that helps; only the refused window is missing")
def test_each_window_fails_in_its_own_way(one_day: OneDay) -> None:
    fleeting = ("the connection is reset", "a body cut short, in chunks", "HTTP 502 with HTML")
    for window, what in zip(WINDOWS, (*fleeting, '`{"errors": …}` under 200'), strict=True):
        one_day.strike(IN_THE_MIX[what](), window=window)

    one_day.assert_missing(one_day.run(), WINDOWS[3])

    one_day.strike(HARMLESS["JSON over many lines, not in ASCII"](), window=WINDOWS[3])
    assert one_day.run().is_completed()
    assert lasting(one_day.engine) == one_day.untouched


@fault(
    "grader API",
    "all faults, mixed at random, run after run",
    "when a run completes, the tables are an untouched run's",
)
@pytest.mark.stress
@pytest.mark.parametrize("hours", [1, 6])
@pytest.mark.parametrize("seed", range(1, 12))
def test_a_random_mix_loses_nothing(one_day: OneDay, seed: int, hours: int) -> None:
    assert one_day.run(window_hours=hours).is_completed()
    untouched = lasting(one_day.engine)
    one_day.forget()
    mix = random.Random(seed).sample(sorted(IN_THE_MIX), len(IN_THE_MIX))
    mix_of = [Fault(IN_THE_MIX[what](), times=None, probability=0.02, seed=f"{seed} {what}") for what in mix]
    one_day.grader.faults += mix_of

    runs = 0
    while not (state := one_day.run(window_hours=hours)).is_completed():
        runs += 1
        assert "missing: " in str(state.message)
        assert runs < MOST_RUNS, "it never completes"

    assert sum(one.struck for one in mix_of) >= 1
    assert lasting(one_day.engine) == untouched


# --- nobody there, or somebody else


@pytest.mark.stress
@pytest.mark.parametrize(
    "is_there",
    faults(
        "grader API",
        "given up; every window is missing, and named; the next run has all",
        {"nobody listens, for ever": [False], "an expired certificate, under a whole run": [True]},
    ),
)
def test_without_the_service_everything_is_missing_until_it_is_back(
    one_day: OneDay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_there: bool
) -> None:
    authority = PrivateAuthority(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.ca_file))
    with GraderSandbox([], certificate=authority.issue(expired=True)) as grader:
        with one_day.asking(grader.url if is_there else UNREACHABLE):
            one_day.assert_missing(one_day.run(), *WINDOWS)
        assert grader.requests == []

    one_day.assert_nothing_is_lost()


# --- extreme sizes and waits, with the real limits


@pytest.mark.stress
@fault("grader API", "100,000 records in one window", "all are loaded, once")
def test_a_hundred_thousand_records_are_one_window(one_day: OneDay) -> None:
    moments = [STRUCK.replace(tzinfo=None) + timedelta(milliseconds=200 * number) for number in range(MANY)]
    one_day.grader.replace_records(
        RecordList(
            [
                (submit if number % 10 == 0 else record)(lti_user_id=f"{number % 500:032x}", created_at=str(moment))
                for number, moment in enumerate(moments)
            ]
        )
    )

    for new in (MANY, 0):
        assert one_day.run(refresh=True).is_completed()
        query = "SELECT fetched, new FROM loaded_windows WHERE window_start = :start"
        assert rows(one_day.engine, query, start=STRUCK) == [(MANY, new)]

    query = "SELECT attempts, successful_attempts, unique_users FROM daily_metrics WHERE day = :day"
    assert rows(one_day.engine, query, day=DAY) == [(MANY, MANY // 10, 500)]


@pytest.mark.stress
@fault("grader API", "Retry-After of an hour, with the real limit", "waits two minutes, then asks again")
def test_an_hour_is_not_waited_for(one_day: OneDay) -> None:
    happening = one_day.strike(Status(429, headers={"Retry-After": "3600"}))
    started = time.monotonic()

    state = one_day.run()

    assert state.is_completed(), state.message
    assert happening.struck == 1
    assert MAX_RETRY_AFTER_S <= time.monotonic() - started < 2 * MAX_RETRY_AFTER_S
    assert lasting(one_day.engine) == one_day.untouched
