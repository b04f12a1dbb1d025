"""Setup: tries every service first; once or often, it is the same; what a user has changed stays; no secret shows."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from prefect.filesystems import LocalFileSystem

from flows import setup
from flows.installing import server_objects
from flows.installing.server_objects import A_DAY_IS_LATE, A_RUN_HAS_DIED, DEPLOYMENTS, NOTIFY, TELL_OF_IT
from tasks.database import embedded_database
from tasks.storage import TRIAL
from tests.fixtures.legacy_table import insert, make_table
from tests.fixtures.pipelines import Pipeline, Pipelines
from tests.fixtures.prefect_server import ROOT
from tests.fixtures.records import numbered
from tests.fixtures.server_objects import Server
from tests.fixtures.terminal import Terminal
from tests.fixtures.waiting import wait_until
from tests.sandbox.grader import RecordList
from tests.sandbox.sheets.errors import GoogleError
from tests.sandbox.world import SPREADSHEET_ID

pytestmark = pytest.mark.slow

Run = Callable[..., tuple[int, list[str], str]]
"""Gives the exit code, the lines of standard output, and standard error."""

DATABASE_URL = "postgresql://reader:geheim-pass@127.0.0.1:1/results"
NO_SHEET = dict.fromkeys(("GOOGLE_SERVICE_ACCOUNT_FILE", "SPREADSHEET_ID"), "")
NO_MAIL = dict.fromkeys(("SMTP_SERVER", "SMTP_PORT", "SMTP_USERNAME", "SMTP_PASSWORD", "EMAIL_FROM", "EMAIL_TO"), "")
SERVICES = ("Prefect server", "database", "grader API", "Google Sheet", "mail")
FOREIGN, READ_ONLY = "1SpreadsheetOfSomebodyElse00000000000000000", "1SpreadsheetThatWeMayOnlyLookAt000000000000"
NOWHERE = "http://127.0.0.1:1"


@pytest.fixture(scope="module")
def pipeline(prefect_server: str) -> Iterator[Pipeline]:
    """One for all tests that leave it as it is."""
    with TemporaryDirectory(prefix="codegrader-") as folder, ExitStack() as stack:
        pipeline = Pipelines(Path(folder), prefect_server, stack).make(RecordList([]))
        sheets = pipeline.world.sheets
        sheets.add_spreadsheet(FOREIGN, "Somebody else's", shared_with=[])
        sheets.add_spreadsheet(READ_ONLY, "To look at", shared_with=[], read_only_for=[sheets.service_account_email])
        yield pipeline


@pytest.fixture
def run(pipeline: Pipeline, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs setup as the command line does; none of what it says is a secret."""

    def run(*arguments: str, of: Pipeline = pipeline, **changes: str) -> tuple[int, list[str], str]:
        capsys.readouterr()
        with of.environment(changes):
            code = setup.main(["--env-file", str(of.home / "no.env"), *arguments])
        said = capsys.readouterr()
        for secret in (of.world.grader.client_key, of.world.smtp.password, "geheim"):
            assert secret not in said.out + said.err
        return code, said.out.splitlines(), said.err

    return run


# --- the services are tried


def test_services_that_work_are_told_and_left_as_they_are(pipelines: Pipelines, run: Run) -> None:
    pipeline = pipelines.make(RecordList([]))
    code, lines, _ = run("--check", of=pipeline)

    assert code == 0
    assert [line.split(":")[0] for line in lines] == [f"ok       {name}" for name in SERVICES]
    assert "PostgreSQL" in lines[1]
    (request,) = pipeline.world.grader.requests
    assert request.start is not None
    assert request.end == request.start + timedelta(minutes=1)
    assert pipeline.world.smtp.messages == []
    with pytest.raises(GoogleError):
        pipeline.world.sheets.cells(SPREADSHEET_ID, "RawData")

    assert pipeline.run("2023-04-01", "2023-04-01").is_completed()
    figures = pipeline.world.sheets.cells(SPREADSHEET_ID, "RawData")
    _, lines, _ = run("--check", of=pipeline)

    assert "PostgreSQL 18.4" in lines[1]
    assert "RawData" in lines[3]
    assert pipeline.world.sheets.cells(SPREADSHEET_ID, "RawData") == figures
    assert pipeline.rows("SELECT count(*) FROM loaded_windows") == [(4,)]
    assert len(pipeline.world.smtp.messages) == 1


