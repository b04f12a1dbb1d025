"""The command `setup`: with and without a Prefect server, its notes, Ctrl-C, and a reader who has seen enough."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from flows import setup
from tests.e2e.prefect_server import ROOT
from tests.e2e.terminal import Terminal
from tests.fixtures.pipelines import Pipeline, Pipelines
from tests.sandbox.grader import RecordList
from tests.waiting import wait_until

pytestmark = pytest.mark.slow

SHEET_AND_MAIL = (
    *("GOOGLE_SERVICE_ACCOUNT_FILE", "SPREADSHEET_ID"),
    *("SMTP_SERVER", "SMTP_PORT", "SMTP_USERNAME", "SMTP_PASSWORD", "EMAIL_FROM", "EMAIL_TO"),
)


@pytest.fixture
def pipeline(pipelines: Pipelines) -> Pipeline:
    return pipelines.make(RecordList([]))


def command(pipeline: Pipeline, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "flows.setup", "--env-file", str(pipeline.home / "no.env"), *arguments]


def run(pipeline: Pipeline, *arguments: str) -> int:
    with pipeline.environment({}):
        return setup.main(command(pipeline, *arguments)[3:])


def test_without_a_server_of_ones_own_only_what_a_run_needs_is_made(pipeline: Pipeline, tmp_path: Path) -> None:
    variables = {**os.environ, **pipeline.variables(), "PREFECT_HOME": str(tmp_path / "prefect")}
    del variables["PREFECT_API_URL"]
    variables |= dict.fromkeys(SHEET_AND_MAIL, "")

    done = subprocess.run(command(pipeline), cwd=ROOT, env=variables, text=True, capture_output=True, check=False)

    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [line.split(":")[0] for line in lines[:7]] == [
        "ok       database",
        "ok       grader API",
        "skipped  Google Sheet",
        "skipped  mail",
        "saved",
        "concurrency limit",
        "database schema",
    ]
    assert lines[8] == "Next:"
    assert [line.split()[1] for line in lines[9:]] == ["etl", "status", "up"]
    assert done.stderr.splitlines() == ["Starting a temporary Prefect server, which takes some seconds ..."]


def test_two_options_that_exclude_each_other_are_refused(
    pipeline: Pipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(pipeline, "--check", "--import-legacy") == 2
    assert capsys.readouterr().err == "--check saves nothing, and --import-legacy does: choose one of them\n"


def test_whoever_has_seen_enough_may_close_the_pipe(pipeline: Pipeline) -> None:
    process = subprocess.Popen(
        command(pipeline, "--check"),
        cwd=ROOT,
        env=os.environ | pipeline.variables(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait(60) == 1


def test_a_note_goes_to_standard_error(pipeline: Pipeline, capsys: pytest.CaptureFixture[str]) -> None:
    (pipeline.home / "no.env").write_text("REPORT_LANGAUGE=en\n")
    assert run(pipeline, "--check") == 0
    assert capsys.readouterr().err == (
        f"note: REPORT_LANGAUGE in {pipeline.home / 'no.env'} is not a setting: did you mean REPORT_LANGUAGE?\n"
    )


def test_ctrl_c_ends_it_with_one_line(pipeline: Pipeline) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        variables = os.environ | pipeline.variables()
        variables["GRADER_API_URL"] = f"http://127.0.0.1:{silent.getsockname()[1]}/statistics"
        terminal = Terminal(command(pipeline), variables)
        wait_until(lambda: "ok       database" in terminal.text(), 60)

        terminal.press_ctrl_c()

        assert terminal.wait(20) == 130
    assert terminal.text().replace("^C", "").split("\n")[-3:] == ["Stopped. Give the same command again.", "", ""]
