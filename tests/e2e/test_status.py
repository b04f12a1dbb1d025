"""`codegrader status` and `codegrader psql`, as a user calls them."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg2
import pytest

from tests.e2e.prefect_server import ROOT
from tests.e2e.terminal import Terminal
from tests.fixtures.pipelines import Pipeline, Pipelines, stop_embedded_database
from tests.ports import free_port
from tests.sandbox.world import World
from tests.waiting import wait_until

pytestmark = pytest.mark.slow

Done = subprocess.CompletedProcess[str]


def call(variables: dict[str, str], name: str, *options: str, text: str | None = None) -> Done:
    """Runs a command to its end. What the environment of the tests says of Prefect holds unless it says otherwise."""
    return subprocess.run(
        [sys.executable, "-m", f"flows.{name}", *options],
        cwd=ROOT,
        env=os.environ | variables,
        input=text,
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )


def day(before_today: int) -> str:
    return (datetime.now(UTC) - timedelta(days=before_today)).date().isoformat()


@pytest.fixture
def pipeline(pipelines: Pipelines) -> Pipeline:
    return pipelines.make()


@pytest.fixture
def alone() -> Iterator[dict[str, str]]:
    """The environment of a user who has no Prefect server: a world, and folders with nothing in them."""
    with TemporaryDirectory(prefix="codegrader-") as name, World(Path(name)) as world:
        yield {
            **world.environment(),
            "CODEGRADER_HOME": str(Path(name, "home")),
            "PREFECT_HOME": str(Path(name, "prefect")),
        }
        stop_embedded_database(Path(name, "home", "postgres"))


def test_it_says_what_is_set_up_loaded_and_missing(pipeline: Pipeline) -> None:
    assert pipeline.run(day(4), day(3)).is_completed()
    assert pipeline.run(day(1), day(1)).is_completed()
    asked = len(pipeline.world.grader.requests)
    mails = len(pipeline.world.smtp.messages)

    done = call(pipeline.variables(), "status")

    assert (done.returncode, done.stderr) == (0, "")
    lines = dict(line.split(maxsplit=1) for line in done.stdout.splitlines() if not line.startswith(" "))
    assert f"{day(4)} to {day(3)}, {day(1)} complete (UTC)" in lines["days"]
    assert lines["missing"] == day(2)
    assert lines["incomplete"] == "none"
    assert f"embedded PostgreSQL in {pipeline.home}/postgres" in lines["database"]
    assert "FAILED" not in done.stdout
    assert f"Completed  {day(1)}" in lines["last"]
    assert len(pipeline.world.grader.requests) == asked
    assert len(pipeline.world.smtp.messages) == mails


def test_it_is_late_by_the_newest_complete_day(pipeline: Pipeline) -> None:
    assert call(pipeline.variables(), "status", "--max-age", "26h").returncode == 1
    assert pipeline.run(day(2), day(2)).is_completed()
    # That of two days ago ended more than a day ago, and less than two.
    late = call(pipeline.variables(), "status", "--max-age", "24h")
    assert (late.returncode, late.stderr) == (1, "")
    assert f"LATE            the newest complete day, {day(2)}" in late.stdout
    assert call(pipeline.variables(), "status", "--max-age", "48h").returncode == 0


def test_json_and_a_service_that_is_down(pipeline: Pipeline) -> None:
    pipeline.set_up(GRADER_API_URL=f"http://127.0.0.1:{free_port()}/api/statistics")

    done = call(pipeline.variables(), "status", "--json")

    assert done.returncode == 1
    found = json.loads(done.stdout)
    assert "check GRADER_API_URL" in found["services"]["grader_api"]["fault"]
    assert found["services"]["mail"]["fault"] is None
    assert not found["well"]


def test_no_secret_is_shown(pipeline: Pipeline) -> None:
    from flows.running.configuration import load_configuration

    shown = call(pipeline.variables(), "status").stdout + call(pipeline.variables(), "status", "--json").stdout
    assert not [secret for secret in load_configuration().secrets() if secret and secret in shown]


def test_a_server_that_is_not_there_is_one_line(pipeline: Pipeline) -> None:
    nobody = {"PREFECT_API_URL": f"http://127.0.0.1:{free_port()}/api"}
    for name in ("status", "psql"):
        done = call(pipeline.variables() | nobody, name)
        assert (done.returncode, done.stdout) == (1, "")
        assert "it cannot be reached" in done.stderr
        assert done.stderr.count("\n") == 1


def test_where_nothing_was_ever_set_up_it_says_so_and_makes_nothing(alone: dict[str, str]) -> None:
    for name in ("status", "psql"):
        done = call(alone, name)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith("nothing is set up yet: copy .env.example to .env")
        assert done.stderr.count("\n") == 1
    assert not Path(alone["CODEGRADER_HOME"]).exists()
    assert not Path(alone["PREFECT_HOME"], "prefect.db").exists()


def test_without_a_server_none_is_started(alone: dict[str, str]) -> None:
    assert call(alone, "setup").returncode == 0
    unstartable = {"PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "0"}

    done = call(alone | unstartable, "status")
    assert (done.returncode, done.stderr) == (0, "")
    assert "Prefect server  not set up\n" in done.stdout
    done = call(alone | unstartable, "psql", "--csv", "-c", "SELECT 40 + 2 AS answer, current_setting('TimeZone')")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "answer,current_setting\n42,UTC\n"


def test_a_database_folder_that_is_not_there_is_not_made(pipeline: Pipeline) -> None:
    elsewhere = {"CODEGRADER_HOME": str(pipeline.home / "elsewhere")}
    status = call(pipeline.variables() | elsewhere, "status")
    assert status.returncode == 1
    assert f"there is no database in {pipeline.home}/elsewhere/postgres yet" in status.stdout
    assert call(pipeline.variables() | elsewhere, "psql").returncode == 1
    assert not (pipeline.home / "elsewhere").exists()


def test_psql_hands_on_its_exit_code_and_reads_what_it_is_given(pipeline: Pipeline) -> None:
    with pipeline.engine():
        failed = call(pipeline.variables(), "psql", "-c", "SELECT * FROM nowhere")
    assert failed.returncode == 1
    assert 'relation "nowhere" does not exist' in failed.stderr
    done = call(pipeline.variables(), "psql", "--tuples-only", "--no-align", text="SELECT 40 + 2;\n")
    assert (done.returncode, done.stdout) == (0, "42\n")
    assert call(pipeline.variables(), "psql", "-v", "ON_ERROR_STOP=1", text="SELECT * FROM nowhere;\n").returncode == 3


def test_a_dump_is_restored_into_a_new_home(pipeline: Pipeline) -> None:
    assert pipeline.run(day(1), day(1), publish=False).is_completed()
    dump = str(pipeline.home / "data.dump")
    assert call(pipeline.variables(), "psql", "pg_dump", "--format=custom", "--file", dump).returncode == 0
    count = ("--csv", "--tuples-only", "-c", "SELECT count(*) FROM attempts")
    before = call(pipeline.variables(), "psql", *count).stdout
    restored = pipeline.variables() | {"CODEGRADER_HOME": str(pipeline.home / "restored")}
    options = ("--no-owner", "--exit-on-error", "--single-transaction")
    done = call(restored, "psql", "pg_restore", *options, dump)
    assert (done.returncode, done.stderr) == (0, "")
    assert call(restored, "psql", *count).stdout == before
    assert int(before) > 0


def is_asleep(database: Path) -> bool:
    """Whether a session there waits in `pg_sleep`."""
    connected = closing(psycopg2.connect(host=database, user="postgres", dbname="postgres"))
    with connected as connection, connection.cursor() as cursor:
        cursor.execute("SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep'")
        return cursor.rowcount == 1


def test_ctrl_c_at_the_prompt_cancels_the_query_and_nothing_else(alone: dict[str, str]) -> None:
    assert call(alone, "setup").returncode == 0
    prompt = Terminal([sys.executable, "-m", "flows.psql"], os.environ | alone | {"PAGER": "cat"})
    try:
        wait_until(lambda: "postgres=#" in prompt.text(), 60)
        prompt.type("SELECT pg_sleep(300);")
        wait_until(lambda: is_asleep(Path(alone["CODEGRADER_HOME"], "postgres")), 30)
        prompt.press_ctrl_c()
        wait_until(lambda: "canceling statement due to user request" in prompt.text(), 30)
        prompt.type("SELECT 'still ' || 'here';")
        wait_until(lambda: "still here" in prompt.text(), 30)
    finally:
        prompt.type("\\q")
    assert prompt.wait(30) == 0
    # The embedded server was there for this prompt alone.
    assert not Path(alone["CODEGRADER_HOME"], "postgres", "postmaster.pid").exists()