@pytest.mark.parametrize(
    ("service", "changes", "advice"),
    [
        ("database", {"DATABASE_URL": DATABASE_URL}, "database results at 127.0.0.1"),
        ("grader API", {"GRADER_CLIENT_KEY": "geheim-pass"}, "check GRADER_CLIENT and GRADER_CLIENT_KEY"),
        ("Google Sheet", {"SPREADSHEET_ID": FOREIGN}, "share it with that address as editor"),
        ("Google Sheet", {"SPREADSHEET_ID": READ_ONLY}, "share it with that address as editor"),
        ("Google Sheet", {"GOOGLE_SHEETS_URL": NOWHERE}, "Google cannot be reached"),
        ("mail", {"SMTP_PASSWORD": "geheim-pass"}, "check SMTP_USERNAME and SMTP_PASSWORD"),
        ("mail", {"EMAIL_TO": "nobody"}, "correct EMAIL_TO"),
    ],
)
def test_what_does_not_work_is_one_line_beside_the_others_and_nothing_is_saved(
    pipeline: Pipeline, server: Server, run: Run, service: str, changes: dict[str, str], advice: str
) -> None:
    before = server.everything()
    code, lines, errors = run(**changes)

    assert code == 1
    for name, line in zip(SERVICES, lines, strict=True):
        assert line.startswith(f"FAILED   {name}" if name == service else f"ok       {name}: ")
        assert name != service or advice in line
    assert errors.startswith("Nothing was saved. ")
    assert errors.count("\n") == 1
    assert server.everything() == before


def test_where_reports_are_stored_is_tried_if_it_is_named(pipeline: Pipeline, run: Run) -> None:
    LocalFileSystem(basepath=pipeline.home / "web").save("reports", overwrite=True)
    for name, told in (
        ("reports", "ok       report storage: "),
        ("none", "FAILED   report storage: there is no Block "),
    ):
        code, lines, _ = run("--check", REPORT_STORAGE=f"local-file-system/{name}")
        assert lines[-1].startswith(f"{told}local-file-system/{name}")
        assert (code, len(lines)) == (0 if name == "reports" else 1, len(SERVICES) + 1)
    assert [path.name for path in (pipeline.home / "web").iterdir()] == [TRIAL]


