"""Setup: once or often, it is the same; what a user has changed stays; no secret can be read."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows import setup
from flows.installing.server_objects import A_RUN_HAS_DIED, TELL_OF_IT
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
    """The server, with nothing in it."""
    server = Server(prefect_server)
    server.clear()
    return server


def run(pipeline: Pipeline, *arguments: str, **changes: str) -> int:
    """Runs setup as the command line does; its exit code."""
    with pipeline.environment(changes):
        return setup.main(["--env-file", str(pipeline.home / "no.env"), *arguments])


# --- what it makes


def test_everything_is_made_and_a_second_time_nothing_changes(
    pipeline: Pipeline, server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    server.deploy_notify()
    assert run(pipeline) == 0
    first = capsys.readouterr()
    made = server.everything()

    assert run(pipeline) == 0
    second = capsys.readouterr()

    assert server.everything() == made
    assert "created" in first.out
    assert second.out == first.out.replace("created", "there already")
    assert (first.err, second.err) == ("", "")
    assert len(first.out.splitlines()) == 10
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


def test_before_the_deployment_all_else_is_made(
    pipeline: Pipeline, server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(pipeline) == 0

    (line,) = [line for line in capsys.readouterr().out.splitlines() if TELL_OF_IT in line]
    assert "first run prefect --no-prompt deploy --all, and then this again" in line
    assert [one["name"] for one in server.objects("automations")] == [A_RUN_HAS_DIED]
    notify = server.deploy_notify()
    assert run(pipeline) == 0
    automation = server.find("automations", TELL_OF_IT)
    assert automation is not None
    assert automation["actions"][0]["deployment_id"] == str(notify)


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
        # The database cannot be reached, which does not keep its Block from being saved.
        assert run(pipeline, DATABASE_URL=url) == 1
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
    assert run(pipeline, DATABASE_URL=DATABASE_URL) == 1
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
        assert run(pipeline, *arguments, GRADER_CLIENT="another", **changes) == 1
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
        assert run(pipeline, GOOGLE_SERVICE_ACCOUNT_FILE=str(key_file)) == 1
        said = capsys.readouterr()
        assert said.err == (
            f"GOOGLE_SERVICE_ACCOUNT_FILE: the key in {key_file} cannot be used: download it once more\n"
        )
    assert server.objects("automations") == []


# --- what is out of reach


def test_without_the_database_all_else_is_made_and_it_is_said(
    pipeline: Pipeline, server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(pipeline, DATABASE_URL=DATABASE_URL) == 1
    said = capsys.readouterr()
    assert len(said.err.splitlines()) == 1
    assert "database results at 127.0.0.1" in said.err
    assert server.find("work_pools", "codegrader")
    assert server.find("automations", A_RUN_HAS_DIED)


def test_without_the_prefect_server_one_line_says_so(pipeline: Pipeline, capsys: pytest.CaptureFixture[str]) -> None:
    from prefect.settings import PREFECT_API_URL, temporary_settings

    with temporary_settings({PREFECT_API_URL: "http://somebody:geheim@127.0.0.1:1/api"}):
        assert run(pipeline) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == (
        "Prefect server at 127.0.0.1:1: it cannot be reached (ConnectError): start it, or correct PREFECT_API_URL\n"
    )
