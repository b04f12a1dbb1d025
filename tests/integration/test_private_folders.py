"""Folders that cannot be used, or are in use, are told in one line and at once."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from prefect.settings import PREFECT_API_URL, PREFECT_HOME, temporary_settings

from flows import setup
from tests.fixtures.prefect_server import ROOT
from tests.sandbox.__main__ import main as run_sandbox
from tests.sandbox.world import main as run_world

GRADER = {"GRADER_API_URL": "http://127.0.0.1:1/", "GRADER_CLIENT": "nobody", "GRADER_CLIENT_KEY": "nothing"}
UNUSABLE = "/dev/null/home"
NO_HOME = f"{UNUSABLE}/.prefect cannot be used (Not a directory)"


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder without a `.env`, and an environment without a service, both put back as they were."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CODEGRADER_HOME", str(tmp_path))
    # The sandbox sets it.
    monkeypatch.setenv("PREFECT_HOME", os.environ["PREFECT_HOME"])
    for name in GRADER:
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_setup_without_a_home(alone: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for name, value in GRADER.items():
        monkeypatch.setenv(name, value)
    home = {PREFECT_HOME: Path(UNUSABLE) / ".prefect"}
    with temporary_settings(home, restore_defaults={PREFECT_API_URL}):
        assert setup.main([]) == 2
    said = capsys.readouterr().err
    assert (NO_HOME in said, said.count("\n")) == (True, 1)


def test_a_run_without_a_home_and_with_a_file_that_prefect_cannot_read(tmp_path: Path) -> None:
    """As its user starts it, without the Prefect home of the tests: Prefect warns of neither."""
    (tmp_path / ".env").write_text("GRADER_CLIENT: university\n")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    done = subprocess.run(
        [sys.executable, "-m", "flows.etl", "--start-date", "2023-04-01"],
        cwd=tmp_path,
        env=inherited | GRADER | {"HOME": UNUSABLE, "CODEGRADER_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)},
        text=True,
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2
    assert (NO_HOME in done.stderr, done.stderr.count("\n")) == (True, 1)


def test_a_folder_of_the_sandbox_or_its_world_that_cannot_be_made(
    alone: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CODEGRADER_HOME", UNUSABLE)
    assert run_sandbox([]) == 2
    said = capsys.readouterr().err
    assert (said.startswith(UNUSABLE), "CODEGRADER_HOME" in said, said.count("\n")) == (True, True, 1)
    monkeypatch.setattr("sys.argv", ["world"])
    with pytest.raises(SystemExit, match="2"):
        run_world()
    assert "cannot be used (Not a directory): set CODEGRADER_HOME to another folder" in capsys.readouterr().err


def test_a_sandbox_that_another_process_uses(alone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script = "from tests.sandbox.demo import Demo\nwith Demo(): print('in use', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert any(line == "in use\n" for line in other.stdout)
        code = run_sandbox([])
        other.communicate("\n")
    output = capsys.readouterr()
    assert (code, output.out, output.err.count("\n")) == (2, "", 1)
    assert str(alone) in output.err
