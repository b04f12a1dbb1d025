"""What is installed is what was chosen: one version of each package, and files whose hashes are known."""

import pkgutil
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOCKS = [Path(folder) / "requirements.txt" for folder in (".", "tests/sandbox", "tests")]


def locked(lock: Path) -> dict[str, str]:
    """The packages of a lock, extras included, each with the whole of its entry."""
    text = re.sub(r"^\s*#.*\n", "", (ROOT / lock).read_text("utf-8"), flags=re.MULTILINE)
    return {entry.partition("==")[0]: entry for entry in re.split(r"\n(?=[a-z0-9])", text.strip())}


@pytest.mark.parametrize("lock", LOCKS, ids=str)
def test_what_was_asked_for_is_locked_to_one_version_with_hashes(lock: Path) -> None:
    packages = locked(lock)
    wanted = re.findall(r"^([a-z][\w.-]*)", (ROOT / lock).with_suffix(".in").read_text("utf-8"), re.MULTILINE)
    assert set() < set(wanted) <= set(packages)
    for name, entry in packages.items():
        assert re.match(rf"{re.escape(name)}==[\w.!+]+ .*--hash=sha256:[0-9a-f]{{64}}", entry, re.DOTALL), entry
        # To pip before 23.3 a package with extras is another one than that without, which would have no version.
        assert packages[name.partition("[")[0]].partition("==")[2] == entry.partition("==")[2]


def test_no_package_has_two_versions() -> None:
    pins = {(name, entry.split()[0]) for lock in LOCKS for name, entry in locked(lock).items()}
    assert len(pins) == len({name for name, _ in pins})


def test_what_make_installs_is_checked_by_its_hashes() -> None:
    installs = re.findall(r"\$\(INSTALL\) (.*?)(?: -r .*)?\n", (ROOT / "Makefile").read_text("utf-8"))
    assert set(installs) == {"--require-hashes", "--no-deps --no-build-isolation --editable ."}


def test_the_command_leads_to_a_function_and_the_licence_is_named() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    assert callable(pkgutil.resolve_name(project["project"]["scripts"]["codegrader"]))
    assert (ROOT / "LICENSE").read_text("utf-8").startswith(f"{project['project']['license']} License")
