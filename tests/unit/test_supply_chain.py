"""What is installed is what was chosen: one version of each package, and files whose hashes are known."""

import pkgutil
import re
import tomllib
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
        assert re.match(rf"{re.escape(name)}(\[[\w, -]+\])?==[\w.!+]+ ", entry), entry
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", entry), entry


@pytest.mark.parametrize("lock", LOCKS, ids=str)
def test_what_was_asked_for_is_locked(lock: Path) -> None:
    wanted = (ROOT / lock).with_suffix(".in").read_text("utf-8")
    names = re.findall(r"^([a-z][\w.-]*)", wanted, flags=re.MULTILINE)

    assert names
    assert set(names) <= set(locked(lock))


@pytest.mark.parametrize("lock", LOCKS, ids=str)
def test_a_package_with_extras_is_listed_under_both_of_its_names(lock: Path) -> None:
    # To pip before 23.3 these are two packages, and one of them would be without a version.
    text = (ROOT / lock).read_text("utf-8")
    with_extras = re.findall(r"^([\w.-]+)\[[^]]+\](==.*(?:\n    --hash=.*)+)", text, flags=re.MULTILINE)

    assert bool(with_extras) is (lock.parent == Path())
    assert [name for name, pin in with_extras if f"\n{name}{pin}\n" not in text] == []


def test_no_package_has_two_versions() -> None:
    versions: dict[str, set[str]] = {}
    for lock in LOCKS:
        for name, entry in locked(lock).items():
            versions.setdefault(name, set()).add(re.split(r"[ ;]", entry.partition("==")[2], maxsplit=1)[0])

    assert {name: found for name, found in versions.items() if len(found) > 1} == {}


def test_every_install_that_is_documented_checks_the_hashes() -> None:
    pages = [ROOT / "README.md", ROOT / "Makefile", *(ROOT / "docs").glob("*.md")]
    installs = re.findall(
        r"(?:-m pip install|\$\(INSTALL\)) (.*)", "\n".join(page.read_text("utf-8") for page in pages)
    )
    # The checkout itself is made importable, with nothing from elsewhere.
    of_the_checkout = "--no-deps --no-build-isolation --editable ."
    downloads = [arguments for arguments in installs if " -r " in arguments]

    assert downloads
    assert [arguments for arguments in downloads if "--require-hashes" not in arguments] == []
    assert set(installs) - set(downloads) <= {of_the_checkout, "--quiet --disable-pip-version-check --no-compile"}


def test_the_command_leads_to_a_function() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    assert callable(pkgutil.resolve_name(project["project"]["scripts"]["codegrader"]))
    assert project["tool"]["setuptools"]["packages"] == ["flows", "tasks", "schemas"]
