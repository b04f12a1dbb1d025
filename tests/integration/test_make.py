"""What `make` sets up is whole, and is of the Python that was asked for. Packages are not installed here."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fixtures.prefect_server import ROOT

INSTALLED = ".venv/installed-run"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What the Makefile needs of a checkout."""
    for name in ("Makefile", "pyproject.toml", "requirements.txt", "tests/sandbox/requirements.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    return tmp_path


def make(checkout: Path, *arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    # These tests may run under `make test`, whose variables would make this one speak as a part of it.
    own = {name: value for name, value in os.environ.items() if name not in ("MAKELEVEL", "MAKEFLAGS", "MFLAGS")}
    return subprocess.run(
        ["make", INSTALLED, "INSTALL=true", *arguments],
        cwd=checkout,
        env=own | variables,
        text=True,
        capture_output=True,
        check=False,
    )


def script(path: Path, text: str) -> str:
    """A stand-in for a Python; whatever its text does not catch, this Python does."""
    path.write_text(f'#!/bin/sh\n{text}\nexec {sys.executable} "$@"\n')
    path.chmod(0o755)
    return f"PYTHON={path}"


def test_what_was_left_by_a_step_that_failed_is_made_anew(checkout: Path) -> None:
    # As Debian's without python3-venv: it has made the folder and the link to Python, when pip is missing.
    half = f'[ "$2" = venv ] && mkdir -p .venv/bin && ln -s {sys.executable} .venv/bin/python && exit 1'
    assert make(checkout, script(checkout / "python3", half)).returncode == 2
    # Without /dev/shm it ends in a traceback: it cannot divide the work among processes. Then there is no byte code.
    (checkout / "compileall.py").write_text("raise SystemExit('no byte code')")

    done = make(checkout, f"PYTHON={sys.executable}", PYTHONPATH=str(checkout))

    assert (done.returncode, done.stderr) == (0, "")
    subprocess.run([checkout / ".venv/bin/python", "-m", "pip", "--version"], check=True)


def test_an_environment_of_another_python_than_the_one_named_is_made_anew(checkout: Path) -> None:
    # As quick as can be: here it does not matter what is in it.
    bare = f'[ "$2" = venv ] && exec {sys.executable} "$@" --without-pip'
    usual = script(checkout / "usual", bare)
    assert make(checkout, usual).returncode == 0
    mark = checkout / ".venv/mark"
    mark.touch()
    assert make(checkout).stdout.splitlines() == [f"make: '{INSTALLED}' is up to date."]
    assert make(checkout, usual).returncode == 0
    # One that cannot be used leaves the environment as it is.
    for unusable in ("/nowhere/python3", "false"):
        refused = make(checkout, f"PYTHON={unusable}")
        assert (refused.returncode, "Python 3.11, 3.12 or 3.13 is needed" in refused.stdout) == (2, True)
    assert mark.exists()

    other = script(checkout / "other", f'[ "$1" = -V ] && echo Python 3.12.99 && exit\n{bare}')
    assert make(checkout, other).returncode == 0

    assert not mark.exists()
    assert (checkout / INSTALLED).exists()
