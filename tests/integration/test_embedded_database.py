"""The embedded PostgreSQL belongs to one user and one folder, and says what keeps it from starting."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tasks.database import embedded_server
from tasks.errors import PermanentError
from tests.faults import fault
from tests.fixtures.database import prepare_data
from tests.fixtures.prefect_server import ROOT

START_AND_SAY_WHERE = "from tasks.database import *; print(embedded_server(Path(sys.argv[1])).get_uri())"


def test_what_another_user_left_in_the_folder_of_temporary_files_is_not_in_the_way(home: Path, tmp_path: Path) -> None:
    # Not even root can open it, as no user can open the lock that another one made there.
    (tmp_path / ".lockfile").mkdir()
    prepare_data(home / "postgres")

    done = subprocess.run(
        [sys.executable, "-c", f"import sys; {START_AND_SAY_WHERE}", home / "postgres"],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path)},
        text=True,
        capture_output=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert str(home / "postgres") in done.stdout
    assert not (home / "postgres" / "postmaster.pid").exists()


@pytest.mark.parametrize(("folder", "character"), [("my home", "' '"), ("a;b", "';'"), ("a\nb", r"'\\n'")])
def test_a_character_in_its_path_that_it_cannot_take_is_named(home: Path, folder: str, character: str) -> None:
    with pytest.raises(PermanentError, match=f"because of the {character} in its path: set CODEGRADER_HOME"):
        embedded_server(home / folder / "postgres")
    assert list(home.iterdir()) == []


def test_letters_of_other_alphabets_are_no_hindrance(home: Path) -> None:
    folder = home / "каталог_1.2@a-b~c"
    folder.mkdir()
    with embedded_server(folder / "postgres") as server:
        assert server.psql("SELECT 1")


@fault(
    "secrets", "the private folder's path is too long for a socket in it", "refused: elsewhere, others could connect"
)
def test_a_path_that_is_too_long_is_refused(home: Path) -> None:
    with pytest.raises(PermanentError, match="too long a path"):
        embedded_server(home / ("x" * 100) / "postgres")
