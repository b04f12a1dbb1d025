"""Folders that cannot be used, or are in use, are told in one line and at once."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fixtures.prefect_server import ROOT

GRADER = {"GRADER_API_URL": "http://127.0.0.1:1/", "GRADER_CLIENT": "nobody", "GRADER_CLIENT_KEY": "nothing"}


def run(*arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    """A command as its user starts it, without the Prefect home of the tests."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "GRADER_"))}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=inherited | variables,
        stdin=subprocess.DEVNULL,
        text=True,
        capture_output=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize("command", [("flows.setup",), ("flows.etl", "--start-date", "2023-04-01")], ids=str)
def test_a_home_that_does_not_exist(tmp_path: Path, command: tuple[str, ...]) -> None:
    done = run("-m", *command, HOME="/dev/null/home", CODEGRADER_HOME=str(tmp_path), **GRADER)

    assert done.returncode in (1, 2)
    assert "/dev/null/home/.prefect cannot be used (Not a directory)" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_folder_of_the_sandbox_that_cannot_be_made() -> None:
    done = run("-m", "tests.sandbox", CODEGRADER_HOME="/dev/null/home")

    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert re.search("^/dev/null/home/.*CODEGRADER_HOME", done.stderr)


def test_a_sandbox_that_another_process_uses(tmp_path: Path) -> None:
    script = "from tests.sandbox.demo import Demo\nwith Demo(): print('in use', flush=True); input()"
    home = {"CODEGRADER_HOME": str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env=os.environ | home,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout is not None
        assert any(line == "in use\n" for line in other.stdout)
        done = run("-m", "tests.sandbox", **home)
        other.communicate("\n")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert str(tmp_path) in done.stderr
