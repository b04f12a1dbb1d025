"""What every test shares: a Prefect home of its own, and the folders of recorded data where they are present."""

import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# Prefect reads these when it is imported, so they stand before any test module is.
os.environ["PREFECT_HOME"] = tempfile.mkdtemp(prefix="codegrader-prefect-")
os.environ["PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS"] = "180"
os.environ["PREFECT_SERVER_LOGGING_LEVEL"] = "CRITICAL"
os.environ["DO_NOT_TRACK"] = "1"
os.environ["PREFECT_SERVER_ANALYTICS_ENABLED"] = "false"
# Many containers set it; each process that a test starts would then compile our modules again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

pytest_plugins = [
    f"tests.fixtures.{module}"
    for module in ("database", "pipelines", "product", "browser", "published_sheet", "server_objects")
]

# The same examples on every machine and in every run. To look for others: `--hypothesis-profile=exploring`.
settings.register_profile(
    "exploring",
    deadline=None,
    # Whoever is given a database empties it for each example.
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
settings.register_profile(
    "reproducible", settings.get_profile("exploring"), derandomize=True, database=None, max_examples=40
)
settings.load_profile("reproducible")


@pytest.fixture
def home() -> Iterator[Path]:
    """A private folder; pytest's own is closed to the user as whom PostgreSQL runs for root."""
    with tempfile.TemporaryDirectory(prefix="codegrader-") as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def real_records() -> list[dict[str, Any]]:
    """A thousand real submissions; they are kept beside the checkout, not in it."""
    path = Path(__file__).resolve().parents[1].parent / "shared" / "records" / "recodex-2017-10.jsonl"
    if not path.exists():
        pytest.skip("the real records are not on this machine")
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]
