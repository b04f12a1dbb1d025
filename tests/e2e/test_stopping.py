"""Ctrl-C, as it is met by whoever has no Prefect server of their own: they set up, look, ask, and stop a year."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg2
import pytest

from flows.running.loading import LOADERS
from flows.running.stopping import ENDED_WITHIN_S
from tests.faults import fault
from tests.fixtures.database import stop_embedded_database
from tests.fixtures.pipelines import Pipeline
from tests.fixtures.prefect_server import ROOT
from tests.fixtures.product import processes_of
from tests.fixtures.terminal import Terminal
from tests.fixtures.waiting import wait_until
from tests.sandbox.world import World

pytestmark = pytest.mark.slow

LEFT_OUT = ("GOOGLE_", "SPREADSHEET_", "SMTP_", "EMAIL_")
NO_SERVER = {"PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "0"}
"""Whoever starts one fails at once."""
STOPPED = "Stopped. What is loaded stays; give the same command again to go on."
AT_MOST_S = 5
WINDOWS = "SELECT window_start FROM loaded_windows ORDER BY 1"


class User(Pipeline):
    """One without sheet and mail, whose Prefect server is a temporary one for each command.

    Attributes:
        set_up_said: what setup has said.
    """

    set_up_said: "subprocess.CompletedProcess[str]"

    def variables(self) -> dict[str, str]:
        """The whole environment of a process."""
        ours = os.environ | super().variables() | {"PREFECT_HOME": str(self.home / "prefect"), "PAGER": "cat"}
        return {name: value for name, value in ours.items() if name != "PREFECT_API_URL"}

    def call(self, *command: str, **variables: str) -> "subprocess.CompletedProcess[str]":
        """Runs a command to its end, which is a good one."""
        done = subprocess.run(
            [sys.executable, "-m", "flows", *command],
            cwd=ROOT,
            env=self.variables() | variables,
            capture_output=True,
            text=True,
            check=False,
            timeout=180,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done


@pytest.fixture(scope="module")
def user(prefect_server: str) -> Iterator[User]:
    """Set up, in folders with nothing in them."""
    with TemporaryDirectory(prefix="codegrader-") as name, World(Path(name)) as world:
        world.settings |= {setting: "" for setting in world.settings if setting.startswith(LEFT_OUT)}
        home = Path(name, "home")
        home.mkdir(mode=0o700)
        user = User(world, home, prefect_server)
        user.set_up_said = user.call("setup")
        yield user
        stop_embedded_database(home / "postgres")


def test_setup_makes_what_a_run_needs_and_is_looked_at_without_starting_a_server(user: User) -> None:
    lines = user.set_up_said.stdout.splitlines()
    # Only what a run needs is made.
    subjects = ["skipped  Google Sheet", "skipped  mail", "saved", "concurrency limit", "database schema"]
    assert [line.split(":")[0] for line in lines[2:7]] == subjects
    assert lines[8] == "Next:"
    assert [line.split()[1] for line in lines[9:]] == ["etl", "status", "up"]
    assert user.set_up_said.stderr.count("\n") == 1

    done = user.call("status", **NO_SERVER)
    assert done.stderr == ""
    assert "Prefect server  not set up\n" in done.stdout


def is_asleep(database: Path) -> bool:
    """Whether a session there waits in `pg_sleep`."""
    connected = closing(psycopg2.connect(host=database, user="postgres", dbname="postgres"))
    with connected as connection, connection.cursor() as cursor:
        cursor.execute("SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep'")
        return cursor.rowcount == 1


def test_ctrl_c_at_the_prompt_cancels_the_query_alone(user: User) -> None:
    prompt = Terminal([sys.executable, "-m", "flows.psql"], user.variables() | NO_SERVER)
    try:
        wait_until(lambda: "postgres=#" in prompt.text(), 60)
        prompt.type("SELECT pg_sleep(300);")
        wait_until(lambda: is_asleep(user.home / "postgres"), 30)
        prompt.press_ctrl_c()
        wait_until(lambda: "canceling statement due to user request" in prompt.text(), 30)
        prompt.type("SELECT 'still in ' || current_setting('TimeZone');")
        wait_until(lambda: "still in UTC" in prompt.text(), 30)
    finally:
        prompt.type("\\q")
    assert prompt.wait(30) == 0
    # The embedded server was there for this prompt alone.
    assert not (user.home / "postgres" / "postmaster.pid").exists()


@fault("killed processes", "Ctrl-C in the middle of a year", "it ends within 5 s with one line; the next run goes on")
@fault(
    "killed processes", "Ctrl-C without a Prefect server of one's own", "the temporary one and PostgreSQL end as well"
)
def test_a_years_run_is_stopped_leaves_nothing_running_and_goes_on(user: User) -> None:
    grader = user.world.grader
    year = ("--start-date", "2021-06-01", "--end-date", "2022-05-31")
    terminal = Terminal([sys.executable, "-m", "flows.etl", *year], user.variables())
    wait_until(lambda: len(grader.requests) > 12, 120)
    began = time.monotonic()
    terminal.press_ctrl_c()
    assert terminal.wait(60) == 130
    assert time.monotonic() - began < AT_MOST_S
    assert terminal.has_cursor
    shown = [line.strip() for line in terminal.text().replace("^C", "").splitlines()]
    lines = [line for line in shown if line and not line.startswith("windows loaded")]
    assert lines[-1:] == [STOPPED]
    assert len(lines) == 2, "the server is told of, and its end"
    with sqlite3.connect(user.home / "prefect" / "prefect.db") as server:
        assert server.execute("SELECT state_name FROM flow_run").fetchall() == [("Cancelled",)]
    wait_until(lambda: not processes_of(user.home))
    loaded, asked = user.rows(WINDOWS), len(grader.requests)
    assert 0 < len(loaded) < 200

    # What is loaded stays, and of the first days next to nothing is asked for again.
    user.set_up()
    assert user.run("2021-06-01", "2021-06-05", publish=False).is_completed()
    assert set(loaded) <= set(user.rows(WINDOWS))
    assert len(grader.requests) - asked <= max(0, 20 - len(loaded)) + LOADERS


HANGING = """
import time
from flows.running.stopping import stoppable
with stoppable(lambda: time.sleep(60)):
    print("ready", flush=True)
    time.sleep(60)
"""


@fault("killed processes", "Ctrl-C while nothing answers any more", "it ends within 5 s; a second one ends it at once")
@pytest.mark.parametrize(("times", "seconds"), [(1, AT_MOST_S), (2, ENDED_WITHIN_S / 2)])
def test_what_hangs_ends_within_seconds_and_at_once_if_told_twice(times: int, seconds: float) -> None:
    with subprocess.Popen([sys.executable, "-c", HANGING], cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        began = time.monotonic()
        while process.poll() is None and time.monotonic() - began < AT_MOST_S:
            if times:
                process.send_signal(signal.SIGINT)
                times -= 1
            time.sleep(0.2)
        assert process.wait(60) == 130
        assert time.monotonic() - began < seconds
