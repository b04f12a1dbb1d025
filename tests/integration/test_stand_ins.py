"""The stand-ins as a process of their own: what they print leads to them, and Ctrl-C ends them."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from prefect.logging.configuration import ensure_logging_setup

from flows import setup
from flows.installing.environment import KNOWN_SETTINGS
from tests.fixtures.database import prepare_data, stop_embedded_database
from tests.fixtures.prefect_server import ROOT

COMMAND = [sys.executable, "-m", "tests.sandbox.world"]


def test_the_settings_that_the_world_prints_are_a_whole_env_file(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in KNOWN_SETTINGS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CODEGRADER_HOME", str(home))
    prepare_data(home / "postgres")
    # Prefect's logging would keep this test's standard error, which is closed at its end.
    with capsys.disabled():
        ensure_logging_setup()
    env_file = home / "other.env"
    with (
        env_file.open("w") as file,
        subprocess.Popen(COMMAND, cwd=ROOT, stdout=file, stderr=subprocess.PIPE, text=True) as process,
    ):
        assert process.stderr is not None
        said = process.stderr.readline()
        assert "Ctrl-C" in process.stderr.readline(), said
        (trusted,) = re.findall(r"export SSL_CERT_FILE=(\S+)", said)
        monkeypatch.setenv("SSL_CERT_FILE", trusted)
        code = setup.main(["--check", "--env-file", str(env_file)])
        process.send_signal(signal.SIGINT)
        complaints = process.communicate(timeout=10)[1]
    stop_embedded_database(home / "postgres")

    output = capsys.readouterr()
    assert code == 0, output
    services = re.findall(r"^ok +([\w ]+):", output.out, flags=re.MULTILINE)
    assert services == ["database", "grader API", "Google Sheet", "mail"]
    assert (process.returncode, complaints) == (0, "")
