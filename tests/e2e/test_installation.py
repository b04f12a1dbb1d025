"""The documented installation works, with the pip that each supported Python of this machine ships. It needs a network.

Packages are resolved, fetched and checked, and not installed: `make` does that, with one of these Pythons.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fixtures.prefect_server import ROOT

PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
FOLDERS = (
    *map(Path, os.environ["PATH"].split(os.pathsep)),
    *Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")).glob("versions/*/bin"),
)
PYTHONS = sorted(
    {
        Path(sys._base_executable).resolve(),  # type: ignore[attr-defined]
        *(path.resolve() for folder in FOLDERS if folder.name != "shims" for path in folder.glob("python3.1[123]")),
    }
)
BLOCKS = re.MULTILINE | re.DOTALL


def documented() -> list[str]:
    """What all pages have pip install, each command once; the command itself last, as it needs the packages."""
    text = "\n".join(page.read_text("utf-8") for page in PAGES)
    blocks = re.findall(r"^```\w*\n(.*?)^```$", text, BLOCKS)
    lines = [line for block in blocks for line in block.splitlines() if "pip install" in line]
    commands = [re.fullmatch(r"(?:sudo )?\.venv[/\\]\w+[/\\]python -m pip install (.+)", line) for line in lines]
    assert all(commands), lines
    return sorted(
        {command[1] for command in commands if command}, key=lambda command: ("--editable" in command, command)
    )


def run(*command: str | Path, folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, text=True, capture_output=True, check=False)
    assert done.returncode == 0, f"{command}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done.stdout


def test_every_way_to_install_is_read() -> None:
    assert documented() == [
        "--require-hashes -r requirements.txt",
        "--require-hashes -r requirements.txt -r tests/sandbox/requirements.txt",
        "--require-hashes -r tests/requirements.txt",
        "--no-deps --no-build-isolation --editable .",
    ]


@pytest.mark.stress
@pytest.mark.timeout(900)
@pytest.mark.parametrize("python", PYTHONS, ids=str)
def test_the_documented_installation(python: Path, tmp_path: Path) -> None:
    if subprocess.run([python, "-c", "import ensurepip, venv"], capture_output=True, check=False).returncode != 0:
        pytest.skip("this Python makes no virtual environments")
    checkout = tmp_path / "checkout"
    shutil.copytree(ROOT, checkout, ignore=shutil.ignore_patterns(".*", "__pycache__"))
    run(python, "-m", "venv", ".venv", folder=checkout)
    environment = checkout / ".venv/bin"
    install = (environment / "python", "-m", "pip", "install")

    *packages, command = documented()
    for arguments in packages:
        run(*install, "--dry-run", *arguments.split(), folder=checkout)
    _install_setuptools(checkout, *install)
    run(*install, *command.split(), folder=checkout)

    assert "Usage: codegrader" in run(environment / "codegrader", folder=tmp_path)
    assert "Usage: codegrader" in run(environment / "python", "-m", "flows", folder=tmp_path)
    assert not list(checkout.glob("*.egg-info"))


def _install_setuptools(checkout: Path, *install: str | Path) -> None:
    """Installs the one package that the command's own installation needs, as it is locked."""
    entry = re.search(r"^setuptools==.*?\n(?=\S)", (checkout / "requirements.txt").read_text("utf-8"), BLOCKS)
    assert entry
    (checkout / "setuptools.txt").write_text(entry[0])
    run(*install, "--require-hashes", "-r", "setuptools.txt", folder=checkout)
