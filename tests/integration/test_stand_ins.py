"""The stand-ins as processes of their own: what they print leads to them, and Ctrl-C ends them."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from flows.installing.environment import KNOWN_SETTINGS
from tests.fixtures.prefect_server import ROOT

SERVICES = ["database", "grader API", "Google Sheet", "mail"]
NO_GRADER = "GRADER_API_URL=http://127.0.0.1:1/\nGRADER_CLIENT=nobody\nGRADER_CLIENT_KEY=nothing\n"


@contextmanager
def stand_in_running(module: str, folder: Path, env_file: Path) -> Iterator[str]:
    """Starts one whose settings go into a file, as in `python -m tests.sandbox.world > other.env`.

    Yields:
        What it says to a person.
    """
    with (
        env_file.open("a") as output,
        subprocess.Popen(
            [sys.executable, "-m", f"tests.sandbox.{module}", "--folder", str(folder)],
            cwd=ROOT,
            stdout=output,
            stderr=subprocess.PIPE,
            text=True,
        ) as process,
    ):
        assert process.stderr is not None
        said = ""
        while "Ctrl-C" not in said:
            line = process.stderr.readline()
            assert line, f"it has ended: {said}"
            said += line
        try:
            yield said
        finally:
            process.send_signal(signal.SIGINT)
            complaints = process.communicate(timeout=10)[1]
    assert (process.returncode, complaints) == (0, "")


def setup_check(env_file: Path, home: Path, said: str) -> "subprocess.CompletedProcess[str]":
    """Tries the services that the file names, and does what the stand-ins said."""
    trust = dict(re.findall(r"export (SSL_CERT_FILE)=(\S+)", said))
    return subprocess.run(
        [sys.executable, "-m", "flows.setup", "--check", "--env-file", str(env_file)],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name not in KNOWN_SETTINGS}
        | trust
        | {"CODEGRADER_HOME": str(home), "PREFECT_HOME": str(home / "prefect")},
        text=True,
        capture_output=True,
        check=False,
    )


@pytest.fixture
def home() -> Iterator[Path]:
    # Not pytest's own temporary folder: that is closed to the user as whom PostgreSQL runs for root.
    with TemporaryDirectory(prefix="codegrader-") as folder:
        yield Path(folder)


def test_the_settings_that_the_world_prints_are_a_whole_env_file(home: Path) -> None:
    env_file = home / "other.env"
    with stand_in_running("world", home / "world", env_file) as said:
        done = setup_check(env_file, home, said)

    assert done.returncode == 0, done.stdout + done.stderr
    assert re.findall(r"^ok +([\w ]+):", done.stdout, flags=re.MULTILINE) == SERVICES


def test_sheet_and_mail_start_each_by_itself(home: Path) -> None:
    env_file = home / "other.env"
    env_file.write_text(NO_GRADER)
    with (
        stand_in_running("sheets", home / "sheet", env_file),
        stand_in_running("smtp", home / "mail", env_file) as said,
    ):
        done = setup_check(env_file, home, said)

    assert re.findall(r"^ok +([\w ]+):", done.stdout, flags=re.MULTILINE) == [SERVICES[0], *SERVICES[2:]]


@pytest.mark.parametrize("module", ["world", "sheets", "smtp"])
def test_a_folder_that_cannot_be_used_is_told_in_one_line(module: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    command = [sys.executable, "-m", f"tests.sandbox.{module}", "--folder", str(tmp_path / "file" / "folder")]

    done = subprocess.run(command, cwd=ROOT, text=True, capture_output=True, check=False)

    assert (done.returncode, done.stdout) == (2, "")
    assert "cannot be used (Not a directory): choose another folder" in done.stderr
    assert "Traceback" not in done.stderr
