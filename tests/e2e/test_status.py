"""`codegrader status` and `codegrader psql`, as a user calls them."""

import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from flows.__main__ import main
from tests.fixtures.database import stop_embedded_database
from tests.fixtures.pipelines import Pipeline, pipelines_running
from tests.fixtures.ports import free_port
from tests.fixtures.prefect_server import ROOT

pytestmark = pytest.mark.slow


Call = Callable[..., Any]
"""Gives what was shown, as `out` and `err`."""


def start(
    variables: dict[str, str], *command: str, code: int = 0, text: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs a command to its end, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "flows", *command],
        cwd=ROOT,
        env=os.environ | variables,
        input=text,
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done


def day(before_today: int) -> str:
    return (datetime.now(UTC) - timedelta(days=before_today)).date().isoformat()


@pytest.fixture(scope="module")
def pipeline(prefect_server: str) -> Iterator[Pipeline]:
    """One for all; whoever changes its settings leaves it to others to set it up again."""
    with pipelines_running(prefect_server) as pipelines:
        yield pipelines.make()


@pytest.fixture
def call(pipeline: Pipeline, capfd: pytest.CaptureFixture[str]) -> Call:
    """Runs a command to its end, in this process; what it and the programs that it starts have shown."""

    def call(*command: str, code: int = 0, **changes: str) -> Any:
        capfd.readouterr()
        with pipeline.environment(changes):
            assert main(command) == code
        # A command that only looks has nothing logged to the end of its process, which others still need here.
        logging.disable(logging.NOTSET)
        return capfd.readouterr()

    return call


def test_it_says_what_is_set_up_loaded_missing_and_late_and_no_secret(pipeline: Pipeline, call: Call) -> None:
    from flows.running.configuration import load_configuration

    call("status", "--max-age", "26h", code=1)
    pipeline.set_up(EXPECTED_BY="00:00")
    never = call("status", code=1).out
    assert "nothing is loaded yet" in never
    assert f"LATE            {day(1)} is not complete" in never
    pipeline.set_up()
    for first, last in ((day(5), day(4)), (day(2), day(2))):
        assert pipeline.run(first, last, publish=False).is_completed()
    asked, mails = len(pipeline.world.grader.requests), len(pipeline.world.smtp.messages)

    done = call("status", "--max-age", "48h")

    assert done.err == ""
    lines = dict(line.split(maxsplit=1) for line in done.out.splitlines() if not line.startswith(" "))
    assert f"{day(5)} to {day(4)}, {day(2)} complete (UTC)" in lines["days"]
    assert lines["missing"] == f"{day(3)}, {day(1)}"
    assert lines["incomplete"] == "none"
    assert f"embedded PostgreSQL in {pipeline.home}/postgres" in lines["database"]
    assert "FAILED" not in done.out
    assert f"Completed  {day(2)}" in lines["last"]
    assert f"{day(2)}: " in lines["newest"]
    assert "tasks solved for the first time" in lines["figures"]
    assert (len(pipeline.world.grader.requests), len(pipeline.world.smtp.messages)) == (asked, mails)

    # The end of that day is more than a day ago, and less than two.
    late = call("status", "--max-age", "24h", code=1)
    assert late.err == ""
    assert f"LATE            the newest complete day, {day(2)}" in late.out

    shown = done.out + call("status", "--json").out
    assert not [secret for secret in load_configuration().secrets() if secret and secret in shown]


def test_services_that_are_down(pipeline: Pipeline, call: Call) -> None:
    pipeline.set_up(GRADER_API_URL=f"http://127.0.0.1:{free_port()}/api/statistics", SMTP_PORT=str(free_port()))
    found = json.loads(call("status", "--json", code=1).out)
    assert "check GRADER_API_URL" in found["services"]["grader_api"]["fault"]
    assert "check SMTP_SERVER and SMTP_PORT" in found["services"]["mail"]["fault"]
    assert found["services"]["google_sheet"]["fault"] is None
    assert not found["well"]


def test_what_cannot_be_asked_is_one_line_and_nothing_is_made(tmp_path: Path) -> None:
    alone = {"CODEGRADER_HOME": str(tmp_path / "home"), "PREFECT_HOME": str(tmp_path / "prefect")}
    nowhere = alone | {"PREFECT_API_URL": f"http://127.0.0.1:{free_port()}/api"}
    for command, variables, code, said in (
        ("status", alone, 2, "nothing is set up yet: "),
        ("psql", nowhere, 1, "it cannot be reached"),
    ):
        done = start(variables, command, code=code)
        assert done.stdout == ""
        assert said in done.stderr
        assert done.stderr.count("\n") == 1
    assert not (tmp_path / "home").exists()
    assert not (tmp_path / "prefect" / "prefect.db").exists()


def test_a_database_folder_that_is_not_there_is_not_made(pipeline: Pipeline, call: Call) -> None:
    elsewhere = {"CODEGRADER_HOME": str(pipeline.home / "elsewhere")}
    said = f"there is no database in {pipeline.home}/elsewhere/postgres yet"
    assert said in call("status", code=1, **elsewhere).out
    assert said in call("psql", code=1, **elsewhere).err
    assert not (pipeline.home / "elsewhere").exists()


def test_psql_hands_on_its_exit_code_and_reads_what_it_is_given(pipeline: Pipeline, call: Call) -> None:
    with pipeline.engine():
        failed = call("psql", "-c", "SELECT * FROM nowhere", code=1)
    assert 'relation "nowhere" does not exist' in failed.err
    options = ("--tuples-only", "--no-align", "-v", "ON_ERROR_STOP=1")
    text = "SELECT 40 + 2;\nSELECT * FROM nowhere;\nSELECT 'not reached';\n"
    assert start(pipeline.variables(), "psql", *options, text=text, code=3).stdout == "42\n"


def test_a_dump_is_restored_into_a_new_home(pipeline: Pipeline, call: Call) -> None:
    pipeline.set_up()
    assert pipeline.run(day(2), day(2), publish=False).is_completed()
    dump = str(pipeline.home / "data.dump")
    call("psql", "pg_dump", "--format=custom", "--file", dump)
    count = ("psql", "--csv", "--tuples-only", "-c", "SELECT count(*) FROM attempts")
    before = call(*count).out
    restored = {"CODEGRADER_HOME": str(pipeline.home / "restored")}
    options = ("--no-owner", "--exit-on-error", "--single-transaction")
    assert call("psql", "pg_restore", *options, dump, **restored).err == ""
    assert call(*count, **restored).out == before
    assert int(before) > 0
    stop_embedded_database(pipeline.home / "restored" / "postgres")
