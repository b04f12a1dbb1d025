"""The whole product, as `make up` starts it: what is in its way, deployments, the dashboard in a browser, and Ctrl-C.

The tests that are slow share one, in this order; the last one stops it.
"""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import prefect
import psutil
import pytest
import requests
import yaml

from flows import up
from schemas.figures import DAILY_FIGURES
from schemas.wording import FETCHED, STATUS_SUCCEEDED
from tasks.analyses.checks import CHECKS
from tests.fixtures.browser import Visit
from tests.fixtures.prefect_server import ROOT
from tests.fixtures.product import PASSWORD, Product, processes_of
from tests.fixtures.waiting import wait_until

if TYPE_CHECKING:
    from prefect.client.schemas.responses import DeploymentResponse

GRADER = {"GRADER_API_URL": "http://127.0.0.1:1/", "GRADER_CLIENT": "nobody", "GRADER_CLIENT_KEY": "nothing"}
STUBBORN = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print(subprocess.Popen(["sleep", "60"], start_new_session=True).pid, file=sys.stdout, flush=True)
time.sleep(60)
"""
FILE: dict[str, Any] = yaml.safe_load((ROOT / "prefect.yaml").read_text())
NAMES = {
    "daily": "codegrader-etl/daily",
    "backfill": "codegrader-backfill/backfill",
    "notify": "codegrader-notify/notify",
}
STATED = {deployment["name"]: deployment for deployment in FILE["deployments"]}
BY_HAND = "SELECT count(*) FROM flow_run WHERE NOT auto_scheduled"

FIRST, LAST = "2023-05-17", "2023-05-18"
RUN = f"{FIRST} to {LAST}"
FIGURES = {figure.name: figure for figure in DAILY_FIGURES}
ARTIFACTS = {
    "summary": (
        STATUS_SUCCEEDED.ru,
        f"{FETCHED.ru}: ",
        *(FIGURES[name].short.ru for name in ("unique_users", "success_rate")),
        CHECKS["no date in the future"].ru,
    ),
    "progress": ("100%",),
}


# --- what is in its way


def test_a_port_that_is_taken_is_told_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
        done = subprocess.run(
            [sys.executable, "-m", "flows.up"],
            cwd=ROOT,
            env={**os.environ, **GRADER, "CODEGRADER_HOME": str(tmp_path), "PORT": port},
            text=True,
            capture_output=True,
            check=False,
        )

    assert done.returncode == 1
    assert f"port {port} " in done.stderr
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_what_does_not_end_by_itself_is_killed_with_all_that_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(up, "STOPPED_WITHIN_S", 0.2)
    output = tmp_path / "output"
    with output.open("w") as file, up.running([sys.executable, "-c", STUBBORN], file) as child:
        wait_until(lambda: output.read_text().endswith("\n"))
        grandchild = psutil.Process(int(output.read_text()))

    assert child.returncode == -signal.SIGKILL
    wait_until(lambda: not grandchild.is_running() or grandchild.status() == psutil.STATUS_ZOMBIE)


# --- the deployments: what prefect.yaml says is what the server holds, and does


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


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
def test_what_cannot_be_right_is_refused_at_submit(product: Product) -> None:
    before, daily = product.rows(BY_HAND, "prefect"), read(product, "daily").id
    wrong: dict[str, Any]
    for wrong, told in (
        ({"start_date": "31.04.2023"}, "'31.04.2023' is not one of ['a day such as 2023-04-01'"),
        ({"window_hours": 48}, "48 is greater than the maximum of 24"),
    ):
        with product.client() as client, pytest.raises(httpx.HTTPStatusError) as refusal:
            client.create_flow_run_from_deployment(daily, parameters=wrong)
        assert told in refusal.value.response.json()["detail"]
    assert product.rows(BY_HAND, "prefect") == before


@pytest.mark.slow
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


# --- the dashboard


@pytest.mark.slow
def test_without_the_password_nothing_is_said(visit: Visit, product: Product) -> None:
    user, _, password = PASSWORD.partition(":")
    for auth, status in ((None, 401), ((user, "a guess"), 401), ((user, password), 200)):
        blocks = f"{product.address}/api/block_documents/filter"
        assert requests.post(blocks, json={"include_secrets": True}, auth=auth, timeout=10).status_code == status

    visit.open("/")
    visit.see("Login")
    visit.keep("login")
    with visit.page.expect_response(lambda response: response.status == 401):
        visit.log_in("admin:a guess")
    visit.see("Login")

    visit.log_in(PASSWORD)

    visit.see("Flow Runs", "Active Work Pools", "Polled")
    visit.keep("dashboard")


@pytest.mark.slow
def test_no_page_leads_to_the_newer_dashboard_which_calls_a_service_on_the_internet(visit: Visit) -> None:
    from playwright.sync_api import expect

    for path in ("/", "/v2/dashboard"):
        visit.open(path)
        visit.see("Deployments", "Settings")
        assert "/v2" not in visit.page.url
        # A banner on the first page and an entry of the menu, which are shown if both are served.
        expect(visit.page.get_by_text("V2 UI")).to_have_count(0)
    assert visit.page.request.get(f"{visit.address}/ui-settings").json()["available_uis"] == ["v1"]


@pytest.mark.slow
def test_a_range_is_run_from_the_form_and_pages_show_what_came_of_it(visit: Visit, product: Product) -> None:
    from playwright.sync_api import expect

    visit.open("/deployments")
    visit.see("codegrader-backfill", "codegrader-notify")
    visit.keep("deployments")
    visit.page.get_by_role("link", name="daily", exact=True).click()
    visit.see("nightly")
    visit.keep("deployment")
    visit.press("Run")
    visit.press("Custom run")
    visit.see("First day, such as 2023-04-01", "Last day, inclusive")
    empty_fields = visit.page.get_by_text("Select date", exact=True)
    for still_empty, day in ((1, FIRST), (0, LAST)):
        empty_fields.first.click()
        visit.page.locator("input[type=date]").fill(day)
        visit.press("Apply")
        # Otherwise the second day may go into the first field.
        expect(empty_fields).to_have_count(still_empty)
    visit.keep("form")

    visit.press("Submit")

    state = f"SELECT state_type::text FROM flow_run WHERE name = '{RUN}'"
    wait_until(lambda: product.rows(state, "prefect") != [], 30)
    # A page that nobody looks at.
    visit.page.goto("about:blank")
    wait_until(lambda: product.rows(state, "prefect") == [("COMPLETED",)], 90)
    of_the_range = f"BETWEEN '{FIRST}' AND '{LAST}'"
    figures = product.rows(
        f"SELECT day::text, attempts FROM daily_metrics WHERE complete AND day {of_the_range} ORDER BY 1"
    )
    assert [day for day, _ in figures] == [FIRST, LAST]
    loaded = product.rows(f"SELECT count(*) FROM attempts WHERE (created_at AT TIME ZONE 'UTC')::date {of_the_range}")
    assert loaded == [(sum(attempts for _, attempts in figures),)]
    assert loaded > [(0,)]

    visit.open("/runs")
    visit.page.get_by_role("link", name=RUN, exact=True).click()
    visit.see("Completed", "8/8: 2023-05-1")
    visit.keep("run")
    visit.page.get_by_text("Artifacts", exact=True).last.click()
    visit.see(*(f"codegrader-{artifact}" for artifact in ARTIFACTS))
    visit.keep("artifacts")


@pytest.mark.slow
@pytest.mark.parametrize("artifact", ARTIFACTS)
def test_its_artifacts_can_be_read(visit: Visit, artifact: str) -> None:
    visit.open(f"/artifacts/key/codegrader-{artifact}")
    of_this_run = visit.page.get_by_role("listitem").filter(has_text=RUN)
    of_this_run.locator("a[href^='/artifacts/artifact/']").first.click()
    visit.see(RUN, *ARTIFACTS[artifact])
    visit.keep(f"artifact-{artifact}")


@pytest.mark.slow
def test_the_browser_has_called_nobody_else(visit: Visit) -> None:
    others = {url for url in visit.called if not url.startswith((visit.address, "data:", "blob:"))}

    assert visit.called
    assert others == set()
    visit.page.goto("about:blank")


# --- Ctrl-C


@pytest.mark.slow
def test_ctrl_c_stops_all_of_it_and_says_what_became_of_the_run(product: Product) -> None:
    states = "SELECT state_type::text FROM flow_run WHERE name = '2022-01-01 to 2022-12-31'"
    asked = len(product.world.grader.requests)
    with product.client() as client:
        year = {"start_date": "2022-01-01", "end_date": "2022-12-31"}
        client.create_flow_run_from_deployment(read(product, "daily").id, parameters=year)
    wait_until(lambda: len(product.world.grader.requests) > asked + 10, 60)
    assert product.rows(states, "prefect") == [("RUNNING",)]
    # The command itself, server, worker, the run's process, and PostgreSQL.
    assert len(processes_of(product.home)) >= 5

    told = len(product.output())
    assert product.stop() == 0

    wait_until(lambda: not processes_of(product.home))
    assert "Traceback" not in product.output()[told:]
    with product.database_alone():
        assert product.rows(states, "prefect") == [("CRASHED",)]