def test_a_fault_of_ours_hides_no_other_service_and_quotes_nothing(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("geheim-pass")

    monkeypatch.setattr("flows.installing.service_checks.try_sheet", fail)
    code, lines, _ = run("--check")

    assert code == 1
    assert lines[3].startswith("FAILED   Google Sheet: unexpected error (ZeroDivisionError)")
    assert lines[4].startswith("ok ")


def test_a_check_saves_nothing_and_its_notes_go_to_standard_error(pipeline: Pipeline, server: Server, run: Run) -> None:
    file = pipeline.home / "no.env"
    before, empty = server.everything(), file.read_text()
    file.write_text("REPORT_LANGAUGE=en\n")
    code, _, errors = run("--check")
    file.write_text(empty)
    assert code == 0
    assert server.everything() == before
    assert "REPORT_LANGAUGE is not a setting" in errors


def test_without_the_prefect_server_one_line_says_so(run: Run) -> None:
    from prefect.settings import PREFECT_API_URL, temporary_settings

    with temporary_settings({PREFECT_API_URL: "http://somebody:geheim@127.0.0.1:1/api"}):
        code, lines, errors = run()
    (failed,) = [line for line in lines if not line.startswith("ok ")]
    assert code == 1
    assert failed.startswith("FAILED   Prefect server at 127.0.0.1:1: ")
    assert "correct PREFECT_API_URL" in failed
    assert errors.startswith("Nothing was saved. ")


# --- what it makes


def test_everything_is_made_and_a_second_time_nothing_changes(pipeline: Pipeline, server: Server, run: Run) -> None:
    code, first, _ = run(EXPECTED_BY="06:00")
    assert code == 0
    made, deployed = server.everything(), server.objects("deployments")

    code, second, errors = run(EXPECTED_BY="06:00")

    assert (code, errors) == (0, "")
    assert server.everything() == made
    assert server.objects("deployments") == deployed
    assert [line.replace("created", "there already") for line in first[5:]] == second[5:]
    assert pipeline.rows("SELECT version_num FROM codegrader_schema") == [("0003",)]
    assert {block["type"] for block in made["block_documents"]} == {
        *("grader-api", "gcp-credentials", "email-server-credentials")
    }
    (pool,) = made["work_pools"]
    assert (pool["name"], pool["type"]) == ("codegrader", "process")
    assert pool["base_job_template"]["job_configuration"]["command"] == "{{ command }}"
    (limit,) = made["v2/concurrency_limits"]
    assert (limit["name"], limit["limit"], limit["active"]) == ("grader-api", 4, True)
    automations = {automation["name"]: automation for automation in made["automations"]}
    assert set(automations) == {A_RUN_HAS_DIED, TELL_OF_IT, A_DAY_IS_LATE}
    (told,) = automations[A_DAY_IS_LATE]["actions"]
    notify = server.find("deployments", NOTIFY.partition("/")[2])
    assert notify is not None
    assert (told["deployment_id"], told["parameters"]) == (notify["id"], {"flow_run_id": None})

    assert f'automation "{A_DAY_IS_LATE}": removed' in run()[1]
    assert {automation["name"] for automation in server.objects("automations")} == {A_RUN_HAS_DIED, TELL_OF_IT}


def test_a_service_that_is_no_longer_named_loses_its_block(pipeline: Pipeline, server: Server, run: Run) -> None:
    pipeline.set_up(DATABASE_URL=DATABASE_URL)
    assert len(server.blocks()) == 4

    assert run(**NO_SHEET, **NO_MAIL)[0] == 0

    assert [block["type"] for block in server.blocks()] == ["grader-api"]


def test_one_call_makes_the_deployments_as_well_from_any_folder(
    server: Server, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    server.clear()
    monkeypatch.chdir(tmp_path)

    code, lines, errors = run()

    assert (code, errors) == (0, "")
    assert f"deployments: {', '.join(DEPLOYMENTS)}, created" in lines
    notify, daily = server.find("deployments", NOTIFY.partition("/")[2]), server.find("deployments", "daily")
    automation = server.find("automations", TELL_OF_IT)
    assert notify and daily and automation  # noqa: PT018
    assert automation["actions"][0]["deployment_id"] == notify["id"]
    assert daily["entrypoint"] == "flows.etl.codegrader_etl"
    assert daily["pull_steps"] == [{"prefect.deployments.steps.set_working_directory": {"directory": str(ROOT)}}]
    assert list(tmp_path.iterdir()) == []


def test_a_deploy_that_fails_is_told_and_nothing_depends_on_it(
    server: Server, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    server.clear()
    monkeypatch.setattr(server_objects, "CHECKOUT", tmp_path)
    code, _, errors = run()
    assert code == 1
    assert f"`{server_objects.DEPLOY}` in {tmp_path} failed" in errors.splitlines()[-1]
    assert server.find("work_pools", "codegrader")


def test_what_somebody_else_makes_at_this_moment_is_success(
    server: Server, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server itself registers Block types when it starts; another setup may run at the same time."""
    from prefect.client.orchestration import SyncPrefectClient

    server.forget_block_type("grader-api")
    things = ("block_type", "block_schema", "block_document", "variable", "work_pool", "global_concurrency_limit")
    for name in (f"create_{thing}" for thing in things):
        monkeypatch.setattr(SyncPrefectClient, name, somebody_was_faster(getattr(SyncPrefectClient, name)))

    assert run()[0] == 0

    made = server.everything()
    assert len(made["block_documents"]) == 3
    assert [one["name"] for one in made["work_pools"]] == ["codegrader"]


def somebody_was_faster(create: Callable[..., Any]) -> Callable[..., Any]:
    """Makes it, and then fails, as it does for the slower of two."""

    def create_twice(*arguments: Any, **named: Any) -> Any:
        create(*arguments, **named)
        return create(*arguments, **named)

    return create_twice


def test_what_a_user_has_changed_stays_but_an_earlier_automation_is_brought_up_to_date(
    server: Server, run: Run
) -> None:
    run()
    automation = server.find("automations", A_RUN_HAS_DIED)
    assert automation is not None
    server.ask("PATCH", "work_pools/codegrader", {"concurrency_limit": 3, "description": "ours"})
    server.ask("PATCH", "v2/concurrency_limits/grader-api", {"limit": 2})
    server.ask("PATCH", f"automations/{automation['id']}", {"enabled": False})
    changed = server.everything()

    assert run()[0] == 0
    assert server.everything() == changed

    earlier = {name: value for name, value in automation.items() if name != "id"}
    server.ask("PUT", f"automations/{automation['id']}", earlier | {"description": "as it was", "enabled": False})
    assert run()[0] == 0
    now = server.find("automations", A_RUN_HAS_DIED)
    assert now is not None
    assert (now["description"], now["enabled"]) == (automation["description"], False)


def test_the_earlier_scripts_rows_are_imported_as_well(pipelines: Pipelines, server: Server, run: Run) -> None:
    pipeline = pipelines.make(RecordList([]))
    engine = embedded_database(pipeline.home / "postgres").get_engine()
    make_table(engine)
    insert(engine, numbered(20))
    engine.dispose()

    code, lines, _ = run("--import-legacy", of=pipeline)

    assert code == 0
    (last,) = [line for line in lines if "; figures of 1 days computed; " in line]
    assert last.startswith("user_config: 20 rows: 20 new attempts, 0 there already, 0 duplicates, 0 left out; ")
    assert pipeline.rows("SELECT count(*) FROM attempts") == [(20,)]


# --- what cannot be used, and secrets


@pytest.mark.parametrize(
    "changes",
    [
        {"GRADER_CLIENT_KEY": ""},
        {"SMTP_SERVER": "", "EMAIL_TO": ""},
        {"DATABASE_URL": "postgresql://reader:geheim@pass@host:5432/results"},
        {"GOOGLE_SERVICE_ACCOUNT_FILE": "{home}/broken.json"},
    ],
    ids=str,
)
def test_what_cannot_be_used_changes_nothing(
    pipeline: Pipeline, server: Server, run: Run, changes: dict[str, str]
) -> None:
    account = json.loads(Path(pipeline.world.environment()["GOOGLE_SERVICE_ACCOUNT_FILE"]).read_text())
    (pipeline.home / "broken.json").write_text(json.dumps(account | {"private_key": "geheim-key"}))
    given = {name: value.format(home=pipeline.home) for name, value in changes.items()}
    before = server.everything()

    for arguments in ([], ["--check"], ["--import-legacy"]):
        code, lines, errors = run(*arguments, GRADER_CLIENT="another", **given)
        assert (code, lines, errors.count("\n")) == (2, [], 1)
        assert all(name in errors for name in changes)
    code, lines, errors = run("--check", "--import-legacy")
    assert (code, lines, errors.count("\n")) == (2, [], 1)

    assert server.everything() == before


def test_no_secret_is_readable_without_asking_for_secrets(pipeline: Pipeline, server: Server, run: Run) -> None:
    environment = pipeline.world.environment()
    key = json.loads(Path(environment["GOOGLE_SERVICE_ACCOUNT_FILE"]).read_text())["private_key"]
    secrets = [environment["GRADER_CLIENT_KEY"], environment["SMTP_PASSWORD"], "geheim-pass", json.dumps(key)[1:-1]]

    for url in (DATABASE_URL, "postgresql://reader@127.0.0.1:1/results?password=geheim-pass&sslmode=prefer"):
        code, lines, errors = run(DATABASE_URL=url)
        assert code == 1
        pipeline.set_up(DATABASE_URL=url)
        shown = f"{lines}{errors}{json.dumps(server.everything())}"
        kept = json.dumps(server.blocks(include_secrets=True))
        for secret in secrets:
            assert secret not in shown
            assert secret in kept
        (database,) = [block["data"] for block in server.blocks() if block["type"] == "sqlalchemy-connector"]
        assert database["connection_info"]["username"] == "reader"


# --- the command


def command(pipeline: Pipeline, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "flows.setup", "--env-file", str(pipeline.home / "no.env"), *arguments]


def test_whoever_has_seen_enough_may_close_the_pipe(pipeline: Pipeline) -> None:
    process = subprocess.Popen(
        command(pipeline, "--check"),
        cwd=ROOT,
        env=os.environ | pipeline.variables(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    with process.stderr:
        assert process.stderr.read() == ""
    assert process.wait(60) == 1


def test_ctrl_c_ends_it_with_one_line(pipeline: Pipeline) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        variables = os.environ | pipeline.variables()
        variables["GRADER_API_URL"] = f"http://127.0.0.1:{silent.getsockname()[1]}/statistics"
        terminal = Terminal(command(pipeline), variables)
        wait_until(lambda: "ok       database" in terminal.text(), 60)

        terminal.press_ctrl_c()

        assert terminal.wait(20) == 130
    last = terminal.text().replace("^C", "").split("\n")[-3:]
    assert last[0].startswith("Stopped.")
    assert last[1:] == ["", ""]
