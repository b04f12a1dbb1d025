"""Setup: once or often, it is the same; what a user has changed stays; no secret can be read."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from flows import setup
from flows.installing import deployments
from flows.installing.deployments import DEPLOYMENTS, NOTIFY
from flows.installing.server_objects import A_RUN_HAS_DIED, TELL_OF_IT
from tests.e2e.prefect_server import ROOT
from tests.e2e.server_objects import Server, own_server
from tests.fixtures.pipelines import Pipeline, Pipelines
from tests.sandbox.grader import RecordList

pytestmark = pytest.mark.slow

DATABASE_URL = "postgresql://reader:geheim-pass@127.0.0.1:1/results"
NO_SHEET = dict.fromkeys(("GOOGLE_SERVICE_ACCOUNT_FILE", "SPREADSHEET_ID"), "")
NO_MAIL = dict.fromkeys(("SMTP_SERVER", "SMTP_PORT", "SMTP_USERNAME", "SMTP_PASSWORD", "EMAIL_FROM", "EMAIL_TO"), "")


@pytest.fixture(scope="module")
def prefect_server() -> Iterator[str]:
    with own_server() as api:
        yield api


@pytest.fixture
def pipeline(pipelines: Pipelines) -> Pipeline:
    return pipelines.make(RecordList([]))


@pytest.fixture
def server(prefect_server: str) -> Server:
    """The server, with nothing in it but deployments, which it takes a while to make."""
    server = Server(prefect_server)
    server.clear()
    server.pretend_to_deploy()
    return server


def run(pipeline: Pipeline, *arguments: str, **changes: str) -> int:
    """Runs setup as the command line does; its exit code."""
    with pipeline.environment(changes):
        return setup.main(["--env-file", str(pipeline.home / "no.env"), *arguments])


def without_checks(output: str) -> str:
    """What was printed, without the lines about the services."""
    return "".join(line for line in output.splitlines(keepends=True) if not line.startswith(("ok ", "skipped ")))


# --- what it makes


def test_everything_is_made_and_a_second_time_nothing_changes(
    pipeline: Pipeline, server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(pipeline) == 0
    first = capsys.readouterr()
    made = server.everything()

    assert run(pipeline) == 0
    second = capsys.readouterr()

    assert server.everything() == made
    assert "created" in first.out
    assert without_checks(second.out) == without_checks(first.out).replace("created", "there already")
    assert (first.err, second.err) == ("", "")
    assert pipeline.rows("SELECT version_num FROM codegrader_schema") == [("0001",)]
    assert {block["type"] for block in made["block_documents"]} == {
        "grader-api",
        "gcp-credentials",
        "email-server-credentials",
    }
    (pool,) = made["work_pools"]
    assert (pool["name"], pool["type"]) == ("codegrader", "process")
    assert pool["base_job_template"]["job_configuration"]["command"] == "{{ command }}"
    (limit,) = made["v2/concurrency_limits"]
    assert (limit["name"], limit["limit"], limit["active"]) == ("grader-api", 4, True)
    assert {automation["name"] for automation in made["automations"]} == {A_RUN_HAS_DIED, TELL_OF_IT}


def test_the_dashboard_offers_all_four_block_types(pipeline: Pipeline, server: Server) -> None:
    assert run(pipeline, **NO_SHEET, **NO_MAIL) == 0
    types = {one["slug"]: one["id"] for one in server.objects("block_types")}
    described = {one["block_type_id"] for one in server.objects("block_schemas")}
    for slug in ("grader-api", "sqlalchemy-connector", "gcp-credentials", "email-server-credentials"):
        assert types[slug] in described


def test_one_call_makes_the_deployments_as_well_from_any_folder(
    pipeline: Pipeline,
    server: Server,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    server.clear()
    monkeypatch.chdir(tmp_path)

    assert run(pipeline) == 0

    said = capsys.readouterr()
    assert f"deployments: {', '.join(DEPLOYMENTS)}, created" in said.out
    assert said.out.index("work pool: ") < said.out.index("deployments: ") < said.out.index("automation ")
    assert "prefect worker start --pool codegrader" in said.out
    assert said.err == ""
    notify = server.find("deployments", NOTIFY.partition("/")[2])
    automation = server.find("automations", TELL_OF_IT)
    daily = server.find("deployments", "daily")
    assert notify
    assert automation
    assert daily
    assert automation["actions"][0]["deployment_id"] == notify["id"]
    assert daily["entrypoint"] == "flows.etl.codegrader_etl"
    assert daily["pull_steps"] == [{"prefect.deployments.steps.set_working_directory": {"directory": str(ROOT)}}]
    assert list(tmp_path.iterdir()) == []


def test_deployments_that_are_there_are_left_as_they_are(
    pipeline: Pipeline, server: Server, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = server.objects("deployments")
    monkeypatch.setattr(deployments, "deploy", lambda: pytest.fail("deployed"))

    assert run(pipeline) == 0

    assert server.objects("deployments") == before
    assert "deployments: there already; to make them again from prefect.yaml: prefect" in capsys.readouterr().out


def test_a_deploy_that_fails_is_told_and_nothing_depends_on_it(
    pipeline: Pipeline,
    server: Server,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    server.clear()
    monkeypatch.setattr(deployments, "CHECKOUT", tmp_path)

    assert run(pipeline) == 1

    said = capsys.readouterr()
    assert said.err.splitlines()[-1] == f"`prefect --no-prompt deploy --all` in {tmp_path} failed, see above"
    assert server.find("work_pools", "codegrader")


@pytest.mark.parametrize("kind", ["there already", "made at this moment"])
def test_what_somebody_else_makes_is_success(
    pipeline: Pipeline, server: Server, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """The server itself registers Block types when it starts; another setup may run at the same time."""
    from prefect.client.orchestration import SyncPrefectClient

    server.forget_block_type("grader-api")
    makers = (
        "create_block_type",
        "create_block_schema",
        "create_block_document",
        "create_variable",
        "create_work_pool",
        "create_global_concurrency_limit",
        "create_automation",
    )
    if kind == "made at this moment":
        for name in makers:
            monkeypatch.setattr(SyncPrefectClient, name, somebody_was_faster(getattr(SyncPrefectClient, name)))
    else:
        assert run(pipeline) == 0

    assert run(pipeline) == 0

    made = server.everything()
    assert sorted(one["name"] for one in made["automations"]) == [A_RUN_HAS_DIED, TELL_OF_IT]
    assert len(made["block_documents"]) == 3
    assert [one["name"] for one in made["work_pools"]] == ["codegrader"]


def somebody_was_faster(create: Callable[..., Any]) -> Callable[..., Any]:
    """Makes it, and then fails or makes it again, as it does for the slower of two."""

    def create_twice(*arguments: Any, **named: Any) -> Any:
        create(*arguments, **named)
        return create(*arguments, **named)

    return create_twice


def test_what_a_user_has_changed_stays(pipeline: Pipeline, server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    run(pipeline)
    automation = server.find("automations", A_RUN_HAS_DIED)
    assert automation is not None
    server.ask("PATCH", "work_pools/codegrader", {"concurrency_limit": 3, "description": "ours"})
    server.ask("PATCH", "v2/concurrency_limits/grader-api", {"limit": 2})
    server.ask("PATCH", f"automations/{automation['id']}", {"enabled": False})
    changed = server.everything()
    capsys.readouterr()

    assert run(pipeline) == 0

    assert server.everything() == changed
    assert "concurrency limit: grader-api, there already, 2 requests at once" in capsys.readouterr().out


def test_an_automation_of_an_earlier_version_is_brought_up_to_date(
    pipeline: Pipeline, server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    run(pipeline)
    automation = server.find("automations", A_RUN_HAS_DIED)
    assert automation is not None
    earlier = {name: value for name, value in automation.items() if name != "id"}
    earlier |= {"description": "as it was", "enabled": False}
    server.ask("PUT", f"automations/{automation['id']}", earlier)
    capsys.readouterr()

    assert run(pipeline) == 0

    assert f'automation "{A_RUN_HAS_DIED}": updated' in capsys.readouterr().out
    now = server.find("automations", A_RUN_HAS_DIED)
    assert now is not None
    assert (now["id"], now["description"]) == (automation["id"], automation["description"])
    assert now["enabled"] is False


# --- secrets


def test_no_secret_is_readable_without_asking_for_secrets(
    pipeline: Pipeline, server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    environment = pipeline.world.environment()
    key = json.loads(Path(environment["GOOGLE_SERVICE_ACCOUNT_FILE"]).read_text())["private_key"]
    secrets = [environment["GRADER_CLIENT_KEY"], environment["SMTP_PASSWORD"], "geheim-pass", json.dumps(key)[1:-1]]

    for url in (DATABASE_URL, "postgresql://reader@127.0.0.1:1/results?password=geheim-pass&sslmode=prefer"):
        assert run(pipeline, DATABASE_URL=url) == 1
        pipeline.set_up(DATABASE_URL=url)
        said = capsys.readouterr()
        shown = f"{said.out}{said.err}{json.dumps(server.everything())}"
        kept = json.dumps(server.blocks(include_secrets=True))

        for secret in secrets:
            assert secret not in shown
            assert secret in kept
        (database,) = [block["data"] for block in server.blocks() if block["type"] == "sqlalchemy-connector"]
        assert (database["connection_info"]["username"], database["connection_info"]["password"]) == (
            "reader",
            "********",
        )


# --- services that come and go


def test_a_service_that_is_no_longer_named_loses_its_block(pipeline: Pipeline, server: Server) -> None:
    pipeline.set_up(DATABASE_URL=DATABASE_URL)
    assert len(server.blocks()) == 4

    assert run(pipeline, **NO_SHEET, **NO_MAIL) == 0

    assert [block["type"] for block in server.blocks()] == ["grader-api"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"GRADER_CLIENT_KEY": ""}, "GRADER_CLIENT_KEY"),
        ({"SPREADSHEET_ID": ""}, "missing: SPREADSHEET_ID"),
        ({"SMTP_SERVER": "", "EMAIL_TO": ""}, "missing: SMTP_SERVER, EMAIL_TO"),
        ({"DATABASE_URL": "postgresql://reader:geheim@pass@host:5432/results"}, "DATABASE_URL cannot be read"),
        ({"DATABASE_URL": "postgresql://reader:geheim-pass@host:5432"}, "DATABASE_URL cannot be read"),
    ],
)
def test_what_cannot_be_used_changes_nothing(
    pipeline: Pipeline,
    server: Server,
    capsys: pytest.CaptureFixture[str],
    changes: dict[str, str],
    expected: str,
) -> None:
    run(pipeline)
    before = server.everything()
    capsys.readouterr()

    for arguments in ([], ["--check"], ["--import-legacy"]):
        assert run(pipeline, *arguments, GRADER_CLIENT="another", **changes) == 2
        said = capsys.readouterr()
        assert said.out == ""
        assert len(said.err.splitlines()) == 1
        assert expected in said.err
        assert "geheim" not in said.err

    assert server.everything() == before


def test_a_key_that_is_none_changes_nothing(
    pipeline: Pipeline, server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    key_file = pipeline.home / "broken.json"
    account = json.loads(Path(pipeline.world.environment()["GOOGLE_SERVICE_ACCOUNT_FILE"]).read_text())
    for content in ({"type": "service_account"}, account | {"private_key": "geheim-key"}):
        key_file.write_text(json.dumps(content))
        assert run(pipeline, GOOGLE_SERVICE_ACCOUNT_FILE=str(key_file)) == 2
        said = capsys.readouterr()
        assert said.err == (
            f"GOOGLE_SERVICE_ACCOUNT_FILE: the key in {key_file} cannot be used: download it once more\n"
        )
    assert server.objects("automations") == []


# --- what is out of reach


@pytest.mark.parametrize(
    ("service", "changes"),
    [
        ("database", {"DATABASE_URL": DATABASE_URL}),
        ("grader API", {"GRADER_API_URL": "http://127.0.0.1:1/statistics"}),
        ("Google Sheet", {"GOOGLE_SHEETS_URL": "http://127.0.0.1:1"}),
        ("mail", {"SMTP_PORT": "1"}),
    ],
)
def test_nothing_is_saved_unless_every_service_works(
    pipeline: Pipeline, server: Server, capsys: pytest.CaptureFixture[str], service: str, changes: dict[str, str]
) -> None:
    before = server.everything()

    assert run(pipeline, GRADER_CLIENT=pipeline.world.grader.client, **changes) == 1

    said = capsys.readouterr()
    assert [line.startswith(f"FAILED   {service}") for line in said.out.splitlines()].count(True) == 1
    assert said.err.startswith(
        "Nothing was saved. Do what the FAILED lines say, or leave that service's lines in .env "
    )
    assert said.err.count("\n") == 1
    assert server.everything() == before


def test_without_the_prefect_server_one_line_says_so(pipeline: Pipeline, capsys: pytest.CaptureFixture[str]) -> None:
    from prefect.settings import PREFECT_API_URL, temporary_settings

    with temporary_settings({PREFECT_API_URL: "http://somebody:geheim@127.0.0.1:1/api"}):
        assert run(pipeline) == 1
    said = capsys.readouterr()
    failed = [line for line in said.out.splitlines() if not line.startswith("ok ")]
    reason = "it cannot be reached (connection refused): start it, or correct PREFECT_API_URL"
    assert failed == [f"FAILED   Prefect server at 127.0.0.1:1: {reason}"]
    assert said.err.startswith("Nothing was saved. ")
