"""The Google Sheet: every refusal is one line, no figure that stood there is lost, and the next run makes it whole."""

from dataclasses import dataclass

import pytest

from tasks.errors import CodegraderError, PermanentError, TransientError
from tasks.sheet import TAB, publish_sheet
from tests.faults import fault
from tests.faults.published_sheet import PublishedSheet, row_of
from tests.fixtures.pipelines import Pipelines
from tests.sandbox.grader import RecordList
from tests.sandbox.sheets import ConnectionLost, QuotaUsedUp, SheetsFault, SheetsSandbox
from tests.sandbox.world import SPREADSHEET_ID
from tests.summaries import sheet_days

SWITCHED_OFF = (
    "Google Sheets API has not been used in project 105104105106 before or it is disabled (SERVICE_DISABLED). "
    "Enable it by visiting https://console.developers.google.com then retry."
)
OLD, NEW = sheet_days(5), sheet_days(6, attempts=900)


def refused(status: int, promise: str) -> pytest.MarkDecorator:
    return fault("Google Sheet", f"Google answers {status}", promise)


AGAIN = "tried again, up to five times; else one line, the sheet as it was, and whole at the next run"
NEVER_AGAIN = "one line that says what to do, not tried again; the sheet as it was, and whole at the next run"


@pytest.mark.parametrize(
    ("status", "kind", "told"),
    [
        pytest.param(400, PermanentError, "Google answered 400", marks=refused(400, NEVER_AGAIN)),
        pytest.param(401, PermanentError, "Google answered 401", marks=refused(401, NEVER_AGAIN)),
        pytest.param(403, PermanentError, "share it with that address as editor", marks=refused(403, NEVER_AGAIN)),
        pytest.param(404, PermanentError, "check SPREADSHEET_ID", marks=refused(404, NEVER_AGAIN)),
        pytest.param(408, TransientError, "Google answered 408", marks=refused(408, AGAIN)),
        pytest.param(429, TransientError, "Quota exceeded", marks=refused(429, AGAIN)),
        pytest.param(500, TransientError, "Google answered 500", marks=refused(500, AGAIN)),
        pytest.param(502, TransientError, "Google answered 502", marks=refused(502, AGAIN)),
        pytest.param(503, TransientError, "Google answered 503", marks=refused(503, AGAIN)),
    ],
)
def test_a_refusal_changes_nothing(sheet: PublishedSheet, status: int, kind: type[CodegraderError], told: str) -> None:
    sheet.publish(OLD)
    sheet.sandbox.faults.append(SheetsFault(status=status, times=None, path_contains=sheet.id))

    error = sheet.refuse(NEW)

    assert isinstance(error, kind)
    assert told in str(error)
    assert sheet.holds(OLD)
    sheet.sandbox.faults.clear()
    sheet.publish(NEW)
    assert sheet.holds(NEW)


@fault("Google Sheet", "the Sheets API is switched off in the account's project", "one line that says so")
def test_a_service_that_is_switched_off_is_not_taken_for_a_missing_right(sheet: PublishedSheet) -> None:
    sheet.sandbox.faults.append(SheetsFault(status=403, message=SWITCHED_OFF, times=None, path_contains=sheet.id))

    error = sheet.refuse(OLD)

    assert isinstance(error, PermanentError)
    assert "the Google Sheets API is off in the project of" in str(error)
    assert "share it" not in str(error)


@fault("Google Sheet", "Google gives no token for now (503)", "tried again; the key is not blamed")
def test_a_token_office_that_is_down_may_pass(sheet: PublishedSheet) -> None:
    sheet.sandbox.faults.append(SheetsFault(status=503, times=None, path_contains="/token"))

    assert isinstance(sheet.refuse(OLD), TransientError)


@fault("Google Sheet", "the tokens are revoked between two requests", "one line; whole at the next run")
def test_a_token_that_ends_half_way(sheet: PublishedSheet) -> None:
    sheet.publish(OLD)

    @dataclass
    class Revoke(SheetsFault):
        """Refuses nothing, but ends all tokens before the values are written."""

        def fits(self, method: str, path: str) -> bool:  # noqa: ARG002
            if method == "PUT":
                sheet.sandbox.revoke_tokens()
            return False

    sheet.sandbox.faults.append(Revoke())
    assert "Google answered 401" in str(sheet.refuse(NEW))
    sheet.sandbox.faults.clear()
    sheet.publish(NEW)
    assert sheet.holds(NEW)


# ------------------------------------------------------------------------------------------------ in the middle of it


@fault("Google Sheet", "any request of a publication fails: 500 before it was done", AGAIN)
@fault("Google Sheet", "any request of a publication fails: 500 after it was done", AGAIN)
@fault("Google Sheet", "any request of a publication fails: the connection is lost before it was done", AGAIN)
@fault("Google Sheet", "any request of a publication fails: the connection is lost after it was done", AGAIN)
@pytest.mark.parametrize("after_effect", [False, True])
@pytest.mark.parametrize("kind", [SheetsFault, ConnectionLost])
@pytest.mark.parametrize("before", [pytest.param(0, marks=pytest.mark.stress), 7])
def test_half_a_publication(
    sandbox: SheetsSandbox, kind: type[SheetsFault], before: int, *, after_effect: bool
) -> None:
    """One sheet for each request of a publication, in which that one fails."""
    old, new = sheet_days(before), sheet_days(6, attempts=900)
    for place in range(50):
        sandbox.faults.clear()
        sheet = PublishedSheet(sandbox)
        sheet.publish(old)
        sandbox.faults.append(kind(spare=place, path_contains=sheet.id, after_effect=after_effect))
        try:
            sheet.publish(new)
        except TransientError:
            shown = sheet.cells() if old else []
            assert all(row_of(was) in shown or row_of(now) in shown for was, now in zip(old, new, strict=False))
        else:
            assert place >= 7, "it did without most of its requests"
            break
        sheet.publish(new)
        assert sheet.holds(new)
    assert sheet.holds(new)


@fault("Google Sheet", "429 until the minute of the quota is over", "tried again for longer than a minute, then whole")
def test_the_quota_minute_passes(sheet: PublishedSheet) -> None:
    now = 0.0
    sheet.publish(OLD)
    sheet.sandbox.faults.append(QuotaUsedUp(until=75, clock=lambda: now, path_contains=sheet.id))
    waits, jitter = publish_sheet.retry_delay_seconds, publish_sheet.retry_jitter_factor or 0
    assert isinstance(waits, list)
    for wait in waits:
        if now < 75:
            assert isinstance(sheet.refuse(NEW), TransientError)
            assert sheet.holds(OLD)
        # As short as it can be.
        now += wait * (1 - jitter)

    sheet.publish(NEW)

    assert sheet.holds(NEW)


@pytest.mark.stress
@fault("Google Sheet", "a whole run meets a quota that is used up, for a true minute", "it waits, and succeeds")
def test_a_run_outlasts_the_quota_minute(pipelines: Pipelines) -> None:
    import time

    pipeline = pipelines.make(RecordList([]))
    pipeline.world.sheets.faults.append(QuotaUsedUp(until=time.monotonic() + 75, path_contains=SPREADSHEET_ID))

    state = pipeline.run("2023-04-01", "2023-04-01")

    assert state.is_completed(), state.message
    assert len(pipeline.world.sheets.cells(SPREADSHEET_ID, TAB)) == 2
