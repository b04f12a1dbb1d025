"""`make run` without a `.env`: the whole job against the sandbox, and what a newcomer is told of it."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg2
import pytest

from flows.installing.environment import KNOWN_SETTINGS
from tests.fixtures.prefect_server import ROOT

pytestmark = pytest.mark.slow


@pytest.fixture
def folder() -> Iterator[Path]:
    # Not pytest's own temporary folder: that is closed to the user as whom PostgreSQL runs for root.
    with TemporaryDirectory(prefix="codegrader-") as name:
        yield Path(name)


def make_run(folder: Path) -> str:
    """Runs it where there is no `.env`, whatever a developer has in the checkout; what it prints."""
    ours = {*KNOWN_SETTINGS, "PREFECT_API_URL"}
    variables = {name: value for name, value in os.environ.items() if name not in ours}
    done = subprocess.run(
        [sys.executable, "-m", "tests.sandbox"],
        cwd=folder,
        env=variables | {"CODEGRADER_HOME": str(folder), "PYTHONPATH": str(ROOT)},
        text=True,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert "Error logging" not in done.stderr
    return done.stdout


def test_it_shows_rejected_and_odd_records_and_how_to_look_at_them(folder: Path) -> None:
    from tasks.database import embedded_database

    output = make_run(folder)

    outcome = re.search(
        r"fetched, [\d,]+ new, 0 changed, (\d+) rejected, (\d+) duplicates, (\d+) warnings$", output, re.MULTILINE
    )
    assert outcome
    rejected, duplicates, warnings = map(int, outcome.groups())
    assert (rejected > 40, duplicates, warnings > 40) == (True, 14, True)
    told = re.search(
        r'CODEGRADER_HOME=(\S+) PREFECT_HOME=\S+ \\\n +\S+ -m flows\.psql -c "(.+)"$', output, re.MULTILINE
    )
    assert told
    home, query = told.groups()
    embedded_database(Path(home) / "postgres")
    with psycopg2.connect(host=f"{home}/postgres", user="postgres") as connection, connection.cursor() as cursor:
        cursor.execute(query)
        by_reason = {reasons[0]: count for reasons, count in cursor.fetchall()}
    assert sorted(by_reason) == ["allowed verdicts", "user id present", "valid time"]
    assert sum(by_reason.values()) == rejected
