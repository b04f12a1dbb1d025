"""The deployments: what prefect.yaml says is what the server holds, and does."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import prefect
import pytest
import requests
import yaml

from tests.fixtures.prefect_server import ROOT
from tests.fixtures.product import Product
from tests.fixtures.waiting import wait_until

if TYPE_CHECKING:
    from prefect.client.schemas.responses import DeploymentResponse

pytestmark = pytest.mark.slow

FILE: dict[str, Any] = yaml.safe_load((ROOT / "prefect.yaml").read_text())
NAMES = {
    "daily": "codegrader-etl/daily",
    "backfill": "codegrader-backfill/backfill",
    "notify": "codegrader-notify/notify",
}
BY_HAND = "SELECT count(*) FROM flow_run WHERE NOT auto_scheduled"
STATED = {deployment["name"]: deployment for deployment in FILE["deployments"]}


def read(product: Product, name: str) -> "DeploymentResponse":
    with product.client() as client:
        return client.read_deployment_by_name(NAMES[name])


def in_words_of_file(held: "DeploymentResponse") -> dict[str, Any]:
    """A deployment as prefect.yaml would state it."""
    limit, options = held.global_concurrency_limit, held.concurrency_options
    concurrency = {"limit": limit.limit, **options.model_dump(mode="json")} if limit and options else None
    return {
        **held.model_dump(include={"name", "description", "version", "tags", "parameters", "entrypoint"}),
        "schedules": [{"slug": each.slug, **each.schedule.model_dump(mode="json")} for each in held.schedules],
        "concurrency_limit": concurrency,
        "work_pool": {"name": held.work_pool_name, "work_queue_name": held.work_queue_name},
    }


def differences(stated: Any, held: Any, path: str = "") -> Iterator[str]:
    """Where the file says something that the server does not hold; what only the server says is no difference."""
    if isinstance(stated, dict) and isinstance(held, dict):
        for key, value in stated.items():
            yield from differences(value, held.get(key, "nothing"), f"{path}/{key}")
    elif isinstance(stated, list) and isinstance(held, list) and len(stated) == len(held):
        for number, (one, other) in enumerate(zip(stated, held, strict=True)):
            yield from differences(one, other, f"{path}/{number}")
    elif stated != held:
        yield f"{path} is {held!r}, not {stated!r}"


def test_the_server_holds_what_the_file_says_and_the_file_says_nothing_else(product: Product) -> None:
    assert set(STATED) == set(NAMES)
    for name, stated in STATED.items():
        assert list(differences(stated, in_words_of_file(read(product, name)))) == []
    assert set(FILE) == {"prefect-version", "build", "push", "pull", "deployments"}
    assert FILE["prefect-version"] == prefect.__version__
    # Nothing is fetched before a run: it imports the flows from where they were deployed.
    assert read(product, "daily").pull_steps == [
        {"prefect.deployments.steps.set_working_directory": {"directory": str(ROOT)}}
    ]


def test_a_range_is_run_by_hand(product: Product) -> None:
    done = product.prefect(
        "deployment", "run", NAMES["daily"], "-p", "start_date=2023-04-01", "-p", "end_date=2023-04-02", "--watch"
    )

    assert done.returncode == 0, product.output()
    figures = product.rows(
        "SELECT day::text, attempts FROM daily_metrics WHERE day BETWEEN '2023-04-01' AND '2023-04-02' ORDER BY day"
    )
    assert [day for day, _ in figures] == ["2023-04-01", "2023-04-02"]
    loaded = product.rows("SELECT count(*) FROM attempts WHERE created_at BETWEEN '2023-04-01' AND '2023-04-03'")
    assert loaded == [(sum(attempts for _, attempts in figures),)]
    assert loaded > [(0,)]


def test_what_cannot_be_right_is_refused_at_submit(product: Product) -> None:
    before = product.rows(BY_HAND, "prefect")
    for wrong, told in (
        ("start_date=31.04.2023", "'31.04.2023' is not one of ['a day such as 2023-04-01'"),
        ("window_hours=48", "48 is greater than the maximum of 24"),
    ):
        done = product.prefect("deployment", "run", NAMES["daily"], "-p", wrong)
        assert done.returncode == 1
        assert told in " ".join((done.stdout + done.stderr).split())
    assert product.rows(BY_HAND, "prefect") == before


def test_what_only_the_flow_can_judge_fails_the_run_at_once(product: Product) -> None:
    asked, told = len(product.world.grader.requests), len(product.world.smtp.messages)

    done = product.prefect(
        "deployment", "run", NAMES["daily"], "-p", "start_date=2023-04-02", "-p", "end_date=2023-04-01", "--watch"
    )

    assert done.returncode == 1
    assert len(product.world.grader.requests) == asked
    query = "SELECT name, message FROM flow_run_state WHERE type = 'FAILED' ORDER BY timestamp DESC LIMIT 1"
    ((name, message),) = product.rows(query, "prefect")
    assert name == "Refused"
    assert message.startswith("end_date 2023-04-01 is before start_date 2023-04-02")
    # Whoever started it sees it; the readers have nothing to do with it.
    assert len(product.world.smtp.messages) == told


def test_the_schedule_makes_runs(product: Product) -> None:
    query = """
        SELECT next_scheduled_start_time AT TIME ZONE 'UTC'
        FROM flow_run JOIN deployment ON deployment.id = deployment_id
        WHERE auto_scheduled AND deployment.name = 'daily' AND next_scheduled_start_time > now()
        ORDER BY 1
    """
    wait_until(lambda: len(product.rows(query, "prefect")) >= 3, 60)

    times = [time for (time,) in product.rows(query, "prefect")]
    assert {f"{time:%H:%M:%S}" for time in times} == {"03:00:00"}
    assert {later - earlier for earlier, later in pairwise(times)} == {timedelta(days=1)}


def test_without_the_password_nothing_is_said(product: Product) -> None:
    user, _, password = product.password.partition(":")
    for auth, status in ((None, 401), ((user, "a guess"), 401), ((user, password), 200)):
        blocks = f"{product.address}/api/block_documents/filter"
        assert requests.post(blocks, json={"include_secrets": True}, auth=auth, timeout=10).status_code == status
