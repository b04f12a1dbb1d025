"""What goes wrong outside is told in one line, costs nothing that is loaded, and stops no other stage."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from flows.running.failure import tell_of
from schemas.wording import NOTICE, NOTICE_UNKNOWN
from tasks.analyses.checks import CHECKS
from tests.faults import fault
from tests.fixtures.histories import generated_history
from tests.fixtures.pipelines import Pipeline, Pipelines
from tests.fixtures.records import STUDENT, submit
from tests.fixtures.server_objects import Server
from tests.sandbox.grader import Fault, RecordList
from tests.sandbox.grader.faults import Body
from tests.sandbox.sheets import SheetsFault
from tests.sandbox.world import READER, SPREADSHEET_ID

pytestmark = pytest.mark.slow

FIRST, LAST = "2023-03-14", "2023-03-15"
DAYS = generated_history().days


@pytest.fixture
def pipeline(pipelines: Pipelines) -> Pipeline:
    return pipelines.make(generated_history().source)


def subject(pipeline: Pipeline) -> str:
    (mail,) = pipeline.world.smtp.messages
    return str(mail["Subject"])


def assert_told_in_one_line(pipeline: Pipeline, message: object) -> None:
    """The message is a single line, the log has no traceback, and neither shows a secret."""
    environment = pipeline.world.environment()
    assert message
    assert "\n" not in str(message)
    everything = f"{message}\n{pipeline.log()}"
    assert "Traceback" not in everything
    for name in ("GRADER_CLIENT_KEY", "SMTP_PASSWORD"):
        assert environment[name] not in everything


@fault(
    "grader API",
    "one window is refused, under a whole run with mail and sheet",
    "the others load; the day is incomplete; the mail says so; the next run asks for that window alone",
)
def test_a_window_that_fails_fails_alone(pipeline: Pipeline) -> None:
    missing = datetime(2023, 3, 15, 6, tzinfo=UTC)
    pipeline.world.grader.faults.append(Fault(Body(b'{"errors": "out of order"}'), times=None, when=missing.__eq__))

    state = pipeline.run(FIRST, LAST)

    assert state.is_failed()
    assert "out of order" in str(state.message)
    assert "2023-03-15 06:00" in str(state.message)
    assert_told_in_one_line(pipeline, state.message)
    assert pipeline.rows("SELECT count(*) FROM loaded_windows") == [(7,)]
    assert pipeline.rows("SELECT day::text, complete FROM daily_metrics ORDER BY 1") == [
        (FIRST, True),
        (LAST, False),
    ]
    assert "СБОЙ" in subject(pipeline)

    pipeline.world.grader.faults.clear()
    asked = len(pipeline.world.grader.requests)
    assert pipeline.run(FIRST, LAST).is_completed()
    assert [request.start for request in pipeline.world.grader.requests[asked:]] == [missing]
    assert pipeline.rows("SELECT attempts, complete FROM daily_metrics ORDER BY day DESC LIMIT 1") == [
        (int(DAYS[LAST][0]), True)
    ]


@fault("grader API", "a wrong key, under a whole run", "each window is asked for once; the message says what to check")
def test_a_wrong_key_is_not_tried_again(pipeline: Pipeline) -> None:
    pipeline.set_up(GRADER_CLIENT_KEY="not the right key at all")

    state = pipeline.run(FIRST, FIRST)

    assert state.is_failed()
    assert "check GRADER_CLIENT and GRADER_CLIENT_KEY" in str(state.message)
    assert_told_in_one_line(pipeline, state.message)
    assert len(pipeline.world.grader.requests) == 4
    assert pipeline.rows("SELECT count(*) FROM daily_metrics") == [(0,)]


@fault(
    "Google Sheet",
    "a whole run meets a sheet that it may not write",
    "report and mail go out and name it; the next run makes the sheet whole and asks the grader nothing",
)
def test_without_the_sheet_the_mail_goes_out_and_says_so(pipeline: Pipeline) -> None:
    pipeline.world.sheets.faults.append(SheetsFault(status=403, times=None, path_contains=SPREADSHEET_ID))

    state = pipeline.run(FIRST, LAST)

    assert state.is_failed()
    assert "sheet failed" in str(state.message)
    assert "share it with" in str(state.message)
    assert_told_in_one_line(pipeline, state.message)
    assert "СБОЙ" in subject(pipeline)
    assert pipeline.rows("SELECT sum(attempts) FROM daily_metrics") == [(int(DAYS[FIRST][0]) + int(DAYS[LAST][0]),)]

    pipeline.world.sheets.faults.clear()
    asked = len(pipeline.world.grader.requests)
    assert pipeline.run(FIRST, LAST).is_completed()
    assert len(pipeline.world.grader.requests) == asked
    assert len(pipeline.world.sheets.cells(SPREADSHEET_ID, "RawData")) == 3


def test_a_broken_installation_of_what_draws_the_chart_costs_the_report_alone(
    pipelines: Pipelines, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline = pipelines.make(RecordList([submit()]))
    (tmp_path / "matplotlib.py").write_text("raise OSError('no fonts')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    process = pipeline.start("2023-05-31", "2023-05-31")
    output, _ = process.communicate(timeout=240)

    assert process.returncode == 1, output
    assert "report failed: " in output
    assert pipeline.rows("SELECT sum(attempts) FROM daily_metrics") == [(1,)]
    assert len(pipeline.world.sheets.cells(SPREADSHEET_ID, "RawData")) == 2
    assert len(pipeline.world.smtp.messages) == 1


@fault("grader API", "a window without records", "loaded as empty")
@fault("grader API", "a whole day without records", "zeros, not a failure")
def test_an_empty_answer_is_a_day_without_attempts(pipeline: Pipeline) -> None:
    # And whoever has neither sheet nor mail gets the report.
    services = ("GOOGLE_", "SPREADSHEET_", "SMTP_", "EMAIL_")
    pipeline.set_up(**{name: "" for name in pipeline.world.settings if name.startswith(services)})

    assert pipeline.run("2018-01-01", "2018-01-01").is_completed()

    assert pipeline.rows("SELECT attempts, success_rate, complete FROM daily_metrics") == [(0, None, True)]
    assert (pipeline.home / "reports" / "2018-01-01.html").exists()
    assert not pipeline.world.smtp.messages
    assert not pipeline.world.sheets.requests


HALF_BAD = [submit(), submit(lti_user_id=None)]
CUT_TO_THE_MINUTE = [submit(created_at="2023-05-31 09:16:00")] * 3


@pytest.mark.parametrize(
    ("records", "told", "limit", "check"),
    [
        pytest.param(
            HALF_BAD,
            "1 of 2 records failed the checks",
            {"max_rejected_share": 0.5},
            "user id present",
            marks=fault(
                "records",
                "half of the records are bad",
                "the good ones are loaded; nothing is published; the run fails",
            ),
        ),
        pytest.param(
            CUT_TO_THE_MINUTE,
            "2 of 3 records are exact duplicates, more than 5.0%",
            {"max_duplicates_share": 0.9},
            "few duplicates",
            marks=fault(
                "records",
                "times are cut to the minute, so that attempts look alike",
                "loaded; not published; the run fails",
            ),
        ),
    ],
)
def test_what_cannot_be_trusted_is_loaded_and_not_published(
    pipelines: Pipelines, records: list[dict[str, Any]], told: str, limit: dict[str, float], check: str
) -> None:
    pipeline = pipelines.make(RecordList(records))

    state = pipeline.run("2023-05-31", "2023-05-31")

    assert state.is_failed()
    for text in (told, *limit):
        assert text in str(state.message)
    assert pipeline.rows("SELECT count(*) FROM attempts") == [(1,)]
    rejected = [(["user id present"],)] if records is HALF_BAD else []
    assert pipeline.rows("SELECT reasons FROM rejected_records") == rejected
    assert not [path for _, path in pipeline.world.sheets.requests if "values" in path]
    assert "СБОЙ" in subject(pipeline)
    assert STUDENT not in pipeline.log()

    assert pipeline.run("2023-05-31", "2023-05-31", **limit).is_completed()
    assert CHECKS[check].ru in (pipeline.home / "reports" / "2023-05-31.html").read_text("utf-8")


@fault(
    "database",
    "unreachable when a run starts",
    "the run fails at once in one line; the API is not asked, and no password is shown",
)
def test_an_unreachable_database_is_one_line(pipeline: Pipeline) -> None:
    readers = f"{READER}\nSandboxU+PY-101+2023 = author@sandbox.example"
    pipeline.set_up(DATABASE_URL="postgresql://somebody:geheim-pass@127.0.0.1:1/nowhere", EMAIL_TO=readers)

    state = pipeline.run(FIRST, LAST)

    assert state.is_failed()
    assert_told_in_one_line(pipeline, state.message)
    mail, other = pipeline.world.smtp.messages
    # Nobody sees the addresses of another course's readers.
    assert [each["To"] for each in (mail, other)] == [READER, "author@sandbox.example"]
    assert other.get_content() == mail.get_content()
    assert "СБОЙ" in mail["Subject"]
    for told in ("/runs/flow-run/", str(pipeline.home / "logs"), NOTICE_UNKNOWN.ru):
        assert told in mail.get_content()
    for told in (str(state.message), mail.get_content()):
        assert "database nowhere at 127.0.0.1" in told
        assert "geheim-pass" not in f"{told}{pipeline.log()}"
    assert not pipeline.world.grader.requests

    assert pipeline.run(mail=False).is_failed()
    assert pipeline.world.smtp.messages == [mail, other]


def test_the_notice_of_a_run_that_died_says_what_is_missing_and_is_written_once(pipeline: Pipeline) -> None:
    from prefect.client.orchestration import get_client

    from flows.etl import codegrader_etl
    from flows.notify import codegrader_notify

    pipeline.run(FIRST, FIRST, publish=False)
    with get_client(sync_client=True) as client:
        died = client.create_flow_run(codegrader_etl, parameters={"start_date": FIRST, "end_date": LAST}, name="=died")
    with pipeline.environment({}):
        assert [codegrader_notify(str(died.id)) for _ in range(2)] == [True, False]
        pipeline.set_up(REPORT_LANGUAGE="en")
        assert codegrader_notify()

    about_it, late = pipeline.world.smtp.messages
    assert about_it["Subject"] == "CodeGrader: СБОЙ, запуск «=died»"
    assert "признаки жизни" in about_it.get_content()
    assert f"Не вошло в показатели: {LAST}." in about_it.get_content()
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    assert f"Missing from the figures: {yesterday - timedelta(days=30)} – {yesterday}." in late.get_content()
    assert "No run of “codegrader-etl/daily” has succeeded for more than a day." in late.get_content()


def test_without_settings_nobody_can_be_told_and_the_log_says_so(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    from prefect.client.orchestration import get_client

    from flows.etl import codegrader_etl

    assert server.blocks() == []
    with get_client(sync_client=True) as client:
        run = client.create_flow_run(codegrader_etl)
    assert not tell_of(run, NOTICE)
    assert "nothing is set up yet" in caplog.text


@fault(
    "Google Sheet",
    "the database has lost days that the sheet still has",
    "the sheet stays as it is; one line names the days",
)
def test_the_sheet_is_not_emptied_by_a_lost_database(pipelines: Pipelines, pipeline: Pipeline) -> None:
    pipeline.run("2023-03-14", "2023-03-17")
    published = pipeline.world.sheets.cells(SPREADSHEET_ID, "RawData")
    other = pipelines.make(generated_history().source)
    other.world = pipeline.world
    other.set_up()

    state = other.run("2023-03-17", "2023-03-17")

    assert state.is_failed()
    assert "3 days of RawData (2023-03-14 to 2023-03-16)" in str(state.message)
    assert pipeline.world.sheets.cells(SPREADSHEET_ID, "RawData") == published
