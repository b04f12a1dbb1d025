"""`flows.setup --check`: each service that does not work is told in one line, beside those that do."""

from datetime import timedelta

import pytest

from flows import setup
from tests.fixtures.pipelines import Pipeline, Pipelines
from tests.sandbox.grader import RecordList
from tests.sandbox.world import SPREADSHEET_ID

pytestmark = pytest.mark.slow

NAMES = ("Prefect server", "database", "grader API", "Google Sheet", "mail")
FOREIGN, READ_ONLY = "1SpreadsheetOfSomebodyElse00000000000000000", "1SpreadsheetThatWeMayOnlyLookAt000000000000"
NOWHERE = "http://127.0.0.1:1"
BROKEN = [
    ("database", {"DATABASE_URL": "postgresql://me:geheim-pass@127.0.0.1:1/results"}, "database results at 127.0.0.1"),
    ("grader API", {"GRADER_CLIENT_KEY": "geheim-pass"}, "check GRADER_CLIENT and GRADER_CLIENT_KEY"),
    ("grader API", {"GRADER_API_URL": f"{NOWHERE}/statistics"}, "refused the connection: check GRADER_API_URL"),
    ("Google Sheet", {"SPREADSHEET_ID": "1NoSuchSpreadsheet"}, "check SPREADSHEET_ID"),
    ("Google Sheet", {"SPREADSHEET_ID": FOREIGN}, "share it with that address as editor"),
    ("Google Sheet", {"SPREADSHEET_ID": READ_ONLY}, "share it with that address as editor"),
    ("Google Sheet", {"GOOGLE_SHEETS_URL": NOWHERE}, "Google cannot be reached"),
    ("mail", {"SMTP_PASSWORD": "geheim-pass"}, "check SMTP_USERNAME and SMTP_PASSWORD"),
    ("mail", {"SMTP_PORT": "1"}, "check SMTP_SERVER and SMTP_PORT"),
    ("mail", {"EMAIL_TO": "nobody"}, "correct EMAIL_TO"),
]


@pytest.fixture
def pipeline(pipelines: Pipelines) -> Pipeline:
    pipeline = pipelines.make(RecordList([]))
    sheets = pipeline.world.sheets
    sheets.add_spreadsheet(FOREIGN, "Somebody else's", shared_with=[])
    sheets.add_spreadsheet(READ_ONLY, "To look at", shared_with=[], read_only_for=[sheets.service_account_email])
    return pipeline


def check(pipeline: Pipeline, capsys: pytest.CaptureFixture[str], **changes: str) -> tuple[int, list[str]]:
    """The exit code and the lines, none of which shows a secret."""
    capsys.readouterr()
    with pipeline.environment(changes):
        code = setup.main(["--env-file", str(pipeline.home / "no.env"), "--check"])
    said = capsys.readouterr()
    assert said.err == ""
    for secret in (pipeline.world.grader.client_key, pipeline.world.smtp.password, "geheim-pass"):
        assert secret not in said.out
    return code, said.out.splitlines()


def test_services_that_work_are_told_and_left_as_they_are(
    pipeline: Pipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    code, lines = check(pipeline, capsys)

    assert code == 0
    assert [line.split(":")[0] for line in lines] == [f"ok       {name}" for name in NAMES]
    assert "schema not there yet, which setup brings to 0001" in lines[1]
    assert "the first run adds the tab RawData" in lines[3]
    (request,) = pipeline.world.grader.requests
    assert request.start is not None
    assert request.end is not None
    assert request.start is not None
    assert request.end == request.start + timedelta(minutes=1)
    assert pipeline.world.smtp.messages == []
    with pytest.raises(KeyError):
        pipeline.world.sheets.cells(SPREADSHEET_ID, "RawData")


def test_after_a_run_the_check_finds_what_it_made(pipeline: Pipeline, capsys: pytest.CaptureFixture[str]) -> None:
    assert pipeline.run("2023-04-01", "2023-04-01").is_completed()
    figures = pipeline.world.sheets.cells(SPREADSHEET_ID, "RawData")

    _, lines = check(pipeline, capsys)

    assert "schema 0001, up to date" in lines[1]
    assert "'CodeGrader Analytics' can be written, with its tab RawData" in lines[3]
    assert pipeline.world.sheets.cells(SPREADSHEET_ID, "RawData") == figures
    assert pipeline.rows("SELECT count(*) FROM loaded_windows") == [(4,)]
    assert len(pipeline.world.smtp.messages) == 1


@pytest.mark.parametrize(
    ("service", "changes", "advice"), BROKEN, ids=[f"{one[0]}-{next(iter(one[1]))}" for one in BROKEN]
)
def test_what_does_not_work_is_one_line_beside_the_others(
    pipeline: Pipeline, capsys: pytest.CaptureFixture[str], service: str, changes: dict[str, str], advice: str
) -> None:
    code, lines = check(pipeline, capsys, **changes)

    assert code == 1
    assert len(lines) == len(NAMES)
    for name, line in zip(NAMES, lines, strict=True):
        if name == service:
            assert line.startswith(f"FAILED   {name}")
            assert advice in line
        else:
            assert line.startswith(f"ok       {name}: ")


def test_what_is_not_named_is_skipped(pipeline: Pipeline, capsys: pytest.CaptureFixture[str]) -> None:
    sheet = ("GOOGLE_SERVICE_ACCOUNT_FILE", "SPREADSHEET_ID")
    mail = ("SMTP_SERVER", "SMTP_PORT", "SMTP_USERNAME", "SMTP_PASSWORD", "EMAIL_FROM", "EMAIL_TO")

    code, lines = check(pipeline, capsys, **dict.fromkeys((*sheet, *mail), ""))

    assert code == 0
    assert lines[3:] == [f"skipped  {name}: none is named, so that step is skipped" for name in NAMES[3:]]


def test_a_fault_of_ours_hides_no_other_service_and_quotes_nothing(
    pipeline: Pipeline, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("geheim-pass")

    monkeypatch.setattr("flows.installing.service_checks.try_sheet", fail)
    code, lines = check(pipeline, capsys)

    assert code == 1
    assert lines[3] == "FAILED   Google Sheet: unexpected error (ZeroDivisionError): please report it"
    assert lines[4].startswith("ok ")


def test_nothing_is_saved(pipeline: Pipeline, capsys: pytest.CaptureFixture[str]) -> None:
    from flows.running.configuration import load_configuration

    pipeline.set_up()
    before = load_configuration()
    check(pipeline, capsys, GRADER_CLIENT="another", REPORT_TIMEZONE="Asia/Tokyo")
    after = load_configuration()
    assert (after.settings, after.api) == (before.settings, before.api)
