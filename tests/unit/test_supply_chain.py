"""What is installed is what was chosen: one version of each package, and files whose hashes are known."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOCKS = [Path(folder) / "requirements.txt" for folder in (".", "tests/sandbox", "tests")]


def locked(lock: Path) -> dict[str, str]:
    """The packages of a lock, each with the whole of its entry."""
    text = (ROOT / lock).read_text("utf-8")
    entries = re.split(r"\n(?=[a-z0-9])", "\n".join(line for line in text.splitlines() if not re.match(r"\s*#", line)))
    return {re.split(r"[=\[ ;]", entry, maxsplit=1)[0]: entry for entry in entries if entry.strip()}


@pytest.mark.parametrize("lock", LOCKS, ids=str)
def test_every_package_has_one_version_and_hashes(lock: Path) -> None:
    packages = locked(lock)

    assert len(packages) >= 5
    for name, entry in packages.items():
        assert re.match(rf"{re.escape(name)}(\[[\w,-]+\])?==[\w.!+]+ ", entry), entry
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", entry), entry


@pytest.mark.parametrize("lock", LOCKS, ids=str)
def test_what_was_asked_for_is_locked(lock: Path) -> None:
    wanted = (ROOT / lock).with_suffix(".in").read_text("utf-8")
    names = re.findall(r"^([a-z][\w.-]*)", wanted, flags=re.MULTILINE)

    assert names
    assert set(names) <= set(locked(lock))


def test_no_package_has_two_versions() -> None:
    versions: dict[str, set[str]] = {}
    for lock in LOCKS:
        for name, entry in locked(lock).items():
            versions.setdefault(name, set()).add(re.split(r"[ ;]", entry, maxsplit=1)[0].partition("==")[2])

    assert {name: found for name, found in versions.items() if len(found) > 1} == {}


def test_every_install_that_is_documented_checks_the_hashes() -> None:
    pages = [ROOT / "README.md", ROOT / "Makefile", *(ROOT / "docs").glob("*.md")]
    installs = [line for page in pages for line in page.read_text("utf-8").splitlines() if "-m pip install" in line]

    assert installs
    assert [line for line in installs if "--require-hashes" not in line] == []
