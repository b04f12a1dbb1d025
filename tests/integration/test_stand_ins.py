"""The stand-ins as a process of their own: what they print leads to them, and Ctrl-C ends them."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

from flows.installing.environment import KNOWN_SETTINGS
from tests.fixtures.prefect_server import ROOT

COMMAND = [sys.executable, "-m", "tests.sandbox.world"]


def test_the_settings_that_the_world_prints_are_a_whole_env_file(home: Path) -> None:

    env_file = home / "other.env"
    variables = {name: value for name, value in os.environ.items() if name not in KNOWN_SETTINGS}
    variables |= {"CODEGRADER_HOME": str(home), "PREFECT_HOME": str(home / "prefect")}
    with (
        env_file.open("w") as output,
        subprocess.Popen(COMMAND, cwd=ROOT, env=variables, stdout=output, stderr=subprocess.PIPE, text=True) as process,
    ):
        assert process.stderr is not None
        said = process.stderr.readline()
        assert "Ctrl-C" in process.stderr.readline(), said
        done = subprocess.run(
            [sys.executable, "-m", "flows.setup", "--check", "--env-file", str(env_file)],
            cwd=ROOT,
            env=variables | dict(re.findall(r"export (SSL_CERT_FILE)=(\S+)", said)),
            text=True,
            capture_output=True,
            check=False,
        )
        process.send_signal(signal.SIGINT)
        complaints = process.communicate(timeout=10)[1]

    assert done.returncode == 0, done.stdout + done.stderr
    services = re.findall(r"^ok +([\w ]+):", done.stdout, flags=re.MULTILINE)
    assert services == ["database", "grader API", "Google Sheet", "mail"]
    assert (process.returncode, complaints) == (0, "")


def test_a_folder_that_cannot_be_used_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    variables = os.environ | {"CODEGRADER_HOME": str(tmp_path / "file" / "folder")}

    done = subprocess.run(COMMAND, cwd=ROOT, env=variables, text=True, capture_output=True, check=False)

    assert (done.returncode, done.stdout) == (2, "")
    assert "cannot be used (Not a directory): set CODEGRADER_HOME to another folder" in done.stderr
    assert "Traceback" not in done.stderr
