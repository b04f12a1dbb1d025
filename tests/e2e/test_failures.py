"""What goes wrong outside is told in one line, costs nothing that is loaded, and stops no other stage."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tasks.analyses.checks import CHECKS
from tests.benchmarks.records import month
from tests.faults import fault
from tests.fixtures.histories import generated_history
from tests.fixtures.pipelines import Pipeline, Pipelines
from tests.fixtures.records import submit
from tests.sandbox.grader import Fault, RecordList
from tests.sandbox.grader.faults import Body
from tests.sandbox.sheets import SheetsFault
from tests.sandbox.world import SPREADSHEET_ID

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


@fault(
    "mail",
    "a whole run meets a mail server that refuses the login",
    "sheet and report are written; the run fails with one line",
)
def test_without_the_mail_server_the_rest_is_done(pipeline: Pipeline) -> None:
    pipeline.set_up(SMTP_PASSWORD="wrong-password-of-the-mail")

    state = pipeline.run(FIRST, LAST)

    assert state.is_failed()
    assert re.search("mail failed: .*SMTP_USERNAME and SMTP_PASSWORD", str(state.message))
    assert_told_in_one_line(pipeline, state.message)
    assert len(pipeline.world.sheets.cells(SPREADSHEET_ID, "RawData")) == 3
    assert (pipeline.home / "reports" / f"{FIRST}_{LAST}.html").exists()


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
def test_an_empty_answer_is_a_day_without_attempts(
    pipeline: Pipeline,
) -> None:
    # And whoever has neither sheet nor mail gets the report.
    services = ("GOOGLE_", "SPREADSHEET_", "SMTP_", "EMAIL_")
    pipeline.set_up(**{name: "" for name in pipeline.world.settings if name.startswith(services)})

    assert pipeline.run("2018-01-01", "2018-01-01").is_completed()

    assert pipeline.rows("SELECT attempts, success_rate, complete FROM daily_metrics") == [(0, None, True)]
    assert (pipeline.home / "reports" / "2018-01-01.html").exists()
    assert not pipeline.world.smtp.messages
    assert not pipeline.world.sheets.requests


@fault("records", "half of the records are bad", "the good ones are loaded; nothing is published; the run fails")
def test_too_many_rejected_records_publish_nothing(pipelines: Pipelines) -> None:
    good = {"lti_user_id": "a" * 32, "attempt_type": "run", "is_correct": None, "passback_params": None}
    records = [
        {**good, "created_at": "2023-04-01 10:00:00"},
        {**good, "lti_user_id": None, "created_at": "2023-04-01 11:00:00"},
    ]
    pipeline = pipelines.make(RecordList(records))

    state = pipeline.run("2023-04-01", "2023-04-01")

    assert state.is_failed()
    assert "1 of 2 records failed the checks" in str(state.message)
    assert pipeline.rows("SELECT count(*) FROM attempts") == [(1,)]
    assert pipeline.rows("SELECT reasons FROM rejected_records") == [(["user id present"],)]
    assert not [path for _, path in pipeline.world.sheets.requests if "values" in path]
    assert "СБОЙ" in subject(pipeline)
    assert "a" * 32 not in pipeline.log()
    assert pipeline.run("2023-04-01", "2023-04-01", max_rejected_share=0.5).is_completed()


@fault("records", "times are cut to the minute, so that attempts look alike", "loaded; not published; the run fails")
def test_too_many_duplicates_publish_nothing(pipelines: Pipelines) -> None:
    (day,) = month(1)
    records = [record | {"created_at": f"{record['created_at'][:16]}:00"} for record in day.records]
    pipeline, first = pipelines.make(RecordList(records)), str(day.day)

    state = pipeline.run(first, first)

    assert state.is_failed()
    ((duplicates, attempts),) = pipeline.rows(
        "SELECT sum(duplicates), sum(new + changed + unchanged) FROM loaded_windows"
    )
    assert duplicates > 200
    for told in (f"{duplicates} of 1,5", "5.0%", "max_duplicates_share"):
        assert told in str(state.message)
    assert pipeline.rows("SELECT count(*) FROM attempts") == [(attempts,)]
    assert not [path for _, path in pipeline.world.sheets.requests if "values" in path]
    assert "СБОЙ" in subject(pipeline)

    assert pipeline.run(first, first, max_duplicates_share=0.5).is_completed()
    report = (pipeline.home / "reports" / f"{first}.html").read_text("utf-8")
    assert CHECKS["few duplicates"].ru in report


@fault(
    "database",
    "unreachable when a run starts",
    "the run fails at once in one line; the API is not asked, and no password is shown",
)
def test_an_unreachable_database_is_one_line(pipeline: Pipeline) -> None:
    pipeline.set_up(DATABASE_URL="postgresql://somebody:geheim-pass@127.0.0.1:1/nowhere")

    state = pipeline.run(FIRST, LAST)

    assert state.is_failed()
    assert_told_in_one_line(pipeline, state.message)
    (mail,) = pipeline.world.smtp.messages
    assert "СБОЙ" in mail["Subject"]
    assert "/runs/flow-run/" in mail.get_content()
    for told in (str(state.message), mail.get_content()):
        assert "database nowhere at 127.0.0.1" in told
        assert "geheim-pass" not in f"{told}{pipeline.log()}"
    assert not pipeline.world.grader.requests

    assert pipeline.run(mail=False).is_failed()
    assert pipeline.world.smtp.messages == [mail]


@fault(
    "Google Sheet",
    "the database has lost days that the sheet still has",
    "the sheet stays as it is; one line names the days",
)
def test_the_sheet_is_not_emptied_by_a_lost_database(pipelines: Pipelines) -> None:
    pipeline = pipelines.make(generated_history().source)
    pipeline.run("2023-03-10", "2023-03-22")
    published = pipeline.world.sheets.cells(SPREADSHEET_ID, "RawData")
    other = pipelines.make(generated_history().source)
    other.world = pipeline.world
    other.set_up()

    state = other.run("2023-03-21", "2023-03-22")

    assert state.is_failed()
    assert "11 days of RawData (2023-03-10 to 2023-03-20)" in str(state.message)
    assert pipeline.world.sheets.cells(SPREADSHEET_ID, "RawData") == published
