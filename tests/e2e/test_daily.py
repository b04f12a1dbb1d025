"""The daily run: its day, the days before it that may still change, and what an outage left out."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from flows import etl
from tasks.analyses.checks import CHECKS
from tasks.heartbeat import heartbeat
from tasks.sheet import TAB
from tasks.titles import TITLES_TAB
from tests.fixtures.pipelines import Pipeline, Pipelines
from tests.integration.test_heartbeat import dripping, switch
from tests.sandbox.grader import Fault, RecordList
from tests.sandbox.grader.faults import Body
from tests.sandbox.sheets.client import open_client
from tests.sandbox.world import SPREADSHEET_ID

pytestmark = pytest.mark.slow

COURSE = "course-v1:SandboxU+PY-101+2023"
TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def day(before_today: int) -> str:
    return (TODAY - timedelta(days=before_today)).date().isoformat()


def record(before_today: int, hour: int) -> dict[str, Any]:
    return {
        "lti_user_id": f"{before_today:016x}{hour:016x}",
        "passback_params": f"{{'lis_result_sourcedid': '{COURSE}:lms.example-abc:u'}}",
        "is_correct": hour % 2,
        "attempt_type": "submit",
        "created_at": f"{day(before_today)} {hour:02}:30:00.000000",
    }


@pytest.fixture
def records() -> list[dict[str, Any]]:
    return [record(before_today, hour) for before_today in range(8) for hour in (1, 8, 15)]


@pytest.fixture
def pipeline(pipelines: Pipelines, records: list[dict[str, Any]]) -> Pipeline:
    return pipelines.make(RecordList(records))


def complete_days(pipeline: Pipeline) -> list[str]:
    return [row[0] for row in pipeline.rows("SELECT day::text FROM daily_metrics WHERE complete ORDER BY day")]


def test_an_outage_of_three_days_is_healed_by_one_run(pipeline: Pipeline) -> None:
    assert pipeline.run(day(7), day(7), publish=False).is_completed()

    assert pipeline.run(heal_days=4, publish=False).is_completed()
    # Nothing before the healed days is a gap.
    assert complete_days(pipeline) == [day(before) for before in (7, 5, 4, 3, 2, 1)]
    state = pipeline.run()

    assert state.is_completed(), state.message
    assert complete_days(pipeline) == [day(before) for before in range(7, 0, -1)]
    for gap in (f"{day(5)}, {day(4)}, {day(3)}", day(6)):
        assert f"gap fill: {gap} were" in pipeline.log()
    assert pipeline.rows("SELECT sum(attempts) FROM daily_metrics") == [(21,)]


def test_the_first_run_does_two_days_and_the_next_finds_a_record_that_came_late(
    pipeline: Pipeline, records: list[dict[str, Any]]
) -> None:
    assert pipeline.run(publish=False).is_completed()
    assert complete_days(pipeline) == [day(2), day(1)]
    asked = len(pipeline.world.grader.requests)
    records += [record(2, 20), record(1, 2)]
    pipeline.world.grader.replace_records(records)

    state = pipeline.run()

    assert state.is_completed(), state.message
    # The day before yesterday is asked for again; yesterday's answers are cached, once they are an hour old.
    settled = datetime.now(UTC) - timedelta(hours=1 + 6)
    again = [request.start for request in pipeline.world.grader.requests[asked:] if request.start]
    assert {start.date().isoformat() for start in again if start < settled} == {day(2)}
    assert pipeline.rows("SELECT attempts FROM daily_metrics ORDER BY day") == [(4,), (3,)]


def test_the_dead_mans_switch_is_called_after_a_good_daily_run_and_only_then_and_costs_no_run(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    with switch(200) as (url, calls):
        pipeline.set_up(HEARTBEAT_URL=url)
        assert pipeline.run(day(1), day(1), publish=False).is_completed()
        pipeline.world.grader.faults.append(Fault(Body(b'{"errors": "out of order"}'), times=None))
        assert pipeline.run(publish=False, refresh=True).is_failed()
        assert calls == []
        pipeline.world.grader.faults.clear()
        assert pipeline.run(publish=False).is_completed()
        assert calls == ["/ping/secret-key"]

    assert heartbeat.timeout_seconds == 10
    monkeypatch.setattr(etl, "heartbeat", heartbeat.with_options(timeout_seconds=0.5))
    with dripping() as url:
        pipeline.set_up(HEARTBEAT_URL=url)
        state = pipeline.run(publish=False)
    assert state.is_completed(), state.message
    assert "the dead-man's switch could not be called" in pipeline.log()
    assert "secret-key" not in pipeline.log()


def test_a_run_without_mail_or_without_sheet_does_the_rest_and_as_a_part_of_another_only_loads(
    pipeline: Pipeline,
) -> None:
    assert pipeline.run(day(1), day(1), publish=False).is_completed()
    assert not pipeline.world.smtp.messages
    assert not pipeline.world.sheets.requests
    assert not (pipeline.home / "reports").exists()
    assert complete_days(pipeline) == [day(1)]

    assert pipeline.run(day(1), day(1), mail=False).is_completed()
    assert pipeline.world.smtp.messages == []
    assert pipeline.world.sheets.requests != []
    written = len(pipeline.world.sheets.requests)

    assert pipeline.run(day(1), day(1), sheet=False).is_completed()
    assert len(pipeline.world.smtp.messages) == 1
    assert len(pipeline.world.sheets.requests) == written


def test_a_run_leaves_its_summary_with_the_titles_that_an_author_gives_in_the_sheet(pipeline: Pipeline) -> None:
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId
    from prefect.client.schemas.sorting import ArtifactSort

    sheets = pipeline.world.sheets
    book = open_client(sheets.service_account_info(), sheets.url).open_by_key(SPREADSHEET_ID)
    titles = [
        ["Title", "course", "task"],
        ["Циклы", COURSE, "abc"],
        ["Of no course", "", "abd"],
        ["Later", COURSE, "x"],
    ]
    book.add_worksheet(TITLES_TAB, 10, 3).update(titles, "A1")

    state = pipeline.run(day(2), day(1))

    run_id = state.state_details.flow_run_id
    assert run_id is not None
    wanted = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[run_id]))
    with get_client(sync_client=True) as client:
        found = client.read_artifacts(artifact_filter=wanted, sort=ArtifactSort.ID_DESC, limit=50, offset=0)
    artifacts = {artifact.key: artifact for artifact in found}
    assert set(artifacts) == {"codegrader-summary", "codegrader-progress"}
    assert artifacts["codegrader-progress"].data == 100
    told = str(artifacts["codegrader-summary"].data).replace("\\", "")
    assert f"| {day(1)}, " in told
    assert str(pipeline.home / "reports" / f"{day(2)}_{day(1)}.html") in told
    assert CHECKS["allowed verdicts"].ru in told
    assert f"![Графики по дням за {day(2)} – {day(1)}" in told
    (mail,) = pipeline.world.smtp.messages
    assert f"Письмо «{mail['Subject']}» отправлено, адресов: {len(mail['To'].addresses)}" in told
    assert f"| Циклы [↗](https://lms.example/courses/{COURSE}/jump_to_id/abc) |" in told
    assert "tab Tasks, line 3: course or task is missing" in pipeline.log()
    # The figures stand beside the author's rows, and tasks that are not among them below.
    shown = sheets.cells(SPREADSHEET_ID, TITLES_TAB)
    assert [row[:3] for row in shown[: len(titles)]] == titles
    assert len(shown[0]) > len(titles[0])
    assert [tab.title for tab in book.worksheets()][1:] == [TITLES_TAB, TAB, "Days", "Courses", "Checks"]
