"""The grader's API fails, once, for ever and at random, under the whole flow: nothing is lost but what never came."""

import pytest

from tasks import grader_api, retries
from tests.faults.api_faults import FLEETING, HARMLESS, LASTING, ApiFault, marked
from tests.faults.one_day import STRUCK, WINDOWS, OneDay, one_day, one_day_of_all_tests

__all__ = ["one_day", "one_day_of_all_tests"]

pytestmark = pytest.mark.stress


@pytest.fixture
def limits(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The client's limits as the fault wants them."""
    trouble: ApiFault = request.getfixturevalue("trouble")
    for name, value in trouble.limits.items():
        monkeypatch.setattr(retries if name == "MAX_RETRY_AFTER_S" else grader_api, name, value)


def assert_missing_alone(one_day: OneDay, message: object, complaint: str) -> None:
    """The window that was struck is missing, and said to be; the others are loaded."""
    assert one_day.loaded_windows() == [window for window in WINDOWS if window != STRUCK]
    assert complaint in str(message)
    assert f"missing: 1 windows from {STRUCK:%Y-%m-%d %H:%M} UTC" in str(message)
    assert "\n" not in str(message)
    assert one_day.grader.client_key not in f"{message}{one_day.pipeline.log()}"


def assert_nothing_is_lost(one_day: OneDay) -> None:
    """The next run, with nothing going wrong, completes the tables."""
    one_day.grader.faults.clear()
    assert one_day.run().is_completed()
    assert one_day.tables() == one_day.untouched


@pytest.mark.usefixtures("limits")
@pytest.mark.parametrize("trouble", marked(FLEETING, "asked again; everything is loaded", ", once"))
def test_what_passes_is_asked_for_again(one_day: OneDay, trouble: ApiFault) -> None:
    happening = one_day.strike(trouble.make(), times=1)

    state = one_day.run()

    assert state.is_completed(), state.message
    assert happening.struck == 1
    assert one_day.tables() == one_day.untouched


@pytest.mark.usefixtures("limits")
@pytest.mark.parametrize(
    "trouble",
    marked(FLEETING, "given up after five times; the window alone is missing, and named", ", again and again"),
)
def test_what_does_not_pass_costs_its_window_alone(one_day: OneDay, trouble: ApiFault) -> None:
    happening = one_day.strike(trouble.make(), times=None)

    state = one_day.run()

    assert state.is_failed()
    assert happening.struck == 5
    assert_missing_alone(one_day, state.message, trouble.complaint)
    assert_nothing_is_lost(one_day)


@pytest.mark.parametrize(
    "trouble", marked(LASTING, "not asked again; the window alone is missing, and named; the next run has it")
)
@pytest.mark.parametrize("times", [1, None], ids=["once", "for ever"])
def test_what_no_retry_mends_costs_its_window_alone(one_day: OneDay, trouble: ApiFault, times: int | None) -> None:
    happening = one_day.strike(trouble.make(), times)

    state = one_day.run()

    assert state.is_failed()
    assert happening.struck == 1
    assert_missing_alone(one_day, state.message, trouble.complaint)
    assert_nothing_is_lost(one_day)


@pytest.mark.parametrize("trouble", marked(HARMLESS, "read all the same; every good record is loaded"))
def test_what_is_only_odd_costs_nothing(one_day: OneDay, trouble: ApiFault) -> None:
    happening = one_day.strike(trouble.make(), times=None)

    state = one_day.run()

    assert state.is_completed(), state.message
    assert happening.struck == 1
    for table in ("attempts", "daily_metrics", "loaded_windows"):
        assert one_day.tables()[table] == one_day.untouched[table]
